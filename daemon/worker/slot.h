/* A slot: one thread that takes requests out of its lane, runs them, and says what came of them. */
#ifndef WORKER_SLOT_H
#define WORKER_SLOT_H

#include <stddef.h>

struct command_slot;
struct inbox;
struct lane_end;
struct registry;

/* EX_SOFTWARE: what a worker exits with when it cannot go on. */
#define WORKER_EXIT_BROKEN 70

struct slots {
	const struct registry *registry;
	int control_fd;
	int expected; /* so many will be started */
	size_t payload_limit;
	/* Of a worker of commands, which has one slot; else NULL. */
	struct command_slot *commands;
	struct inbox *inbox;
};

/* Opens what slots look at, while everything can be opened. */
void slot_prepare(void);
/* Starts the thread of slot INDEX, which owns END from here on. SLOTS is borrowed for the life of the process. When the
 * master has stopped the last of the expected ones, the process exits with 0. 0, or an errno. */
int slot_start(const struct slots *slots, int index, struct lane_end *end) __attribute__((warn_unused_result));

#endif
