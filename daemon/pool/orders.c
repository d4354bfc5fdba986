/* Orders to commands that run, and questions about their logs: who asked is told the worker's answer, or that there will
 * be none. A worker answers each question once; what it says beyond that makes no sense. */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "pool/command.h"
#include "pool/internal.h"
#include "proto/base64.h"
#include "proto/strbuf.h"

/* So much may be on its way to one worker before who asks for more is told to come later; what taskd itself has to say
 * (two messages for each task) may be as much again, and then the worker is not listening. */
#define ASKS_LIMIT 64
#define OUTBOX_BUSY (256u * 1024)
#define OUTBOX_LIMIT (2 * OUTBOX_BUSY)

struct command_ask {
	struct process *process;
	uint64_t number;
	bool log;
	size_t size; /* of a log's page, at most */
	command_answered *answered; /* NULL: nobody wants it any more */
	void *user;
	TAILQ_ENTRY(command_ask) link;
};

/* --- asking --- */

static struct command_ask *ask_new(struct process *process, command_answered *answered, void *user)
{
	struct command_ask *ask = xcalloc(1, sizeof(*ask));
	ask->process = process;
	ask->number = ++process->worker->pools->last_ask;
	ask->answered = answered;
	ask->user = user;
	TAILQ_INSERT_TAIL(&process->asks, ask, link);
	process->n_asks++;
	return ask;
}

/* Takes it off its process's list; USER and ANSWERED are of use to who calls. */
static void ask_free(struct command_ask *ask)
{
	TAILQ_REMOVE(&ask->process->asks, ask, link);
	ask->process->n_asks--;
	free(ask);
}

static bool is_busy(const struct process *process)
{
	return process->n_asks >= ASKS_LIMIT || process->outbox_bytes >= OUTBOX_BUSY;
}

static void message_begin(struct strbuf *out, const char *kind, uint64_t task_id, uint32_t attempt, uint64_t ask)
{
	strbuf_printf(out, "{\"%s\":{\"task\":%llu,\"attempt\":%u,\"ask\":%llu", kind, (unsigned long long)task_id,
		(unsigned)attempt, (unsigned long long)ask);
}

/* Closes the two braces, sends it, and frees it. */
static int message_send(struct process *process, struct strbuf *message)
{
	strbuf_puts(message, "}}");
	int code = strbuf_failed(message) ? -1 : outbox_send(process, message->data, message->length);
	strbuf_free(message);
	return code;
}

static void describe(struct strbuf *out, const struct command_order *order)
{
	switch (order->kind) {
	case COMMAND_SIGNAL:
		strbuf_printf(out, ",\"do\":\"signal\",\"signal\":%d", order->signal);
		break;
	case COMMAND_SUSPEND:
		strbuf_puts(out, ",\"do\":\"suspend\"");
		break;
	case COMMAND_RESUME:
		strbuf_puts(out, ",\"do\":\"resume\"");
		break;
	case COMMAND_WINDOW:
		strbuf_printf(out, ",\"do\":\"window\",\"rows\":%d,\"columns\":%d", order->rows, order->columns);
		break;
	case COMMAND_SEND:
		strbuf_puts(out, ",\"do\":\"send\",\"data\":\"");
		base64_encode(out, order->data, order->length);
		strbuf_printf(out, "\",\"eof\":%s", order->eof ? "true" : "false");
		break;
	}
}

struct command_ask *pools_command_order(struct pools *pools, struct task *task, const struct command_order *order,
	command_answered *answered, void *user, bool *busy)
{
	(void)pools;
	assert(order->length <= COMMAND_SEND_LIMIT);
	const struct seat *seat = command_seat(task);
	*busy = seat && is_busy(seat->process);
	if (!seat || *busy)
		return NULL;
	struct strbuf message = STRBUF_INIT;
	struct command_ask *ask = ask_new(seat->process, answered, user);
	message_begin(&message, "order", task->id, task->attempt, ask->number);
	describe(&message, order);
	if (message_send(seat->process, &message) == 0)
		return ask;
	ask_free(ask);
	return NULL;
}

/* One that has little to do, where there is one. */
static struct process *log_reader(const struct pools *pools)
{
	const struct pool *pool;
	const struct worker *worker;
	struct process *best = NULL;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link) {
			struct process *process = worker->process;
			if (!process || !process->commands || process->killed || worker->state != WORKER_READY || is_busy(process))
				continue;
			if (!best || process->n_asks < best->n_asks)
				best = process;
		}
	return best;
}

struct command_ask *pools_command_log(struct pools *pools, uint64_t task_id, uint32_t attempt,
	enum capture_stream stream, uint64_t offset, size_t size, command_answered *answered, void *user)
{
	struct process *process = log_reader(pools);
	if (!process)
		return NULL;
	struct strbuf message = STRBUF_INIT;
	struct command_ask *ask = ask_new(process, answered, user);
	ask->log = true;
	ask->size = size;
	message_begin(&message, "log", task_id, attempt, ask->number);
	strbuf_printf(&message, ",\"stream\":%d,\"offset\":%llu,\"size\":%zu", (int)stream, (unsigned long long)offset, size);
	if (message_send(process, &message) == 0)
		return ask;
	ask_free(ask);
	return NULL;
}

void pools_command_forget(struct command_ask *ask)
{
	ask->answered = NULL; /* its number stays known until the worker has answered */
}

void order_stop(struct process *process, const struct task *task, const char *what)
{
	struct strbuf message = STRBUF_INIT;
	message_begin(&message, "order", task->id, task->attempt, 0);
	strbuf_printf(&message, ",\"do\":\"%s\"", what);
	if (process->outbox_bytes >= OUTBOX_LIMIT) {
		strbuf_free(&message);
		worker_kill(process->worker, "it did not listen");
	} else {
		(void)message_send(process, &message); /* where nobody is there, a death follows */
	}
}

/* --- answers --- */

static struct command_ask *ask_find(const struct process *process, const json_t *number)
{
	struct command_ask *ask;
	TAILQ_FOREACH(ask, &process->asks, link)
		if (json_is_integer(number) && (uint64_t)json_integer_value(number) == ask->number)
			return ask;
	return NULL;
}

/* Of an order's answer, its kind; -1: that is no such word. */
static int kind_of(const char *word)
{
	static const char *const words[] = {
		[COMMAND_DONE] = "done",
		[COMMAND_NOT_RUNNING] = "not_running",
		[COMMAND_NO_INPUT] = "no_input",
		[COMMAND_REFUSED] = "refused",
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	return -1;
}

/* *DATA is malloc'ed. -1: it is more than was asked for, or no page. */
static int read_page(const json_t *object, const struct command_ask *ask, struct command_answer *out, char **data)
{
	const json_t *text = json_object_get(object, "data"), *total = json_object_get(object, "total");
	if (!json_is_string(text) || !json_is_integer(total) || json_integer_value(total) < 0)
		return -1;
	*data = xmalloc(base64_room(json_string_length(text)));
	ssize_t length = base64_decode(*data, json_string_value(text), json_string_length(text));
	if (length < 0 || (size_t)length > ask->size)
		return -1;
	out->data = *data;
	out->length = (size_t)length;
	out->total = (uint64_t)json_integer_value(total);
	out->found = true;
	return 0;
}

static int read_answer(const json_t *object, const struct command_ask *ask, struct command_answer *out, char **data)
{
	const char *word = json_string_value(json_object_get(object, "word"));
	const char *reason = json_string_value(json_object_get(object, "reason"));
	int kind = word ? kind_of(word) : -1;
	*out = (struct command_answer){ .kind = COMMAND_DONE };
	if (ask->log && word && strcmp(word, "not_found") == 0)
		return 0;
	if (kind < 0)
		return -1;
	out->kind = (enum command_answer_kind)kind;
	switch (out->kind) {
	case COMMAND_DONE:
		return ask->log ? read_page(object, ask, out, data) : 0;
	case COMMAND_REFUSED:
		out->reason = reason ? reason : "no reason was given";
		return 0;
	case COMMAND_NOT_RUNNING:
	case COMMAND_NO_INPUT:
		return ask->log ? -1 : 0;
	}
	return -1;
}

int orders_hear(struct process *process, const json_t *object)
{
	struct command_ask *ask = ask_find(process, json_object_get(object, "ask"));
	struct command_answer answer;
	char *data = NULL;
	int code = ask ? read_answer(object, ask, &answer, &data) : -1;
	if (code == 0) {
		command_answered *answered = ask->answered;
		void *user = ask->user;
		ask_free(ask);
		if (answered)
			answered(user, &answer);
	}
	free(data);
	return code;
}

void orders_over(struct process *process, bool tell)
{
	const struct command_answer answer = { .kind = COMMAND_NOT_RUNNING };
	struct command_ask *ask;
	while ((ask = TAILQ_FIRST(&process->asks))) {
		command_answered *answered = tell ? ask->answered : NULL;
		void *user = ask->user;
		ask_free(ask);
		if (answered)
			answered(user, &answer);
	}
}
