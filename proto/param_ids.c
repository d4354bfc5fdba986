/* Tasks' ids as parameters. There may be a hundred thousand of them in one request, so what nearly all look like is read
 * where it stands, eight digits at a time. */
#include <stdlib.h>
#include <string.h>

#include "proto/param_reader.h"

bool param_id_parse(const struct json_span *value, uint64_t *id)
{
	const char *p = value->text, *end = p + value->length;
	uint64_t sum = 0;

	if (value->kind == JSON_SPAN_STRING) {
		p++;
		end--;
	} else if (value->kind != JSON_SPAN_INTEGER) {
		return false;
	}
	for (; p < end; p++)
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
			__builtin_add_overflow(sum, (uint64_t)(*p - '0'), &sum))
			return false;
	*id = sum;
	return sum != 0;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* The number that up to eight digits at P make, of which there are *n; eight bytes can be read. */
static inline uint64_t eight_digits(const char *p, int *n)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), pairs = UINT64_C(0x000000ff000000ff);
	uint64_t word;

	memcpy(&word, p, 8);
	word ^= ones * '0';
	/* A top bit for each byte above 9. A carry may set one too many, but only above a true one. */
	uint64_t others = ((word + ones * 0x76) | word) & ones * 0x80;
	*n = others ? __builtin_ctzll(others) >> 3 : 8;
	if (*n == 0)
		return 0;
	word <<= 64 - 8 * *n; /* zeros before them */
	word = word * 10 + (word >> 8);
	return ((word & pairs) * UINT64_C(0x000f424000000064) + ((word >> 16 & pairs) * UINT64_C(0x0000271000000001))) >> 32;
}

/* Of up to sixteen digits at P, with their quotes or without; what follows, or NULL: it is something else. */
static inline const char *plain_id(const char *p, const char *end, uint64_t *id)
{
	static const uint64_t tens[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000 };
	bool quoted = *p == '"';
	int n, more;

	p += quoted;
	if (end - p < 24)
		return NULL;
	*id = eight_digits(p, &n);
	p += n;
	if (n == 8) {
		uint64_t rest = eight_digits(p, &more);
		*id = *id * tens[more] + rest;
		p += more;
	}
	if (quoted && *p++ != '"')
		return NULL;
	return *id && (*p == ',' || *p == ']') ? p : NULL;
}
#else
static inline const char *plain_id(const char *p, const char *end, uint64_t *id)
{
	(void)p;
	(void)end;
	(void)id;
	return NULL;
}
#endif

static int read_several(struct param_reader *reader, const struct param_spec *spec, const struct json_span *array,
	struct param_ids *out, size_t room)
{
	const char *text = array->text, *end = text + array->length, *p = text + 1;
	struct json_span item;
	size_t cursor = 0;

	for (out->count = 0; out->count < room; out->count++) {
		const char *start = p + (*p == ',');
		const char *behind = plain_id(start + (*start == ' '), end, &out->ids[out->count]);
		if (behind) {
			p = behind;
			continue;
		}
		cursor = (size_t)(p - text);
		if (!json_next(array, &cursor, NULL, &item))
			return 0;
		if (!param_id_parse(&item, &out->ids[out->count]))
			return param_wrong_value(reader, spec, &item);
		p = text + cursor;
	}
	return 0;
}

int param_ids_read(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value,
	struct param_ids *out)
{
	bool several = value->kind == JSON_SPAN_ARRAY;
	/* Each takes a digit and a comma. */
	size_t room = several && value->length / 2 < PARAM_IDS_MOST ? value->length / 2 : PARAM_IDS_MOST;

	out->ids = malloc((several ? room + 1 : 1) * sizeof(out->ids[0]));
	if (!out->ids)
		return param_no_memory(reader);
	if (several)
		return read_several(reader, spec, value, out, room);
	if (!param_id_parse(value, &out->ids[0]))
		return param_wrong_value(reader, spec, value);
	out->count = 1;
	return 0;
}
