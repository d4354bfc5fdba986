/* The table of states and events in taskd-protocol(7), "A task's life", as the tests walk it. */
#ifndef TESTS_LIFE_PAGE_H
#define TESTS_LIFE_PAGE_H

#include "core/task.h"

enum event { DUE, READY, UNMET, MISSING, TAKEN, SUCCEEDS, FAILS, CRASHES, TIME_LIMIT, CANCEL, EXPIRES, N_EVENTS };
extern const char *const event_names[N_EVENTS];

enum column { SCHEDULED, BLOCKED, QUEUED, RUNNING, CANCELLING, OVERRUN, N_COLUMNS };
struct column_title {
	const char *name;
	enum task_state state;
};
extern const struct column_title columns[N_COLUMNS];

#define STAYS TASK_N_STATES
struct cell {
	enum task_state to; /* STAYS: nothing happens */
	bool overrun;
	int note; /* 1: scheduled where its time is to come; 2: scheduled where it has attempts left; 0: none */
};
extern struct cell cells[N_EVENTS][N_COLUMNS];
/* What the cells together allow. */
extern bool allowed[TASK_N_STATES][TASK_N_STATES];

/* Fills both from the page; ends the program where that is not as expected. */
void life_page_read(void);

#endif
