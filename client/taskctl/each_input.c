/* The values of each run. Nothing is read ahead further than a buffer, and nothing is waited for: what feeds us may be
 * slow, and the runs that have been started want attention meanwhile. */
#include "client/taskctl/each_input.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskctl/taskctl.h"

#define READ_SIZE ((size_t)64 << 10)

struct each_input {
	/* words */
	struct each_source *sources;
	size_t n;
	size_t *places; /* the word of each that is next */
	char **values;
	bool over;
	/* a descriptor */
	int fd;
	char separator;
	bool readable, ended;
	char *buffer;
	size_t start, end, room;
	size_t scanned; /* from start: there is no separator in there */
	size_t given;
	const char *reason;
	char *value;
};

static void make_room(struct each_input *input)
{
	if (input->start > 0) {
		memmove(input->buffer, input->buffer + input->start, input->end - input->start);
		input->end -= input->start;
		input->start = 0;
	}
	if (input->room - input->end > READ_SIZE)
		return;
	input->room = input->room * 2 + 2 * READ_SIZE;
	input->buffer = must(realloc(input->buffer, input->room));
}

struct each_input *each_input_of_words(const struct each_source *sources, size_t n)
{
	struct each_input *input = must(calloc(1, sizeof *input));

	input->fd = -1;
	input->n = n;
	input->sources = must(malloc(n * sizeof *sources + 1));
	memcpy(input->sources, sources, n * sizeof *sources);
	input->places = must(calloc(n + 1, sizeof *input->places));
	input->values = must(calloc(n + 1, sizeof *input->values));
	input->over = each_input_total(input) == 0;
	return input;
}

struct each_input *each_input_of_fd(int fd, char separator)
{
	struct each_input *input = must(calloc(1, sizeof *input));

	input->fd = fd;
	input->separator = separator;
	input->n = 1;
	make_room(input);
	return input;
}

void each_input_free(struct each_input *input)
{
	if (!input)
		return;
	free(input->sources);
	free(input->places);
	free(input->values);
	free(input->buffer);
	free(input);
}

/* --- words --- */

static enum each_next next_words(struct each_input *input)
{
	if (input->over)
		return EACH_END;
	for (size_t i = 0; i < input->n; i++)
		input->values[i] = input->sources[i].words[input->places[i]];
	input->over = true;
	for (size_t i = input->n; i-- > 0;) {
		if (++input->places[i] < input->sources[i].n) {
			input->over = false;
			break;
		}
		input->places[i] = 0;
	}
	return EACH_VALUES;
}

/* --- a descriptor --- */

/* One read, which does not wait where poll says so. */
static int read_more(struct each_input *input)
{
	struct pollfd poll_fd = { .fd = input->fd, .events = POLLIN };
	ssize_t n;

	if (!input->readable && poll(&poll_fd, 1, 0) <= 0)
		return 0;
	input->readable = false;
	make_room(input);
	do
		n = read(input->fd, input->buffer + input->end, READ_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	input->end += (size_t)n;
	input->ended = n == 0;
	return 1;
}

static enum each_next take(struct each_input *input, size_t length, size_t skip)
{
	input->value = input->buffer + input->start;
	input->value[length] = '\0';
	input->start += length + skip;
	input->scanned = 0;
	input->given++;
	if (strlen(input->value) == length)
		return EACH_VALUES;
	input->reason = "it has a NUL byte (-0 reads values that end with one)";
	return EACH_BAD;
}

static enum each_next next_read(struct each_input *input)
{
	for (;;) {
		size_t left = input->end - input->start;
		char *begin = input->buffer + input->start, *found;

		found = left > input->scanned ? memchr(begin + input->scanned, input->separator, left - input->scanned)
					      : NULL;
		if (found)
			return take(input, (size_t)(found - begin), 1);
		input->scanned = left;
		if (input->ended) /* there is room for the terminator: reads leave some */
			return left > 0 ? take(input, left, 0) : EACH_END;
		switch (read_more(input)) {
		case 0:
			return EACH_WAIT;
		case -1:
			return EACH_BROKEN;
		}
	}
}

enum each_next each_input_next(struct each_input *input, char ***values, size_t *n)
{
	enum each_next next = input->fd < 0 ? next_words(input) : next_read(input);

	*values = input->fd < 0 ? input->values : &input->value;
	*n = input->n;
	return next;
}

void each_input_readable(struct each_input *input)
{
	input->readable = true;
}

int each_input_fd(const struct each_input *input)
{
	return input->fd;
}

size_t each_input_sources(const struct each_input *input)
{
	return input->n;
}

size_t each_input_total(const struct each_input *input)
{
	size_t total = 1;

	if (input->fd >= 0)
		return input->ended && input->start == input->end ? input->given : 0;
	for (size_t i = 0; i < input->n; i++)
		if (__builtin_mul_overflow(total, input->sources[i].n, &total))
			return SIZE_MAX;
	return total;
}

const char *each_input_reason(const struct each_input *input)
{
	return input->reason;
}
