/* How the server starts and stops.
 *
 *   waiting ──(the state directory is ours)──▶ starting
 *   starting ──(workers are ready, or have failed once; the store is open)──▶ serving ──(SIGTERM, shutdown)──▶ draining
 *   draining ──(nothing is left, or the time is over, or told again)──▶ leaving ──(workers are gone)──▶ journaling
 *   journaling ──(who waited has been told, all is on disk, and the store has gone)──▶ the end
 *
 * Clients that connect before it serves wait: the socket is there from the start. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/xmalloc.h"
#include "config/config.h"
#include "core/core.h"
#include "edge/edge.h"
#include "internal.h"
#include "notify.h"
#include "pool/pool.h"

#define SETTLE_NS (5 * NS_PER_S)   /* how long clients wait for the first workers */
#define TELL_NS (2 * NS_PER_S)     /* how long clients are told of the last ends that there were; some do not read, or ask on */
#define JOURNAL_NS (10 * NS_PER_S) /* how long the store may take at the end; TimeoutStopSec= of the units has it, too */

/* It ends, and not well. ERROR is taken over. */
static void give_up(struct server *server, char *error)
{
	log_error("%s", error);
	free(error);
	server->status = EXIT_FAILURE;
	phase_stop(server, true);
}

/* --- starting --- */

static void enter_starting(struct server *server)
{
	char *error = NULL;
	server->phase = PHASE_STARTING;
	server->phase_deadline_ns = clock_mono_ns() + SETTLE_NS;
	pools_set_alive_fd(server->pools, server->state.lock.children_fd);
	pools_start(server->pools);
	if (state_open(&server->state, &error) < 0)
		give_up(server, error);
}

static void try_state(struct server *server)
{
	char *error = NULL;
	int taken = state_take(&server->state, server->config, &error);
	if (taken < 0)
		give_up(server, error);
	else if (taken)
		enter_starting(server);
}

void phase_begin(struct server *server)
{
	server->phase = PHASE_WAITING;
	server->phase_deadline_ns = CLOCK_NEVER;
	try_state(server);
}

static void enter_serving(struct server *server)
{
	int ready, wanted;
	pools_count(server->pools, &ready, &wanted);
	server->phase = PHASE_SERVING;
	edge_open(server->edge);
	notify_send("READY=1\nSTATUS=%d of %d workers ready", ready, wanted);
	log_info("taskd " PACKAGE_VERSION " serves on %s: %d of %d workers ready after %.0f ms%s%s", server->socket, ready,
		wanted, (double)(clock_mono_ns() - server->started_ns) / 1e6,
		server->state.durable ? "; durable tasks are in " : "", server->state.durable ? server->state.directory : "");
}

/* Workers that do not get ready in time are not waited for; the store is. */
static void starting_turn(struct server *server, int64_t now_ns)
{
	const struct durable *durable = server->state.durable;
	if (durable && durable_failure(durable)) {
		give_up(server, xstrdup(durable_failure(durable)));
		return;
	}
	bool settled = pools_settled(server->pools) || now_ns >= server->phase_deadline_ns;
	if (settled && (!durable || durable_is_open(durable))) {
		enter_serving(server);
	} else if (settled) {
		if (server->phase_deadline_ns != CLOCK_NEVER)
			notify_send("STATUS=opening the store in %s", server->state.directory);
		server->phase_deadline_ns = CLOCK_NEVER;
	}
}

/* --- what is left --- */

struct leftover {
	uint64_t kept, lost, interrupted;
};

static void count_page(struct task *const *tasks, size_t n, struct leftover *left)
{
	for (size_t i = 0; i < n; i++) {
		const struct task *task = tasks[i];
		bool runs = task->state == TASK_RUNNING || task->state == TASK_CANCELLING;
		if (task->outcome) /* it is over, but for the disk */
			continue;
		left->interrupted += runs && task->durable;
		left->kept += !runs && task->durable;
		left->lost += !task->durable;
	}
}

static void count_left(struct server *server, struct leftover *left)
{
	const struct task_filter filter = {
		.states = TASK_STATE_BIT(TASK_SCHEDULED) | TASK_STATE_BIT(TASK_BLOCKED) | TASK_STATE_BIT(TASK_QUEUED) |
			TASK_STATE_BIT(TASK_RUNNING) | TASK_STATE_BIT(TASK_CANCELLING) | TASK_STATE_BIT(TASK_RECORDING),
	};
	struct task_walk walk = { 0 };
	struct task *page[256];
	*left = (struct leftover){ 0 };
	while (!walk.over) {
		size_t n = core_select(server->core, &filter, &walk, SIZE_MAX, page, sizeof(page) / sizeof(*page));
		count_page(page, n, left);
	}
}

static void log_lost(const struct core_totals *totals)
{
	if (totals->waiting || totals->in_lanes || totals->scheduled || totals->blocked)
		log_warning("stopped with %zu queued and %zu started tasks left, %zu scheduled and %zu blocked ones: they are lost",
			totals->waiting, totals->in_lanes, totals->scheduled, totals->blocked);
}

static void log_left(struct server *server)
{
	struct leftover left;
	if (!server->state.durable) {
		log_lost(core_totals(server->core));
		return;
	}
	struct durable_figures figures;
	durable_figures(server->state.durable, &figures);
	count_left(server, &left);
	if (figures.loading && figures.to_load > figures.loaded) /* they are not all here yet */
		left.kept += figures.to_load - figures.loaded;
	if (left.interrupted)
		log_notice("%" PRIu64 " durable task%s interrupted by the stop", left.interrupted,
			left.interrupted == 1 ? " is" : "s are");
	if (left.kept)
		log_notice("stopped: %" PRIu64 " durable task%s kept", left.kept,
			left.kept == 1 ? " waits and is" : "s wait and are");
	if (left.lost)
		log_warning("stopped: %" PRIu64 " task%s not durable: lost", left.lost, left.lost == 1 ? " was" : "s were");
}

/* --- stopping --- */

/* What is on its way to the disk is told to who waits for it. */
static void enter_journaling(struct server *server)
{
	server->phase = PHASE_JOURNALING;
	server->phase_deadline_ns = clock_mono_ns() + JOURNAL_NS;
	if (server->state.durable)
		durable_stop(server->state.durable);
}

static void enter_leaving(struct server *server)
{
	const struct core_totals *totals = core_totals(server->core);
	bool draining = server->phase == PHASE_DRAINING;
	edge_close_listeners(server->edge);
	if (!draining)
		notify_send("STOPPING=1");
	server->phase = PHASE_LEAVING;
	if (server->state.is_open && !draining)
		durable_drain(server->state.durable);
	core_close(server->core, false);
	log_left(server);
	core_interrupt_all(server->core);
	pools_stop(server->pools);
	if (totals->in_lanes)
		pools_kill(server->pools);
	server->phase_deadline_ns = clock_mono_ns() + server->config->kill_grace;
}

static void log_draining(const struct server *server)
{
	const struct core_totals *totals = core_totals(server->core);
	log_info("stopping: %zu queued and %zu started tasks may end within %.0f s; %zu scheduled and %zu blocked ones are not "
		 "waited for", totals->waiting - totals->durable, totals->in_lanes, (double)server->config->drain_timeout / 1e9,
		totals->scheduled, totals->blocked);
}

static void enter_draining(struct server *server)
{
	notify_send("STOPPING=1\nSTATUS=draining");
	server->phase = PHASE_DRAINING;
	server->phase_deadline_ns = clock_mono_ns() + server->config->drain_timeout;
	edge_close_listeners(server->edge);
	core_close(server->core, true);
	if (server->state.is_open)
		durable_drain(server->state.durable);
	log_draining(server);
	if (server->state.is_open && server->config->on_stop)
		core_interrupt_all(server->core);
}

void phase_stop(struct server *server, bool now)
{
	switch (server->phase) {
	case PHASE_LEAVING:
	case PHASE_JOURNALING:
		pools_hurry(server->pools);
		break;
	case PHASE_DRAINING:
		enter_leaving(server);
		break;
	case PHASE_WAITING:
	case PHASE_STARTING:
	case PHASE_SERVING:
		if (now || server->phase == PHASE_WAITING)
			enter_leaving(server);
		else
			enter_draining(server);
		break;
	}
}

/* Nothing is left that a stop would wait for: what has yet to become due, waits for such, or waits in a queue that is
 * paused would hold it up without an end; durable tasks that wait are there after the next start. */
static bool is_drained(const struct server *server)
{
	const struct core_totals *totals = core_totals(server->core);
	const struct core_queue *queue = NULL;
	size_t passed_over = 0;
	if (totals->in_lanes || !edge_quiet(server->edge))
		return false;
	while (totals->waiting > passed_over && (queue = core_queue_next(server->core, queue))) {
		struct core_queue_figures figures;
		core_queue_figures(queue, &figures);
		passed_over += figures.paused ? figures.waiting : figures.durable;
	}
	return totals->waiting <= passed_over;
}

/* True: it goes on. */
static bool draining_turn(struct server *server, int64_t now_ns)
{
	if (server->state.is_open && server->config->on_stop)
		pools_interrupt(server->pools);
	if (!is_drained(server) && now_ns < server->phase_deadline_ns)
		return true;
	enter_leaving(server);
	return false;
}

static void leaving_turn(struct server *server, int64_t now_ns)
{
	bool killed = now_ns >= server->phase_deadline_ns;
	/* What nobody may kill any more is not waited for twice. */
	if (pools_gone(server->pools) || (killed && server->lost_told)) {
		enter_journaling(server);
	} else if (killed) {
		pools_kill(server->pools);
		server->lost_told = spawners_lost();
		server->phase_deadline_ns = server->lost_told ? now_ns + server->config->kill_grace : CLOCK_NEVER;
	}
}

/* Clients are still told of the last ends, or have not read all of it. */
static bool is_telling(const struct server *server, int64_t now_ns)
{
	return edge_is_telling(server->edge) && now_ns < server->phase_deadline_ns - JOURNAL_NS + TELL_NS;
}

static bool journaling_turn(const struct server *server, int64_t now_ns)
{
	if (is_telling(server, now_ns))
		return true;
	if (!server->state.durable || durable_is_gone(server->state.durable))
		return false;
	if (now_ns < server->phase_deadline_ns)
		return true;
	log_error("the store does not end: what it has not written by then may be missing");
	return false;
}

/* No worker can be started again, nor the store: what runs may end. */
static void look_for_spawners(struct server *server)
{
	if (server->status != EXIT_SUCCESS || server->phase >= PHASE_LEAVING || !spawners_lost())
		return;
	log_error("both of taskd-spawn have died: no process can be started any more, taskd stops");
	server->status = EXIT_FAILURE;
	if (server->phase != PHASE_DRAINING)
		phase_stop(server, server->phase != PHASE_SERVING);
}

bool phase_turn(struct server *server, int64_t now_ns)
{
	look_for_spawners(server);
	/* These may give up: what follows from that is looked at below, before a sleep that nothing might end. */
	if (server->phase == PHASE_WAITING && now_ns >= server->state.again_ns)
		try_state(server);
	else if (server->phase == PHASE_STARTING)
		starting_turn(server, now_ns);
	switch (server->phase) {
	case PHASE_WAITING:
	case PHASE_STARTING:
	case PHASE_SERVING:
		return true;
	case PHASE_DRAINING:
		if (draining_turn(server, now_ns))
			return true;
		__attribute__((fallthrough)); /* where no worker runs, nothing would come to end a sleep */
	case PHASE_LEAVING:
		leaving_turn(server, now_ns);
		if (server->phase == PHASE_LEAVING)
			return true;
		__attribute__((fallthrough));
	case PHASE_JOURNALING:
		return journaling_turn(server, now_ns);
	}
	abort();
}

int64_t phase_next_ns(const struct server *server)
{
	if (server->phase == PHASE_WAITING)
		return server->state.again_ns;
	if (server->phase == PHASE_JOURNALING && is_telling(server, core_now(server->core)))
		return server->phase_deadline_ns - JOURNAL_NS + TELL_NS;
	return server->phase == PHASE_SERVING ? CLOCK_NEVER : server->phase_deadline_ns;
}
