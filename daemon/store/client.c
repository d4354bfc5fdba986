/* The master's side of the store: its states and its turn. It never waits, and never loses what the store has not said to be
 * on disk, however often that dies. */
#include "store/client_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/spawn.h"
#include "base/xmalloc.h"

const char *store_state_name(enum store_state state)
{
	switch (state) {
	case STORE_CLOSED:
		return "closed";
	case STORE_OPENING:
		return "opening";
	case STORE_WORKING:
		return "ok";
	case STORE_FULL:
		return "full";
	case STORE_BROKEN:
		return "failed";
	case STORE_STOPPING:
		return "stopping";
	}
	abort();
}

struct store_client *store_client_new(const struct store_client_options *options, const struct store_events *events)
{
	struct store_client *client = xcalloc(1, sizeof *client);
	client->options = *options;
	client->events = *events;
	client->program = options->program ? xstrdup(options->program) : spawn_find("TASKD_STORE", "taskd-store");
	client->directory = xstrndup(
		options->open.directory.data ? options->open.directory.data : "", options->open.directory.length);
	client->open = options->open;
	client->open.version = STORE_WIRE_VERSION;
	client->open.directory = store_text_of(client->directory, options->open.directory.length);
	client->state = STORE_OPENING;
	client->pidfd = client->control_fd = -1;
	client->start_ns = client->again_ns = CLOCK_NEVER;
	oplog_init(&client->log);
	client_load_init(client);
	TAILQ_INIT(&client->asked);
	client->channel = channel_new(CLIENT_RING, CLIENT_RING);
	if (client->channel && client_start(client) == 0)
		return client;
	int reason = errno;
	store_client_free(client);
	errno = reason;
	return NULL;
}

void store_client_free(struct store_client *client)
{
	if (!client)
		return;
	client->state = STORE_CLOSED;
	client_ask_fail(client);
	/* The end of the control socket tells it to leave; it is this process's child still, and nobody's to be waited for. */
	if (client->pidfd >= 0)
		close(client->pidfd);
	if (client->control_fd >= 0)
		close(client->control_fd);
	channel_free(client->channel);
	oplog_clear(&client->log);
	client_load_fini(client);
	store_buffer_free(&client->requests);
	store_buffer_free(&client->heard);
	free(client->directory);
	free(client->program);
	free(client);
}

void client_enter(struct store_client *client, enum store_state state, const char *text)
{
	if (client->state == state && !text)
		return;
	client->state = state;
	client->events.changed(client->events.context, state, text);
}

void client_fail(struct store_client *client, const char *text)
{
	client_kill(client);
	client->start_ns = client->again_ns = CLOCK_NEVER;
	if (!client->stopping)
		client->state = STORE_BROKEN;
	if (!client->told_opened) {
		const struct store_opened opened = { .status = STORE_OPEN_ERROR,
			.text = store_text_of(text, strlen(text)) };
		client->told_opened = true;
		client->events.opened(client->events.context, &opened);
	}
	client_enter(client, !client->stopping ? STORE_BROKEN : client->pid ? STORE_STOPPING : STORE_CLOSED, text);
	client_drop_tasks(client, STORE_BROKEN);
	oplog_clear(&client->log);
}

enum store_state store_client_state(const struct store_client *client)
{
	return client->state;
}

void store_client_set_limits(struct store_client *client, const struct store_limits *limits)
{
	client->open.limits = *limits;
	if (client->opened)
		client_request(client, STORE_SET_LIMITS, 0, limits);
}

void store_client_stop(struct store_client *client)
{
	if (client->stopping || client->state == STORE_CLOSED)
		return;
	client->stopping = true;
	/* What found the disk full is tried once more, now. */
	if (client->again_ns != CLOCK_NEVER)
		client->again_ns = 0;
	if (!client->ever_opened)
		client_kill(client);
	if (!client->pid && (client->start_ns == CLOCK_NEVER || client->log.bytes == 0)) {
		client->start_ns = CLOCK_NEVER;
		client_enter(client, STORE_CLOSED, NULL);
		return;
	}
	client_enter(client, STORE_STOPPING, NULL);
}

void client_say_stop(struct store_client *client)
{
	client->stop_sent = true;
	client_request(client, STORE_STOP, 0, NULL);
}

/* Asks it to leave, when it has all that it is to commit. */
static void stop(struct store_client *client)
{
	const char *data;
	if (!client->stopping || client->stop_sent || !client->opened || client->again_ns != CLOCK_NEVER ||
		oplog_unsent(&client->log, &data))
		return;
	client_say_stop(client);
	client_send(client);
}

bool store_client_turn(struct store_client *client)
{
	client_look(client);
	bool more = client_hear(client);
	client_restart(client);
	client_again(client);
	if (client->state == STORE_BROKEN || client->state == STORE_CLOSED)
		client_ask_fail(client);
	client_send(client);
	stop(client);
	channel_kick(client->channel);
	return more || (client_has_to_send(client) && !client->blocked);
}

int64_t store_client_next_ns(const struct store_client *client)
{
	if (!TAILQ_EMPTY(&client->asked) && (client->state == STORE_BROKEN || client->state == STORE_CLOSED))
		return 0;
	return client->start_ns < client->again_ns ? client->start_ns : client->again_ns;
}

int store_client_doorbell_fd(const struct store_client *client)
{
	return channel_doorbell_fd(client->channel);
}

int store_client_process_fd(const struct store_client *client)
{
	return client->pidfd;
}

bool store_client_sleep(struct store_client *client)
{
	if (client_has_to_send(client) && !client->blocked)
		return false;
	if (!client->pid || client->condemned || channel_sleep(client->channel))
		return true;
	client->blocked = false;
	return false;
}

void store_client_wake(struct store_client *client)
{
	channel_wake(client->channel);
}

int store_client_pid(const struct store_client *client)
{
	return client->pid;
}

uint64_t store_client_respawns(const struct store_client *client)
{
	return client->respawns;
}
