/* Questions to the store, as requests: the answer comes when the store has answered, in some later turn. What a task was of
 * which memory knows nothing any more is asked here, too. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "durable/durable.h"
#include "edge/access.h"
#include "edge/store.h"

static void ask_free(struct ask *ask)
{
	strbuf_free(&ask->out);
	free(ask);
}

static void ask_abandon(struct request *request)
{
	struct ask *ask = request->state;
	durable_unask(request->connection->edge->host.durable, ask->number);
	ask_free(ask);
}

static void ask_cancel(struct request *request, struct strbuf *out)
{
	const struct reply_to to = request_reply_to(request);
	(void)out;
	reply_error(&to, PROTO_CANCELLED, "the request was cancelled", NULL);
	ask_abandon(request);
	request_free(request);
}

static void ask_status_of(struct request *request, struct strbuf *out)
{
	(void)request;
	strbuf_puts(out, "{\"state\":\"running\",\"tasks\":0,\"ended\":0}");
}

static const struct request_kind ask_request = {
	.abandon = ask_abandon,
	.cancel = ask_cancel,
	.status = ask_status_of,
};

static void found(void *user, const struct store_task *task)
{
	struct ask *ask = user;
	if (ask->kind->row)
		ask->kind->row(ask, task);
	ask->n_rows++;
}

/* What went wrong with the question, or with all of them. */
static enum proto_error error_of(const struct edge *edge)
{
	struct durable_figures figures;
	durable_figures(edge->host.durable, &figures);
	switch (figures.state) {
	case STORE_BROKEN:
		return PROTO_STORE_FAILED;
	case STORE_STOPPING:
	case STORE_CLOSED:
		return PROTO_SHUTTING_DOWN;
	case STORE_OPENING:
	case STORE_WORKING:
	case STORE_FULL:
		break;
	}
	return PROTO_INTERNAL_ERROR;
}

static void reply_trouble(const struct reply_to *to, const struct store_text *text)
{
	enum proto_error error = error_of(to->connection->edge);
	struct strbuf message = STRBUF_INIT, data = STRBUF_INIT;
	if (text->data)
		strbuf_add(&message, text->data, text->length);
	strbuf_printf(&data, "{\"kind\":\"%s\"}", proto_error_info(error)->kind); /* it says all that there is to say */
	reply_error(to, error, message.length ? message.data : NULL, message.length ? data.data : NULL);
	strbuf_free(&message);
	strbuf_free(&data);
}

static void answered(void *user, const struct store_answer *answer)
{
	struct ask *ask = user;
	struct request *request = ask->request;
	const struct reply_to to = request_reply_to(request);
	if (answer->status == STORE_ANSWER_ERROR)
		reply_trouble(&to, &answer->text);
	else
		ask->kind->answer(ask, &to, answer);
	ask_free(ask);
	request_free(request);
}

static void begin(const struct call *call, const struct store_query *query, const struct ask_kind *kind)
{
	if (!call->to.id || !user_may_wait(&call->to, 1)) /* of a task that memory knows task.status is told at once */
		return;
	struct ask *ask = xcalloc(1, sizeof(*ask));
	ask->kind = kind;
	ask->id = query->id;
	ask->request = request_new(&call->to, &ask_request);
	ask->request->state = ask;
	ask->number = durable_ask(call->edge->host.durable, query, found, answered, ask);
}

void ask_store(const struct call *call, const struct store_query *query, const struct ask_kind *kind)
{
	begin(call, query, kind);
}

/* --- a task that memory has forgotten --- */

static void answer_task(struct ask *ask, const struct reply_to *to, const struct store_answer *answer)
{
	(void)answer;
	if (!ask->out.length)
		reply_not_there(to, ask->id, CORE_FORGOTTEN);
	else if (ask->is_error)
		reply_error_object(to, &ask->out);
	else
		reply_buffer(to, &ask->out);
}

/* What is another's is answered as if there were no row. */
static bool row_is_seen(const struct ask *ask, const struct store_task *task)
{
	return access_sees_user(ask->request->connection, task->owner);
}

static void result_row(struct ask *ask, const struct store_task *task)
{
	if (!row_is_seen(ask, task))
		return;
	ask->is_error = stored_outcome(&ask->out, task);
}

static void status_row(struct ask *ask, const struct store_task *task)
{
	if (row_is_seen(ask, task))
		stored_record(&ask->out, task, false);
}

void ask_result(const struct call *call, uint64_t id)
{
	static const struct ask_kind kind = { .row = result_row, .answer = answer_task };
	begin(call, &(struct store_query){ .question = STORE_ASK_TASK, .id = id }, &kind);
}

void ask_status(const struct call *call, uint64_t id)
{
	static const struct ask_kind kind = { .row = status_row, .answer = answer_task };
	begin(call, &(struct store_query){ .question = STORE_ASK_TASK, .id = id }, &kind);
}
