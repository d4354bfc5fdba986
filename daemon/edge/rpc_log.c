/* task.log: a page of what a command has said. It comes from where it is to be had for the least: the memory that a
 * running command's output is captured in, or the result of one that is over; what is beyond these, or of an earlier
 * attempt, or of a task whose record is gone, is on disk, where the configuration says so, and a worker reads it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/command.h"
#include "edge/said.h"
#include "pool/command.h"
#include "proto/base64.h"

/* What is asked, and what is known of it. */
struct page {
	uint64_t id;
	uint32_t attempt;
	enum capture_stream stream;
	uint64_t offset;
	size_t size;
	uint64_t total; /* so many bytes in all, as far as is known */
	bool over;      /* nothing more will come */
	bool lost;      /* nobody knows how much there was */
};

static void answer_page(const struct reply_to *to, const struct page *page, const char *data, size_t length)
{
	struct strbuf out = STRBUF_INIT;
	bool kept = length > 0 || (!page->lost && page->offset >= page->total);
	uint64_t end = page->offset + length;
	size_t cut = end < page->total || !page->over ? said_piece(data, length) : length;
	strbuf_printf(&out, "{\"id\":\"%" PRIu64 "\",\"attempt\":%u,\"stream\":\"%s\",\"offset\":%" PRIu64, page->id,
		(unsigned)page->attempt, said_stream_names[page->stream], page->offset);
	base64_member(&out, "data", data, cut);
	strbuf_printf(&out, ",\"next\":%" PRIu64 ",\"total\":%" PRIu64 ",\"over\":%s,\"kept\":%s}", page->offset + cut,
		page->total > end ? page->total : end, page->over ? "true" : "false", kept ? "true" : "false");
	reply_buffer(to, &out);
}

/* --- from disk --- */

struct log_wait {
	struct request *request;
	struct command_ask *ask;
	struct page page;
	enum core_found found; /* whether there is a record of it */
};

static void log_free(struct log_wait *wait)
{
	struct request *request = wait->request;
	if (wait->ask)
		pools_command_forget(wait->ask);
	free(wait);
	request->state = NULL;
}

static void log_abandon(struct request *request)
{
	log_free(request->state);
}

static void log_cancel(struct request *request, struct strbuf *out)
{
	const struct reply_to to = request_reply_to(request);
	(void)out;
	reply_error(&to, PROTO_CANCELLED, "the request was cancelled", NULL);
	log_free(request->state);
	request_free(request);
}

static void log_status(struct request *request, struct strbuf *out)
{
	(void)request;
	strbuf_puts(out, "{\"state\":\"running\",\"tasks\":1,\"ended\":0}");
}

static const struct request_kind log_kind = {
	.abandon = log_abandon,
	.cancel = log_cancel,
	.status = log_status,
};

static void log_came(void *user, const struct command_answer *answer)
{
	struct log_wait *wait = user;
	struct request *request = wait->request;
	const struct reply_to to = request_reply_to(request);
	struct page *page = &wait->page;
	bool found = answer->kind == COMMAND_DONE && answer->found;
	wait->ask = NULL;
	if (found && answer->total > page->total)
		page->total = answer->total;
	page->lost &= !found;
	if (found || wait->found == CORE_FOUND)
		answer_page(&to, page, found ? answer->data : NULL, found ? answer->length : 0);
	else
		reply_not_there(&to, page->id, wait->found);
	log_free(wait);
	request_free(request);
}

/* Where no worker is there to read it, it is as if there were none. */
static void answer_from_disk(const struct call *call, const struct page *page, enum core_found found)
{
	if (!call->to.id)
		return;
	struct log_wait *wait = xcalloc(1, sizeof(*wait));
	wait->page = *page;
	wait->found = found;
	wait->request = request_new(&call->to, &log_kind);
	wait->request->state = wait;
	wait->ask = pools_command_log(call->edge->host.pools, page->id, page->attempt, page->stream, page->offset,
		page->size, log_came, wait);
	if (!wait->ask)
		log_came(wait, &(struct command_answer){ .kind = COMMAND_NOT_RUNNING });
}

/* --- from memory --- */

/* False: it is not here. One that has not started has said nothing. */
static bool answer_running(const struct call *call, struct page *page, struct task *task)
{
	struct capture_state state;
	char data[LOG_PAGE];
	struct pools *pools = call->edge->host.pools;
	long length = 0;
	if (pools_command_look(pools, task, &state)) {
		page->total = state.total[page->stream];
		if (page->offset >= state.kept[page->stream] && page->offset < page->total)
			return false;
		length = pools_command_read(pools, task, page->stream, page->offset, data, page->size);
	}
	answer_page(&call->to, page, data, length > 0 ? (size_t)length : 0);
	return true;
}

/* Whether it has had a chance to say something. */
static bool has_started(const struct task *task)
{
	const char *kind = task->outcome ? task->outcome->kind : NULL;
	return task->started_ns && !(kind && strcmp(kind, proto_error_info(PROTO_NOT_STARTED)->kind) == 0);
}

static bool answer_over(const struct call *call, struct page *page, const struct task *task)
{
	struct said said;
	said_read(&said, task, page->stream);
	bool started = has_started(task);
	size_t left = page->offset < said.kept ? (size_t)(said.kept - page->offset) : 0;
	bool here = left > 0 || !started || (said.known && page->offset >= said.total);
	page->total = said.total;
	page->lost = started && !said.known;
	if (here)
		answer_page(&call->to, page, left ? said.text + page->offset : NULL, left < page->size ? left : page->size);
	said_free(&said);
	return here;
}

/* --- the method --- */

/* The one that runs, or has run last: the next one has its number while it waits for its time. */
static uint32_t last_attempt(struct task *task)
{
	if (task->slot)
		core_task_look(task);
	bool waits = task->state <= TASK_QUEUED;
	return waits && task->attempt > 1 ? task->attempt - 1u : task->attempt;
}

static void answer_of_task(const struct call *call, struct page *page, struct task *task)
{
	uint32_t last = last_attempt(task);
	bool terminal = task_state_is_terminal(task->state), here = false;
	bool decided = terminal || (task->state == TASK_RECORDING && task->outcome);
	if (!page->attempt)
		page->attempt = last;
	if (page->attempt > task->attempt) {
		reply_errorf(&call->to, PROTO_INVALID_PARAMS, "task %" PRIu64 " has had %u attempts", page->id, (unsigned)last);
		return;
	}
	page->over = terminal || page->attempt < task->attempt;
	page->lost = page->attempt < task->attempt;
	if (page->attempt == task->attempt)
		here = decided ? answer_over(call, page, task) : answer_running(call, page, task);
	if (!here)
		answer_from_disk(call, page, CORE_FOUND);
}

/* Nobody knows any more whose it was. */
static void answer_of_nobody(const struct call *call, struct page *page, enum core_found found)
{
	if (!page->attempt)
		page->attempt = 1;
	page->over = page->lost = true;
	if (access_of(call->to.connection)->read == ACCESS_ALL)
		answer_from_disk(call, page, found);
	else
		reply_not_there(&call->to, page->id, found);
}

void rpc_task_log(const struct call *call)
{
	struct log_params params = { 0 };
	struct task *task;
	if (!call_params(call, &params))
		return;
	struct page page = {
		.id = params.id,
		.attempt = (uint32_t)params.attempt,
		.stream = params.stream == STREAM_WORD_STDERR ? CAPTURE_STDERR : CAPTURE_STDOUT,
		.offset = params.offset > 0 ? (uint64_t)params.offset : 0,
		.size = params.limit > 0 && params.limit < LOG_PAGE ? (size_t)params.limit : LOG_PAGE,
	};
	enum core_found found = access_find(call, params.id, &task);
	if (found != CORE_FOUND)
		answer_of_nobody(call, &page, found);
	else if ((task = call_finds_command(call, params.id, RIGHT_READ)))
		answer_of_task(call, &page, task);
	call_params_free(call, &params);
}
