/* Questions: asked again where the store has died, answered once in any case. */
#include "store/client_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

/* A query of one's own needs its texts: they are put one behind the other into one piece of memory. */
static void query_own(struct asked *asked)
{
	struct store_query *query = &asked->query;
	struct store_text *texts[] = { &query->queue, &query->type, &query->tag, &query->key, &query->path };
	const size_t n = sizeof texts / sizeof *texts;
	size_t length = 1;
	for (size_t i = 0; i < n; i++)
		length += texts[i]->length;
	char *at = asked->texts = xmalloc(length);
	for (size_t i = 0; i < n; i++) {
		if (!texts[i]->data)
			continue;
		texts[i]->data = memcpy(at, texts[i]->data, texts[i]->length);
		at += texts[i]->length;
	}
}

uint64_t store_client_ask(struct store_client *client, const struct store_query *query, store_found *found,
	store_answered *answered, void *user)
{
	struct asked *asked = xcalloc(1, sizeof *asked);
	*asked = (struct asked){
		.number = ++client->last_question, .query = *query, .found = found, .answered = answered, .user = user
	};
	query_own(asked);
	TAILQ_INSERT_TAIL(&client->asked, asked, link);
	if (client->opened)
		client_request(client, STORE_QUERY, asked->number, &asked->query);
	return asked->number;
}

static struct asked *asked_find(const struct store_client *client, uint64_t number)
{
	struct asked *asked;
	TAILQ_FOREACH(asked, &client->asked, link)
		if (asked->number == number)
			return asked;
	return NULL;
}

static void asked_remove(struct store_client *client, struct asked *asked)
{
	TAILQ_REMOVE(&client->asked, asked, link);
	free(asked->texts);
	free(asked);
}

void store_client_unask(struct store_client *client, uint64_t number)
{
	struct asked *asked = asked_find(client, number);
	if (asked)
		asked_remove(client, asked);
}

static bool was_asked(const struct store_client *client, uint64_t number)
{
	return number >= 1 && number <= client->last_question;
}

/* Whether a row with that id was told before the store died: they come in the order of their ids. */
static bool is_told(const struct asked *asked, uint64_t id)
{
	if (!asked->known_to)
		return false;
	return asked->query.oldest_first ? id <= asked->known_to : id >= asked->known_to;
}

bool client_found(struct store_client *client, uint64_t number, const struct store_row *row)
{
	if (!was_asked(client, number) || row->kind != STORE_ROW_TASK || row->task.id == 0)
		return false;
	struct asked *asked = asked_find(client, number);
	if (!asked || is_told(asked, row->task.id))
		return true;
	asked->found_last = row->task.id;
	if (asked->found)
		asked->found(asked->user, &row->task);
	return true;
}

static void answer(struct store_client *client, struct asked *asked, const struct store_answer *what)
{
	store_answered *answered = asked->answered;
	void *user = asked->user;
	asked_remove(client, asked);
	answered(user, what);
}

bool client_answered(struct store_client *client, uint64_t number, const struct store_answer *what)
{
	if (!was_asked(client, number))
		return false;
	struct asked *asked = asked_find(client, number);
	if (asked)
		answer(client, asked, what);
	return true;
}

void client_ask_again(struct store_client *client)
{
	struct asked *asked;
	TAILQ_FOREACH(asked, &client->asked, link) {
		asked->known_to = asked->found_last;
		client_request(client, STORE_QUERY, asked->number, &asked->query);
	}
}

void client_ask_fail(struct store_client *client)
{
	static const char text[] = "the store has failed";
	const struct store_answer failed = { .status = STORE_ANSWER_ERROR, .text = { text, sizeof text - 1 } };
	uint64_t most = client->last_question; /* what is asked meanwhile is for the next turn */
	struct asked *asked;
	while ((asked = TAILQ_FIRST(&client->asked)) && asked->number <= most)
		answer(client, asked, &failed);
}
