/* What is long in a text that is scanned in pieces is noted, so that nobody has to look through it once more. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/json_scanner.h"

bool json_note(struct json_scan *scan, size_t begin, size_t end)
{
	struct json_longs *longs = &scan->longs;

	if (longs->n == longs->room) {
		size_t room = longs->room ? 2 * longs->room : 16;
		struct json_long *list = realloc(longs->list, room * sizeof(list[0]));
		if (!list)
			return false;
		longs->list = list;
		longs->room = room;
	}
	longs->list[longs->n++] = (struct json_long){ begin, end };
	return true;
}

void json_note_open(struct json_scan *scan, int depth, size_t offset)
{
	size_t index = scan->longs.n;

	scan->open[depth] = json_note(scan, offset, offset) ? index : SIZE_MAX;
}

void json_note_close(struct json_scan *scan, int depth, size_t offset)
{
	struct json_longs *longs = &scan->longs;
	size_t index = scan->open[depth];

	if (index == SIZE_MAX)
		return;
	if (offset - longs->list[index].begin >= scan->long_least)
		longs->list[index].end = offset;
	else
		longs->n = index; /* nothing in it is long either */
}

void json_note_gap(struct json_scan *scan, const struct scanner *scanner, const char *p, const char *behind)
{
	size_t begin = scan->gap ? scan->gap : (size_t)(p - scan->text), end = (size_t)(behind - scan->text);
	bool goes_on = behind >= scanner->stop && behind < scanner->end;

	scan->gap = goes_on ? begin : 0;
	if (!goes_on && end - begin >= scan->long_least)
		json_note(scan, begin, end);
}
