#include "durable_world.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "object/object.h"
#include "pool/pool.h"
#include "proto/strbuf.h"

#define PATIENCE_ROUNDS 30000 /* of a millisecond, or less */

struct world world;
static int64_t mono_ns, wall_ns;

/* --- what the pools are elsewhere --- */

int pools_op_start(void *context, struct core_slot *slot, struct task *task)
{
	(void)context;
	(void)slot;
	if (world.lanes_are_full)
		return -1;
	if (world.n_started < WORLD_LOG)
		world.started[world.n_started++] = task->id;
	return 0;
}

struct core_queue *pools_queue_create(struct pools *pools, const char *name, const char *pool,
	const struct core_queue_options *options, char **error)
{
	(void)pools;
	if (pool && strcmp(pool, "default") != 0) {
		*error = xasprintf("there is no pool %s", pool);
		return NULL;
	}
	return core_queue_new(world.core, name, world.pool, options);
}

static struct world_slot *slot_of(const struct task *task)
{
	return core_slot_user(task->slot);
}

/* --- what the core asks --- */

static int op_start(void *context, struct core_slot *slot, struct task *task)
{
	return durable_holds_start(world.durable, slot, task) ? 0 : pools_op_start(context, slot, task);
}

static bool op_revoke(void *context, struct core_slot *slot, struct task *task)
{
	(void)context;
	if (durable_is_held(world.durable, task))
		return durable_revoke_start(world.durable, task);
	return ((struct world_slot *)core_slot_user(slot))->runs != task;
}

static int64_t op_started(void *context, struct core_slot *slot, struct task *task)
{
	(void)context;
	(void)slot;
	return slot_of(task)->runs == task ? core_now(world.core) : 0;
}

static void op_interrupt(void *context, struct core_slot *slot, struct task *task)
{
	(void)context;
	(void)slot;
	(void)task;
}

static void op_ended(void *context, const struct task *task)
{
	(void)context;
	(void)task;
}

static int64_t op_gather(void *context, const struct bytes *args, struct bytes *const *results, size_t count, struct bytes **out)
{
	(void)context;
	(void)results;
	if (out)
		*out = bytes_new("[\"gathered\"]", 12);
	return (int64_t)(args->size + count);
}

static void op_record(void *context, struct task *task, enum core_record what, bool more)
{
	(void)context;
	durable_record(world.durable, task, what, more);
}

static void op_met(void *context, const struct task *task, size_t index)
{
	(void)context;
	durable_met(world.durable, task, index);
}

static void op_queue_changed(void *context, struct core_queue *queue, bool gone)
{
	(void)context;
	if (world.durable)
		durable_queue_changed(world.durable, queue, gone);
}

static void op_schedule_changed(void *context, const struct core_schedule *schedule, bool run, bool gone)
{
	(void)context;
	if (world.durable)
		durable_schedule_changed(world.durable, schedule, run, gone);
}

static void on_changed(void *context, enum store_state state, const char *text)
{
	(void)context;
	(void)text;
	world.state = state;
}

/* --- its life --- */

void world_make(void)
{
	char *error = NULL;
	world = (struct world){ .directory = "/tmp/taskd-durable-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(world.directory));
	world.config = config_load("/nonexistent/taskd.conf", false, &error);
	ck_assert_msg(world.config != NULL, "%s", error);
	mono_ns = 1000 * NS_PER_S;
	wall_ns = clock_wall_ns() / NS_PER_S * NS_PER_S; /* the store has a clock of its own, by which old ones leave */
	clock_fake(mono_ns, wall_ns);
}

static void close_down(void)
{
	if (!world.core)
		return;
	core_free(world.core);
	durable_free(world.durable);
	world.core = NULL;
	world.durable = NULL;
	world.n_slots = 0;
}

void world_remove(void)
{
	close_down();
	clock_fake_end();
	config_free(world.config);
	char *command = xasprintf("rm -rf %s", world.directory);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

static bool is_open_or_refused(const void *user)
{
	(void)user;
	return durable_is_open(world.durable) || durable_failure(world.durable);
}

void world_begin(void)
{
	static const struct core_ops ops = {
		.start = op_start,
		.revoke = op_revoke,
		.started = op_started,
		.interrupt = op_interrupt,
		.kill = op_interrupt,
		.ended = op_ended,
		.gather = op_gather,
		.record = op_record,
		.met = op_met,
		.queue_changed = op_queue_changed,
		.schedule_changed = op_schedule_changed,
	};
	const struct core_limits limits = {
		.result_ttl_ns = world.config->result_ttl,
		.failure_ttl_ns = world.config->failure_ttl,
		.result_bytes = (size_t)world.config->result_bytes,
		.result_count = (size_t)world.config->result_count,
		.kill_grace_ns = NS_PER_S,
		.crash_limit = 3,
	};
	char *error = NULL;
	world.core = core_new(&ops, &limits, mono_ns, wall_ns);
	world.pool = core_pool_new(world.core, "default", NULL);
	world.queue = core_queue_new(world.core, "default", world.pool, &(struct core_queue_options){ .burst = 1, .weight = 1 });
	world.type = core_type(world.core, "work", 4);
	world.type->queue = world.queue;
	world.n_started = 0;
	const struct durable_host host = { .core = world.core, .changed = on_changed };
	const struct durable_options options = { .directory = world.directory, .program = world.program };
	world.durable = durable_new(&host, &options, world.config);
	ck_assert_msg(durable_open(world.durable, -1, &error) == 0, "%s", error);
	world_until(is_open_or_refused, NULL);
}

static bool is_loaded(const void *user)
{
	(void)user;
	return !durable_is_loading(world.durable);
}

void world_load(void)
{
	world_begin();
	ck_assert_msg(!durable_failure(world.durable), "%s", durable_failure(world.durable));
	world_until(is_loaded, NULL);
}

static bool is_gone(const void *user)
{
	(void)user;
	return durable_is_gone(world.durable);
}

void world_end(void)
{
	durable_stop(world.durable);
	world_until(is_gone, NULL);
	close_down();
}

/* The store would go on with what it has been given. */
static void kill_store(void)
{
	struct durable_figures figures;
	durable_figures(world.durable, &figures);
	if (figures.pid <= 0)
		return;
	kill(figures.pid, SIGKILL);
	while (waitpid(figures.pid, NULL, 0) < 0)
		;
}

void world_crash(void)
{
	kill_store();
	close_down();
}

static void clocks_set(void)
{
	clock_fake(mono_ns, wall_ns);
	if (!world.core)
		return;
	core_set_now(world.core, mono_ns);
	core_set_wall(world.core, wall_ns);
}

void world_pass(int64_t ns)
{
	mono_ns += ns;
	wall_ns += ns;
	clocks_set();
}

void world_reboot(void)
{
	mono_ns = NS_PER_S;
	wall_ns += 100 * NS_PER_S;
	clocks_set();
}

/* --- the loop --- */

void world_turn(void)
{
	clocks_set();
	bool busy = durable_turn(world.durable);
	core_turn(world.core);
	busy |= durable_turn(world.durable);
	if (busy || !durable_sleep(world.durable))
		return;
	struct pollfd fds[2] = {
		{ .fd = durable_doorbell_fd(world.durable), .events = POLLIN },
		{ .fd = durable_process_fd(world.durable), .events = POLLIN },
	};
	poll(fds, 2, 1);
	durable_wake(world.durable);
}

void world_until(bool (*is)(const void *user), const void *user)
{
	for (int i = 0; !is(user); i++) {
		ck_assert_msg(i < PATIENCE_ROUNDS, "it does not come");
		world_turn();
	}
}

static bool is_committed(const void *user)
{
	(void)user;
	struct durable_figures figures;
	durable_figures(world.durable, &figures);
	return figures.backlog == 0;
}

static bool nothing_waits(const void *user)
{
	return is_committed(user) && core_totals(world.core)->recording == 0;
}

void world_commit(void)
{
	world_turn(); /* some of it is put at the end of a turn */
	world_until(is_committed, NULL);
}

void world_settle(void)
{
	world_turn();
	world_until(nothing_waits, NULL);
}

/* --- slots --- */

struct world_slot *world_slot(void)
{
	struct world_slot *slot = &world.slots[world.n_slots++];
	slot->runs = NULL;
	slot->slot = core_slot_new(world.pool, slot);
	core_slot_ready(slot->slot);
	return slot;
}

void world_take(struct world_slot *slot)
{
	slot->runs = core_slot_task_next(slot->slot, NULL);
	ck_assert_ptr_nonnull(slot->runs);
	core_task_look(slot->runs);
}

void world_done(struct world_slot *slot, enum task_state state, const char *json)
{
	struct task_outcome outcome = { .state = state };
	if (state == TASK_SUCCEEDED)
		outcome.result = bytes_new(json, strlen(json));
	else
		outcome.message = xstrdup(json);
	struct task *task = slot->runs;
	slot->runs = NULL;
	core_task_done(task, &outcome, core_now(world.core), core_now(world.core));
}

/* --- tasks --- */

struct task_spec world_spec(void)
{
	static struct bytes *args;
	if (!args)
		args = bytes_new("[1,2]", 5);
	return (struct task_spec){ .type = world.type, .queue = world.queue, .args = args, .owner = 7, .detached = true,
		.durable = true };
}

struct task *world_submit(const struct task_spec *spec)
{
	struct task *task;
	ck_assert_int_eq(core_submit(world.core, spec, &task), CORE_OK);
	return task;
}

struct task *world_find(uint64_t id)
{
	struct task *task;
	return core_find(world.core, id, &task) == CORE_FOUND ? task : NULL;
}

bool world_has_state(const void *user)
{
	const struct world_expected *expected = user;
	const struct task *task = world_find(expected->id);
	return task && task->state == expected->state;
}

void world_until_state(uint64_t id, enum task_state state)
{
	const struct world_expected expected = { id, state };
	world_until(world_has_state, &expected);
}

/* --- all that a task is --- */

static void put_text(struct strbuf *out, const char *name, const char *text)
{
	if (text)
		strbuf_printf(out, " %s=\"%s\"", name, text);
}

static void put_bytes(struct strbuf *out, const char *name, const struct bytes *bytes)
{
	if (bytes)
		strbuf_printf(out, " %s=%.*s", name, (int)bytes->size, bytes->data);
}

/* By the wall clock, but for what has no time. */
static void put_time(struct strbuf *out, const char *name, int64_t ns, bool wall)
{
	if (ns)
		strbuf_printf(out, " %s=%" PRId64, name, wall ? ns : ns - mono_ns + wall_ns);
}

static void put_attempts(struct strbuf *out, const struct task *task)
{
	for (unsigned i = 0; task->extra->attempts && i + 1 < task->attempt; i++) {
		const struct task_attempt *attempt = &task->extra->attempts[i];
		strbuf_printf(out, " {%s code=%d pid=%d", task_state_name(attempt->state), attempt->code, attempt->pid);
		put_text(out, "kind", attempt->kind);
		put_text(out, "message", attempt->message);
		put_time(out, "started", attempt->started_ns, false);
		put_time(out, "ended", attempt->ended_ns, false);
		strbuf_puts(out, "}");
	}
}

static void put_extra(struct strbuf *out, const struct task *task)
{
	const struct task_extra *extra = task->extra;
	struct task_dependency dependency;
	size_t n;
	if (!extra)
		return;
	put_text(out, "tag", extra->tag ? extra->tag->name : NULL);
	put_text(out, "key", extra->key);
	put_text(out, "schedule", extra->schedule ? extra->schedule->name : NULL);
	strbuf_printf(out, " timeout=%" PRId64 " retries=%u/%u/%" PRId64 "/%" PRId64 "/%g/%g retry_of=%" PRIu64, extra->timeout_ns,
		extra->retry.retries, extra->retry.on, extra->retry.backoff_ns, extra->retry.backoff_max_ns, extra->retry.factor,
		extra->retry.jitter, extra->retry_of);
	put_attempts(out, task);
	const struct object_claim *claims = core_claims(task, &n);
	for (size_t i = 0; i < n; i++)
		strbuf_printf(out, " claim=%d/%.*s/%d/%" PRId64 "/%" PRId64, (int)claims[i].kind, (int)claims[i].name.length,
			claims[i].name.data, claims[i].shared, claims[i].count, claims[i].slots);
	for (size_t i = 0; core_dependency(task, i, &dependency); i++) {
		strbuf_printf(out, " waits=%" PRIu64 "/%d/%d", dependency.id, dependency.any, dependency.done);
		put_bytes(out, "passed", dependency.result);
	}
	strbuf_printf(out, " passes=%d", core_passes_results(task));
}

static void put_outcome(struct strbuf *out, const struct task_outcome *outcome)
{
	if (!outcome)
		return;
	strbuf_printf(out, " outcome=%s code=%d dropped=%zu because=%" PRIu64, task_state_name(outcome->state), outcome->code,
		outcome->dropped, outcome->because_of);
	put_bytes(out, "result", outcome->result);
	put_bytes(out, "data", outcome->data);
	put_text(out, "kind", outcome->kind);
	put_text(out, "message", outcome->message);
	if (outcome->obituary)
		strbuf_printf(out, " died=%d/%d/%ld.%06ld/%ld/%s", outcome->obituary->pid, outcome->obituary->wait_status,
			(long)outcome->obituary->usage.ru_utime.tv_sec, (long)outcome->obituary->usage.ru_utime.tv_usec,
			outcome->obituary->usage.ru_maxrss, outcome->obituary->reason ? outcome->obituary->reason : "-");
}

char *world_describe(uint64_t id)
{
	const struct task *task = world_find(id);
	struct strbuf out = STRBUF_INIT;
	if (!task)
		return xstrdup("nothing");
	strbuf_printf(&out, "%s %s in %s place=%" PRIu64 " owner=%u priority=%d items=%u attempt=%u crashes=%u",
		task_state_name((enum task_state)task->state), task->type->name, core_queue_name(task->queue), task->place,
		task->owner->uid, task->priority, task->items, task->attempt, task->crashes);
	strbuf_printf(&out, " detached=%d tried=%d final=%d crash=%d durable=%d", task->detached, task->tried,
		task->final && !task->outcome, task->on_interrupt_crash, task->durable);
	put_bytes(&out, "args", task->args);
	put_time(&out, "submitted", task->submitted_ns, false);
	if (task->state == TASK_SCHEDULED || task->state == TASK_BLOCKED)
		put_time(&out, "due", task->due_ns, task->wall);
	if (!task->started_ns && heap_has(&task->timer))
		put_time(&out, "expires", task->timer.key, false);
	put_time(&out, "started", task->started_ns, false);
	put_time(&out, "ended", task->ended_ns, false);
	put_extra(&out, task);
	put_outcome(&out, task->outcome);
	return out.data;
}
