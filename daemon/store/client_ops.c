/* Operations: numbered, kept until they are on disk, sent again where the disk was full, or given up. */
#include "store/client_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"

#define AGAIN_NS NS_PER_S

uint64_t store_client_put(
	struct store_client *client, enum store_message message, uint64_t id, const void *body, bool chained)
{
	const struct store_header header = {
		.message = (uint16_t)message, .flags = chained ? STORE_CHAINED : 0, .number = client->last + 1, .id = id
	};
	if (client->state == STORE_BROKEN || client->state == STORE_CLOSED || client->stopping ||
		!oplog_add(&client->log, &header, body))
		return 0;
	if (message == STORE_IDS) {
		client->ids = *(const struct store_ids *)body;
		client->knows_ids = true;
	}
	return ++client->last;
}

bool store_client_has_room(const struct store_client *client)
{
	return (client->state == STORE_OPENING || client->state == STORE_WORKING) &&
		client->log.bytes <= client->options.backlog_limit;
}

uint64_t store_client_last(const struct store_client *client)
{
	return client->last;
}

uint64_t store_client_committed(const struct store_client *client)
{
	return client->committed;
}

size_t store_client_backlog(const struct store_client *client)
{
	return client->log.bytes;
}

bool client_committed(struct store_client *client, uint64_t seq)
{
	if (seq < client->committed || seq > client->last || client->again_ns != CLOCK_NEVER ||
		!oplog_commit(&client->log, seq))
		return false;
	if (seq == client->committed)
		return true;
	client->committed = seq;
	client->deaths = 0;
	if (client->state == STORE_FULL)
		client_enter(client, STORE_WORKING, NULL);
	client->events.committed(client->events.context, seq);
	return true;
}

void client_drop_tasks(struct store_client *client, enum store_state why)
{
	uint64_t *ids;
	size_t n = oplog_drop_tasks(&client->log, &ids);
	for (size_t i = 0; i < n; i++)
		client->events.refused(client->events.context, ids[i], why);
	free(ids);
}

bool client_refused(struct store_client *client, uint64_t seq, const struct store_text *text)
{
	if (seq <= client->committed || seq > client->last || client->again_ns != CLOCK_NEVER)
		return false;
	char *why = text->data ? xstrndup(text->data, text->length) : NULL;
	client_detach_torn(client);
	if (!client->stopping) {
		client->again_ns = clock_mono_ns() + AGAIN_NS;
		if (client->state != STORE_FULL)
			client_enter(client, STORE_FULL, why);
	} else if (!client->stop_sent) {
		/* There is no time to wait for room. */
		client_say_stop(client);
	}
	free(why);
	client_drop_tasks(client, STORE_FULL);
	return true;
}

void client_again(struct store_client *client)
{
	if (client->again_ns == CLOCK_NEVER || !client->opened || clock_mono_ns() < client->again_ns)
		return;
	client->again_ns = CLOCK_NEVER;
	client_request(client, STORE_AGAIN, 0, NULL);
	if (client->log.bytes)
		return;
	/* Nothing was left but new tasks, and those were refused: whether there is room again something else has to tell. */
	if (!client->knows_ids || store_client_put(client, STORE_IDS, 0, &client->ids, false) == 0)
		client_enter(client, STORE_WORKING, NULL);
}
