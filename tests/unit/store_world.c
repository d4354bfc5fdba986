#include "store_world.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lane/channel.h"
#include "store/store.h"

#define RING (4u << 20)
#define PATIENCE_MS 30000

/* No assertion of libcheck's: benchmarks are here, too. */
static void __attribute__((noreturn)) give_up(const char *why)
{
	fprintf(stderr, "store_world: %s\n", why);
	abort();
}

static void must(bool good, const char *what)
{
	if (!good)
		give_up(what);
}

void world_make(struct store_world *world)
{
	*world = (struct store_world){ .control_fd = -1 };
	snprintf(world->directory, sizeof(world->directory), "%s/taskd-store-XXXXXX",
		getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	must(mkdtemp(world->directory), "a directory");
}

static void forget_process(struct store_world *world)
{
	if (world->control_fd >= 0)
		close(world->control_fd);
	channel_free(world->channel);
	world->channel = NULL;
	world->control_fd = -1;
	world->pid = 0;
	world->out.length = world->in.length = world->sent = world->heard = 0;
}

void world_free(struct store_world *world)
{
	char path[512];
	DIR *directory;

	if (world->pid)
		world_kill(world);
	directory = opendir(world->directory);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		snprintf(path, sizeof(path), "%s/%s", world->directory, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	closedir(directory);
	rmdir(world->directory);
	store_buffer_free(&world->out);
	store_buffer_free(&world->in);
}

static void run_store(const struct store_world *world, int control_fd)
{
	int memory_fd = dup(channel_memory_fd(world->channel)), doorbell_fd = dup(channel_doorbell_fd(world->channel));

	close(world->control_fd);
	_exit(store_serve(control_fd, memory_fd, doorbell_fd));
}

void world_start(struct store_world *world, const struct store_open *order)
{
	struct store_open said = *order;
	struct store_header header;
	union world_body body;
	int pair[2];

	world->channel = channel_new(RING, RING);
	must(world->channel, "a channel");
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "a socket pair");
	world->control_fd = pair[0];
	world->pid = fork();
	if (world->pid == 0)
		run_store(world, pair[1]);
	close(pair[1]);
	said.version = STORE_WIRE_VERSION;
	said.directory = store_text_of(world->directory, strlen(world->directory));
	world_put(world, STORE_OPEN, 0, 0, 0, &said);
	must(world_hear(world, &header, &body) && header.message == STORE_OPENED, "what opening came to");
	world->opened = body.opened;
	snprintf(world->opened_text, sizeof(world->opened_text), "%.*s", (int)body.opened.text.length,
		body.opened.text.data ? body.opened.text.data : "");
	world->opened.text = STORE_TEXT_NONE;
}

void world_put(struct store_world *world, enum store_message message, uint64_t number, uint64_t id, uint16_t flags,
	const void *body)
{
	const struct store_header header = { .message = (uint16_t)message, .flags = flags, .number = number, .id = id };

	if (world->sent == world->out.length)
		world->sent = world->out.length = 0;
	must(store_write(&world->out, &header, body), "room for a message");
}

/* What there is room for now. */
static void send_some(struct store_world *world)
{
	int64_t n = channel_write(world->channel, world->out.data + world->sent, world->out.length - world->sent);

	if (n < 0)
		give_up("the channel is broken");
	world->sent += (size_t)n;
	channel_kick(world->channel);
}

static bool hear_some(struct store_world *world)
{
	size_t room = 1 << 20;

	if (world->heard) {
		memmove(world->in.data, world->in.data + world->heard, world->in.length - world->heard);
		world->in.length -= world->heard;
		world->heard = 0;
	}
	if (world->in.room - world->in.length < room) {
		world->in.room = world->in.room * 2 + room;
		world->in.data = realloc(world->in.data, world->in.room);
	}
	int64_t n = channel_read(world->channel, world->in.data + world->in.length, room);
	if (n < 0)
		give_up("the channel is broken");
	world->in.length += (size_t)n;
	return n > 0;
}

/* The control socket ends with the store. */
static bool sleep_until_something(struct store_world *world)
{
	struct pollfd polled[2] = {
		{ .fd = channel_doorbell_fd(world->channel), .events = POLLIN },
		{ .fd = world->control_fd, .events = POLLIN },
	};

	if (!channel_sleep(world->channel)) {
		channel_wake(world->channel);
		return true;
	}
	int n = poll(polled, 2, PATIENCE_MS);
	channel_wake(world->channel);
	if (n == 0)
		give_up("the store says nothing");
	return polled[0].revents || !polled[1].revents;
}

/* A whole message is there. */
static bool message_is_there(const struct store_world *world, struct store_header *header)
{
	if (world->in.length - world->heard < STORE_HEADER_SIZE)
		return false;
	if (!store_read_header(world->in.data + world->heard, header))
		give_up("a header makes no sense");
	return world->in.length - world->heard - STORE_HEADER_SIZE >= header->length;
}

void world_flush(struct store_world *world)
{
	while (world->sent < world->out.length) {
		send_some(world);
		if (world->sent < world->out.length && !sleep_until_something(world))
			return;
	}
}

bool world_hear(struct store_world *world, struct store_header *header, union world_body *body)
{
	bool alive = true;

	while (!message_is_there(world, header)) {
		if (world->sent < world->out.length)
			send_some(world);
		if (hear_some(world))
			continue;
		if (!alive)
			return false;
		alive = sleep_until_something(world);
	}
	if (!store_read_body(header, world->in.data + world->heard + STORE_HEADER_SIZE, body))
		give_up("a body makes no sense");
	world->heard += STORE_HEADER_SIZE + header->length;
	return true;
}

bool world_committed(struct store_world *world, uint64_t number)
{
	struct store_header header = { 0 };
	union world_body body;

	while (header.number < number)
		if (!world_hear(world, &header, &body) || header.message != STORE_COMMITTED)
			return false;
	return true;
}

bool world_glance(struct store_world *world, uint64_t *last)
{
	struct store_header header;

	if (world->sent < world->out.length)
		send_some(world);
	while (hear_some(world))
		continue;
	while (message_is_there(world, &header)) {
		if (header.message == STORE_COMMITTED)
			*last = header.number;
		world->heard += STORE_HEADER_SIZE + header.length;
	}
	return poll(&(struct pollfd){ .fd = world->control_fd, .events = POLLIN }, 1, 0) == 0;
}

static int reap(struct store_world *world)
{
	int status;

	while (waitpid(world->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	forget_process(world);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int world_stop(struct store_world *world)
{
	world_put(world, STORE_STOP, 0, 0, 0, NULL);
	world_flush(world);
	return reap(world);
}

int world_leave(struct store_world *world)
{
	close(world->control_fd);
	world->control_fd = -1;
	return reap(world);
}

void world_kill(struct store_world *world)
{
	kill(world->pid, SIGKILL);
	reap(world);
}

static sqlite3 *open_file(const struct store_world *world)
{
	char path[128];
	sqlite3 *handle;

	snprintf(path, sizeof(path), "%s/%s", world->directory, STORE_FILE);
	must(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK, "the database");
	return handle;
}

int64_t world_number(const struct store_world *world, const char *sql)
{
	sqlite3 *handle = open_file(world);
	sqlite3_stmt *statement;

	must(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK, sqlite3_errmsg(handle));
	must(sqlite3_step(statement) == SQLITE_ROW, sqlite3_errmsg(handle));
	int64_t number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(handle);
	return number;
}

void world_exec(const struct store_world *world, const char *sql)
{
	sqlite3 *handle = open_file(world);

	must(sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(handle));
	sqlite3_close(handle);
}
