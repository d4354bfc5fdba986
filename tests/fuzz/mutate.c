/* What the driver does to inputs. Unlike libFuzzer it does not see what becomes of them: so it changes little at a time, and
 * uses the dictionary much. */
#include "mutate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

void inputs_add(struct inputs *inputs, const void *data, size_t size)
{
	inputs->list = realloc(inputs->list, (inputs->count + 1) * sizeof *inputs->list);
	FUZZ_CHECK(inputs->list);
	inputs->list[inputs->count++] = (struct input){ (uint8_t *)fuzz_copy(data, size), size };
}

void inputs_free(struct inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		free(inputs->list[i].data);
	free(inputs->list);
	*inputs = (struct inputs){ 0 };
}

/* --- the dictionary --- */

/* The text between quotes, unescaped where it stands: its length; -1: that is none. */
static long unquote(char *text)
{
	char *from = text, *to = text;
	while (*from && *from != '"') {
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		from++;
		if (*from == 'x') {
			char hex[3] = { from[1], from[1] ? from[2] : '\0', '\0' }, *end;
			*to++ = (char)strtoul(hex, &end, 16);
			if (end != hex + 2)
				return -1;
			from += 3;
		} else if (*from == '\\' || *from == '"') {
			*to++ = *from++;
		} else {
			return -1;
		}
	}
	return *from == '"' && from[1] == '\0' ? to - text : -1;
}

int dictionary_parse(struct inputs *words, char *text)
{
	int line = 0;
	char *at;
	while ((at = strsep(&text, "\n"))) {
		line++;
		if (*at == '\0' || *at == '#')
			continue;
		char *quote = strchr(at, '"');
		long length = quote ? unquote(quote + 1) : -1;
		if (length <= 0)
			return line;
		inputs_add(words, quote + 1, (size_t)length);
	}
	return 0;
}

/* --- changes --- */

static size_t below(uint64_t *seed, size_t n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return n ? (size_t)(*seed >> 20) % n : 0;
}

/* Takes OLD bytes at AT away and puts SIZE others there, as far as there is room. */
static void replace(uint8_t *room, size_t *size, size_t at, size_t old, const void *data, size_t length)
{
	if (*size - old + length > INPUT_MOST)
		return;
	memmove(room + at + length, room + at + old, *size - at - old);
	memcpy(room + at, data, length);
	*size = *size - old + length;
}

/* Numbers at whose edges there is something to be found. */
static uint64_t odd_number(uint64_t *seed, size_t size)
{
	static const uint64_t odd[] = { 0, 1, 7, 8, 127, 128, 255, 256, 4095, 4096, 0x7fff, 0xffff, 0x10000, 0x7fffffff,
		0x80000000, 0xfffffff8, 0xffffffff, 0x100000000, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX };
	if (below(seed, 4) == 0)
		return size - below(seed, 9) + 4; /* a length */
	return odd[below(seed, sizeof odd / sizeof *odd)];
}

static void change_number(uint8_t *room, size_t *size, uint64_t *seed)
{
	size_t bytes = (size_t)1 << below(seed, 4);
	uint64_t number = odd_number(seed, *size);
	if (*size < bytes)
		return;
	uint8_t *at = room + below(seed, *size - bytes + 1);
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(number >> 8 * i);
}

/* A number in digits becomes another one, or more digits. */
static void change_digits(uint8_t *room, size_t *size, uint64_t *seed)
{
	char digits[24];
	for (int tries = 0; tries < 16 && *size; tries++) {
		size_t at = below(seed, *size), end = at;
		while (end < *size && room[end] >= '0' && room[end] <= '9')
			end++;
		if (end == at)
			continue;
		int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)odd_number(seed, *size));
		replace(room, size, at, end - at, digits, (size_t)length);
		return;
	}
}

static void change_word(uint8_t *room, size_t *size, const struct inputs *words, uint64_t *seed, bool insert)
{
	if (words->count == 0)
		return;
	const struct input *word = &words->list[below(seed, words->count)];
	size_t at = below(seed, *size + 1), old = *size - at < word->size ? *size - at : word->size;
	replace(room, size, at, insert ? 0 : old, word->data, word->size);
}

/* A piece of this or another input goes somewhere. */
static void change_piece(uint8_t *room, size_t *size, const struct input *from, uint64_t *seed)
{
	uint8_t piece[256];
	size_t start = below(seed, from->size), length = from->size - start;
	if (length > sizeof piece)
		length = sizeof piece;
	length = below(seed, length + 1);
	if (length)
		memcpy(piece, from->data + start, length);
	replace(room, size, below(seed, *size + 1), 0, piece, length);
}

static void change_once(
	uint8_t *room, size_t *size, const struct inputs *corpus, const struct inputs *words, uint64_t *seed)
{
	size_t at = below(seed, *size);
	switch (below(seed, 10)) {
	case 0:
		if (*size)
			room[at] ^= (uint8_t)(1u << below(seed, 8));
		break;
	case 1:
		if (*size)
			room[at] = (uint8_t)below(seed, 256);
		break;
	case 2:
		replace(room, size, at, below(seed, *size - at < 32 ? *size - at + 1 : 32), "", 0);
		break;
	case 3:
		change_piece(room, size, &(struct input){ room, *size }, seed);
		break;
	case 4:
		change_piece(room, size, &corpus->list[below(seed, corpus->count)], seed);
		break;
	case 5:
		change_number(room, size, seed);
		break;
	case 6:
		change_digits(room, size, seed);
		break;
	case 7:
		if (below(seed, 8) == 0)
			*size = at; /* cut off */
		break;
	default:
		change_word(room, size, words, seed, below(seed, 2));
		break;
	}
}

size_t mutate(const struct inputs *corpus, const struct inputs *words, uint64_t *seed, uint8_t *room)
{
	const struct input *one = &corpus->list[below(seed, corpus->count)];
	size_t size = one->size < INPUT_MOST ? one->size : INPUT_MOST;
	if (size)
		memcpy(room, one->data, size);
	for (size_t changes = 1 + below(seed, 6); changes; changes--)
		change_once(room, &size, corpus, words, seed);
	return size;
}
