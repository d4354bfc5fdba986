/* The state directory: it is waited for until it is this daemon's alone; then what is durable is opened in it, and its
 * turns are the loop's. Without one there is nothing here. */
#ifndef STATE_H
#define STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "durable/durable.h"
#include "durable/lock.h"

struct config;

struct state {
	char *directory; /* NULL: there is none */
	struct lock lock;
	bool is_ours;
	bool told;       /* that it is waited for */
	bool trouble_told; /* with the store */
	int64_t dying_end_ns; /* so long whoever has it may be about to end; 0: nobody has had it */
	int64_t again_ns, patience_end_ns; /* the next try, and the last one; while it is not ours */
	struct durable *durable; /* NULL: there is none */
	bool is_open;    /* durable_open was called */
};

/* DIRECTORY NULL: there is none. */
void state_init(struct state *state, const char *directory);
void state_free(struct state *state);
/* Tries to have it. 1: it is ours (or there is none); 0: processes of a daemon that is gone are there still, so it is to be
 * tried again at state->again_ns; -1 with *error (malloc'ed): it is another daemon's, or cannot be had. */
int state_take(struct state *state, const struct config *config, char **error);
/* Begins to open the store. -1 with *error (malloc'ed). */
int state_open(struct state *state, char **error);
/* Its part of a turn; true: there is more to do at once. */
bool state_turn(struct state *state);
/* What leaves the daemon is to wait a moment: see durable_holds_answers. */
bool state_holds_answers(const struct state *state);
int64_t state_next_ns(const struct state *state);
/* Before the loop sleeps, and after. False: do not sleep. */
bool state_sleep(struct state *state);
void state_wake(struct state *state);
/* What the core's rooms ask: see struct durable_host. CONTEXT is the state. */
void state_changed(void *context, enum store_state state, const char *text);

#endif
