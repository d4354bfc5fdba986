/* Questions to the store. What is answered may have to be told to others in the same turn, so the loop must not sleep then:
 * that is what stands between the one who asks and the store's client here. */
#include <stdlib.h>

#include "base/xmalloc.h"
#include "durable/internal.h"

struct question {
	struct durable *durable;
	uint64_t number;
	store_found *found; /* NULL: rows are of no interest */
	store_answered *answered;
	void *user;
	TAILQ_ENTRY(question) link;
};

static void question_free(struct question *question)
{
	TAILQ_REMOVE(&question->durable->questions, question, link);
	free(question);
}

static void on_found(void *user, const struct store_task *task)
{
	const struct question *question = user;
	question->durable->heard = true;
	if (question->found)
		question->found(question->user, task);
}

static void on_answered(void *user, const struct store_answer *answer)
{
	struct question *question = user;
	store_answered *answered = question->answered;
	void *asker = question->user;
	question->durable->heard = true;
	question_free(question);
	answered(asker, answer);
}

uint64_t durable_ask(struct durable *durable, const struct store_query *query, store_found *found, store_answered *answered,
	void *user)
{
	struct question *question = xcalloc(1, sizeof(*question));
	*question = (struct question){ .durable = durable, .found = found, .answered = answered, .user = user };
	TAILQ_INSERT_TAIL(&durable->questions, question, link);
	question->number = store_client_ask(durable->client, query, on_found, on_answered, question);
	return question->number;
}

void durable_unask(struct durable *durable, uint64_t number)
{
	struct question *question;
	TAILQ_FOREACH(question, &durable->questions, link)
		if (question->number == number)
			break;
	if (!question)
		return;
	store_client_unask(durable->client, number);
	question_free(question);
}
