/* What goes to the store. Operations flow as bytes out of their log, as far as the channel has room; requests are put between
 * them, as soon as one is at its end. */
#include "store/client_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"

void client_request(struct store_client *client, enum store_message message, uint64_t number, const void *body)
{
	const struct store_header header = { .message = (uint16_t)message, .number = number };
	if (!client->pid || client->condemned)
		return;
	/* They are small; and what has no memory for those has none for anything. */
	if (!store_write(&client->requests, &header, body))
		abort();
}

void client_detach_torn(struct store_client *client)
{
	const char *data;
	size_t torn = oplog_torn(&client->log);
	if (torn == 0)
		return;
	/* Nothing of the requests can have been sent since. */
	struct store_buffer *requests = &client->requests;
	oplog_unsent(&client->log, &data);
	if (requests->room - requests->length < torn) {
		requests->room = requests->length + torn;
		requests->data = xreallocarray(requests->data, requests->room, 1);
	}
	memmove(requests->data + torn, requests->data, requests->length);
	memcpy(requests->data, data, torn);
	requests->length += torn;
	oplog_sent(&client->log, torn);
}

static bool is_reached(const struct store_client *client)
{
	return client->pid && !client->condemned;
}

static bool operations_flow(const struct store_client *client)
{
	return client->opened && client->again_ns == CLOCK_NEVER && !client->stop_sent;
}

bool client_has_to_send(const struct store_client *client)
{
	const char *data;
	return is_reached(client) &&
		(client->requests.length || (operations_flow(client) && oplog_unsent(&client->log, &data)));
}

/* How much of LENGTH bytes at DATA the channel took. */
static size_t channel_take(struct store_client *client, const char *data, size_t length)
{
	int64_t n = channel_write(client->channel, data, length);
	if (n < 0) {
		client->lie = "the channel";
		client_kill(client);
		return 0;
	}
	client->blocked = (size_t)n < length;
	return (size_t)n;
}

static void send_requests(struct store_client *client)
{
	struct store_buffer *requests = &client->requests;
	client->requests_sent +=
		channel_take(client, requests->data + client->requests_sent, requests->length - client->requests_sent);
	if (client->requests_sent == requests->length)
		requests->length = client->requests_sent = 0;
}

/* What is to be sent of operations now: all, or just to the end of the one that is half sent, as a request waits. */
static size_t operations_due(struct store_client *client, const char **data)
{
	size_t length = operations_flow(client) ? oplog_unsent(&client->log, data) : 0;
	if (!client->requests.length || length == 0)
		return length;
	return client->requests_sent ? 0 : oplog_torn(&client->log);
}

void client_send(struct store_client *client)
{
	const char *data;
	client->blocked = false;
	while (is_reached(client) && !client->blocked) {
		size_t length = operations_due(client, &data);
		if (length)
			oplog_sent(&client->log, channel_take(client, data, length));
		else if (client->requests.length)
			send_requests(client);
		else
			break;
	}
}
