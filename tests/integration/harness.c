/* See harness.h. Everything waits for a condition, with a bound. */
#include "harness.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/taskd.h"

int64_t test_now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * TASKD_SECOND + ts.tv_nsec;
}

void pause_briefly(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = TASKD_MS }, NULL);
}

bool wait_until(bool (*condition)(void *user), void *user)
{
	int64_t end = test_now_ns() + PATIENCE_NS;
	while (!condition(user)) {
		if (test_now_ns() > end)
			return false;
		pause_briefly();
	}
	return true;
}

/* --- the daemon --- */

static const char *build_dir(void)
{
	const char *dir = getenv("top_builddir");
	return dir ? dir : ".";
}

void daemon_write_config(const struct daemon *daemon, const char *config)
{
	FILE *file = fopen(daemon->config, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "[taskd]\n%s", config);
	ck_assert_int_eq(fclose(file), 0);
}

static int notify_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void run_daemon(const struct daemon *daemon)
{
	char program[512], notify[96], state[96], number[16];
	const char *arguments[8] = { "taskd", "-c", daemon->config, "-s", daemon->socket };
	int log = open(daemon->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log, 2);
	const struct rlimit files = { daemon->files, daemon->files };
	if (daemon->files && setrlimit(RLIMIT_NOFILE, &files) < 0)
		_exit(127);
	snprintf(notify, sizeof(notify), "%s/notify", daemon->folder);
	setenv("NOTIFY_SOCKET", notify, 1);
	for (const char *const *entry = daemon->environment; entry && *entry; entry++)
		putenv((char *)(uintptr_t)*entry);
	if (daemon->durable) {
		snprintf(state, sizeof(state), "%s/state", daemon->folder);
		arguments[5] = "-d";
		arguments[6] = state;
	}
	if (daemon->listen_fd > 0) {
		dup2(daemon->listen_fd, 3);
		snprintf(number, sizeof(number), "%d", (int)getpid());
		setenv("LISTEN_PID", number, 1);
		setenv("LISTEN_FDS", "1", 1);
	}
	snprintf(program, sizeof(program), "%s/taskd", build_dir());
	execv(program, (char *const *)(uintptr_t)arguments);
	fprintf(stderr, "cannot start %s: %s\n", program, strerror(errno));
	_exit(127);
}

void daemon_launch(struct daemon *daemon)
{
	char stale[1024];
	while (daemon_notification(daemon, stale, sizeof(stale), 0))
		;
	daemon->pid = fork();
	ck_assert_int_ge(daemon->pid, 0);
	if (daemon->pid == 0)
		run_daemon(daemon);
	setpgid(daemon->pid, daemon->pid);
}

void daemon_again(struct daemon *daemon)
{
	daemon_launch(daemon);
	if (!daemon_notified(daemon, "READY=1")) {
		char command[160];
		snprintf(command, sizeof(command), "cat %s", daemon->log);
		(void)!system(command);
		ck_abort_msg("the daemon did not become ready");
	}
}

static void prepare(struct daemon *daemon, const char *config)
{
	char notify[96];
	*daemon = (struct daemon){ .folder = "/tmp/taskd-test-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(daemon->folder));
	snprintf(daemon->socket, sizeof(daemon->socket), "%s/s", daemon->folder);
	snprintf(daemon->config, sizeof(daemon->config), "%s/taskd.conf", daemon->folder);
	snprintf(daemon->log, sizeof(daemon->log), "%s/log", daemon->folder);
	snprintf(notify, sizeof(notify), "%s/notify", daemon->folder);
	daemon_write_config(daemon, config);
	daemon->notify_fd = notify_socket(notify);
}

void daemon_start_with(struct daemon *daemon, const char *config, const char *const *environment)
{
	prepare(daemon, config);
	daemon->environment = environment;
	daemon_again(daemon);
}

void daemon_start(struct daemon *daemon, const char *config)
{
	daemon_start_with(daemon, config, NULL);
}

/* CONFIG with a section for each of PLUGINS; malloc'ed. */
static char *config_with_plugins(const char *plugins, const char *config)
{
	char names[256], *rest, *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	snprintf(names, sizeof(names), "%s", plugins);
	fprintf(stream, "%s\n", config);
	for (const char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		fprintf(stream, "[plugin %s]\npath = %s/tests/plugins/%s.so\n", name, build_dir(), name);
	fclose(stream);
	return text;
}

void daemon_start_with_plugins(struct daemon *daemon, const char *plugins, const char *config)
{
	char *text = config_with_plugins(plugins, config);
	daemon_start(daemon, text);
	free(text);
}

static void prepare_durable(struct daemon *daemon, const char *plugins, const char *config)
{
	char *text = config_with_plugins(plugins, config);
	prepare(daemon, text);
	free(text);
	daemon->durable = true;
}

void daemon_start_durable(struct daemon *daemon, const char *plugins, const char *config)
{
	prepare_durable(daemon, plugins, config);
	daemon_again(daemon);
}

void daemon_start_limited(struct daemon *daemon, const char *config, unsigned files)
{
	prepare(daemon, config);
	daemon->files = files;
	daemon_again(daemon);
}

void daemon_start_activated(struct daemon *daemon, const char *plugins, const char *config)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	prepare_durable(daemon, plugins, config);
	strncpy(address.sun_path, daemon->socket, sizeof(address.sun_path) - 1);
	daemon->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(daemon->listen_fd, 0);
	ck_assert_int_eq(bind(daemon->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(daemon->listen_fd, 128), 0);
	daemon_again(daemon);
}

void daemon_kill(struct daemon *daemon)
{
	ck_assert_int_eq(kill(daemon->pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(daemon->pid, NULL, 0), daemon->pid);
	daemon->pid = 0;
}

void daemon_reload_with_plugins(const struct daemon *daemon, struct taskd *c, const char *plugins, const char *config)
{
	char *text = config_with_plugins(plugins, config);
	daemon_write_config(daemon, text);
	free(text);
	free(request(c, "server.reload", "{}"));
}

bool daemon_notification(struct daemon *daemon, char *buffer, size_t size, int64_t timeout_ns)
{
	struct pollfd readable = { .fd = daemon->notify_fd, .events = POLLIN };
	if (poll(&readable, 1, (int)(timeout_ns / TASKD_MS)) <= 0)
		return false;
	ssize_t length = recv(daemon->notify_fd, buffer, size - 1, 0);
	if (length < 0)
		return false;
	buffer[length] = '\0';
	return true;
}

bool daemon_notified(struct daemon *daemon, const char *text)
{
	char buffer[1024];
	int64_t end = test_now_ns() + PATIENCE_NS;
	while (test_now_ns() < end)
		if (!daemon_notification(daemon, buffer, sizeof(buffer), end - test_now_ns()))
			return false;
		else if (strstr(buffer, text))
			return true;
	return false;
}

size_t daemon_children(const struct daemon *daemon, const char *name, pid_t *pids, size_t room)
{
	char path[64], called[32];
	size_t n = 0;
	int pid;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)daemon->pid, (int)daemon->pid);
	FILE *list = fopen(path, "r");
	ck_assert_ptr_nonnull(list);
	while (n < room && fscanf(list, "%d", &pid) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		FILE *comm = fopen(path, "r");
		if (comm && fscanf(comm, "%31s", called) == 1 && strcmp(called, name) == 0)
			pids[n++] = pid;
		if (comm)
			fclose(comm);
	}
	fclose(list);
	return n;
}

int daemon_wait(struct daemon *daemon)
{
	int status = -1;
	int64_t end = test_now_ns() + PATIENCE_NS;
	while (waitpid(daemon->pid, &status, WNOHANG) == 0) {
		if (test_now_ns() > end)
			return -1;
		pause_briefly();
	}
	daemon->pid = 0;
	return status;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int daemon_stop(struct daemon *daemon)
{
	int status = 0;
	pid_t group = daemon->pid;
	if (daemon->pid > 0) {
		kill(daemon->pid, SIGTERM);
		status = daemon_wait(daemon);
		if (status == -1) {
			kill(-group, SIGKILL);
			waitpid(group, NULL, 0);
		}
	}
	close(daemon->notify_fd);
	if (daemon->listen_fd > 0)
		close(daemon->listen_fd);
	nftw(daemon->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return status;
}

static char *file_text(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t length = 0, room = 0;
	if (!file)
		return NULL;
	do {
		room += 65536;
		text = realloc(text, room + 1);
		length += fread(text + length, 1, room - length, file);
	} while (length == room);
	text[length] = '\0';
	fclose(file);
	return text;
}

size_t daemon_log_count(const struct daemon *daemon, const char *text)
{
	char *log = file_text(daemon->log);
	size_t n = 0;
	for (const char *at = log; at && (at = strstr(at, text)); at += strlen(text))
		n++;
	free(log);
	return n;
}

struct wanted {
	const struct daemon *daemon;
	const char *text;
};

static bool is_logged(void *user)
{
	const struct wanted *wanted = user;
	return daemon_log_count(wanted->daemon, wanted->text) > 0;
}

bool daemon_logged(const struct daemon *daemon, const char *text)
{
	struct wanted wanted = { daemon, text };
	return wait_until(is_logged, &wanted);
}

/* --- by the library --- */

struct taskd *daemon_connect(const struct daemon *daemon)
{
	struct taskd *c = taskd_connect(daemon->socket, NULL);
	const char *text = NULL;
	if (!c)
		taskd_last_error(&text);
	ck_assert_msg(c != NULL, "cannot connect: %s", text);
	return c;
}

char *request(struct taskd *c, const char *method, const char *params)
{
	struct taskd_future *f = taskd_request(c, method, params);
	ck_assert_ptr_nonnull(f);
	enum taskd_error error = taskd_result(f, PATIENCE_NS);
	ck_assert_msg(error == TASKD_OK, "%s: %s", method,
		error == TASKD_E_TIMEOUT ? "no answer" : taskd_future_error(f)->message);
	char *text = strdup(taskd_future_result(f, NULL));
	taskd_future_free(f);
	return text;
}

double number_in(const char *json, const char *key)
{
	char name[64];
	snprintf(name, sizeof(name), "\"%s\":", key);
	const char *at = strstr(json, name);
	return at ? strtod(at + strlen(name), NULL) : -1;
}

char *ask(struct taskd *c, const char *method, const char *params, ...)
{
	char *text;
	va_list arguments;
	va_start(arguments, params);
	ck_assert_int_ge(vasprintf(&text, params, arguments), 0);
	va_end(arguments);
	char *result = request(c, method, text);
	free(text);
	return result;
}

const char *refusal(struct taskd *c, const char *method, const char *params, ...)
{
	static char kind[64];
	char *text;
	va_list arguments;
	va_start(arguments, params);
	ck_assert_int_ge(vasprintf(&text, params, arguments), 0);
	va_end(arguments);
	struct taskd_future *f = taskd_request(c, method, text);
	ck_assert_int_ne(taskd_result(f, PATIENCE_NS), TASKD_E_TIMEOUT);
	ck_assert_msg(taskd_exception(f) != NULL, "%s %s was not refused: %s", method, text, taskd_future_result(f, NULL));
	snprintf(kind, sizeof(kind), "%s", taskd_exception(f)->kind);
	taskd_future_free(f);
	free(text);
	return kind;
}

const char *text_in(const char *json, const char *key)
{
	static char text[1024];
	char name[64];
	snprintf(name, sizeof(name), "\"%s\":\"", key);
	const char *at = strstr(json, name);
	text[0] = '\0';
	if (at)
		sscanf(at + strlen(name), "%1023[^\"]", text);
	return text;
}

int64_t time_in(const char *json, const char *key)
{
	struct tm parts = { 0 };
	long us;
	if (sscanf(text_in(json, key), "%d-%d-%dT%d:%d:%d.%6ldZ", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
		    &parts.tm_min, &parts.tm_sec, &us) != 7)
		return -1;
	parts.tm_year -= 1900;
	parts.tm_mon--;
	return (int64_t)timegm(&parts) * TASKD_SECOND + us * 1000;
}

unsigned long long submit_task(struct taskd *c, const char *params, ...)
{
	char *text;
	va_list arguments;
	va_start(arguments, params);
	ck_assert_int_ge(vasprintf(&text, params, arguments), 0);
	va_end(arguments);
	char *result = request(c, "task.submit", text);
	unsigned long long id = strtoull(text_in(result, "id"), NULL, 10);
	ck_assert_uint_gt(id, 0);
	free(result);
	free(text);
	return id;
}

char *record_of(struct taskd *c, unsigned long long id)
{
	return ask(c, "task.status", "{\"id\":\"%llu\"}", id);
}

char *record_at_end(struct taskd *c, unsigned long long id)
{
	char *waited = ask(c, "task.wait", "{\"ids\":[\"%llu\"],\"timeout\":30}", id);
	ck_assert_msg(strstr(waited, "\"not_done\":[]") != NULL, "it does not end: %s", waited);
	free(waited);
	return record_of(c, id);
}

void wait_for_state(struct taskd *c, unsigned long long id, const char *state)
{
	int64_t end = test_now_ns() + PATIENCE_NS;
	for (;;) {
		char *record = record_of(c, id);
		bool is = strcmp(text_in(record, "state"), state) == 0;
		ck_assert_msg(is || test_now_ns() < end, "not %s: %s", state, record);
		free(record);
		if (is)
			return;
		pause_briefly();
	}
}

size_t worker_pids(struct taskd *c, pid_t *pids, size_t room)
{
	char *list = request(c, "worker.list", "{}");
	size_t n = 0;
	for (const char *at = list; n < room && (at = strstr(at, "\"pid\":")); at++) {
		pid_t pid = (pid_t)strtol(at + 6, NULL, 10);
		if (pid > 0)
			pids[n++] = pid;
	}
	free(list);
	return n;
}

bool something_runs(void *connection)
{
	char *list = request(connection, "worker.list", "{}");
	bool runs = strstr(list, "\"running\":[\"") != NULL;
	free(list);
	return runs;
}

/* --- the wire --- */

void wire_open(struct wire *wire, const struct daemon *daemon)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	*wire = (struct wire){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	strncpy(address.sun_path, daemon->socket, sizeof(address.sun_path) - 1);
	ck_assert_int_ge(wire->fd, 0);
	ck_assert_int_eq(connect(wire->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

void wire_close(struct wire *wire)
{
	close(wire->fd);
	free(wire->data);
}

bool wire_send(struct wire *wire, const void *data, size_t length)
{
	const char *at = data;
	while (length) {
		ssize_t n = send(wire->fd, at, length, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		at += n;
		length -= (size_t)n;
	}
	return true;
}

bool wire_puts(struct wire *wire, const char *text)
{
	return wire_send(wire, text, strlen(text));
}

static bool wire_read(struct wire *wire)
{
	struct pollfd readable = { .fd = wire->fd, .events = POLLIN };
	if (wire->start) {
		memmove(wire->data, wire->data + wire->start, wire->length - wire->start);
		wire->length -= wire->start;
		wire->start = 0;
	}
	if (wire->room - wire->length < 65536) {
		wire->room = wire->room * 2 + 131072;
		wire->data = realloc(wire->data, wire->room);
	}
	if (poll(&readable, 1, (int)(PATIENCE_NS / TASKD_MS)) <= 0)
		return false;
	ssize_t n = read(wire->fd, wire->data + wire->length, wire->room - wire->length - 1);
	if (n <= 0)
		return false;
	wire->length += (size_t)n;
	return true;
}

static char *taken(struct wire *wire, size_t length)
{
	static char *text;
	free(text);
	text = malloc(length + 1);
	memcpy(text, wire->data + wire->start, length);
	text[length] = '\0';
	wire->start += length;
	return text;
}

const char *wire_line(struct wire *wire)
{
	const char *end;
	size_t looked = 0;
	for (;;) {
		size_t have = wire->length - wire->start;
		end = have > looked ? memchr(wire->data + wire->start + looked, '\n', have - looked) : NULL;
		if (end)
			break;
		looked = have;
		if (!wire_read(wire))
			return NULL;
	}
	char *line = taken(wire, (size_t)(end - wire->data) - wire->start);
	wire->start++;
	return line;
}

const char *wire_bytes(struct wire *wire, size_t length)
{
	while (wire->length - wire->start < length)
		if (!wire_read(wire))
			return NULL;
	return taken(wire, length);
}

bool wire_closed(struct wire *wire)
{
	while (wire_read(wire))
		;
	char byte;
	ssize_t n = recv(wire->fd, &byte, 1, MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno == ECONNRESET);
}
