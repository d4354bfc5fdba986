/* See edge_world.h. The pools' functions that the edge calls are here, so that the edge is linked without them. */
#include "edge_commands.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/xmalloc.h"
#include "edge/edge.h"
#include "pool/pool.h"

#define TURNS 20000 /* more than anything here takes */
#define N_SLOTS 4
#define HEAR_SIZE 65536

/* --- pools that are a struct --- */

struct pools {
	struct world *world;
	struct pool pool;
	struct worker worker;
};

const char *worker_state_name(enum worker_state state)
{
	(void)state;
	return "ready";
}

bool pools_serves(const struct core_pool *pool, const char *task_name)
{
	(void)task_name;
	return strcmp(core_pool_name(pool), "default") == 0;
}

struct pool *pools_first(const struct pools *pools)
{
	return (struct pool *)&pools->pool;
}

struct worker *pools_worker_of(const struct core_slot *slot)
{
	struct world *world = core_slot_user(slot);
	return &world->pools->worker;
}

int pools_slot_index(const struct core_slot *slot)
{
	struct world *world = core_slot_user(slot);
	int index = 0;
	while (world->slots[index] != slot)
		index++;
	return index;
}

void pool_confinement(const struct pool *pool, struct pool_confinement *out)
{
	(void)pool;
	*out = (struct pool_confinement){ .user = "games", .seccomp = "strict", .private_directory = true };
}

struct core_slot *pools_slot_next(const struct worker *worker, int index)
{
	return index < N_SLOTS ? worker->pools->world->slots[index] : NULL;
}

void pools_count(const struct pools *pools, int *ready, int *wanted)
{
	(void)pools;
	*ready = *wanted = 1;
}

struct pool *pools_find(const struct pools *pools, const char *name)
{
	return strcmp(name, pools->pool.name) == 0 ? pools_first(pools) : NULL;
}

int pools_resize(struct pools *pools, struct pool *pool, int processes, char **error)
{
	(void)pools;
	if (processes > 8)
		*error = xstrdup("too many processes");
	else
		pool->processes = processes;
	return processes > 8 ? -1 : 0;
}

struct core_queue *pools_queue_create(struct pools *pools, const char *name, const char *pool,
	const struct core_queue_options *options, char **error)
{
	(void)pool;
	if (!name[0] || name[strspn(name, "abcdefghijklmnopqrstuvwxyz")])
		*error = xstrdup("no name for a queue");
	else
		return core_queue_new(pools->world->core, name, pools->world->pool, options);
	return NULL;
}

bool pools_queue_is_configured(const struct pools *pools, const struct core_queue *queue)
{
	const char *name = core_queue_name(queue);
	(void)pools;
	return strcmp(name, "default") == 0 || strcmp(name, "other") == 0 || strcmp(name, "tight") == 0;
}

int pools_queue_remove(struct pools *pools, struct core_queue *queue, char **error)
{
	struct core_queue_figures figures;
	core_queue_figures(queue, &figures);
	bool busy = figures.running + figures.waiting + figures.scheduled + figures.blocked > 0;
	if (busy || pools_queue_is_configured(pools, queue)) {
		*error = xstrdup(busy ? "it has tasks" : "it is configured");
		return -1;
	}
	core_queue_free(queue);
	return 0;
}

int pools_nested_pid(const struct pools *pools, int pid)
{
	return pid == pools->worker.pid || pools->world->all_descend ? pools->worker.pid : 0;
}

bool pools_nested(struct pools *pools, int pid, int change)
{
	if (pid != pools->worker.pid)
		return false;
	pools->world->waits += change;
	ck_assert_int_ge(pools->world->waits, 0);
	return true;
}

void world_be_worker(struct world *world)
{
	world->pools->worker.pid = getpid();
}

static void pools_init(struct world *world)
{
	struct pools *pools = world->pools = xcalloc(1, sizeof(*pools));
	pools->world = world;
	pools->pool = (struct pool){ .name = (char *)"default", .tasks = (char *)"*", .processes = 1, .threads = N_SLOTS };
	pools->pool.core_pool = world->pool;
	TAILQ_INIT(&pools->pool.workers);
	pools->worker = (struct worker){ .pools = pools, .pool = &pools->pool, .pid = 4711, .state = WORKER_READY };
	STAILQ_INIT(&pools->worker.failures);
	TAILQ_INSERT_TAIL(&pools->pool.workers, &pools->worker, link);
}

/* --- what the core wants done --- */

static bool is_front(const struct core_slot *slot, const struct task *task)
{
	return core_slot_task_next(slot, NULL) == task;
}

static int op_start(void *context, struct core_slot *slot, struct task *task)
{
	(void)context;
	(void)slot;
	(void)task;
	return 0;
}

static bool op_revoke(void *context, struct core_slot *slot, struct task *task)
{
	(void)context;
	return !is_front(slot, task);
}

static int64_t op_started(void *context, struct core_slot *slot, struct task *task)
{
	const struct world *world = context;
	return is_front(slot, task) ? world->now_ns : 0;
}

static void op_interrupt(void *context, struct core_slot *slot, struct task *task)
{
	struct world *world = context;
	(void)task;
	world->interrupted[pools_slot_index(slot)] = true;
}

static void op_kill(void *context, struct core_slot *slot, struct task *task)
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

static void op_changed(void *context, struct task *task, bool progress)
{
	const struct world *world = context;
	edge_changed(world->edge, task, progress);
}

static int op_refuses(void *context, const struct core_schedule *schedule, const char **why)
{
	const struct world *world = context;
	return edge_refuses(world->edge, schedule, why);
}

static void op_record(void *context, struct task *task, enum core_record what, bool more)
{
	const struct world *world = context;
	durable_record(world->durable, task, what, more);
}

static int64_t op_gather(void *context, const struct bytes *args, struct bytes *const *results, size_t count,
	struct bytes **out)
{
	const struct world *world = context;
	return edge_gather(world->edge, args, results, count, out);
}

/* --- workers that are a function --- */

static struct bytes *bytes_of(struct strbuf *text)
{
	struct bytes *bytes = bytes_new(text->data, text->length);
	strbuf_free(text);
	return bytes;
}

static void run_double(const struct task *task, struct task_outcome *outcome)
{
	struct strbuf out = STRBUF_INIT;
	struct json_span array, item;
	struct json_error error;
	bool mixed = memmem(task->args->data, task->args->size, "13", 2);
	size_t cursor = 0;
	ck_assert_int_eq(json_scan(task->args->data, task->args->size, &array, NULL, &error), 0);
	ck_assert_uint_eq(json_count(&array), task->items);
	while (json_next(&array, &cursor, NULL, &item) == 1) {
		long long n = 0;
		ck_assert(json_span_integer(&item, &n));
		strbuf_puts(&out, out.length ? ", " : "[");
		if (mixed && n == 13)
			strbuf_puts(&out, "{\"error\":{\"code\":13,\"message\":\"bad \\\"luck\\\"\",\"data\":[1]}}");
		else
			strbuf_printf(&out, mixed ? "{\"result\":%lld}" : "%lld", 2 * n);
	}
	strbuf_puts(&out, "]");
	outcome->result = bytes_of(&out);
	outcome->kind = mixed ? "mixed" : NULL;
}

static void run_big(const struct task *task, struct task_outcome *outcome)
{
	char *room;
	size_t size = strtoul(task->args->data + 1, NULL, 10);
	outcome->result = bytes_new_room(size, &room);
	memset(room, 'x', size);
	room[0] = room[size - 1] = '"';
}

static bool is_held(const struct task *task)
{
	return strcmp(task->type->name, "hold") == 0 || task->type->command;
}

/* False: it goes on. */
static bool run(struct world *world, int index, struct task *task)
{
	struct task_outcome outcome = { .state = TASK_SUCCEEDED };
	const char *name = task->type->name;
	if (is_held(task)) {
		if (!world->interrupted[index] || world->stop_deaf)
			return false;
		outcome.state = TASK_CANCELLED;
	} else if (strcmp(name, "echo") == 0) {
		outcome.result = bytes_ref(task->args);
	} else if (strcmp(name, "double") == 0) {
		run_double(task, &outcome);
	} else if (strcmp(name, "big") == 0) {
		run_big(task, &outcome);
	} else {
		outcome.state = TASK_FAILED;
		outcome.code = strcmp(name, "fail") == 0 ? 7 : 0;
		outcome.message = strcmp(name, "fail") == 0 ? xstrdup("no luck") : NULL;
		outcome.data = strcmp(name, "fail") == 0 ? bytes_new("{\"a\":1}", 7) : NULL;
	}
	world->interrupted[index] = false;
	core_task_done(task, &outcome, world->now_ns, world->now_ns);
	return true;
}

static bool run_slot(struct world *world, int index)
{
	struct core_slot *slot = world->slots[index];
	struct task *task;
	bool any = false;
	while ((task = core_slot_task_next(slot, NULL))) {
		if (strcmp(task->type->name, "crash") == 0) {
			struct task_obituary obituary = { .pid = 4711, .wait_status = SIGSEGV };
			core_slot_lost(slot, &obituary);
			core_slot_ready(slot);
		} else if (!run(world, index, task)) {
			break;
		}
		any = true;
	}
	return any;
}

int world_finish(struct world *world)
{
	int n = 0;
	world_settle(world);
	for (int i = 0; i < N_SLOTS; i++) {
		struct task *task = core_slot_task_next(world->slots[i], NULL);
		if (!task)
			continue;
		struct task_outcome outcome = { .state = TASK_SUCCEEDED, .result = bytes_new("\"done\"", 6) };
		core_task_done(task, &outcome, world->now_ns, world->now_ns);
		n++;
	}
	return n;
}

/* --- the world --- */

bool world_turn(struct world *world)
{
	size_t connections;
	uint64_t before, after;
	bool busy = false;
	edge_count(world->edge, &connections, &before);
	event_base_loop(world->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	world->now_ns = clock_mono_ns(); /* it may tick */
	core_set_now(world->core, world->now_ns);
	core_set_wall(world->core, clock_wall_ns());
	for (int i = 0; i < N_SLOTS; i++)
		busy |= run_slot(world, i);
	if (edge_next_ns(world->edge) <= world->now_ns)
		edge_timer(world->edge);
	core_turn(world->core);
	busy |= edge_turn(world->edge);
	busy |= core_is_due(world->core);
	edge_count(world->edge, &connections, &after);
	for (int i = 0; i < N_SLOTS; i++) {
		const struct task *task = core_slot_task_next(world->slots[i], NULL);
		busy |= task && (!is_held(task) || (world->interrupted[i] && !world->stop_deaf));
	}
	return busy || before != after;
}

void world_settle(struct world *world)
{
	for (int quiet = 0, turns = 0; quiet < 3; turns++) {
		ck_assert_int_lt(turns, TURNS);
		quiet = world_turn(world) ? 0 : quiet + 1;
	}
}

void world_advance(struct world *world, int64_t delta_ns)
{
	world->now_ns += delta_ns;
	clock_fake_advance(delta_ns, delta_ns);
	core_set_now(world->core, world->now_ns);
	world_settle(world);
}

void world_step_wall(struct world *world, int64_t delta_ns)
{
	clock_fake_advance(0, delta_ns);
	world_settle(world);
}

static int host_reload(void *context, char **report, char **error)
{
	const struct world *world = context;
	if (world->reload_fails) {
		*error = xstrdup("/etc/taskd/taskd.conf:7: unknown key \"x\"");
		return -1;
	}
	*report = xstrdup("{\"changed\":[],\"needs_restart\":[]}");
	return 0;
}

static void host_shutdown(void *context, bool now)
{
	struct world *world = context;
	world->n_shutdowns += now ? 100 : 1;
}

static void host_describe(void *context, struct strbuf *out)
{
	(void)context;
	strbuf_puts(out, "\"uptime\":1,");
}

static void make_core(struct world *world)
{
	static const char *const names[] = { "echo", "fail", "plain", "big", "double", "crash", "hold" };
	const struct core_ops ops = {
		.context = world,
		.start = op_start,
		.revoke = op_revoke,
		.started = op_started,
		.interrupt = op_interrupt,
		.kill = op_kill,
		.ended = op_ended,
		.gather = op_gather,
		.changed = op_changed,
		.refuses = op_refuses,
		.record = op_record,
	};
	const struct core_limits limits = {
		.result_ttl_ns = 3600 * NS_PER_S,
		.failure_ttl_ns = 3600 * NS_PER_S,
		.result_bytes = 64u << 20,
		.result_count = 100000,
		.kill_grace_ns = 5 * NS_PER_S,
		.crash_limit = 3,
	};
	const struct core_queue_options options = { .limit_queued = 200000 }, tight = { .limit_queued = 3 };
	world->core = core_new(&ops, &limits, world->now_ns, clock_wall_ns());
	world->pool = core_pool_new(world->core, "default", NULL);
	world->other_pool = core_pool_new(world->core, "other", NULL);
	world->queue = core_queue_new(world->core, "default", world->pool, &options);
	world->other_queue = core_queue_new(world->core, "other", world->other_pool, &options);
	core_queue_new(world->core, "tight", world->pool, &tight);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct task_type *type = core_type(world->core, names[i], strlen(names[i]));
		type->known = true;
		type->queue = world->queue;
	}
	core_type(world->core, "idle", 4)->known = true;
	commands_init(world);
	for (int i = 0; i < N_SLOTS; i++) {
		world->slots[i] = core_slot_new(world->pool, world);
		core_slot_ready(world->slots[i]);
	}
}

void world_configure(struct world *world)
{
	edge_configure(world->edge, &world->config);
}

static char *or_default(char *words, const char *initial)
{
	return words ? words : (char *)initial;
}

static void set_access(struct world *world, const struct config_access *sections, size_t n)
{
	ck_assert_uint_le(n, sizeof(world->sections) / sizeof(world->sections[0]));
	STAILQ_INIT(&world->config.access);
	for (size_t i = 0; i < n; i++) {
		struct config_access *section = &world->sections[i];
		*section = sections[i];
		section->name = or_default(section->name, "test");
		section->users = or_default(section->users, "nobody");
		section->tasks = or_default(section->tasks, "*");
		section->queues = or_default(section->queues, "*");
		section->objects = or_default(section->objects, "*");
		STAILQ_INSERT_TAIL(&world->config.access, section, link);
	}
}

void world_allow(struct world *world, const struct config_access *sections, size_t n)
{
	set_access(world, sections, n);
	world_configure(world);
}

static void init(struct world *world, bool durable)
{
	char *error = NULL;
	*world = (struct world){ .now_ns = 1000 * NS_PER_S, .folder = "/tmp/taskd-edge-XXXXXX" };
	clock_fake(world->now_ns, 1700000000 * NS_PER_S);
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_ERROR, "test");
	world->config = (struct config){
		.frame_limit = 16 << 20,
		.payload_limit = 8 << 20,
		.output_limit = 64 << 20,
		.send_timeout = 60 * NS_PER_S,
		.max_connections = 64,
		.max_requests = 50000,
	};
	set_access(world,
		&(struct config_access){ .users = (char *)"*", .submit = 1, .read = ACCESS_OWN, .cancel = ACCESS_OWN }, 1);
	world->base = event_base_new();
	make_core(world);
	pools_init(world);
	world->durable = durable ? fake_new(world->core) : NULL;
	const struct edge_host host = { .context = world, .core = world->core, .pools = world->pools,
		.durable = world->durable,
		.reload = host_reload, .shutdown = host_shutdown, .describe = host_describe };
	world->edge = edge_new(world->base, &host, &world->config);
	ck_assert_ptr_nonnull(mkdtemp(world->folder));
	snprintf(world->path, sizeof(world->path), "%s/s", world->folder);
	int fd = edge_listen_path(world->path, 0600, NULL, &error);
	ck_assert_msg(fd >= 0, "%s", error);
	ck_assert_int_eq(edge_add_listener(world->edge, fd), 0);
	edge_open(world->edge);
}

void world_init(struct world *world)
{
	init(world, false);
}

void world_init_durable(struct world *world)
{
	init(world, true);
}

void world_fini(struct world *world)
{
	struct task_obituary obituary = { .pid = 4711 };
	edge_free(world->edge);
	for (int i = 0; i < N_SLOTS; i++)
		core_slot_lost(world->slots[i], &obituary);
	core_free(world->core);
	fake_free(world->durable);
	event_base_free(world->base);
	free(world->pools);
	commands_fini();
	unlink(world->path);
	rmdir(world->folder);
	clock_fake_end();
}

size_t world_connections(const struct world *world)
{
	size_t connections;
	uint64_t requests;
	edge_count(world->edge, &connections, &requests);
	return connections;
}

/* --- clients --- */

void client_init(struct client *client, struct world *world)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	*client = (struct client){ .world = world, .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	memcpy(address.sun_path, world->path, strlen(world->path) + 1);
	ck_assert_int_eq(connect(client->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
	world_settle(world);
	const struct connection *last = TAILQ_LAST(&world->edge->connections, connection_list);
	client->number = last ? last->number : 0;
}

struct connection *client_connection(const struct client *client)
{
	struct connection *connection;
	TAILQ_FOREACH(connection, &client->world->edge->connections, link)
		if (connection->number == client->number)
			return connection;
	return NULL;
}

void client_become(struct client *client, uid_t uid, gid_t gid, const gid_t *groups)
{
	struct connection *connection = client_connection(client);
	ck_assert_ptr_nonnull(connection);
	struct peer *peer = &connection->peer;
	peer_free(peer);
	peer->uid = uid;
	peer->gid = gid;
	while (groups && groups[peer->n_groups] != (gid_t)-1)
		peer->n_groups++;
	peer->groups = peer->n_groups ? xcalloc(peer->n_groups, sizeof(peer->groups[0])) : NULL;
	if (peer->n_groups)
		memcpy(peer->groups, groups, peer->n_groups * sizeof(groups[0]));
	struct user *user = user_join(connection->edge, uid);
	user->outstanding += connection->outstanding;
	connection->user->outstanding -= connection->outstanding;
	user->held += connection->held + connection->output_size;
	connection->user->held -= connection->held + connection->output_size;
	user_leave(connection->edge, connection->user);
	connection->user = user;
	connection->access.generation = 0;
}

void client_leave(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

void client_fini(struct client *client)
{
	client_leave(client);
	free(client->input);
	json_decref(client->heard);
}

void client_send(struct client *client, const char *data, size_t length)
{
	for (int turns = 0; length > 0; turns++) {
		ssize_t sent = send(client->fd, data, length, MSG_NOSIGNAL);
		ck_assert_int_lt(turns, TURNS);
		if (sent < 0)
			ck_assert_msg(errno == EAGAIN, "%s", strerror(errno));
		else
			data += sent, length -= (size_t)sent;
		if (length)
			world_turn(client->world);
	}
}

void client_say(struct client *client, const char *line)
{
	client_send(client, line, strlen(line));
	client_send(client, "\n", 1);
}

void client_half_close(struct client *client)
{
	ck_assert_int_eq(shutdown(client->fd, SHUT_WR), 0);
}

static void hear(struct client *client)
{
	client->input = realloc(client->input, client->length + HEAR_SIZE);
	ssize_t got = recv(client->fd, client->input + client->length, HEAR_SIZE, 0);
	if (got > 0)
		client->length += (size_t)got;
	else if (got == 0 || errno != EAGAIN)
		client->closed = true;
}

/* Takes the first bytes off the input, into a buffer that lives until the next time. */
static const char *take(struct client *client, size_t length, size_t skip)
{
	static char *taken;
	taken = realloc(taken, length + 1);
	memcpy(taken, client->input, length);
	taken[length] = '\0';
	client->length -= length + skip;
	memmove(client->input, client->input + length + skip, client->length);
	return taken;
}

const char *client_hear(struct client *client)
{
	const char *newline;
	size_t looked = 0;
	for (int turns = 0; turns < TURNS; turns++) {
		newline = client->length > looked ? memchr(client->input + looked, '\n', client->length - looked) : NULL;
		if (newline)
			return take(client, (size_t)(newline - client->input), 1);
		ck_assert_msg(!client->closed, "closed instead of a line");
		looked = client->length;
		world_turn(client->world);
		hear(client);
	}
	ck_abort_msg("no line comes");
	return NULL;
}

const char *client_hear_bytes(struct client *client, size_t length)
{
	for (int turns = 0; client->length < length; turns++) {
		ck_assert_int_lt(turns, TURNS);
		ck_assert_msg(!client->closed, "closed after %zu bytes", client->length);
		world_turn(client->world);
		hear(client);
	}
	return take(client, length, 0);
}

bool client_hears_nothing(struct client *client)
{
	world_settle(client->world);
	hear(client);
	return client->length == 0 && !client->closed;
}

bool client_hears_end(struct client *client)
{
	for (int turns = 0; turns < 100 && !client->closed; turns++) {
		world_settle(client->world);
		hear(client);
	}
	return client->closed && client->length == 0;
}

void client_expect(struct client *client, const char *line, const char *answer)
{
	client_say(client, line);
	ck_assert_str_eq(client_hear(client), answer);
}

/* --- answers as trees --- */

json_t *client_hear_json(struct client *client)
{
	json_decref(client->heard);
	client->heard = json_loads(client_hear(client), 0, NULL);
	ck_assert_ptr_nonnull(client->heard);
	return client->heard;
}

json_t *client_ask(struct client *client, const char *line)
{
	client_say(client, line);
	return client_hear_json(client);
}

json_t *tree_at(json_t *value, const char *path)
{
	char name[64];
	while (*path) {
		size_t length = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)length, path);
		value = json_is_array(value) ? json_array_get(value, (size_t)atoi(name)) : json_object_get(value, name);
		path += length + (path[length] == '.');
	}
	return value;
}

const char *tree_text(json_t *value, const char *path)
{
	const char *text = json_string_value(tree_at(value, path));
	return text ? text : "(none)";
}

long long tree_int(json_t *value, const char *path)
{
	const json_t *number = tree_at(value, path);
	return json_is_integer(number) ? json_integer_value(number) : -1;
}
