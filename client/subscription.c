/* What the daemon tells by itself once it was asked to: events of tasks, and what commands say, each handed to the
 * function of its subscription in the order in which it came. They wait in one list of the connection, which is never
 * longer than what was read at once: while the functions run nothing is read, so what is too much piles up at the
 * daemon, which leaves out what it does not keep, and says so. */
#include <stdlib.h>

#include "client/client.h"

static const struct {
	const char *method; /* that ends it */
	const char *name;   /* what the daemon calls its number */
} words[] = {
	[SUBSCRIPTION_WATCH] = { "task.unwatch", "watch" },
	[SUBSCRIPTION_FOLLOW] = { "task.unfollow", "follow" },
};

/* --- what waits to be told --- */

static void put_last(struct subscription *subscription, struct event *event)
{
	struct taskd *c = subscription->connection;

	event->subscription = subscription;
	event->when = ++c->ends;
	event->next = NULL;
	*c->events_last = event;
	c->events_last = &event->next;
}

void event_free(struct event *event)
{
	if (event && !event->lasting)
		free(event);
}

void subscription_tell(struct subscription *subscription, struct event *event)
{
	if (!subscription) {
		event_free(event);
		return;
	}
	if (subscription->kind == SUBSCRIPTION_FOLLOW && event->output.stream == 0)
		subscription_over(subscription);
	put_last(subscription, event);
}

struct event *event_take(struct taskd *c)
{
	struct event *event = c->events;

	c->events = event->next;
	if (!c->events)
		c->events_last = &c->events;
	return event;
}

static void drop_events(struct subscription *subscription)
{
	struct taskd *c = subscription->connection;
	struct event **at = &c->events, *event;

	while ((event = *at)) {
		if (event->subscription == subscription) {
			*at = event->next;
			event_free(event);
		} else {
			at = &event->next;
		}
	}
	c->events_last = at;
}

/* --- its life --- */

static void send_end(struct taskd *c, enum subscription_kind kind, uint64_t number)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_printf(&text, "%s\",\"params\":{\"%s\":\"%llu\"}", words[kind].method, words[kind].name,
		(unsigned long long)number);
	if (!strbuf_failed(&text) && !c->error) {
		struct piece piece = { text.data, text.length };
		struct taskd_future *f = request_add(c, FUTURE_REQUEST, &piece, 1, false);
		if (f)
			f->owned = false;
		output_write(c); /* at once: nobody may ever wait here again */
	}
	strbuf_free(&text);
}

struct subscription *subscription_find(struct taskd *c, enum subscription_kind kind, uint64_t number)
{
	struct subscription *subscription;

	LIST_FOREACH (subscription, &c->subscriptions[kind], link)
		if (subscription->number == number)
			return subscription;
	return NULL;
}

static bool send_begin(struct subscription *subscription, const struct piece *pieces, size_t n, bool newlines)
{
	enum future_kind kind = subscription->kind == SUBSCRIPTION_WATCH ? FUTURE_WATCH : FUTURE_FOLLOW;
	struct taskd_future *f = request_add(subscription->connection, kind, pieces, n, newlines);

	subscription->request = f;
	if (!f)
		return false;
	f->owned = false;
	f->subscription = subscription;
	return true;
}

/* The request, so that it can be sent again. False without memory. */
static bool keep_text(struct subscription *subscription, const struct piece *pieces, size_t n)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < n; i++)
		strbuf_add(&text, pieces[i].text, pieces[i].length);
	subscription->text.text = strbuf_take(&text, &subscription->text.length);
	if (!subscription->text.text)
		error_set(TASKD_E_MEMORY, NULL);
	return subscription->text.text != NULL;
}

bool subscription_begin(struct subscription *subscription, struct taskd *c, enum subscription_kind kind,
	const struct piece *pieces, size_t n, bool newlines)
{
	subscription->connection = c;
	subscription->kind = kind;
	if (c->reconnect && !keep_text(subscription, pieces, n))
		return false;
	if (!send_begin(subscription, pieces, n, newlines)) {
		free((char *)subscription->text.text);
		return false;
	}
	subscription->end.lasting = true;
	pthread_cond_init(&subscription->idle, NULL);
	LIST_INSERT_HEAD(&c->subscriptions[kind], subscription, link);
	c->references++;
	return true;
}

struct subscription *subscription_answered(struct taskd_future *f, const char *name, const struct json_span *result)
{
	struct taskd *c = f->connection;
	struct subscription *subscription = f->subscription;
	enum subscription_kind kind = f->kind == FUTURE_WATCH ? SUBSCRIPTION_WATCH : SUBSCRIPTION_FOLLOW;
	struct json_span span = reply_member(result, name);
	char text[TASK_ID_ROOM];
	uint64_t number = 0;

	f->outstanding = false;
	future_release(f);
	if (subscription)
		subscription->request = NULL;
	if (result->kind == JSON_NONE)
		return subscription;
	if (!failure_read_id(&span, text, &number) || number == 0) {
		connection_fail(c, TASKD_E_PROTOCOL, "the daemon sent nonsense: a %s without a number", name);
		return NULL;
	}
	if (subscription)
		subscription->number = number;
	else
		send_end(c, kind, number);
	return subscription;
}

void subscriptions_again(struct taskd *c)
{
	for (int kind = 0; kind < N_SUBSCRIPTIONS; kind++) {
		struct subscription *subscription;
		LIST_FOREACH (subscription, &c->subscriptions[kind], link) {
			if (subscription->request)
				subscription->request->subscription = NULL;
			subscription->number = 0;
			if (!send_begin(subscription, &subscription->text, 1, true)) {
				connection_fail(c, TASKD_E_MEMORY, "no memory to watch on");
				return;
			}
		}
	}
}

void subscription_over(struct subscription *subscription)
{
	LIST_REMOVE(subscription, link);
	subscription->over = true;
	subscription->request = NULL;
}

void subscriptions_end(struct taskd *c)
{
	struct subscription *subscription;

	while ((subscription = LIST_FIRST(&c->subscriptions[SUBSCRIPTION_WATCH]))) {
		watch_end_event(subscription, &c->ended);
		subscription_over(subscription);
		put_last(subscription, &subscription->end);
	}
	while ((subscription = LIST_FIRST(&c->subscriptions[SUBSCRIPTION_FOLLOW]))) {
		/* The one who waits for its number hears of it there. */
		subscription_over(subscription);
		if (subscription->begun)
			put_last(subscription, &subscription->end);
	}
}

static void subscription_free(struct subscription *subscription)
{
	subscription->connection->references--;
	failure_free(subscription->refusal);
	free((char *)subscription->text.text);
	pthread_cond_destroy(&subscription->idle);
	free(subscription);
}

void subscription_told(struct subscription *subscription)
{
	subscription->calling = false;
	pthread_cond_broadcast(&subscription->idle);
	if (subscription->abandoned)
		subscription_free(subscription);
}

void subscription_drop(struct subscription *subscription)
{
	struct taskd *c = subscription->connection;

	drop_events(subscription);
	if (!subscription->over) {
		struct taskd_future *request = subscription->request;
		subscription_over(subscription);
		if (request)
			request->subscription = NULL;
		else if (subscription->number)
			send_end(c, subscription->kind, subscription->number);
	}
	if (subscription->calling && callbacks_running(c)) {
		subscription->abandoned = true; /* subscription_told frees it */
		return;
	}
	while (subscription->calling)
		pthread_cond_wait(&subscription->idle, &c->lock);
	subscription_free(subscription);
}
