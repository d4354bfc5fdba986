/* The results of the tasks that a task has waited for, put into its arguments: as one array, which is the last element of
 * an array, or the member "results" of an object. Texts are joined; nothing is parsed. */
#include <string.h>

#include "base/bytes.h"
#include "edge/internal.h"

#define MEMBER "\"results\":"

/* Whether there is nothing between the brackets of ARGS. */
static bool is_empty(const struct bytes *args)
{
	size_t i = 1;
	while (i < args->size && strchr(" \t\r\n", args->data[i]))
		i++;
	return i + 1 >= args->size;
}

static char *put(char *at, const char *text, size_t length)
{
	memcpy(at, text, length);
	return at + length;
}

/* As long as that will be; more than LIMIT: too long, and no more is said. */
static size_t length_of(struct bytes *const *results, size_t n, size_t limit)
{
	size_t length = 2 + (n ? n - 1 : 0);
	for (size_t i = 0; i < n && length <= limit; i++)
		length += results[i]->size;
	return length;
}

int64_t edge_gather(void *context, const struct bytes *args, struct bytes *const *results, size_t n, struct bytes **out)
{
	const struct edge *edge = context;
	const char *before = args->data[0] == '{' ? MEMBER : "";
	const char *comma = is_empty(args) ? "" : ",";
	size_t length = length_of(results, n, edge->limits.payload);
	size_t size = args->size + strlen(comma) + strlen(before) + length;
	char *at;
	if (length > edge->limits.payload || size > edge->limits.payload)
		return -1;
	if (!out)
		return (int64_t)size;
	if (!(*out = bytes_new_room(size, &at)))
		return -1;
	at = put(at, args->data, args->size - 1);
	at = put(at, comma, strlen(comma));
	at = put(at, before, strlen(before));
	at = put(at, "[", 1);
	for (size_t i = 0; i < n; i++) {
		if (i)
			at = put(at, ",", 1);
		at = put(at, results[i]->data, results[i]->size);
	}
	at = put(at, "]", 1);
	put(at, &args->data[args->size - 1], 1);
	return (int64_t)size;
}
