#include "pool_world.h"

#include <check.h>
#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "lane/lane.h"
#include "worker/heritage.h"

#define BOUND_NS (20 * NS_PER_S)

/* --- the worker --- */

struct fake {
	char start[8192];
	struct lane_end *end;
	struct capture_end *capture;
	struct lane_request request;
	json_t *args;
};

static size_t hear(char *text, size_t size, int *fds, size_t *n_fds)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} ancillary;
	struct iovec part = { .iov_base = text, .iov_len = size - 1 };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &ancillary, .msg_controllen = sizeof(ancillary) };
	ssize_t length = recvmsg(WORKER_CONTROL_FD, &header, MSG_CMSG_CLOEXEC);
	if (length <= 0)
		_exit(0);
	text[length] = '\0';
	*n_fds = 0;
	const struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	if (rights) {
		*n_fds = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(rights), *n_fds * sizeof(int));
	}
	return (size_t)length;
}

static void say(const char *text)
{
	if (send(WORKER_CONTROL_FD, text, strlen(text), MSG_NOSIGNAL) < 0)
		_exit(0);
}

static const char *word_at(const struct fake *fake, size_t index)
{
	const char *text = json_string_value(json_array_get(fake->args, index));
	return text ? text : "";
}

static int number_at(const struct fake *fake, size_t index)
{
	return (int)json_integer_value(json_array_get(fake->args, index));
}

static void reply(struct fake *fake, enum lane_word word, uint32_t flags, const char *payload)
{
	struct lane_reply told = { .word = word, .flags = flags };
	if (word == LANE_FAILED)
		snprintf(told.message, sizeof(told.message), "so it was told");
	if (lane_end_reply(fake->end, &told, payload, strlen(payload)) != LANE_OK)
		_exit(70);
}

static void succeed(struct fake *fake, const char *result)
{
	reply(fake, LANE_SUCCEEDED, 0, result);
}

static void __attribute__((noreturn)) hold(void)
{
	for (;;)
		pause();
}

static json_t *hear_json(void)
{
	static char text[HERITAGE_MESSAGE_LIMIT + 1];
	int fds[4];
	size_t n_fds, length = hear(text, sizeof(text), fds, &n_fds);
	return json_loadb(text, length, 0, NULL);
}

static void answer(const json_t *message, const char *rest)
{
	char text[512];
	const json_t *body = json_object_get(message, "order");
	body = body ? body : json_object_get(message, "log");
	snprintf(text, sizeof(text), "{\"answer\":{\"ask\":%lld,%s}}", json_integer_value(json_object_get(body, "ask")), rest);
	if (json_integer_value(json_object_get(body, "ask")))
		say(text);
}

static void do_orders(struct fake *fake, int n)
{
	json_t *all = json_array();
	while (n-- > 0) {
		json_t *message = hear_json();
		answer(message, "\"word\":\"done\"");
		json_array_append_new(all, message);
	}
	char *text = json_dumps(all, JSON_COMPACT);
	succeed(fake, strlen(text) < LANE_INLINE_LIMIT ? text : "{}");
	free(text);
	json_decref(all);
}

static void do_page(struct fake *fake)
{
	char rest[256];
	json_t *message = hear_json();
	snprintf(rest, sizeof(rest), "\"word\":\"%s\",\"total\":%d,\"data\":\"%s\"", word_at(fake, 1), number_at(fake, 2),
		word_at(fake, 3));
	answer(message, rest);
	json_decref(message);
	succeed(fake, "{}");
}

static void do_chatter(struct fake *fake)
{
	const struct lane_reply told = { .word = LANE_PROGRESS, .progress = 0.5 };
	for (int n = number_at(fake, 1); n > 0; n--)
		if (lane_end_reply(fake->end, &told, NULL, 0) != LANE_OK)
			_exit(70);
	succeed(fake, "{}");
}

static void do_fds(struct fake *fake)
{
	char text[8];
	for (uint32_t i = 0; i < fake->request.n_fds; i++)
		if (write(fake->request.fds[i], "x", 1) != 1)
			_exit(71);
	snprintf(text, sizeof(text), "%u", fake->request.n_fds);
	succeed(fake, text);
}

static void do_fail(struct fake *fake)
{
	uint32_t flags = (uint32_t)number_at(fake, 1);
	if (flags & LANE_FLAG_CANCELLED)
		json_decref(hear_json());
	reply(fake, LANE_FAILED, flags, "{\"status\":3}");
}

static void tell_pid(struct fake *fake, int pid)
{
	char text[16];
	struct lane_reply told = { .word = LANE_PROGRESS };
	snprintf(text, sizeof(text), "%d", pid);
	if (lane_end_reply(fake->end, &told, text, strlen(text)) != LANE_OK)
		_exit(70);
}

/* Goes on in a session of its own; of a command's worker with a command's environment. */
static void __attribute__((noreturn)) become(const struct fake *fake)
{
	setsid();
	signal(SIGTERM, SIG_IGN);
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd); /* nobody is to wait for who outlives a test that fails */
	setenv("TASKD_TASK_ID", "1", 1);
	close_range(3, ~0U, fake->capture ? CLOSE_RANGE_CLOEXEC : 0);
	if (fake->capture)
		execl("/bin/sleep", "sleep", "60", (char *)NULL);
	hold();
}

/* Until all who have the other end have become what they will be: only then can be seen whose they are. */
static void wait_for_the_change(int ends[2])
{
	char none;
	close(ends[1]);
	if (read(ends[0], &none, 1) != 0)
		_exit(71);
	close(ends[0]);
}

static int start_process(const struct fake *fake)
{
	int ends[2], pid;
	if (pipe(ends) < 0)
		_exit(71);
	pid = fork();
	if (pid == 0)
		become(fake);
	wait_for_the_change(ends);
	return pid;
}

/* Each generation begins the next one and goes on. */
static void do_family(struct fake *fake)
{
	int ends[2], pid = 0;
	if (pipe(ends) < 0)
		_exit(71);
	if (fork() == 0) {
		for (int n = number_at(fake, 1); n > 0; n--) {
			if (n == 1) {
				pid = getpid();
				if (write(ends[1], &pid, sizeof(pid)) != sizeof(pid))
					_exit(71);
			}
			if (n > 1 && fork() > 0)
				break;
		}
		become(fake);
	}
	if (read(ends[0], &pid, sizeof(pid)) != sizeof(pid))
		_exit(71);
	wait_for_the_change(ends);
	tell_pid(fake, pid);
	hold();
}

static void do_leave(struct fake *fake)
{
	int ends[2], pid = 0;
	char text[16];
	if (pipe(ends) < 0)
		_exit(71);
	int child = fork();
	if (child == 0) {
		pid = start_process(fake);
		_exit(write(ends[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	if (read(ends[0], &pid, sizeof(pid)) != sizeof(pid) || waitpid(child, NULL, 0) != child)
		_exit(71);
	snprintf(text, sizeof(text), "%d", pid);
	succeed(fake, text);
}

static void do_task(struct fake *fake)
{
	const char *verb = word_at(fake, 0);
	struct pollfd gate = { .fd = fake->request.n_fds ? fake->request.fds[0] : -1, .events = POLLIN };
	if (strcmp(verb, "done") == 0)
		succeed(fake, "{}");
	else if (strcmp(verb, "start") == 0)
		succeed(fake, fake->start);
	else if (strcmp(verb, "orders") == 0)
		do_orders(fake, number_at(fake, 1));
	else if (strcmp(verb, "page") == 0)
		do_page(fake);
	else if (strcmp(verb, "chatter") == 0)
		do_chatter(fake);
	else if (strcmp(verb, "fds") == 0)
		do_fds(fake);
	else if (strcmp(verb, "fail") == 0)
		do_fail(fake);
	else if (strcmp(verb, "leave") == 0)
		do_leave(fake);
	else if (strcmp(verb, "family") == 0)
		do_family(fake);
	else if (strcmp(verb, "gate") == 0) {
		while (poll(&gate, 1, -1) < 0)
			;
		do_orders(fake, number_at(fake, 1));
	} else if (strcmp(verb, "twice") == 0) {
		json_t *message = hear_json();
		answer(message, "\"word\":\"done\"");
		answer(message, "\"word\":\"done\"");
		hold();
	} else if (strcmp(verb, "unasked") == 0) {
		say("{\"answer\":{\"ask\":999,\"word\":\"done\"}}");
		hold();
	} else if (strcmp(verb, "ready") == 0) {
		say("{\"ready\":0}");
		hold();
	} else if (strcmp(verb, "say") == 0) {
		json_t *message = fake->capture ? hear_json() : NULL;
		answer(message, "\"word\":\"done\"");
		json_decref(message);
		lane_end_output(fake->end, 0, 0, "out", 3);
		lane_end_output(fake->end, 1, 7, "err", 3);
		do_orders(fake, 1);
	} else if (strcmp(verb, "capture") == 0) {
		capture_begin(fake->capture, fake->request.task_id, fake->request.attempt, 4096);
		capture_set_pid(fake->capture, 42);
		capture_put(fake->capture, CAPTURE_STDERR, "hello", 5);
		tell_pid(fake, 42);
		do_orders(fake, 1);
	} else if (strcmp(verb, "stray") == 0) {
		tell_pid(fake, start_process(fake));
		hold();
	} else {
		hold();
	}
}

void worker_main(int argc, char **argv)
{
	static struct fake fake;
	static char text[HERITAGE_MESSAGE_LIMIT + 1];
	int fds[4], doorbell;
	size_t n_fds;
	if (argc != 2 || strncmp(argv[0], "taskd-worker:", 13) != 0)
		return;
	prctl(PR_SET_CHILD_SUBREAPER, strstr(argv[0], "commands") != NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* where the test fails, too */
	setpgid(0, 0);
	hear(fake.start, sizeof(fake.start), &doorbell, &n_fds);
	hear(text, sizeof(text), fds, &n_fds);
	fake.end = lane_end_new(fds[0], fds[1], doorbell, 1 << 20);
	fake.capture = n_fds == 3 ? capture_end_new(fds[2]) : NULL;
	if (strstr(argv[0], "default"))
		say("{\"handlers\":[{\"name\":\"work\",\"source\":\"built-in\"},{\"name\":\"shadowed\",\"source\":\"built-in\"}]}");
	say("{\"ready\":0}");
	while (lane_end_take(fake.end, &fake.request) == LANE_OK) {
		fake.args = json_loadb(fake.request.args, fake.request.args_length, 0, NULL);
		do_task(&fake);
		json_decref(fake.args);
		for (uint32_t i = 0; i < fake.request.n_fds; i++)
			close(fake.request.fds[i]);
	}
	_exit(0);
}

/* --- the world --- */

int64_t world_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now); /* the real one, also where the clock is one that a test moves */
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t world_deadline(void)
{
	return world_now() + BOUND_NS;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

void pool_world_turn(struct pool_world *world)
{
	core_set_now(world->core, clock_mono_ns());
	bool behind, busy = pools_turn(world->pools, world->hears_little ? 0 : CLOCK_NEVER, &behind);
	world->behind += behind;
	if (clock_mono_ns() >= pools_next_ns(world->pools))
		pools_timer(world->pools);
	core_turn(world->core);
	pools_kick(world->pools);
	event_base_loop(world->base, EVLOOP_ONCE | (busy ? EVLOOP_NONBLOCK : 0));
}

static struct config_pool pool_of(const char *name, int64_t commands)
{
	return (struct config_pool){ .name = (char *)(uintptr_t)name, .processes = commands ? 2 : 1, .threads = 1,
		.tasks = (char *)(uintptr_t)"*", .limit_memory = -1, .limit_cpu = -1, .limit_files = -1, .limit_core = -1,
		.recycle_memory = -1, .commands = commands, .capture_limit = 1 << 20 };
}

static void config_fill(struct pool_world *world)
{
	static struct config_queue queues[2] = { { .name = (char *)(uintptr_t)"default", .pool = (char *)(uintptr_t)"default" },
		{ .name = (char *)(uintptr_t)"commands", .pool = (char *)(uintptr_t)"commands" } };
	struct config *config = &world->config;
	*config = (struct config){ .payload_limit = 1 << 20, .kill_grace = 50 * NS_PER_MS, .start_timeout = 20 * NS_PER_S,
		.log_level = LOG_LEVEL_ERROR, .command_log_dir = (char *)(uintptr_t)"/var/log/commands", .command_log_ttl = NS_PER_S,
		.command_log_bytes = 4096 };
	STAILQ_INIT(&config->pools);
	STAILQ_INIT(&config->queues);
	STAILQ_INIT(&config->plugins);
	STAILQ_INIT(&config->commands);
	world->handlers = pool_of("default", 0);
	world->commands = pool_of("commands", 1);
	STAILQ_INSERT_TAIL(&config->pools, &world->handlers, link);
	STAILQ_INSERT_TAIL(&config->pools, &world->commands, link);
	STAILQ_INSERT_TAIL(&config->queues, &queues[0], link);
	STAILQ_INSERT_TAIL(&config->queues, &queues[1], link);
}

static void op_ended(void *context, const struct task *task)
{
	const struct pool_world *world = context;
	if (world->pools)
		pools_op_ended(world->pools, task);
}

/* The core's context is the world: pools' functions want the pools. */
static int op_start(void *context, struct core_slot *slot, struct task *task)
{
	return pools_op_start(((struct pool_world *)context)->pools, slot, task);
}

static bool op_revoke(void *context, struct core_slot *slot, struct task *task)
{
	return pools_op_revoke(((struct pool_world *)context)->pools, slot, task);
}

static int64_t op_started(void *context, struct core_slot *slot, struct task *task)
{
	return pools_op_started(((struct pool_world *)context)->pools, slot, task);
}

static void op_interrupt(void *context, struct core_slot *slot, struct task *task)
{
	pools_op_interrupt(((struct pool_world *)context)->pools, slot, task);
}

static void op_kill(void *context, struct core_slot *slot, struct task *task)
{
	pools_op_kill(((struct pool_world *)context)->pools, slot, task);
}

static void find_own_program(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	ck_assert_int_gt(length, 0);
	path[length] = '\0';
	setenv("TASKD_WORKER", path, 1);
}

void pool_world_init(struct pool_world *world)
{
	const struct core_ops ops = { .context = world, .start = op_start, .revoke = op_revoke, .started = op_started,
		.interrupt = op_interrupt, .kill = op_kill, .ended = op_ended };
	const struct core_limits limits = { .result_ttl_ns = 3600 * NS_PER_S, .failure_ttl_ns = 3600 * NS_PER_S,
		.result_bytes = 1 << 24, .result_count = 1000, .kill_grace_ns = 50 * NS_PER_MS };
	const struct timeval tick = { .tv_usec = 2000 };
	int ready = 0, wanted = 0;
	*world = (struct pool_world){ 0 };
	find_own_program();
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_ERROR, "test_pool");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	config_fill(world);
	world->base = event_base_new();
	world->tick = event_new(world->base, -1, EV_PERSIST, on_tick, NULL);
	event_add(world->tick, &tick);
	world->core = core_new(&ops, &limits, clock_mono_ns(), clock_wall_ns());
	core_set_now(world->core, clock_mono_ns());
	world->pools = pools_new(world->base, world->core, &world->config, -1);
	pools_set_socket(world->pools, "/run/taskd/test.sock");
	pools_start(world->pools);
	world_until(world, (pools_count(world->pools, &ready, &wanted), ready == 3));
	world->handler = core_type_find(world->core, "work", 4);
	world->exec = core_type_find(world->core, "exec", 4);
	ck_assert(world->handler && world->exec);
}

void pool_world_fini(struct pool_world *world)
{
	pools_free(world->pools);
	world->pools = NULL;
	core_free(world->core);
	event_free(world->tick);
	event_base_free(world->base);
}

/* --- tasks --- */

struct task *world_submit(struct pool_world *world, struct task_type *type, const char *args)
{
	struct bytes *bytes = bytes_new(args, strlen(args));
	const struct task_spec spec = { .type = type, .queue = type->queue, .args = bytes };
	struct task *task;
	ck_assert_ptr_nonnull(type->queue);
	core_set_now(world->core, clock_mono_ns());
	ck_assert_int_eq(core_submit(world->core, &spec, &task), CORE_OK);
	bytes_unref(bytes);
	return task;
}

struct task *world_start(struct pool_world *world, struct task_type *type, const char *args)
{
	struct task *task = world_submit(world, type, args);
	world_until(world, (core_task_look(task), task->state == TASK_RUNNING));
	return task;
}

void world_end(struct pool_world *world, struct task *task)
{
	world_until(world, task_state_is_terminal(task->state));
}

static const char *text_of(const struct bytes *bytes)
{
	static char text[16384];
	ck_assert_ptr_nonnull(bytes);
	snprintf(text, sizeof(text), "%.*s", (int)bytes->size, bytes->data);
	return text;
}

const char *world_result(const struct task *task)
{
	ck_assert_int_eq(task->state, TASK_SUCCEEDED);
	return text_of(task->outcome->result);
}

const char *world_data(const struct task *task)
{
	return task->outcome->data ? text_of(task->outcome->data) : "(none)";
}

struct worker *world_worker(struct pool_world *world, const struct task *task)
{
	(void)world;
	ck_assert_ptr_nonnull(task->slot);
	return pools_worker_of(task->slot);
}

int world_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int n = 0;
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

bool world_is_alive(int pid)
{
	char path[32], text[256], state = 'Z';
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	const char *line = fgets(text, sizeof(text), file);
	const char *rest = line ? strrchr(line, ')') : NULL;
	if (rest)
		sscanf(rest + 1, " %c", &state);
	fclose(file);
	return state != 'Z';
}
