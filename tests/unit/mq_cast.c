/* One message queue for its tests. */
#include "mq_cast.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

struct object_grant grant;
struct waiter waiters[CAST * 2];
struct mq_options options;
static const struct object_name q = { "q", 1 };

void mq_cast_open(void)
{
	cast_open();
	options = UNSAID;
}

void mq_cast_close(void)
{
	cast_close();
	/* Also what those have got who ended last. */
	for (size_t i = 0; i < sizeof(waiters) / sizeof(waiters[0]); i++)
		waiter_forget(&waiters[i]);
	bytes_unref(grant.value);
	grant.value = NULL;
}

static int put_message(int owner, const char *word, int32_t priority, bool head, struct waiter *waiter)
{
	struct mq_message message = { bytes_new(word, strlen(word)), priority, head };
	struct object_holder holder = who(owner, NULL);
	int status = mq_put(all, &q, &holder, &options, &message, waiter ? waiter_set(waiter) : NULL, &problem);

	bytes_unref(message.value);
	return status;
}

int put(int owner, const char *word, struct waiter *waiter)
{
	return put_message(owner, word, 0, false, waiter);
}

int put_priority(int owner, const char *word, int32_t priority)
{
	return put_message(owner, word, priority, false, NULL);
}

int put_head(int owner, const char *word)
{
	return put_message(owner, word, 0, true, NULL);
}

int get(int owner, int how, struct waiter *waiter)
{
	struct object_holder holder = who(owner, NULL);
	struct mq_get request = { .tail = how & TAIL, .ack = how & ACK };

	bytes_unref(grant.value);
	grant.value = NULL;
	return mq_get(all, &q, &holder, &request, waiter ? waiter_set(waiter) : NULL, &grant, &problem);
}

const char *got(const struct object_grant *from)
{
	static char word[1000];

	word[0] = '\0';
	if (from->value)
		snprintf(word, sizeof(word), "%.*s", (int)from->value->size, from->value->data);
	return word;
}

const char *peek(bool tail)
{
	static char line[1000];
	struct bytes *values[50];
	size_t n = mq_peek(all, &q, tail, values, 50), length = 0;

	line[0] = '\0';
	for (size_t i = 0; i < n; i++)
		length += (size_t)snprintf(line + length, sizeof(line) - length, "%s%.*s", i ? " " : "",
			(int)values[i]->size, values[i]->data);
	return line;
}

const char *drain(void)
{
	static char line[1000];
	size_t length = 0;

	line[0] = '\0';
	while (get(0, PLAIN, NULL) == OBJECT_DONE)
		length +=
			(size_t)snprintf(line + length, sizeof(line) - length, "%s%s", length ? " " : "", got(&grant));
	return line;
}

struct mq_figures figures(void)
{
	struct mq_figures out = { 0 };

	mq_figures(all, &q, &out);
	return out;
}

bool mq_is_there(void)
{
	return objects_count(all, OBJECT_MQ) == 1;
}

int create(int order, int64_t limit_count, int64_t limit_bytes)
{
	return mq_create(all, &q,
		&(struct mq_options){ .order = order, .limit_count = limit_count, .limit_bytes = limit_bytes,
			.shared = -1 },
		&owners[0], NULL, &problem);
}
