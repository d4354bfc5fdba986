/* See state.h. That children of a daemon that was killed may live for a moment is the rule after a crash, not the exception:
 * commands are given time to end. */
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "config/config.h"
#include "notify.h"

#define AGAIN_NS (10 * NS_PER_MS)
#define PATIENCE_NS (10 * NS_PER_S) /* beyond kill_grace: workers that were orphaned end their commands, and then themselves */
#define DYING_NS (500 * NS_PER_MS) /* a daemon that was killed has its files for a moment still */
#define HOLDERS_TOLD 8

void state_init(struct state *state, const char *directory)
{
	*state = (struct state){ .lock = LOCK_NONE, .again_ns = CLOCK_NEVER };
	state->directory = directory ? xstrdup(directory) : NULL;
}

void state_free(struct state *state)
{
	durable_free(state->durable);
	lock_drop(&state->lock);
	free(state->directory);
}

/* --- whose it is --- */

/* " (pid 12, 34)", or nothing; malloc'ed. */
static char *describe_holders(const struct state *state)
{
	pid_t pids[HOLDERS_TOLD];
	size_t n = lock_holders(&state->lock, pids, HOLDERS_TOLD);
	char *text = xstrdup("");
	for (size_t i = 0; i < n; i++) {
		char *longer = xasprintf("%s%s%d%s", text, i ? ", " : " (pid ", (int)pids[i], i + 1 < n ? "" : ")");
		free(text);
		text = longer;
	}
	return text;
}

static int wait_for_daemon(struct state *state, pid_t pid, char **error)
{
	int64_t now_ns = clock_mono_ns();
	if (!state->dying_end_ns)
		state->dying_end_ns = now_ns + DYING_NS;
	state->again_ns = now_ns + AGAIN_NS;
	if (now_ns < state->dying_end_ns)
		return 0;
	*error = pid ? xasprintf("%s is in use by taskd with pid %d", state->directory, (int)pid)
		     : xasprintf("%s is in use by another taskd", state->directory);
	return -1;
}

static int wait_for_children(struct state *state, const struct config *config, char **error)
{
	int64_t now_ns = clock_mono_ns();
	char *holders = NULL;
	if (!state->told) {
		state->told = true;
		state->patience_end_ns = now_ns + config->kill_grace + PATIENCE_NS;
		holders = describe_holders(state);
		log_notice("%s: waiting for processes of the taskd that was there before to end%s", state->directory, holders);
		notify_send("STATUS=waiting for processes of the taskd that was there before to end%s", holders);
	}
	free(holders);
	state->again_ns = now_ns + AGAIN_NS;
	if (now_ns < state->patience_end_ns)
		return 0;
	holders = describe_holders(state);
	*error = xasprintf("%s: processes of the taskd that was there before do not end%s", state->directory, holders);
	free(holders);
	return -1;
}

int state_take(struct state *state, const struct config *config, char **error)
{
	pid_t pid;
	if (!state->directory || state->is_ours)
		return 1;
	switch (lock_take(&state->lock, state->directory, &pid)) {
	case LOCK_MINE:
		state->is_ours = true;
		state->again_ns = CLOCK_NEVER;
		return 1;
	case LOCK_CHILDREN:
		return wait_for_children(state, config, error);
	case LOCK_DAEMON:
		return wait_for_daemon(state, pid, error);
	case LOCK_ERROR:
		*error = xasprintf("the state directory %s cannot be used: %s", state->directory, strerror(errno));
		return -1;
	}
	abort();
}

/* --- the store --- */

int state_open(struct state *state, char **error)
{
	if (!state->durable)
		return 0;
	if (durable_open(state->durable, state->lock.children_fd, error) < 0)
		return -1;
	state->is_open = true;
	return 0;
}

bool state_turn(struct state *state)
{
	return state->is_open && durable_turn(state->durable);
}

bool state_holds_answers(const struct state *state)
{
	return state->is_open && durable_holds_answers(state->durable);
}

int64_t state_next_ns(const struct state *state)
{
	return state->is_open ? durable_next_ns(state->durable) : CLOCK_NEVER;
}

bool state_sleep(struct state *state)
{
	return !state->is_open || durable_sleep(state->durable);
}

void state_wake(struct state *state)
{
	if (state->is_open)
		durable_wake(state->durable);
}

/* --- what people are told --- */

void state_changed(void *context, enum store_state now, const char *text)
{
	struct state *state = context;
	bool was_told = state->trouble_told;
	const char *why = text ? text : "";
	switch (now) {
	case STORE_WORKING:
		if (was_told)
			log_notice("the store in %s works again", state->directory);
		state->trouble_told = false;
		return;
	case STORE_FULL:
		log_warning("the disk is full (%s): durable tasks are not taken in or started until there is room in %s", why,
			state->directory);
		break;
	case STORE_BROKEN:
		log_error("the store in %s has failed, and nothing is durable any more until taskd is restarted: %s",
			state->directory, why);
		break;
	case STORE_OPENING:
		log_warning("%s: %s", state->directory, why);
		break;
	case STORE_STOPPING:
	case STORE_CLOSED:
		return;
	}
	state->trouble_told = true;
}
