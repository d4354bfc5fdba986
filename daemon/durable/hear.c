/* What the store says, and what follows from it for the core. */
#include <stdlib.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "durable/internal.h"

static const char refused_full[] = "the disk is full: the task was not taken";
static const char refused_failed[] = "the store has failed: the task was not taken";

static void fail(struct durable *durable, const char *text)
{
	if (!durable->failure)
		durable->failure = xasprintf("the store in %s cannot be opened: %s", durable->directory, text);
}

/* What can be done about it. */
static const char *advice(enum store_opening status)
{
	switch (status) {
	case STORE_OPEN_NEWER:
		return "; it needs that version of taskd, or a directory of its own (-d)";
	case STORE_OPEN_LOCKED:
		return "; end that process, or use another directory (-d)";
	case STORE_OPEN_FULL:
		return "; make room there, or use another directory (-d)";
	case STORE_OPEN_DAMAGED: /* the store says it */
	case STORE_OPEN_FINE:
	case STORE_OPEN_ASIDE:
	case STORE_OPEN_ERROR:
		break;
	}
	return "";
}

static void on_opened(void *context, const struct store_opened *opened)
{
	struct durable *durable = context;
	enum store_opening status = (enum store_opening)opened->status;
	char *text = vocabulary_copy(&opened->text);
	durable->heard = true;
	if (status != STORE_OPEN_FINE && status != STORE_OPEN_ASIDE) {
		char *whole = xasprintf("%s%s", text ? text : "it is refused", advice(status));
		fail(durable, whole);
		free(whole);
	} else {
		if (status == STORE_OPEN_ASIDE)
			log_warning("the store in %s was damaged: %s", durable->directory, text ? text : "it was put aside");
		durable->opened = true;
		durable->to_load = opened->live;
		durable_take_time(durable);
		numbers_open(durable, opened);
	}
	free(text);
}

static void on_row(void *context, const struct store_row *row)
{
	struct durable *durable = context;
	switch ((enum store_row_kind)row->kind) {
	case STORE_ROW_QUEUE:
		queues_read(durable, &row->queue);
		break;
	case STORE_ROW_SCHEDULE:
		schedules_read(durable, &row->schedule);
		break;
	case STORE_ROW_TASK:
		durable->knows_queues = true;
		read_task(durable, &row->task);
		break;
	}
	durable->heard = true;
}

static void on_loaded(void *context)
{
	struct durable *durable = context;
	durable->heard = true;
	durable->knows_queues = true;
	durable->loading = false;
	read_finish(durable);
	core_restore_done(durable->host.core);
	if (durable->recovered)
		log_info("durable tasks that are there again: %llu, of which %llu ran when taskd ended; loaded in %.0f ms",
			(unsigned long long)durable->recovered, (unsigned long long)durable->interrupted,
			(double)(clock_mono_ns() - durable->load_began_ns) / 1e6);
}

static void on_committed(void *context, uint64_t seq)
{
	struct durable *durable = context;
	struct confirm confirm;
	durable->heard = true;
	numbers_confirmed(durable, seq);
	while (confirms_take(&durable->confirms, seq, &confirm)) {
		if (confirm.start)
			starts_confirmed(durable, confirm.id, confirm.seq);
		else
			core_recorded(durable->host.core, confirm.id);
	}
}

void hear_refuse(struct durable *durable, uint64_t id, enum store_state why)
{
	durable->heard = true;
	if (why == STORE_FULL)
		core_refused(durable->host.core, id, "store_full", refused_full);
	else
		core_refused(durable->host.core, id, "store_failed", refused_failed);
}

static void on_refused(void *context, uint64_t id, enum store_state why)
{
	hear_refuse(context, id, why);
}

/* While nothing can be written no durable task is started: one would have to be on disk before, and what comes of the
 * others would have to be kept in memory. */
static bool is_in_trouble(enum store_state state)
{
	return state == STORE_FULL || state == STORE_BROKEN;
}

static void on_changed(void *context, enum store_state state, const char *text)
{
	struct durable *durable = context;
	durable->heard = true;
	free(durable->text);
	durable->text = text && state != STORE_WORKING ? xstrdup(text) : NULL;
	if (state == STORE_BROKEN && !durable->opened)
		fail(durable, text ? text : "it has failed");
	core_hold(durable->host.core, durable->draining || is_in_trouble(state));
	if (is_in_trouble(state))
		starts_give_up(durable);
	if (!durable->failure) /* else that it never opened is all there is to say */
		durable->host.changed(durable->host.context, state, durable->text);
}

void hear_fill(struct store_events *events, struct durable *durable)
{
	*events = (struct store_events){
		.context = durable,
		.opened = on_opened,
		.row = on_row,
		.loaded = on_loaded,
		.committed = on_committed,
		.refused = on_refused,
		.changed = on_changed,
	};
}
