/* Reading a page as a specification: see life_page.h. */
#include "life_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

const char *const event_names[N_EVENTS] = {
	"due", "ready", "unmet", "missing", "taken", "succeeds", "fails", "crashes", "time limit", "cancel", "expires",
};

const struct column_title columns[N_COLUMNS] = {
	{ "scheduled", TASK_SCHEDULED },   { "blocked", TASK_BLOCKED },       { "queued", TASK_QUEUED },
	{ "running", TASK_RUNNING },       { "cancelling", TASK_CANCELLING }, { "overrun", TASK_CANCELLING },
};

struct cell cells[N_EVENTS][N_COLUMNS];
bool allowed[TASK_N_STATES][TASK_N_STATES];

static void __attribute__((noreturn)) unreadable(const char *what)
{
	fprintf(stderr, "taskd-protocol.7.scd: %s\n", what);
	exit(EXIT_FAILURE);
}

static enum task_state state_of_name(const char *name)
{
	for (int state = 0; state < TASK_N_STATES; state++)
		if (!strcmp(task_state_name((enum task_state)state), name))
			return (enum task_state)state;
	unreadable(name);
}

/* "queued", "- (3)", "timed\_out (2)" */
static struct cell read_cell(char *text)
{
	struct cell cell = { .to = STAYS };
	char *note = strstr(text, " (");
	char *escape;

	if (note) {
		cell.note = atoi(note + 2);
		*note = '\0';
	}
	while ((escape = strchr(text, '\\')))
		memmove(escape, escape + 1, strlen(escape));
	cell.overrun = !strcmp(text, "overrun");
	if (cell.overrun)
		cell.to = TASK_CANCELLING;
	else if (strcmp(text, "-") != 0)
		cell.to = state_of_name(text);
	return cell;
}

static char *next_line(char **rest)
{
	char *line = strsep(rest, "\n");

	return line ? line : (char *)"";
}

static void read_row(int event, char **rest)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "|  %s", event_names[event]);
	if (strcmp(next_line(rest), expected) != 0)
		unreadable(expected);
	for (int column = 0; column < N_COLUMNS; column++) {
		char *line = next_line(rest);

		if (strncmp(line, ":  ", 3) != 0)
			unreadable(expected);
		cells[event][column] = read_cell(line + 3);
	}
}

static void allow(const struct cell *cell, enum task_state from)
{
	if (cell->to == STAYS)
		return;
	allowed[from][cell->to] = true;
	if (cell->note)
		allowed[from][TASK_SCHEDULED] = true;
}

void life_page_read(void)
{
	const char *top = getenv("top_srcdir");
	char *path = xasprintf("%s/proto/taskd-protocol.7.scd", top ? top : ".");
	FILE *stream = fopen(path, "r");
	static char text[1 << 18];

	if (!stream)
		unreadable(path);
	text[fread(text, 1, sizeof(text) - 1, stream)] = '\0';
	fclose(stream);
	free(path);
	char *rest = strstr(text, "# A TASK'S LIFE\n");
	rest = rest ? strstr(rest, "[[ *event*\n") : NULL;
	if (!rest)
		unreadable("no table");
	next_line(&rest);
	for (int column = 0; column < N_COLUMNS; column++) {
		char expected[64];

		snprintf(expected, sizeof(expected), ":[ *%s*", columns[column].name);
		if (strcmp(next_line(&rest), expected) != 0)
			unreadable(expected);
	}
	for (int event = 0; event < N_EVENTS; event++)
		read_row(event, &rest);
	if (*next_line(&rest))
		unreadable("more rows than there are events");
	for (int event = 0; event < N_EVENTS; event++)
		for (int column = 0; column < N_COLUMNS; column++)
			allow(&cells[event][column], columns[column].state);
}
