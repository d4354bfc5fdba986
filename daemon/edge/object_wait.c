/* Requests that wait at a named object: one kind for all of them. Mostly nothing has to wait, so that a request is made
 * only when it does; what the objects need for it is at hand from the last one.
 *
 * A wait may go off without a word: with the connection, which frees its requests after it has ended as an owner, and
 * with the task in whose name it was asked for. Of the latter it is told here, once a turn. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/objects.h"

#define SPARE_LIMIT 256

struct waiting {
	struct object_wait wait;
	const struct wait_form *form;
	struct request *request;  /* NULL: it does not wait yet */
	uint64_t task;            /* in whose name; 0: the connection's */
	LIST_ENTRY(waiting) link; /* edge->task_waits, where it is a task's; edge->spare_waits */
	bool doomed;              /* it is to be denied */
	LIST_ENTRY(waiting) doom;
	uint8_t name_length;
	char name[OBJECT_NAME_LIMIT];
};

static void done(struct object_wait *wait, enum object_status status, const struct object_grant *grant);
static bool may_stay(const struct object_wait *wait, uint32_t owner);

static struct waiting *waiting_of(struct object_wait *wait)
{
	return heap_entry(wait, struct waiting, wait);
}

static struct waiting *waiting_new(struct edge *edge)
{
	struct waiting *waiting = LIST_FIRST(&edge->spare_waits);
	if (waiting) {
		LIST_REMOVE(waiting, link);
		edge->n_spare_waits--;
	} else {
		waiting = xcalloc(1, sizeof(*waiting));
		waiting->wait.done = done;
		waiting->wait.may_stay = may_stay;
	}
	return waiting;
}

/* It is off. */
static void waiting_spare(struct edge *edge, struct waiting *waiting)
{
	waiting->request = NULL;
	waiting->task = 0;
	if (edge->n_spare_waits >= SPARE_LIMIT) {
		free(waiting);
		return;
	}
	LIST_INSERT_HEAD(&edge->spare_waits, waiting, link);
	edge->n_spare_waits++;
}

void object_waits_free_spare(struct edge *edge)
{
	struct waiting *waiting;
	while ((waiting = LIST_FIRST(&edge->spare_waits))) {
		LIST_REMOVE(waiting, link);
		free(waiting);
	}
	edge->n_spare_waits = 0;
}

/* Of one that has a request and is off; the request is left. */
static void waiting_free(struct waiting *waiting)
{
	struct edge *edge = waiting->request->connection->edge;
	if (waiting->task)
		LIST_REMOVE(waiting, link);
	if (waiting->doomed)
		LIST_REMOVE(waiting, doom);
	waiting->doomed = false;
	edge->object_waits--;
	waiting_spare(edge, waiting);
}

static void waiting_end(struct waiting *waiting)
{
	struct request *request = waiting->request;
	waiting_free(waiting);
	request_free(request);
}

static struct object_name name_of(const struct waiting *waiting)
{
	return (struct object_name){ .data = waiting->name, .length = waiting->name_length };
}

/* For what asks who it was. */
static struct call call_of(const struct waiting *waiting)
{
	return (struct call){ .edge = waiting->request->connection->edge, .to = request_reply_to(waiting->request) };
}

/* --- how it ends --- */

static void done(struct object_wait *wait, enum object_status status, const struct object_grant *grant)
{
	struct waiting *waiting = waiting_of(wait);
	const struct reply_to to = request_reply_to(waiting->request);
	const struct object_name name = name_of(waiting);
	const struct call call = call_of(waiting);
	if (status == OBJECT_DONE)
		waiting->form->granted(&to, grant);
	else if (status == OBJECT_DENIED)
		object_deny(&call, &name, grant->owner);
	else
		object_error(&to, status, waiting->form->kind, &name, NULL);
	waiting_end(waiting);
}

/* The task in whose name it waited is over. */
static void answer_lost(struct waiting *waiting)
{
	const struct reply_to to = request_reply_to(waiting->request);
	reply_errorf(&to, PROTO_NOT_RUNNING, "task %" PRIu64 " is over, and waits for the %s \"%.*s\" no longer",
		waiting->task, object_kind_text(waiting->form->kind), (int)waiting->name_length, waiting->name);
	waiting_end(waiting);
}

static void abandon(struct request *request)
{
	struct waiting *waiting = request->state;
	if (object_wait_is_on(&waiting->wait))
		object_wait_drop(&waiting->wait);
	waiting_free(waiting);
}

static void cancel(struct request *request, struct strbuf *out)
{
	struct waiting *waiting = request->state;
	const struct reply_to to = request_reply_to(request);
	(void)out;
	if (object_wait_is_on(&waiting->wait))
		object_wait_drop(&waiting->wait);
	reply_errorf(&to, PROTO_CANCELLED, "the request was cancelled: it waits for the %s \"%.*s\" no longer",
		object_kind_text(waiting->form->kind), (int)waiting->name_length, waiting->name);
	waiting_end(waiting);
}

static void status(struct request *request, struct strbuf *out)
{
	const struct waiting *waiting = request->state;
	strbuf_printf(out, "{\"state\":\"waiting\",\"tasks\":0,\"ended\":0,\"waits_for\":{\"%s\":",
		object_kind_name(waiting->form->kind));
	strbuf_json_string(out, waiting->name, waiting->name_length);
	strbuf_puts(out, "}}");
}

static void timed_out(struct request *request)
{
	struct waiting *waiting = request->state;
	const struct reply_to to = request_reply_to(request);
	const struct object_name name = name_of(waiting);
	if (!object_wait_is_on(&waiting->wait)) {
		answer_lost(waiting);
		return;
	}
	if (!object_wait_expire(&waiting->wait))
		return;
	waiting->form->timed_out(&to, waiting->form->kind, &name);
	waiting_end(waiting);
}

static const struct request_kind object_request = {
	.abandon = abandon,
	.cancel = cancel,
	.status = status,
	.timeout = timed_out,
};

void object_waits_turn(struct edge *edge)
{
	struct waiting *waiting, *next;
	for (waiting = LIST_FIRST(&edge->task_waits); waiting; waiting = next) {
		next = LIST_NEXT(waiting, link);
		if (!object_wait_is_on(&waiting->wait))
			answer_lost(waiting);
	}
}

/* --- whose right has gone --- */

/* As of one who asks when the queue is OWNER's already. */
static bool may_stay(const struct object_wait *wait, uint32_t owner)
{
	const struct waiting *waiting = heap_entry(wait, const struct waiting, wait);
	const struct call call = call_of(waiting);
	return owner == call.to.connection->peer.uid || access_has(&call, RIGHT_ADMIN);
}

static bool may_use(const struct waiting *waiting, bool answer)
{
	const struct object_name name = name_of(waiting);
	struct call call = call_of(waiting);
	if (!answer)
		call.to.id = NULL;
	return call_may_use(&call, waiting->form->kind, &name);
}

/* Who is taken off may make room for another, whose request ends by that: so they are found first. */
void object_waits_review(struct edge *edge)
{
	LIST_HEAD(, waiting) doomed = LIST_HEAD_INITIALIZER(doomed);
	struct connection *connection;
	struct request *request;
	struct waiting *waiting;
	if (!edge->object_waits)
		return;
	TAILQ_FOREACH(connection, &edge->connections, link)
		LIST_FOREACH(request, &connection->requests, link) {
			if (request->kind != &object_request || may_use(request->state, false))
				continue;
			waiting = request->state;
			waiting->doomed = true;
			LIST_INSERT_HEAD(&doomed, waiting, doom);
		}
	while ((waiting = LIST_FIRST(&doomed))) {
		(void)!may_use(waiting, true); /* as long as it is there, and its owner is known */
		if (object_wait_is_on(&waiting->wait))
			object_wait_drop(&waiting->wait);
		waiting_end(waiting);
	}
}

/* --- how it begins --- */

/* The handler's task that stands still while this waits, where it is known which that is. */
static void tell_task(struct asking *asking)
{
	struct object_owner *owner = asking->holder.owner;
	if (owner->kind == OWNER_CONNECTION)
		owner->task = nested_task(asking->call->to.connection);
}

bool asking_begin(struct asking *asking, const struct call *call, const struct wait_form *form,
	const struct param_name *name, const struct who_params *who, int64_t timeout_ns)
{
	asking->call = call;
	asking->form = form;
	asking->objects = core_objects(call->edge->core);
	asking->timeout_ns = timeout_ns;
	asking->wait = NULL;
	asking->charge = 0;
	asking->grant = (struct object_grant){ .fence = 0 };
	problem_clear(&asking->problem);
	if (form->joins && !call->to.id)
		return false;
	if (!call_takes_object(call, form->kind, name, &asking->name) || !call_holder(call, who, &asking->holder))
		return false;
	if (call->to.id && (timeout_ns != 0 || form->joins)) {
		asking->wait = &waiting_new(call->edge)->wait;
		tell_task(asking);
	}
	return true;
}

static void wait_for(struct asking *asking)
{
	struct waiting *waiting = waiting_of(asking->wait);
	struct edge *edge = asking->call->edge;
	struct request *request = request_new(&asking->call->to, &object_request);
	waiting->form = asking->form;
	waiting->request = request;
	waiting->name_length = (uint8_t)asking->name.length;
	memcpy(waiting->name, asking->name.data, asking->name.length);
	request->state = waiting;
	if (asking->charge)
		request_charge(request, asking->charge);
	edge->object_waits++;
	if (asking->holder.owner->kind == OWNER_TASK) {
		waiting->task = asking->holder.owner->id;
		LIST_INSERT_HEAD(&edge->task_waits, waiting, link);
	}
	if (asking->timeout_ns == 0)
		timed_out(request);
	else
		request_set_timeout(request, asking->timeout_ns);
}

void asking_end(struct asking *asking, int outcome)
{
	const struct reply_to *to = &asking->call->to;
	if (outcome == OBJECT_WAITING) {
		wait_for(asking);
		return;
	}
	if (asking->wait)
		waiting_spare(asking->call->edge, waiting_of(asking->wait));
	if (outcome == OBJECT_DONE)
		asking->form->granted(to, &asking->grant);
	else if (outcome == OBJECT_WOULD_WAIT || outcome == OBJECT_FULL)
		asking->form->timed_out(to, asking->form->kind, &asking->name);
	else
		object_error(to, (enum object_status)outcome, asking->form->kind, &asking->name, &asking->problem);
}
