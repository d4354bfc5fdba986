/* Waiting for tasks that somebody submitted before: task.result for one, task.wait for several. These may be very many, so
 * that to begin to wait for them, to tell of them, and to let go of them takes some turns each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/many.h"
#include "edge/store.h"

#define DONE "{\"done\":["
#define NOT_DONE "],\"not_done\":["
#define CANCELLED "the request was cancelled; the tasks go on"
#define BLOCK 256 /* tasks for which there is room, or is none any more, at once */

void rpc_task_result(const struct call *call)
{
	struct result_params params = { 0 };
	struct task *task;
	if (!call_params(call, &params))
		return;
	enum core_found found = access_find(call, params.id, &task);
	if (found == CORE_FORGOTTEN && call->edge->host.durable)
		ask_result(call, params.id);
	else if (!access_finds(call, params.id, RIGHT_READ, &task))
		;
	else if (task_state_is_terminal(task->state))
		reply_outcome(&call->to, task);
	else if (call->to.id && store_lets_wait(&call->to, task))
		request_set_timeout(call_wait(&call->to, task, false), params.timeout);
	call_params_free(call, &params);
}

enum wait_phase {
	WAIT_FINDS,  /* what has the tag */
	WAIT_BEGINS, /* with one after the other */
	WAIT_WAITS,
	WAIT_TELLS,  /* of one after the other */
	WAIT_FAILED, /* that has been answered */
	WAIT_LEAVES, /* one after the other, and nobody wants to know */
};

/* One of the tasks that a task.wait is about. Its record is made when it ends, since it may be dropped before the
 * others have ended. */
struct awaited {
	struct task_waiter waiter;
	struct wait *wait;
	struct task *task; /* NULL: it has ended, or is not waited for yet, or not any more */
	char *record;      /* NULL: it has not ended, or has been told */
	size_t record_length;
};

struct wait {
	struct many many; /* in all phases but WAIT_WAITS */
	enum wait_phase phase;
	struct request *request; /* NULL: WAIT_LEAVES */
	struct wait_params params; /* the sweep's filter points into them */
	struct filter_params words;
	struct sweep sweep;
	size_t held; /* bytes that the connection is charged with */
	enum return_when when;
	size_t n_ended;
	bool any_exception;
	size_t n, next;     /* so many; where the phase stands */
	struct pieces rest; /* what is told of those that have not ended */
	struct awaited **blocks; /* each of BLOCK, malloc'ed as they are begun with, and freed with the last one of it */
};

static struct wait *wait_of(const struct many *many)
{
	return heap_entry(many, struct wait, many);
}

static bool wait_is_over(const struct wait *wait)
{
	if (wait->n_ended == wait->n)
		return true;
	switch (wait->when) {
	case WHEN_ALL_COMPLETED:
		return false;
	case WHEN_FIRST_COMPLETED:
		return wait->n_ended > 0;
	case WHEN_FIRST_EXCEPTION:
		return wait->any_exception;
	}
	return true;
}

static void wait_hold(struct wait *wait, size_t bytes)
{
	wait->held += bytes;
	connection_hold(wait->request->connection, bytes);
}

static struct awaited *awaited_of(const struct wait *wait, size_t index)
{
	return &wait->blocks[index / BLOCK][index % BLOCK];
}

/* --- its end --- */

static void let_go(struct awaited *awaited)
{
	if (awaited->task)
		task_unwait(&awaited->waiter);
	awaited->task = NULL;
	free(awaited->record);
	awaited->record = NULL;
}

/* Of the next one; its block goes with the last one of it. */
static void let_go_of_next(struct wait *wait)
{
	size_t index = wait->next++;
	struct awaited *block = wait->blocks[index / BLOCK];
	if (!block)
		return;
	let_go(&block[index % BLOCK]);
	if (wait->next % BLOCK && wait->next < wait->n)
		return;
	wait->blocks[index / BLOCK] = NULL;
	free(block);
}

static bool leave(struct many *many)
{
	struct wait *wait = wait_of(many);
	while (wait->next < wait->n) {
		let_go_of_next(wait);
		if (!many_has_time(many))
			break;
	}
	return wait->next == wait->n;
}

static void left(struct many *many)
{
	struct wait *wait = wait_of(many);
	free(wait->blocks);
	free(wait);
}

/* Before its request is freed. */
static void wait_free(struct wait *wait)
{
	static const struct many_kind leaving = { .go_on = leave, .finish = left };
	struct connection *connection = wait->request->connection;
	connection_unhold(connection, wait->held);
	sweep_free(&wait->sweep);
	params_free(method_info(METHOD_TASK_WAIT)->params, &wait->params);
	pieces_free(&wait->rest);
	wait->phase = WAIT_LEAVES;
	wait->request = NULL;
	wait->next = 0;
	if (!wait->blocks)
		wait->n = 0;
	if (wait->n > MANY_SHORT) {
		many_leave(&wait->many, &leaving, connection->edge, &connection->peer);
		return;
	}
	while (wait->next < wait->n)
		let_go_of_next(wait);
	left(&wait->many);
}

/* --- the answer --- */

static void put_record(struct strbuf *out, const struct wait *wait, struct task *task)
{
	if (connection_hears_of(wait->request->connection, task))
		record_write(out, task, false);
	else
		record_write_state(out, task->id, "forgotten");
}

static void note_end(struct awaited *awaited, struct task *task)
{
	struct wait *wait = awaited->wait;
	struct strbuf record = STRBUF_INIT;
	put_record(&record, wait, task);
	awaited->record = strbuf_take(&record, &awaited->record_length);
	strbuf_free(&record);
	awaited->task = NULL;
	wait_hold(wait, awaited->record_length);
	wait->n_ended++;
	wait->any_exception |= task->state != TASK_SUCCEEDED;
}

/* Each is told of once, as it stands then. One that was named twice has ended twice, though only one of the two has heard
 * of it yet. */
static void tell(struct wait *wait, const struct awaited *awaited)
{
	struct task *task = awaited->task;
	bool ended = !task || task_state_is_terminal(task->state);
	struct pieces *pieces = ended ? &wait->many.out : &wait->rest;
	if (pieces_length(pieces) > (ended ? strlen(DONE) : 0))
		strbuf_puts(&pieces->open, ",");
	if (task) {
		put_record(&pieces->open, wait, task);
		return;
	}
	strbuf_add(&pieces->open, awaited->record, awaited->record_length);
	wait->held -= awaited->record_length;
	connection_unhold(wait->request->connection, awaited->record_length);
}

static bool telling_go_on(struct many *many)
{
	struct wait *wait = wait_of(many);
	while (wait->next < wait->n) {
		tell(wait, awaited_of(wait, wait->next));
		let_go_of_next(wait);
		pieces_turn(&wait->rest);
		if (!many_has_time(many))
			break;
	}
	wait->many.own = pieces_length(&wait->rest);
	return wait->next == wait->n;
}

static void telling_finish(struct many *many)
{
	strbuf_puts(&many->out.open, NOT_DONE);
	pieces_join(&many->out, &wait_of(many)->rest);
	strbuf_puts(&many->out.open, "]}");
	many_answer(many);
}

static void free_wait(struct many *many)
{
	wait_free(wait_of(many));
}

static void wait_answer(struct wait *wait)
{
	static const struct many_kind telling = { .go_on = telling_go_on, .finish = telling_finish, .free = free_wait };
	wait->phase = WAIT_TELLS;
	wait->next = 0;
	wait->many.settled = true;
	strbuf_puts(&wait->many.out.open, DONE);
	many_go_on(&wait->many, &telling, wait->request, wait->n);
}

/* --- waiting --- */

static void awaited_ended(struct task_waiter *waiter, struct task *task)
{
	struct awaited *awaited = heap_entry(waiter, struct awaited, waiter);
	struct wait *wait = awaited->wait;
	if (wait->phase == WAIT_LEAVES || wait->phase == WAIT_FAILED) {
		awaited->task = NULL;
		return;
	}
	note_end(awaited, task);
	if (wait->phase == WAIT_WAITS && wait_is_over(wait))
		wait_answer(wait);
}

static void wait_abandon(struct request *request)
{
	wait_free(request->state);
}

static void wait_cancel(struct request *request, struct strbuf *out)
{
	const struct reply_to to = request_reply_to(request);
	(void)out;
	reply_error(&to, PROTO_CANCELLED, CANCELLED, NULL);
	wait_free(request->state);
	request_free(request);
}

static void wait_status(struct request *request, struct strbuf *out)
{
	const struct wait *wait = request->state;
	strbuf_printf(out, "{\"state\":\"running\",\"tasks\":%zu,\"ended\":%zu}", wait->n, wait->n_ended);
}

static void wait_timeout(struct request *request)
{
	wait_answer(request->state);
}

static bool wait_each(const struct request *request, bool (*visit)(void *user, struct task *task), void *user)
{
	const struct wait *wait = request->state;
	for (size_t i = 0; i < wait->n; i++) {
		struct task *task = awaited_of(wait, i)->task;
		if (task && !visit(user, task))
			return false;
	}
	return true;
}

static const struct request_kind wait_kind = {
	.for_tasks = true,
	.abandon = wait_abandon,
	.cancel = wait_cancel,
	.status = wait_status,
	.timeout = wait_timeout,
	.each = wait_each,
};

/* --- its beginning --- */

static void find_next(struct wait *wait)
{
	struct param_ids *ids = &wait->params.ids;
	bool over;
	struct task *task = sweep_next(&wait->sweep, wait->many.edge->core, &over);
	if (task && access_sees(wait->request->connection, task)) {
		if (ids->count == wait->n) {
			wait->n = wait->n ? 2 * wait->n : MANY_SHORT;
			ids->ids = xreallocarray(ids->ids, wait->n, sizeof(ids->ids[0]));
		}
		ids->ids[ids->count++] = task->id;
	}
	if (over || ids->count > IDS_LIMIT) {
		wait->phase = WAIT_BEGINS;
		wait->n = 0;
	}
}

/* Its number is known. False: that has been answered. */
static bool make_room(struct wait *wait, const struct call *call)
{
	size_t n = wait->params.ids.count, size = sizeof(struct wait) + n * sizeof(struct awaited);
	if (!call_takes_ids(call, &wait->params.ids))
		return false;
	if (!connection_has_room(call->to.connection, size)) {
		reply_error(&call->to, PROTO_TOO_MANY, "this connection waits for more than output_limit has room for", NULL);
		return false;
	}
	wait->blocks = xcalloc(n / BLOCK + 1, sizeof(wait->blocks[0]));
	wait->n = wait->many.total = n;
	wait_hold(wait, size);
	return true;
}

/* Who only looks need not wait. */
static bool may_wait(const struct wait *wait, const struct call *call, const struct task *task)
{
	return wait->params.timeout == 0 || store_lets_wait(&call->to, task);
}

/* With the next one; false: it cannot be waited for, and that has been answered. */
static bool begin_next(struct wait *wait, const struct call *call)
{
	struct awaited **block = &wait->blocks[wait->next / BLOCK], *awaited;
	struct task *task;
	if (!*block)
		*block = xcalloc(wait->n - wait->next < BLOCK ? wait->n - wait->next : BLOCK, sizeof(*awaited));
	awaited = awaited_of(wait, wait->next);
	if (!access_finds(call, wait->params.ids.ids[wait->next], RIGHT_READ, &task) || !may_wait(wait, call, task))
		return false;
	awaited->wait = wait;
	wait->many.done = ++wait->next;
	if (task_state_is_terminal(task->state)) {
		note_end(awaited, task);
		return true;
	}
	awaited->task = task;
	awaited->waiter.ended = awaited_ended;
	task_wait_patiently(task, &awaited->waiter);
	return true;
}

static bool begin(struct wait *wait)
{
	const struct call call = { .edge = wait->many.edge, .to = request_reply_to(wait->request), .method = METHOD_TASK_WAIT };
	if (!wait->blocks && !make_room(wait, &call)) {
		wait->phase = WAIT_FAILED;
		return true;
	}
	while (wait->next < wait->n) {
		if (!begin_next(wait, &call)) {
			wait->phase = WAIT_FAILED;
			return true;
		}
		if (!many_has_time(&wait->many))
			break;
	}
	return wait->next == wait->n;
}

static bool begin_go_on(struct many *many)
{
	struct wait *wait = wait_of(many);
	wait->request = many->request;
	while (wait->phase == WAIT_FINDS) {
		find_next(wait);
		if (!many_has_time(many))
			return false;
	}
	return begin(wait);
}

/* The store may have failed since the first was looked at. */
static bool all_may_end(const struct wait *wait, const struct reply_to *to)
{
	if (wait->params.timeout == 0 || !store_has_failed(wait->many.edge))
		return true;
	for (size_t i = 0; i < wait->n; i++) {
		const struct task *task = awaited_of(wait, i)->task;
		if (task && !store_lets_wait(to, task))
			return false;
	}
	return true;
}

static void begin_finish(struct many *many)
{
	struct wait *wait = wait_of(many);
	const struct reply_to to = request_reply_to(many->request);
	if (wait->phase == WAIT_FAILED || !all_may_end(wait, &to)) {
		many_end(many);
		return;
	}
	if (wait_is_over(wait) || wait->params.timeout == 0) {
		wait_answer(wait);
		return;
	}
	many_pause(many);
	free(wait->params.ids.ids);
	wait->params.ids = (struct param_ids){ 0 };
	request_become(wait->request, &wait_kind);
	wait->request->state = wait;
	wait->phase = WAIT_WAITS;
	nested_await(wait->request);
	request_set_timeout(wait->request, wait->params.timeout);
}

/* Whether it is said, in one of the two ways, what to wait for; false: the error has been answered. */
static bool wait_chooses(const struct call *call, const struct wait_params *params)
{
	if (!params->ids.ids != !params->tag)
		return true;
	reply_error(&call->to, PROTO_INVALID_PARAMS, "one of \"ids\" and \"tag\" is needed", NULL);
	return false;
}

/* Takes over PARAMS. */
static void wait_for(const struct call *call, struct wait_params *params)
{
	static const struct many_kind beginning = {
		.go_on = begin_go_on, .finish = begin_finish, .free = free_wait, .cancelled = CANCELLED
	};
	size_t n = params->ids.ids ? params->ids.count : SIZE_MAX;
	struct wait *wait = xcalloc(1, sizeof(*wait));
	wait->params = *params;
	*params = (struct wait_params){ 0 };
	wait->when = wait->params.return_when < 0 ? WHEN_ALL_COMPLETED : (enum return_when)wait->params.return_when;
	wait->phase = n == SIZE_MAX ? WAIT_FINDS : WAIT_BEGINS;
	if (wait->phase == WAIT_FINDS) {
		struct task_filter filter = { .tag = wait->params.tag, .tag_length = strlen(wait->params.tag) };
		wait->sweep.walk.oldest_first = true;
		wait->sweep.newest = tasks_newest(call->edge->core);
		if (!access_narrow(call, RIGHT_READ, &filter))
			wait->sweep.walk.over = true; /* nobody was named, so that this is not refused */
		sweep_begin(&wait->sweep, &wait->words, &filter);
	}
	many_begin(&wait->many, &beginning, &call->to, n);
}

void rpc_task_wait(const struct call *call)
{
	struct wait_params params = { 0 };
	if (!call_params(call, &params))
		return;
	if (wait_chooses(call, &params) && call_takes_ids(call, &params.ids) && call->to.id)
		wait_for(call, &params);
	call_params_free(call, &params);
}
