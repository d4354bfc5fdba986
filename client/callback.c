/* Callbacks run in the thread that reads, one after the other, with the mutex given up, so that they may submit. They
 * may not wait: the thread that would have to read for them is the one that they run in. */
#include <stdlib.h>

#include "client/reconnect.h"

/* The callbacks that this thread is in, the innermost first: one may wait on another connection, and so run that one's
 * callbacks. */
struct frame {
	const struct taskd *connection;
	struct frame *outer;
};
static _Thread_local struct frame *innermost;

bool callbacks_running(const struct taskd *c)
{
	for (const struct frame *frame = innermost; frame; frame = frame->outer)
		if (frame->connection == c)
			return true;
	return false;
}

/* Locked. What is added meanwhile runs too, in its turn; what the future's owner frees does not. */
static void run(struct taskd_future *f)
{
	struct taskd *c = f->connection;
	struct frame frame = { c, innermost };
	struct callback *callback;

	innermost = &frame;
	while ((callback = f->callbacks)) {
		f->callbacks = callback->next;
		pthread_mutex_unlock(&c->lock);
		callback->function(f, callback->user);
		free(callback);
		pthread_mutex_lock(&c->lock);
	}
	innermost = frame.outer;
	f->calling = false;
	future_release(f);
}

static void run_event(struct taskd *c)
{
	struct frame frame = { c, innermost };
	struct event *event = event_take(c);
	struct subscription *subscription = event->subscription;

	innermost = &frame;
	subscription->calling = true;
	pthread_mutex_unlock(&c->lock);
	subscription->tell(subscription, event);
	pthread_mutex_lock(&c->lock);
	innermost = frame.outer;
	event_free(event);
	subscription_told(subscription);
}

void callbacks_run(struct taskd *c)
{
	struct taskd_future *f;

	while ((f = c->callable) || c->events) {
		if (!f || (c->events && c->events->when < f->ended)) {
			run_event(c);
			continue;
		}
		c->callable = f->next;
		if (!c->callable)
			c->callable_last = &c->callable;
		run(f);
	}
}

void callbacks_run_reconnecting(struct taskd *c, bool connected, int64_t lost_ns)
{
	const struct reconnect *reconnect = c->reconnect;
	struct frame frame = { c, innermost };

	innermost = &frame;
	pthread_mutex_unlock(&c->lock);
	reconnect->callback(reconnect->user, connected, lost_ns);
	pthread_mutex_lock(&c->lock);
	innermost = frame.outer;
}

void callbacks_drop(struct taskd_future *f)
{
	struct callback *callback;

	while ((callback = f->callbacks)) {
		f->callbacks = callback->next;
		free(callback);
	}
}

enum taskd_error taskd_add_done_callback(struct taskd_future *f, taskd_callback *function, void *user)
{
	if (!f || !function)
		return error_set(TASKD_E_INVALID, "taskd_add_done_callback needs a future and a function");
	struct taskd *c = f->connection;
	if (!connection_usable(c))
		return error_failure()->error;
	struct callback *callback = malloc(sizeof(*callback));
	if (!callback)
		return error_set(TASKD_E_MEMORY, NULL);
	*callback = (struct callback){ .function = function, .user = user };

	connection_lock(c);
	struct callback **last = &f->callbacks;
	while (*last)
		last = &(*last)->next;
	*last = callback;
	if (f->done && !f->calling) {
		f->calling = true;
		run(f);
	}
	connection_unlock(c);
	return TASKD_OK;
}
