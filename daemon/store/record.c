/* Writes and reads what master and store tell each other. There is one function for each struct, which goes through its
 * members and writes or reads them, as its wire says: so what one side writes is what the other reads. When it reads, it
 * trusts nothing: whatever is not there in full is not taken, and no more is allocated than what is there can fill. */
#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "store/wire.h"

#define BUFFER_LEAST ((size_t)1024)

bool store_buffer_grow(struct store_buffer *buffer, size_t more)
{
	size_t need = buffer->length + more, room = buffer->room ? buffer->room : BUFFER_LEAST;
	while (room < need)
		room *= 2;
	char *data = realloc(buffer->data, room);
	if (!data)
		return false;
	buffer->data = data;
	buffer->room = room;
	return true;
}

void store_buffer_free(struct store_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct store_buffer){ 0 };
}

/* --- what is in others --- */
#define ATTEMPT_LEAST 36u
static void wire_attempt(struct wire *wire, struct store_attempt *attempt)
{
	wire_i64(wire, &attempt->started_ns);
	wire_i64(wire, &attempt->ended_ns);
	wire_word(wire, &attempt->state);
	wire_text(wire, &attempt->kind);
	wire_text(wire, &attempt->message);
	wire_i32(wire, &attempt->code);
	wire_i32(wire, &attempt->pid);
}

#define CLAIM_LEAST 14u
static void wire_claim(struct wire *wire, struct store_claim *claim)
{
	wire_u8(wire, &claim->kind);
	wire_bool(wire, &claim->shared);
	wire_u32(wire, &claim->count);
	wire_u32(wire, &claim->slots);
	wire_text(wire, &claim->name);
}

#define DEPENDENCY_LEAST 14u
static void wire_dependency(struct wire *wire, struct store_dependency *dependency)
{
	wire_u64(wire, &dependency->id);
	wire_bool(wire, &dependency->any);
	wire_bool(wire, &dependency->done);
	wire_text(wire, &dependency->result);
}

static void wire_outcome(struct wire *wire, struct store_outcome *outcome)
{
	wire_text(wire, &outcome->result);
	wire_text(wire, &outcome->data);
	wire_text(wire, &outcome->message);
	wire_text(wire, &outcome->kind);
	wire_i32(wire, &outcome->code);
	wire_u64(wire, &outcome->dropped);
	wire_u64(wire, &outcome->because_of);
	wire_i32(wire, &outcome->pid);
	wire_i32(wire, &outcome->wait_status);
	wire_i64(wire, &outcome->user_ns);
	wire_i64(wire, &outcome->system_ns);
	wire_i64(wire, &outcome->maxrss_kib);
	wire_text(wire, &outcome->reason);
}

static void wire_limits(struct wire *wire, void *body)
{
	struct store_limits *limits = body;
	wire_i64(wire, &limits->history_ttl_ns);
	wire_u64(wire, &limits->history_count);
}

static void wire_task_lists(struct wire *wire, struct store_task *task)
{
	void *room = wire_array(wire, &task->n_attempts, sizeof *task->attempts, ATTEMPT_LEAST);
	if (!wire->writes)
		task->attempts = room;
	for (uint32_t i = 0; i < task->n_attempts && !wire->failed; i++)
		wire_attempt(wire, &task->attempts[i]);
	room = wire_array(wire, &task->n_claims, sizeof *task->claims, CLAIM_LEAST);
	if (!wire->writes)
		task->claims = room;
	for (uint32_t i = 0; i < task->n_claims && !wire->failed; i++)
		wire_claim(wire, &task->claims[i]);
	room = wire_array(wire, &task->n_dependencies, sizeof *task->dependencies, DEPENDENCY_LEAST);
	if (!wire->writes)
		task->dependencies = room;
	for (uint32_t i = 0; i < task->n_dependencies && !wire->failed; i++)
		wire_dependency(wire, &task->dependencies[i]);
}

/* --- messages --- */
static void wire_task(struct wire *wire, void *body)
{
	struct store_task *task = body;
	wire_u64(wire, &task->id);
	wire_u64(wire, &task->place);
	wire_u64(wire, &task->retry_of);
	wire_u64(wire, &task->retried_as);
	wire_u64(wire, &task->replaces);
	wire_text(wire, &task->type);
	wire_text(wire, &task->queue);
	wire_word(wire, &task->state);
	wire_text(wire, &task->tag);
	wire_text(wire, &task->key);
	wire_text(wire, &task->schedule);
	wire_u32(wire, &task->owner);
	wire_u32(wire, &task->items);
	wire_i32(wire, &task->priority);
	wire_u16(wire, &task->attempt);
	wire_u8(wire, &task->crashes);
	wire_bool(wire, &task->command);
	wire_bool(wire, &task->detached);
	wire_bool(wire, &task->wall);
	wire_bool(wire, &task->tried);
	wire_bool(wire, &task->on_interrupt_crash);
	wire_bool(wire, &task->pass_results);
	wire_bool(wire, &task->final);
	wire_i64(wire, &task->submitted_ns);
	wire_i64(wire, &task->due_ns);
	wire_i64(wire, &task->started_ns);
	wire_i64(wire, &task->ended_ns);
	wire_i64(wire, &task->expires_ns);
	wire_i64(wire, &task->timeout_ns);
	wire_text(wire, &task->args);
	wire_u32(wire, &task->retry.retries);
	wire_u32(wire, &task->retry.on);
	wire_i64(wire, &task->retry.backoff_ns);
	wire_i64(wire, &task->retry.backoff_max_ns);
	wire_double(wire, &task->retry.factor);
	wire_double(wire, &task->retry.jitter);
	wire_task_lists(wire, task);
	wire_outcome(wire, &task->outcome);
}

static void wire_task_start(struct wire *wire, void *body)
{
	struct store_task_start *start = body;
	wire_u16(wire, &start->attempt);
	wire_i64(wire, &start->started_ns);
}

static void wire_task_state(struct wire *wire, void *body)
{
	struct store_task_state *state = body;
	wire_word(wire, &state->state);
	wire_u16(wire, &state->attempt);
	wire_u8(wire, &state->crashes);
	wire_bool(wire, &state->wall);
	wire_bool(wire, &state->tried);
	wire_u64(wire, &state->place);
	wire_i64(wire, &state->due_ns);
	wire_bool(wire, &state->adds_attempt);
	wire_attempt(wire, &state->last);
}

static void wire_task_met(struct wire *wire, void *body)
{
	struct store_task_met *met = body;
	wire_u32(wire, &met->dependency);
	wire_text(wire, &met->result);
}

static void wire_task_end(struct wire *wire, void *body)
{
	struct store_task_end *end = body;
	wire_word(wire, &end->state);
	wire_u16(wire, &end->attempt);
	wire_u8(wire, &end->crashes);
	wire_bool(wire, &end->keeps_args);
	wire_i64(wire, &end->started_ns);
	wire_i64(wire, &end->ended_ns);
	wire_outcome(wire, &end->outcome);
}

static void wire_queue(struct wire *wire, void *body)
{
	struct store_queue *queue = body;
	wire_text(wire, &queue->name);
	wire_bool(wire, &queue->paused);
	wire_bool(wire, &queue->draining);
	wire_bool(wire, &queue->is_made);
	wire_bool(wire, &queue->is_set);
	wire_text(wire, &queue->pool);
	wire_u64(wire, &queue->limit_queued);
	wire_u64(wire, &queue->limit_bytes);
	wire_u64(wire, &queue->limit_running);
	wire_u8(wire, &queue->order);
	wire_double(wire, &queue->rate);
	wire_u32(wire, &queue->burst);
	wire_u32(wire, &queue->weight);
	wire_i64(wire, &queue->ageing_ns);
	wire_said(wire, &queue->durable);
}

static void wire_schedule(struct wire *wire, void *body)
{
	struct store_schedule *schedule = body;
	wire_text(wire, &schedule->name);
	wire_text(wire, &schedule->text);
	wire_text(wire, &schedule->groups);
	wire_bool(wire, &schedule->is_cron);
	wire_i64(wire, &schedule->every_ns);
	wire_i64(wire, &schedule->expires_ns);
	wire_bool(wire, &schedule->catch_up);
	wire_bool(wire, &schedule->overlap);
	wire_i64(wire, &schedule->next_ns);
	wire_u64(wire, &schedule->runs);
	wire_u64(wire, &schedule->skipped);
	wire_u64(wire, &schedule->last_id);
	wire_u32(wire, &schedule->owed);
	wire_task(wire, &schedule->task);
	wire_said(wire, &schedule->durable);
}

static void wire_schedule_ran(struct wire *wire, void *body)
{
	struct store_schedule_ran *ran = body;
	wire_text(wire, &ran->name);
	wire_i64(wire, &ran->next_ns);
	wire_u64(wire, &ran->runs);
	wire_u64(wire, &ran->skipped);
	wire_u64(wire, &ran->last_id);
	wire_u32(wire, &ran->owed);
}

static void wire_ids(struct wire *wire, void *body)
{
	struct store_ids *ids = body;
	wire_u64(wire, &ids->next_id);
	wire_u64(wire, &ids->next_place);
	wire_u64(wire, &ids->next_fence);
}

static void wire_name(struct wire *wire, void *body)
{
	struct store_name *name = body;
	wire_text(wire, &name->name);
}

static void wire_open(struct wire *wire, void *body)
{
	struct store_open *open = body;
	wire_u32(wire, &open->version);
	wire_text(wire, &open->directory);
	wire_u64(wire, &open->session);
	wire_bool(wire, &open->put_aside);
	wire_limits(wire, &open->limits);
	wire_i64(wire, &open->keep.success_after_ns);
	wire_i64(wire, &open->keep.failure_after_ns);
	wire_u64(wire, &open->keep.count);
	wire_u64(wire, &open->keep.bytes);
}

static void wire_opened(struct wire *wire, void *body)
{
	struct store_opened *opened = body;
	wire_u32(wire, &opened->version);
	wire_enum(wire, &opened->status, STORE_OPEN_ERROR);
	wire_text(wire, &opened->text);
	wire_u64(wire, &opened->next_id);
	wire_u64(wire, &opened->next_place);
	wire_u64(wire, &opened->next_fence);
	wire_u64(wire, &opened->live);
	wire_u64(wire, &opened->ended);
	wire_u64(wire, &opened->applied);
}

static void wire_query(struct wire *wire, void *body)
{
	struct store_query *query = body;
	wire_enum(wire, &query->question, STORE_ASK_BACKUP);
	wire_u64(wire, &query->id);
	wire_u32(wire, &query->states);
	wire_text(wire, &query->queue);
	wire_text(wire, &query->type);
	wire_text(wire, &query->tag);
	wire_text(wire, &query->key);
	wire_text(wire, &query->path);
	wire_bool(wire, &query->by_owner);
	wire_u32(wire, &query->owner);
	wire_i64(wire, &query->since_ns);
	wire_i64(wire, &query->until_ns);
	wire_u64(wire, &query->before);
	wire_u64(wire, &query->after);
	wire_bool(wire, &query->oldest_first);
	wire_u32(wire, &query->limit);
}

static void wire_answer(struct wire *wire, void *body)
{
	struct store_answer *answer = body;
	wire_enum(wire, &answer->status, STORE_ANSWER_ERROR);
	wire_text(wire, &answer->text);
	wire_text(wire, &answer->json);
	wire_bool(wire, &answer->more);
}

static void wire_row(struct wire *wire, void *body)
{
	struct store_row *row = body;
	wire_enum(wire, &row->kind, STORE_ROW_TASK);
	switch ((enum store_row_kind)row->kind) {
	case STORE_ROW_QUEUE:
		wire_queue(wire, &row->queue);
		break;
	case STORE_ROW_SCHEDULE:
		wire_schedule(wire, &row->schedule);
		break;
	case STORE_ROW_TASK:
		wire_task(wire, &row->task);
		break;
	}
}

static void wire_message_text(struct wire *wire, void *body)
{
	wire_text(wire, body);
}

/* --- all of them --- */
static const struct {
	bool known;
	void (*wire)(struct wire *wire, void *body); /* NULL: there is no body */
	size_t size;
} messages[] = {
	[STORE_OPEN] = { true, wire_open, sizeof(struct store_open) },
	[STORE_LOAD] = { .known = true },
	[STORE_QUERY] = { true, wire_query, sizeof(struct store_query) },
	[STORE_SET_LIMITS] = { true, wire_limits, sizeof(struct store_limits) },
	[STORE_STOP] = { .known = true },
	[STORE_AGAIN] = { .known = true },
	[STORE_TASK_PUT] = { true, wire_task, sizeof(struct store_task) },
	[STORE_TASK_START] = { true, wire_task_start, sizeof(struct store_task_start) },
	[STORE_TASK_STATE] = { true, wire_task_state, sizeof(struct store_task_state) },
	[STORE_TASK_MET] = { true, wire_task_met, sizeof(struct store_task_met) },
	[STORE_TASK_END] = { true, wire_task_end, sizeof(struct store_task_end) },
	[STORE_TASK_FORGET] = { .known = true },
	[STORE_QUEUE_PUT] = { true, wire_queue, sizeof(struct store_queue) },
	[STORE_QUEUE_DROP] = { true, wire_name, sizeof(struct store_name) },
	[STORE_SCHEDULE_PUT] = { true, wire_schedule, sizeof(struct store_schedule) },
	[STORE_SCHEDULE_RAN] = { true, wire_schedule_ran, sizeof(struct store_schedule_ran) },
	[STORE_SCHEDULE_DROP] = { true, wire_name, sizeof(struct store_name) },
	[STORE_IDS] = { true, wire_ids, sizeof(struct store_ids) },
	[STORE_OPENED] = { true, wire_opened, sizeof(struct store_opened) },
	[STORE_COMMITTED] = { .known = true },
	[STORE_REFUSED] = { true, wire_message_text, sizeof(struct store_text) },
	[STORE_FAILED] = { true, wire_message_text, sizeof(struct store_text) },
	[STORE_ROW] = { true, wire_row, sizeof(struct store_row) },
	[STORE_LOADED] = { .known = true },
	[STORE_FOUND] = { true, wire_row, sizeof(struct store_row) },
	[STORE_ANSWERED] = { true, wire_answer, sizeof(struct store_answer) },
};
#define N_MESSAGES (sizeof messages / sizeof *messages)

static void wire_header(struct wire *wire, struct store_header *header)
{
	wire_u32(wire, &header->length);
	wire_u16(wire, &header->message);
	wire_u16(wire, &header->flags);
	wire_u64(wire, &header->number);
	wire_u64(wire, &header->id);
}

bool store_write(struct store_buffer *out, const struct store_header *header, const void *body)
{
	assert(header->message < N_MESSAGES && messages[header->message].known);
	size_t start = out->length;
	struct wire wire = { .writes = true, .out = out, .limit = start + STORE_HEADER_SIZE + STORE_BODY_LIMIT };
	struct store_header own = *header;
	own.length = 0;
	wire_header(&wire, &own);
	if (messages[header->message].wire)
		messages[header->message].wire(&wire, (void *)(uintptr_t)body);
	if (wire.failed || out->length > wire.limit) {
		out->length = start;
		return false;
	}
	uint32_t length = htole32((uint32_t)(out->length - start - STORE_HEADER_SIZE));
	memcpy(out->data + start, &length, sizeof length);
	return true;
}

void store_unchain(char *data)
{
	const size_t before_flags = sizeof(uint32_t) + sizeof(uint16_t);
	memset(data + before_flags, 0, sizeof(uint16_t));
}

bool store_is_operation(enum store_message message)
{
	return message >= STORE_TASK_PUT && message <= STORE_IDS;
}

bool store_read_header(const char *data, struct store_header *header)
{
	struct wire wire = { .at = data, .end = data + STORE_HEADER_SIZE };
	wire_header(&wire, header);
	if (header->message >= N_MESSAGES || !messages[header->message].known || header->length > STORE_BODY_LIMIT)
		return false;
	if (!messages[header->message].wire && header->length != 0)
		return false;
	return header->flags == 0 || (header->flags == STORE_CHAINED && store_is_operation(header->message));
}

bool store_read_body(const struct store_header *header, const char *data, void *body)
{
	assert(header->message < N_MESSAGES && messages[header->message].known);
	struct wire wire = { .at = data, .end = data + header->length };
	if (!messages[header->message].wire)
		return header->length == 0;
	memset(body, 0, messages[header->message].size);
	messages[header->message].wire(&wire, body);
	if (!wire.failed && wire.at == wire.end)
		return true;
	store_body_free(header->message, body);
	return false;
}

static void task_free(struct store_task *task)
{
	free(task->attempts);
	free(task->claims);
	free(task->dependencies);
	task->attempts = NULL;
	task->claims = NULL;
	task->dependencies = NULL;
	task->n_attempts = task->n_claims = task->n_dependencies = 0;
}

static void row_free(struct store_row *row)
{
	if (row->kind == STORE_ROW_TASK)
		task_free(&row->task);
	else if (row->kind == STORE_ROW_SCHEDULE)
		task_free(&row->schedule.task);
}

void store_body_free(enum store_message message, void *body)
{
	if (message == STORE_TASK_PUT)
		task_free(body);
	else if (message == STORE_SCHEDULE_PUT)
		task_free(&((struct store_schedule *)body)->task);
	else if (message == STORE_ROW || message == STORE_FOUND)
		row_free(body);
}
