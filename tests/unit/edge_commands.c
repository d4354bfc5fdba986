/* See edge_commands.h. */
#include "edge_commands.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/xmalloc.h"
#include "pool/pool.h"

#define ROWS 32

struct row {
	uint64_t id;
	uint32_t attempt;
	bool begun, followed, suspended;
	char kept[CAPTURE_N_STREAMS][COMMAND_KEPT];
	uint64_t total[CAPTURE_N_STREAMS];
	int fds[3];
	size_t n_fds;
};

struct command_ask {
	struct ordered ordered;
	command_answered *answered; /* NULL: forgotten */
	void *user;
	STAILQ_ENTRY(command_ask) link;
};

static struct row rows[ROWS];
static STAILQ_HEAD(, command_ask) asks = STAILQ_HEAD_INITIALIZER(asks);
static command_said *said;
static void *said_context;
static int64_t named_timeout;
static bool refusing;

static struct row *row_of(uint64_t id)
{
	for (int i = 0; i < ROWS; i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
}

static struct row *row_make(uint64_t id)
{
	struct row *row = row_of(id) ? row_of(id) : row_of(0);
	ck_assert_ptr_nonnull(row);
	row->id = id;
	return row;
}

static size_t kept(const struct row *row, enum capture_stream stream)
{
	return row->total[stream] < COMMAND_KEPT ? (size_t)row->total[stream] : COMMAND_KEPT;
}

static struct task *task_of(const struct world *world, uint64_t id)
{
	struct task *task;
	ck_assert_int_eq(core_find(world->core, id, &task), CORE_FOUND);
	return task;
}

/* --- what the edge calls --- */

int pools_command_expand(struct pools *pools, const struct task_type *type, const struct json_span *args,
	struct strbuf *out, char *error, size_t error_size)
{
	struct json_span item;
	size_t cursor = 0;
	(void)pools;
	if (strcmp(type->name, "exec") == 0)
		return 0;
	if (json_count(args) != 1 || json_next(args, &cursor, NULL, &item) != 1) {
		snprintf(error, error_size, "missing parameter \"name\"");
		return -1;
	}
	strbuf_puts(out, "{\"argv\":[\"echo\",");
	strbuf_add(out, item.text, item.length);
	strbuf_puts(out, "]}");
	return 0;
}

int64_t pools_command_timeout(struct pools *pools, const struct task_type *type)
{
	(void)pools;
	return strcmp(type->name, "greet") == 0 ? named_timeout : 0;
}

void pools_command_attach(struct pools *pools, struct task *task, const int *fds, size_t n_fds)
{
	struct row *row = row_make(task->id);
	(void)pools;
	memcpy(row->fds, fds, n_fds * sizeof(int));
	row->n_fds = n_fds;
}

static struct row *running(const struct task *task)
{
	struct row *row = row_of(task->id);
	return row && row->begun && row->attempt == task->attempt && task->slot ? row : NULL;
}

bool pools_command_look(struct pools *pools, struct task *task, struct capture_state *out)
{
	const struct row *row = running(task);
	(void)pools;
	if (!row)
		return false;
	*out = (struct capture_state){ .pid = 1234, .suspended = row->suspended };
	for (int stream = 0; stream < CAPTURE_N_STREAMS; stream++) {
		out->kept[stream] = kept(row, (enum capture_stream)stream);
		out->total[stream] = row->total[stream];
	}
	return true;
}

int pools_command_slot(const struct task *task)
{
	return task->slot ? 7 : -1;
}

long pools_command_read(struct pools *pools, struct task *task, enum capture_stream stream, uint64_t offset, void *room,
	size_t size)
{
	const struct row *row = running(task);
	(void)pools;
	if (!row)
		return -1;
	if (offset >= kept(row, stream))
		return 0;
	size_t left = kept(row, stream) - (size_t)offset;
	memcpy(room, row->kept[stream] + offset, left < size ? left : size);
	return (long)(left < size ? left : size);
}

static struct command_ask *ask_new(const struct ordered *ordered, command_answered *answered, void *user)
{
	struct command_ask *ask = xcalloc(1, sizeof(*ask));
	ask->ordered = *ordered;
	ask->answered = answered;
	ask->user = user;
	STAILQ_INSERT_TAIL(&asks, ask, link);
	return ask;
}

struct command_ask *pools_command_order(struct pools *pools, struct task *task, const struct command_order *order,
	command_answered *answered, void *user, bool *busy)
{
	struct ordered ordered = { .id = task->id, .order = *order };
	(void)pools;
	*busy = refusing;
	if (!running(task) || refusing)
		return NULL;
	if (order->data) {
		ordered.order.data = memcpy(xmalloc(order->length + 1), order->data, order->length);
		((char *)(uintptr_t)ordered.order.data)[order->length] = '\0';
	}
	return ask_new(&ordered, answered, user);
}

struct command_ask *pools_command_log(struct pools *pools, uint64_t task_id, uint32_t attempt, enum capture_stream stream,
	uint64_t offset, size_t size, command_answered *answered, void *user)
{
	const struct ordered ordered = { .id = task_id, .log = true, .attempt = attempt, .stream = stream, .offset = offset,
		.size = size };
	(void)pools;
	return refusing ? NULL : ask_new(&ordered, answered, user);
}

void pools_command_forget(struct command_ask *ask)
{
	ask->answered = NULL;
}

void pools_command_follow(struct pools *pools, struct task *task, bool on)
{
	(void)pools;
	ck_assert_ptr_nonnull(running(task));
	running(task)->followed = on;
}

void pools_on_output(struct pools *pools, command_said *function, void *context)
{
	(void)pools;
	said = function;
	said_context = context;
}

/* --- what tests call --- */

void commands_init(struct world *world)
{
	static const char *const names[] = { "exec", "greet" };
	memset(rows, 0, sizeof(rows));
	named_timeout = 0;
	refusing = false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct task_type *type = core_type(world->core, names[i], strlen(names[i]));
		type->known = type->command = true;
		type->queue = world->queue;
	}
}

static struct command_ask *ask_take(void)
{
	struct command_ask *ask = STAILQ_FIRST(&asks);
	ck_assert_ptr_nonnull(ask);
	STAILQ_REMOVE_HEAD(&asks, link);
	return ask;
}

static void ask_free(struct command_ask *ask)
{
	free((char *)(uintptr_t)ask->ordered.order.data);
	free(ask);
}

void commands_fini(void)
{
	while (!STAILQ_EMPTY(&asks))
		ask_free(ask_take());
	for (int i = 0; i < ROWS; i++)
		while (rows[i].n_fds)
			close(rows[i].fds[--rows[i].n_fds]);
}

void commands_set_timeout(int64_t timeout_ns)
{
	named_timeout = timeout_ns;
}

void command_begin(struct world *world, uint64_t id)
{
	world_settle(world);
	struct task *task = task_of(world, id);
	struct row *row = row_make(id);
	ck_assert_ptr_nonnull(task->slot);
	core_task_look(task);
	memset(row->total, 0, sizeof(row->total));
	row->attempt = task->attempt;
	row->begun = true;
	row->followed = false;
}

void command_say(struct world *world, uint64_t id, enum capture_stream stream, const char *data, size_t length, bool hurried)
{
	struct row *row = row_of(id);
	uint64_t offset = row->total[stream];
	for (size_t i = 0; i < length && offset + i < COMMAND_KEPT; i++)
		row->kept[stream][offset + i] = data[i];
	row->total[stream] += length;
	if (row->followed && !hurried)
		said(said_context, task_of(world, id), stream, offset, data, length);
}

void command_set_suspended(uint64_t id, bool suspended)
{
	row_of(id)->suspended = suspended;
}

bool command_is_followed(uint64_t id)
{
	return row_of(id)->followed;
}

void command_end(struct world *world, uint64_t id, enum task_state state, const char *kind, const char *json)
{
	world_settle(world);
	struct bytes *bytes = json ? bytes_new(json, strlen(json)) : NULL;
	struct task_outcome outcome = { .state = state, .kind = kind };
	if (state == TASK_SUCCEEDED)
		outcome.result = bytes;
	else
		outcome.data = bytes;
	struct task *task = task_of(world, id);
	struct row *row = row_make(id);
	core_task_look(task);
	core_task_done(task, &outcome, world->now_ns, world->now_ns);
	row->begun = false;
	world_settle(world);
}

const struct ordered *commands_ordered(void)
{
	const struct command_ask *ask = STAILQ_FIRST(&asks);
	return ask ? &ask->ordered : NULL;
}

static void answer(const struct command_answer *answer)
{
	struct command_ask *ask = ask_take();
	if (ask->answered)
		ask->answered(ask->user, answer);
	ask_free(ask);
}

void commands_answer(enum command_answer_kind kind, const char *reason)
{
	answer(&(struct command_answer){ .kind = kind, .reason = reason });
}

void commands_answer_log(const char *text)
{
	const struct ordered *ordered = commands_ordered();
	size_t length = text ? strlen(text) : 0, from = ordered->offset < length ? (size_t)ordered->offset : length;
	size_t size = length - from < ordered->size ? length - from : ordered->size;
	answer(&(struct command_answer){ .kind = COMMAND_DONE, .data = text ? text + from : NULL, .length = size,
		.total = length, .found = text != NULL });
}

void commands_refuse(bool refuse)
{
	refusing = refuse;
}

size_t commands_attached(uint64_t id, int fds[3])
{
	const struct row *row = row_of(id);
	if (!row)
		return 0;
	memcpy(fds, row->fds, sizeof(row->fds));
	return row->n_fds;
}
