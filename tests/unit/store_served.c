#include "store_served.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lane/channel.h"
#include "store/store.h"

#define RING (4u << 20)
#define PATIENCE_MS 30000

/* No assertion of libcheck's: benchmarks are here, too. */
static void __attribute__((noreturn)) give_up(const char *why)
{
	fprintf(stderr, "store_served: %s\n", why);
	abort();
}

static void must(bool good, const char *what)
{
	if (!good)
		give_up(what);
}

void served_make(struct served *served, const char *where)
{
	*served = (struct served){ .control_fd = -1 };
	if (!where)
		where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(served->directory, sizeof(served->directory), "%s/taskd-store-XXXXXX", where);
	must(mkdtemp(served->directory), "a directory");
}

static void forget_process(struct served *served)
{
	if (served->control_fd >= 0)
		close(served->control_fd);
	channel_free(served->channel);
	served->channel = NULL;
	served->control_fd = -1;
	served->pid = 0;
	served->out.length = served->in.length = served->sent = served->heard = 0;
}

void served_free(struct served *served)
{
	char path[512];
	DIR *directory;

	if (served->pid)
		served_kill(served);
	directory = opendir(served->directory);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		snprintf(path, sizeof(path), "%s/%s", served->directory, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	closedir(directory);
	rmdir(served->directory);
	store_buffer_free(&served->out);
	store_buffer_free(&served->in);
}

static void run_store(const struct served *served, int control_fd)
{
	int memory_fd = dup(channel_memory_fd(served->channel)),
	    doorbell_fd = dup(channel_doorbell_fd(served->channel));

	close(served->control_fd);
	_exit(store_serve(control_fd, memory_fd, doorbell_fd));
}

void served_start(struct served *served, const struct store_open *order)
{
	struct store_open said = *order;
	struct store_header header;
	union served_body body;
	int pair[2];

	served->channel = channel_new(RING, RING);
	must(served->channel, "a channel");
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "a socket pair");
	served->control_fd = pair[0];
	served->pid = fork();
	if (served->pid == 0)
		run_store(served, pair[1]);
	close(pair[1]);
	said.version = STORE_WIRE_VERSION;
	said.directory = store_text_of(served->directory, strlen(served->directory));
	served_put(served, STORE_OPEN, 0, 0, 0, &said);
	must(served_hear(served, &header, &body) && header.message == STORE_OPENED, "what opening came to");
	served->opened = body.opened;
	snprintf(served->opened_text, sizeof(served->opened_text), "%.*s", (int)body.opened.text.length,
		body.opened.text.data ? body.opened.text.data : "");
	served->opened.text = STORE_TEXT_NONE;
}

void served_put(struct served *served, enum store_message message, uint64_t number, uint64_t id, uint16_t flags,
	const void *body)
{
	const struct store_header header = { .message = (uint16_t)message, .flags = flags, .number = number, .id = id };

	if (served->sent == served->out.length)
		served->sent = served->out.length = 0;
	must(store_write(&served->out, &header, body), "room for a message");
}

/* What there is room for now. */
static void send_some(struct served *served)
{
	int64_t n = channel_write(served->channel, served->out.data + served->sent, served->out.length - served->sent);

	if (n < 0)
		give_up("the channel is broken");
	served->sent += (size_t)n;
	channel_kick(served->channel);
}

static bool hear_some(struct served *served)
{
	size_t room = 1 << 20;

	if (served->heard) {
		memmove(served->in.data, served->in.data + served->heard, served->in.length - served->heard);
		served->in.length -= served->heard;
		served->heard = 0;
	}
	if (served->in.room - served->in.length < room) {
		served->in.room = served->in.room * 2 + room;
		served->in.data = realloc(served->in.data, served->in.room);
	}
	int64_t n = channel_read(served->channel, served->in.data + served->in.length, room);
	if (n < 0)
		give_up("the channel is broken");
	served->in.length += (size_t)n;
	return n > 0;
}

/* The control socket ends with the store. */
static bool sleep_until_something(struct served *served)
{
	struct pollfd polled[2] = {
		{ .fd = channel_doorbell_fd(served->channel), .events = POLLIN },
		{ .fd = served->control_fd, .events = POLLIN },
	};

	if (!channel_sleep(served->channel)) {
		channel_wake(served->channel);
		return true;
	}
	int n = poll(polled, 2, PATIENCE_MS);
	channel_wake(served->channel);
	if (n == 0)
		give_up("the store says nothing");
	return polled[0].revents || !polled[1].revents;
}

/* A whole message is there. */
static bool message_is_there(const struct served *served, struct store_header *header)
{
	if (served->in.length - served->heard < STORE_HEADER_SIZE)
		return false;
	if (!store_read_header(served->in.data + served->heard, header))
		give_up("a header makes no sense");
	return served->in.length - served->heard - STORE_HEADER_SIZE >= header->length;
}

void served_flush(struct served *served)
{
	while (served->sent < served->out.length) {
		send_some(served);
		if (served->sent < served->out.length && !sleep_until_something(served))
			return;
	}
}

bool served_hear(struct served *served, struct store_header *header, union served_body *body)
{
	bool alive = true;

	while (!message_is_there(served, header)) {
		if (served->sent < served->out.length)
			send_some(served);
		if (hear_some(served))
			continue;
		if (!alive)
			return false;
		alive = sleep_until_something(served);
	}
	if (!store_read_body(header, served->in.data + served->heard + STORE_HEADER_SIZE, body))
		give_up("a body makes no sense");
	served->heard += STORE_HEADER_SIZE + header->length;
	return true;
}

bool served_committed(struct served *served, uint64_t number)
{
	struct store_header header = { 0 };
	union served_body body;

	while (header.number < number)
		if (!served_hear(served, &header, &body) || header.message != STORE_COMMITTED)
			return false;
	return true;
}

bool served_glance(struct served *served, uint64_t *last)
{
	struct store_header header;

	if (served->sent < served->out.length)
		send_some(served);
	while (hear_some(served))
		continue;
	while (message_is_there(served, &header)) {
		if (header.message == STORE_COMMITTED)
			*last = header.number;
		served->heard += STORE_HEADER_SIZE + header.length;
	}
	return poll(&(struct pollfd){ .fd = served->control_fd, .events = POLLIN }, 1, 0) == 0;
}

static int reap(struct served *served)
{
	int status;

	while (waitpid(served->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	forget_process(served);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int served_stop(struct served *served)
{
	served_put(served, STORE_STOP, 0, 0, 0, NULL);
	served_flush(served);
	return reap(served);
}

int served_leave(struct served *served)
{
	close(served->control_fd);
	served->control_fd = -1;
	return reap(served);
}

void served_kill(struct served *served)
{
	kill(served->pid, SIGKILL);
	reap(served);
}

static sqlite3 *open_file(const struct served *served)
{
	char path[160];
	sqlite3 *handle;

	snprintf(path, sizeof(path), "%s/%s", served->directory, STORE_FILE);
	must(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK, "the database");
	return handle;
}

int64_t served_number(const struct served *served, const char *sql)
{
	sqlite3 *handle = open_file(served);
	sqlite3_stmt *statement;

	must(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK, sqlite3_errmsg(handle));
	must(sqlite3_step(statement) == SQLITE_ROW, sqlite3_errmsg(handle));
	int64_t number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(handle);
	return number;
}

void served_exec(const struct served *served, const char *sql)
{
	sqlite3 *handle = open_file(served);

	must(sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(handle));
	sqlite3_close(handle);
}

sqlite3 *served_lock(const struct served *served)
{
	sqlite3 *handle = open_file(served);

	must(sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(handle));
	return handle;
}

void served_unlock(sqlite3 *handle)
{
	sqlite3_close(handle);
}

int64_t served_log_bytes(const struct served *served)
{
	char path[160];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s-wal", served->directory, STORE_FILE);
	return stat(path, &status) < 0 ? -1 : status.st_size;
}
