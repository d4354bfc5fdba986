/* Turns a process that was just executed into a worker: bound to its master's life, with nothing of its master's left,
 * and with the limits that its pool has. */
#include "worker/start.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "lane/capture.h"
#include "lane/lane.h"
#include "worker/command.h"
#include "worker/confine.h"
#include "worker/control.h"
#include "worker/heritage.h"
#include "worker/order.h"
#include "worker/plugin.h"
#include "worker/registry.h"
#include "worker/slot.h"

/* So long what a command has left may take to end when the master is gone: it has been sent KILL then. */
#define ORPHAN_PATIENCE_NS (2 * NS_PER_S)

static void __attribute__((noreturn)) give_up(const char *why)
{
	log_error("%s", why);
	_exit(WORKER_EXIT_BROKEN);
}

void start_tie(const char *master_pid)
{
	/* In this order: a parent that dies before the first line shows in the second. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != atoi(master_pid))
		_exit(0);
}

void start_clean(void)
{
	/* A group of its own: an interrupt key that stops a taskd in a terminal is for taskd, not for its tasks. */
	setpgid(0, 0);
	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	/* Before something else may get its number. */
	bool alive = fcntl(WORKER_ALIVE_FD, F_SETFD, FD_CLOEXEC) == 0;
	int null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	if (fcntl(STDERR_FILENO, F_GETFD) < 0)
		dup2(null, STDERR_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	close_range(alive ? WORKER_ALIVE_FD + 1 : WORKER_CONTROL_FD + 1, ~0U, 0); /* takes null along */
	fcntl(WORKER_CONTROL_FD, F_SETFD, FD_CLOEXEC);
}

static void limit(int resource, const char *what, json_int_t value)
{
	struct rlimit now;
	if (value < 0 || getrlimit(resource, &now) < 0)
		return;
	rlim_t wanted = (rlim_t)value;
	if (now.rlim_max != RLIM_INFINITY && wanted > now.rlim_max) {
		log_warning("limit_%s: %lld is above the hard limit of %llu, which holds", what, (long long)value,
			(unsigned long long)now.rlim_max);
		wanted = now.rlim_max;
	}
	/* At the hard limit of CPU time comes SIGKILL, which may mean anything; at the soft one SIGXCPU, which tells. */
	rlim_t hard = wanted + (resource == RLIMIT_CPU && wanted < now.rlim_max);
	if (setrlimit(resource, &(struct rlimit){ .rlim_cur = wanted, .rlim_max = hard }) < 0)
		log_warning("limit_%s: %s", what, strerror(errno));
}

/* The master has raised its own, for its own sake. */
static void soft_files(json_int_t value)
{
	struct rlimit now;
	if (value > 0 && getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur > (rlim_t)value) {
		now.rlim_cur = (rlim_t)value;
		(void)setrlimit(RLIMIT_NOFILE, &now);
	}
}

static void put_oom_score(const json_t *score)
{
	char text[24];
	if (!json_is_integer(score))
		return;
	int length = snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(score));
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)length) != length)
		log_warning("oom_score_adj %s: %s", text, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* Before there are threads: some of it is a thread's own, and inherited. */
static void apply(const json_t *body, int threads)
{
	json_int_t nice = json_integer_value(json_object_get(body, "nice"));
	json_int_t cpu_ns = json_integer_value(json_object_get(body, "limit_cpu"));
	if (nice && setpriority(PRIO_PROCESS, 0, (int)nice) < 0)
		log_warning("nice %d: %s", (int)nice, strerror(errno));
	limit(RLIMIT_AS, "memory", json_integer_value(json_object_get(body, "limit_memory")));
	limit(RLIMIT_CPU, "cpu", cpu_ns < 0 ? -1 : (cpu_ns + NS_PER_S - 1) / NS_PER_S);
	soft_files(json_integer_value(json_object_get(body, "soft_files")));
	limit(RLIMIT_NOFILE, "files", json_integer_value(json_object_get(body, "limit_files")));
	limit(RLIMIT_CORE, "core", json_integer_value(json_object_get(body, "limit_core")));
	put_oom_score(json_object_get(body, "oom_score_adj"));
	/* One arena a slot: each reserves 64 MiB of address space, which counts in limit_memory. */
	mallopt(M_ARENA_MAX, threads);
}

/* --- commands --- */

/* A command must not find the terminal that taskd was started from. Not by a session of its own: each of those is a
 * group for the kernel's scheduler (sched(7), autogroup), and a nice value counts only within one. */
static void leave_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return; /* there is none */
	ioctl(fd, TIOCNOTTY);
	close(fd);
}

/* NULL where it is null. */
static char *string_of(const json_t *body, const char *key)
{
	const char *text = json_string_value(json_object_get(body, key));
	return text ? xstrdup(text) : NULL;
}

static struct command_setting *read_commands(json_t *body, int index, size_t payload_limit)
{
	json_int_t log_ttl, log_bytes;
	const json_t *user = json_object_get(body, "user");
	if (json_unpack(body, "{s:I, s:I}", "log_ttl", &log_ttl, "log_bytes", &log_bytes) < 0)
		give_up("the start message does not say how commands are run");
	struct command_setting *setting = xcalloc(1, sizeof(*setting));
	setting->slot = index;
	setting->log_dir = string_of(body, "log_dir");
	setting->log_ttl_ns = log_ttl;
	setting->log_bytes = log_bytes;
	setting->cgroup = string_of(body, "cgroup");
	setting->payload_limit = payload_limit;
	setting->as_submitter = json_is_true(json_object_get(body, "as_submitter"));
	setting->user = json_is_integer(user) ? (int64_t)json_integer_value(user) : -1;
	return setting;
}

/* When the master dies, this process has its command's tree to end first: it hears of that by the control socket. */
static void prepare_for_commands(void)
{
	prctl(PR_SET_PDEATHSIG, 0);
	leave_terminal();
}

/* --- what is given up --- */

/* Of handlers' workers; commands' are command.c's. */
static char *directory;
static int directory_pid; /* a handler's child that exits is not this process */

static void directory_remove(void)
{
	if (directory && getpid() == directory_pid)
		confine_directory_remove(directory);
}

static void take_directory(const struct start *start, const struct confine *confine)
{
	bool entered = start->commands && start->commands->as_submitter;
	if (!confine->private_directory)
		return;
	directory = confine_directory(start->name, entered);
	if (!directory)
		give_up("it is to have a private directory");
	directory_pid = getpid();
	atexit(directory_remove);
	if (start->commands)
		start->commands->directory = directory;
	else if (chdir(directory) < 0 || setenv("TMPDIR", directory, 1) < 0)
		give_up("it cannot go to its private directory");
}

void start_confine(struct start *start)
{
	const char **files = xcalloc(json_array_size(start->plugins) + 1, sizeof(*files));
	struct confine confine;
	const json_t *plugin;
	size_t i;
	confine_read(start->confine, &confine);
	take_directory(start, &confine);
	json_array_foreach(start->plugins, i, plugin)
		files[i] = json_string_value(json_object_get(plugin, "path"));
	const struct confine_needs needs = { .files = files, .libraries = true, .directory = directory };
	slot_prepare();
	if (start->commands)
		start->commands->confine = confine; /* kept: as long as the process lives */
	else if (confine_apply(&confine, &needs) < 0)
		give_up("what its pool does without could not be given up: nothing runs here");
	else
		confine_free(&confine);
	free(files);
}

/* --- the start --- */

void start_receive(struct start *start)
{
	json_t *message = NULL;
	const char *pool;
	int fds[CONTROL_FDS_LIMIT], index, threads, level, target;
	size_t n_fds;
	json_int_t payload_limit;
	int code = control_receive(WORKER_CONTROL_FD, &message, fds, &n_fds);
	if (code == 0)
		_exit(0);
	if (code < 0)
		_exit(WORKER_EXIT_BROKEN);
	json_t *body = json_object_get(message, "start");
	if (json_unpack(body, "{s:s, s:i, s:i, s:I, s:i, s:i}", "pool", &pool, "index", &index, "threads", &threads,
		    "payload_limit", &payload_limit, "log_level", &level, "log_target", &target) < 0 ||
		threads < 1 || payload_limit < 1 || n_fds != 1)
		give_up("the start message is not one");
	start->name = xasprintf("%s/%d", pool, index);
	start->threads = threads;
	start->doorbell_fd = fds[0];
	start->payload_limit = (size_t)payload_limit;
	start->plugins = json_incref(json_object_get(body, "plugins"));
	start->confine = json_incref(json_object_get(body, "confine"));
	json_t *commands = json_object_get(body, "commands");
	if (commands) {
		if (threads != 1)
			give_up("the start message wants commands in several threads");
		start->commands = read_commands(commands, index, start->payload_limit);
		prepare_for_commands();
	}
	log_open((enum log_target)target, (enum log_level)level, "taskd-worker");
	log_set_prefix(xasprintf("worker %s: ", start->name)); /* for as long as the process lives */
	apply(body, threads);
	json_decref(message);
}

void start_load(const struct start *start, struct registry *registry)
{
	size_t i;
	json_t *plugin;
	for (const struct taskd_handler *handler = builtin_handlers; handler->name && !start->commands; handler++)
		if (registry_add(registry, handler, "built-in") < 0)
			give_up("a built-in handler was refused");
	json_array_foreach(start->plugins, i, plugin) {
		const char *name, *path;
		if (json_unpack(plugin, "{s:s, s:s}", "name", &name, "path", &path) < 0)
			give_up("the start message names no plugin where it should");
		(void)plugin_load(registry, name, path); /* the registry's problems say what went wrong */
	}
	control_send_registry(WORKER_CONTROL_FD, registry);
}

static void __attribute__((noreturn)) give_up_errno(const char *what)
{
	log_error("%s: %s", what, strerror(errno));
	_exit(WORKER_EXIT_BROKEN);
}

/* What the slot of a worker of commands has beside its lane. */
static void add_commands(const struct start *start, struct slots *slots, struct lane_end *end, int capture_fd)
{
	struct capture_end *capture = capture_end_new(capture_fd);
	if (!capture)
		give_up_errno("cannot open the memory for output");
	slots->inbox = inbox_new(WORKER_CONTROL_FD, end);
	slots->commands = slots->inbox ? command_slot_new(start->commands, end, capture, slots->inbox) : NULL;
	if (!slots->commands)
		give_up_errno("cannot prepare for commands");
}

static void add_slot(const struct start *start, struct slots *slots, const json_t *message, const int *fds, size_t n_fds)
{
	const json_t *index = json_object_get(message, "slot");
	if (!json_is_integer(index) || n_fds != (start->commands ? 3 : 2) || slots->commands)
		give_up("the master said something that no worker knows");
	struct lane_end *end = lane_end_new(fds[0], fds[1], start->doorbell_fd, start->payload_limit);
	if (!end)
		give_up_errno("cannot open the lane");
	if (start->commands)
		add_commands(start, slots, end, fds[2]);
	int error = slot_start(slots, (int)json_integer_value(index), end);
	if (error) {
		errno = error;
		give_up_errno("cannot start a thread");
	}
}

/* The control socket is at its end: the master is gone. */
static void __attribute__((noreturn)) leave(const struct slots *slots, int status)
{
	if (slots->inbox && !inbox_orphan(slots->inbox, ORPHAN_PATIENCE_NS))
		(void)tree_signal(SIGKILL);
	directory_remove();
	_exit(status);
}

static void hear(const struct start *start, struct slots *slots, const json_t *message, const int *fds, size_t n_fds)
{
	if (slots->inbox && n_fds == 0 && order_hear(message, start->commands, slots->inbox, WORKER_CONTROL_FD) == 0)
		return;
	add_slot(start, slots, message, fds, n_fds);
}

void start_serve(const struct start *start, const struct registry *registry)
{
	static struct slots slots; /* the threads may outlive this function's frame when one of them exits the process */
	slots = (struct slots){ .registry = registry, .control_fd = WORKER_CONTROL_FD, .expected = start->threads,
		.payload_limit = start->payload_limit };
	for (;;) {
		json_t *message;
		int fds[CONTROL_FDS_LIMIT];
		size_t n_fds;
		int code = control_receive(WORKER_CONTROL_FD, &message, fds, &n_fds);
		if (code <= 0)
			leave(&slots, code == 0 ? 0 : WORKER_EXIT_BROKEN);
		hear(start, &slots, message, fds, n_fds);
		json_decref(message);
	}
}
