/* Handlers that wait for tasks. A handler may connect as any client does, and so may whatever a command has started;
 * while it waits for an answer that is a task's outcome, its slot stands still. The pools are told of such waits, and
 * start further processes where all slots stand still; where they may not, or where it is a queue's limit_running, or what
 * a task must have, that keeps it from starting, this finds out whether the waits can still end, and fails one where they
 * cannot.
 *
 * Every process all of whose running tasks wait is taken to be without hope, until one of its waits is found to be
 * for a task that will end: one that runs in a process with hope, that has a time to wait for, or that waits for a
 * slot of a pool, or a place in a queue, or a lock or permits, that some task with hope will free. When no more of that is
 * found, the rest is a deadlock. Time limits do not count: who is saved by one only would rather know. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "edge/objects.h"
#include "pool/pool.h"

#define LOOK_NS (100 * NS_PER_MS)          /* until queues with limits are looked at after a wait has begun */
#define LOOK_SLOWEST_NS (3200 * NS_PER_MS) /* while the same waits go on */
#define CHAIN 32 /* so far are tasks followed that wait for tasks that wait…; what is behind is taken to end */

/* --- the books --- */

static void look(struct edge_timer *timer);

static void look_later(struct edge *edge, int64_t gap_ns)
{
	edge->nested_gap_ns = gap_ns < LOOK_SLOWEST_NS ? gap_ns : LOOK_SLOWEST_NS;
	edge->nested_timer.fire = look;
	edge_timer_set(edge, &edge->nested_timer, core_now(edge->core) + edge->nested_gap_ns);
}

/* The task that PID, a worker, runs; 0: none, or several. */
static uint64_t only_task(const struct pools *pools, int pid)
{
	const struct worker *worker;
	const struct task *only = NULL;
	struct core_slot *slot;
	for (const struct pool *pool = pools_first(pools); pool; pool = TAILQ_NEXT(pool, link))
		TAILQ_FOREACH(worker, &pool->workers, link)
			for (int i = 0; worker->pid == pid && (slot = pools_slot_next(worker, i)); i++) {
				const struct task *task = core_slot_running(slot);
				if (task && only)
					return 0;
				only = task ? task : only;
			}
	return only ? only->id : 0;
}

/* No right follows from it, only whose waits are counted as a worker's, and what is taken for a circle of waits. It is found
 * out when it is first asked for, of a process that is there then: its number can be no other's.
 *
 * What belongs to a command ends with it, but for connections, which it may have handed to others: such a one is no
 * handler's any more when the worker runs the next command, which may be another user's. */
int nested_pid(struct connection *connection)
{
	const struct pools *pools = connection->edge->host.pools;
	if (connection->nesting == NESTING_UNKNOWN) {
		connection->worker_pid = pools_nested_pid(pools, connection->peer.pid);
		if (connection->worker_pid && !peer_is_there(connection->fd, &connection->peer))
			connection->worker_pid = 0; /* some other process has the number of one that has ended */
		connection->nesting = connection->worker_pid ? NESTING_HANDLER : NESTING_NONE;
		if (connection->worker_pid != connection->peer.pid)
			connection->command = only_task(pools, connection->worker_pid);
	}
	if (connection->nesting == NESTING_HANDLER && connection->worker_pid != connection->peer.pid &&
		(!connection->command || only_task(pools, connection->worker_pid) != connection->command))
		connection->nesting = NESTING_NONE; /* its worker_pid stays for waits that have begun */
	return connection->nesting == NESTING_HANDLER ? connection->worker_pid : 0;
}

void nested_begin(struct request *request)
{
	struct edge *edge = request->connection->edge;
	int pid = nested_pid(request->connection);
	if (!pid || !pools_nested(edge->host.pools, pid, 1))
		return;
	request->nested = true;
	LIST_INSERT_HEAD(&edge->nested, request, nested_link);
	if (!heap_has(&edge->nested_timer.node) || edge->nested_gap_ns > LOOK_NS)
		look_later(edge, LOOK_NS);
}

void nested_end(struct request *request)
{
	struct edge *edge = request->connection->edge;
	LIST_REMOVE(request, nested_link);
	pools_nested(edge->host.pools, request->connection->worker_pid, -1);
	if (LIST_EMPTY(&edge->nested))
		edge_timer_cancel(edge, &edge->nested_timer);
}

uint64_t nested_task(struct connection *connection)
{
	int pid = nested_pid(connection);
	return pid ? only_task(connection->edge->host.pools, pid) : 0;
}

/* One more than that of the tasks that PID, a worker, runs. */
static unsigned depth_of(const struct pools *pools, int pid)
{
	const struct worker *worker;
	struct core_slot *slot;
	unsigned depth = 0;
	for (const struct pool *pool = pools_first(pools); pool; pool = TAILQ_NEXT(pool, link))
		TAILQ_FOREACH(worker, &pool->workers, link)
			for (int i = 0; worker->pid == pid && (slot = pools_slot_next(worker, i)); i++) {
				const struct task *task = core_slot_running(slot);
				depth = task && task->awaited > depth ? task->awaited : depth;
			}
	return depth + 1;
}

static bool await(void *user, struct task *task)
{
	core_task_await(task, *(const unsigned *)user);
	return true;
}

void nested_await(const struct request *request)
{
	if (!request->nested)
		return;
	unsigned depth = depth_of(request->connection->edge->host.pools, request->connection->worker_pid);
	request->kind->each(request, await, &depth);
}

/* --- who has hope --- */

/* A worker process. */
struct holder {
	const struct worker *worker;
	const struct task *running; /* one of them */
	int n_running;
	int n_slots;
	int n_waits;
	bool hopeless;
};

struct view {
	struct edge *edge;
	bool pools_may_grow; /* nobody has said that a pool can go on no more */
	struct holder *holders;
	size_t n_holders;
	int depth;
	const struct core_queue *known; /* of tasks that wait in this queue it is known whether they will end */
	bool known_end;
};

static void add_holder(struct view *view, const struct worker *worker)
{
	struct holder *holder = &view->holders[view->n_holders++];
	struct core_slot *slot;
	*holder = (struct holder){ .worker = worker };
	for (int i = 0; (slot = pools_slot_next(worker, i)); i++) {
		const struct task *task = core_slot_running(slot);
		holder->n_slots++;
		holder->n_running += task != NULL;
		holder->running = task ? task : holder->running;
	}
}

static struct holder *holder_of(const struct view *view, const struct request *request)
{
	for (size_t i = 0; i < view->n_holders; i++)
		if (view->holders[i].worker->pid == request->connection->worker_pid)
			return &view->holders[i];
	return NULL;
}

/* Everything of POOL waits without hope. One whose worker has yet to start is left to the pools: they know why. */
static bool pool_is_stuck(const struct view *view, const struct core_pool *pool)
{
	size_t n = 0;
	if (view->pools_may_grow)
		return false;
	for (size_t i = 0; i < view->n_holders; i++) {
		const struct holder *holder = &view->holders[i];
		if (holder->worker->pool->core_pool != pool)
			continue;
		if (!holder->hopeless || (holder->worker->state == WORKER_READY && holder->n_running < holder->n_slots))
			return false;
		n++;
	}
	return n > 0;
}

/* As many of its tasks as may run at once wait without hope. */
static bool queue_is_stuck(const struct view *view, const struct core_queue *queue,
	const struct core_queue_figures *figures)
{
	size_t n = 0;
	if (!figures->options.limit_running || figures->running < figures->options.limit_running)
		return false;
	for (size_t i = 0; i < view->n_holders; i++) {
		const struct holder *holder = &view->holders[i];
		struct core_slot *slot;
		for (int k = 0; holder->hopeless && (slot = pools_slot_next(holder->worker, k)); k++) {
			const struct task *task = core_slot_running(slot);
			n += task && task->queue == queue;
		}
	}
	return n >= figures->options.limit_running;
}

static bool queued_will_end(struct view *view, const struct task *task)
{
	struct core_queue_figures figures;
	if (view->known == task->queue)
		return view->known_end;
	core_queue_figures(task->queue, &figures);
	view->known = task->queue;
	view->known_end = figures.paused || (!queue_is_stuck(view, task->queue, &figures) &&
		!pool_is_stuck(view, core_queue_pool(task->queue)));
	return view->known_end;
}

static bool running_will_end(const struct view *view, const struct task *task)
{
	const struct worker *worker = pools_worker_of(task->slot);
	for (size_t i = 0; i < view->n_holders; i++)
		if (view->holders[i].worker == worker)
			return !view->holders[i].hopeless;
	return true;
}

/* Those who have what a task must have, and will not give it back. */
struct losses {
	const struct view *view;
	bool any;
	int64_t permits;
};

static bool is_hopeless(const struct view *view, int pid)
{
	for (size_t i = 0; pid && i < view->n_holders; i++)
		if (view->holders[i].worker->pid == pid)
			return view->holders[i].hopeless;
	return false;
}

/* A process that a worker has started may be connected itself. */
static bool connection_is_hopeless(const struct view *view, struct connection *connection)
{
	return !connection_is_closed(connection) && is_hopeless(view, nested_pid(connection));
}

static bool add_loss(void *user, const struct object_party *party)
{
	struct losses *losses = user;
	struct task *task;
	bool hopeless = false;
	if (party->waits)
		return false; /* those who hold come first */
	switch (party->owner->kind) {
	case OWNER_CONNECTION:
		hopeless = connection_is_hopeless(losses->view, connection_of_owner(party->owner));
		break;
	case OWNER_TASK:
		hopeless = core_find(losses->view->edge->core, party->owner->id, &task) == CORE_FOUND && task->slot &&
			!running_will_end(losses->view, task);
		break;
	}
	if (!hopeless)
		return true;
	losses->any = true;
	losses->permits += party->count;
	return true;
}

/* What it waits for can be had when all with hope have given it back. Where it would share a lock with one without hope, it
 * waits behind somebody who would not. */
static bool claim_will_be_had(const struct view *view, const struct object_claim *claim)
{
	const struct object *object = object_find(core_objects(view->edge->core), claim->kind, &claim->name);
	struct losses losses = { .view = view };
	struct object_view look;
	if (!object)
		return true;
	object_parties(object, add_loss, &losses);
	object_look(object, &look);
	return !losses.any || (claim->kind == OBJECT_SEMAPHORE && look.slots - losses.permits >= claim->count);
}

static bool will_end(struct view *view, struct task *task);

static bool blocked_will_end(struct view *view, const struct task *task)
{
	const struct object_claim *claim = core_waits_for(task);
	struct task_dependency dependency;
	struct task *other;
	bool any = core_dependencies_open(task) == 0;
	if (claim)
		return claim_will_be_had(view, claim);
	if (view->depth == CHAIN)
		return true;
	view->depth++;
	for (size_t i = 0; !any && core_dependency(task, i, &dependency); i++)
		if (!dependency.done && core_find(view->edge->core, dependency.id, &other) == CORE_FOUND)
			any = will_end(view, other);
	view->depth--;
	return any;
}

static bool will_end(struct view *view, struct task *task)
{
	if (task->slot)
		core_task_look(task);
	switch ((enum task_state)task->state) {
	case TASK_BLOCKED:
		return blocked_will_end(view, task);
	case TASK_QUEUED:
		return queued_will_end(view, task);
	case TASK_RUNNING:
		return running_will_end(view, task);
	case TASK_SCHEDULED:
	case TASK_CANCELLING:
	case TASK_RECORDING:
	case TASK_SUCCEEDED:
	case TASK_FAILED:
	case TASK_TIMED_OUT:
	case TASK_CRASHED:
	case TASK_CANCELLED:
	case TASK_EXPIRED:
	case TASK_N_STATES:
		break;
	}
	return true;
}

static bool is_without_hope(void *user, struct task *task)
{
	return !will_end(user, task);
}

/* Gives hope to who has it. True: that was somebody. */
static bool view_round(struct view *view)
{
	const struct request *request;
	bool any = false;
	LIST_FOREACH(request, &view->edge->nested, nested_link) {
		struct holder *holder = holder_of(view, request);
		if (!holder || !holder->hopeless || request->kind->each(request, is_without_hope, view))
			continue;
		holder->hopeless = false;
		view->known = NULL;
		any = true;
	}
	return any;
}

static void view_init(struct view *view, struct edge *edge, bool pools_may_grow)
{
	const struct request *request;
	const struct worker *worker;
	size_t n = 0;
	for (struct pool *pool = pools_first(edge->host.pools); pool; pool = TAILQ_NEXT(pool, link))
		TAILQ_FOREACH(worker, &pool->workers, link)
			n++;
	*view = (struct view){ .edge = edge, .pools_may_grow = pools_may_grow };
	view->holders = xcalloc(n ? n : 1, sizeof(view->holders[0]));
	for (struct pool *pool = pools_first(edge->host.pools); pool; pool = TAILQ_NEXT(pool, link))
		TAILQ_FOREACH(worker, &pool->workers, link)
			if (worker->pid)
				add_holder(view, worker);
	LIST_FOREACH(request, &edge->nested, nested_link) {
		struct holder *holder = holder_of(view, request);
		if (holder)
			holder->n_waits++;
	}
	for (size_t i = 0; i < view->n_holders; i++) {
		struct holder *holder = &view->holders[i];
		holder->hopeless = holder->n_running > 0 && holder->n_waits >= holder->n_running;
	}
	while (view_round(view))
		;
}

/* --- failing one --- */

/* What a wait is to be failed for: a task that will not end, and the one that waits for a slot, of POOL where one is
 * named, or for what it must have, because of which it will not: itself, or one that it waits for. */
struct search {
	struct view *view;
	const struct core_pool *pool;
	struct task *found;
	struct task *cause;
};

/* NULL: it runs. */
static struct task *cause_of(struct view *view, struct task *task)
{
	struct task_dependency dependency;
	struct task *other, *cause = NULL;
	if (task->state == TASK_QUEUED || core_waits_for(task))
		return task;
	for (size_t i = 0; !cause && core_dependency(task, i, &dependency); i++)
		if (!dependency.done && core_find(view->edge->core, dependency.id, &other) == CORE_FOUND &&
			!will_end(view, other))
			cause = cause_of(view, other);
	return cause;
}

static bool is_not_it(void *user, struct task *task)
{
	struct search *search = user;
	if (will_end(search->view, task))
		return true;
	search->found = task;
	search->cause = cause_of(search->view, task);
	return !search->cause || (search->pool && core_queue_pool(search->cause->queue) != search->pool);
}

static void describe(struct strbuf *message, const struct search *search, const struct holder *holder)
{
	struct core_queue_figures figures;
	const struct core_queue *queue = search->cause->queue;
	const struct object_claim *claim = core_waits_for(search->cause);
	core_queue_figures(queue, &figures);
	if (holder->n_running == 1)
		strbuf_printf(message, "task %" PRIu64 " waits for task %" PRIu64, holder->running->id, search->found->id);
	else
		strbuf_printf(message, "a task waits for task %" PRIu64, search->found->id);
	if (search->cause != search->found)
		strbuf_printf(message, ", which waits for task %" PRIu64, search->cause->id);
	if (claim)
		strbuf_printf(message, ", which cannot start: it must have the %s \"%.*s\", which a task has that waits for tasks",
			object_kind_name(claim->kind), (int)claim->name.length, claim->name.data);
	else if (queue_is_stuck(search->view, queue, &figures))
		strbuf_printf(message, ", which cannot start: the %zu that may run of the queue \"%s\" wait for tasks themselves",
			figures.options.limit_running, core_queue_name(queue));
	else
		strbuf_printf(message, ", which cannot start: all slots of the pool \"%s\" run tasks that wait for tasks",
			core_pool_name(core_queue_pool(queue)));
}

/* The tasks that belong to the request are cancelled, as when its client leaves: nobody waits for them. */
static void fail(struct request *request, const struct search *search, const struct holder *holder)
{
	const struct reply_to to = request_reply_to(request);
	struct strbuf message = STRBUF_INIT, data = STRBUF_INIT;
	describe(&message, search, holder);
	error_data_begin(&data, PROTO_DEADLOCK);
	strbuf_puts(&data, ",\"cycle\":[");
	if (holder->n_running == 1)
		strbuf_printf(&data, "\"%" PRIu64 "\",", holder->running->id);
	strbuf_printf(&data, "\"%" PRIu64 "\"", search->found->id);
	if (search->cause != search->found)
		strbuf_printf(&data, ",\"%" PRIu64 "\"", search->cause->id);
	strbuf_puts(&data, "]}");
	reply_error(&to, PROTO_DEADLOCK, message.data, data.data);
	strbuf_free(&message);
	strbuf_free(&data);
	request->kind->abandon(request);
	request_free(request);
}

static bool fail_newest(struct view *view, const struct core_pool *pool)
{
	struct request *request;
	LIST_FOREACH(request, &view->edge->nested, nested_link) {
		const struct holder *holder = holder_of(view, request);
		struct search search = { .view = view, .pool = pool };
		if (!holder || !holder->hopeless || request->kind->each(request, is_not_it, &search))
			continue;
		fail(request, &search, holder);
		return true;
	}
	return false;
}

bool edge_deadlock(void *context, const struct core_pool *pool)
{
	struct edge *edge = context;
	struct view view;
	view_init(&view, edge, false);
	bool failed = pool_is_stuck(&view, pool) && (fail_newest(&view, pool) || fail_newest(&view, NULL));
	free(view.holders);
	return failed;
}

/* --- queues with limits, and what tasks must have, of which the pools know nothing --- */

static bool any_queue_is_full(const struct edge *edge)
{
	struct core_queue *queue = NULL;
	struct core_queue_figures figures;
	while ((queue = core_queue_next(edge->core, queue))) {
		core_queue_figures(queue, &figures);
		if (figures.waiting && figures.options.limit_running && figures.running >= figures.options.limit_running)
			return true;
	}
	return false;
}

static void look(struct edge_timer *timer)
{
	struct edge *edge = heap_entry(timer, struct edge, nested_timer.node);
	struct view view;
	bool failed = false;
	if (core_totals(edge->core)->blocked || any_queue_is_full(edge)) {
		view_init(&view, edge, true);
		failed = fail_newest(&view, NULL);
		free(view.holders);
	}
	if (!LIST_EMPTY(&edge->nested))
		look_later(edge, failed ? LOOK_NS : 2 * edge->nested_gap_ns);
}
