/* What the main thread hears for the slot's thread. The slot's thread sleeps in its lane while it has no task and in
 * its poll loop while it has one, so a message may come for a task that it is about to take, or has just answered:
 * the first kind has to be kept, the second to be told that it is too late. Which it is the lane knows: the master
 * puts a request there before it sends any message about it, and the request stays there until it has been answered. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "lane/lane.h"
#include "worker/command.h"
#include "worker/control.h"

struct inbox {
	int control_fd;
	int event_fd;
	const struct lane_end *end;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t ended;
	struct inbox_message *first, *last;
	bool running;
	bool orphaned;
};

struct inbox *inbox_new(int control_fd, const struct lane_end *end)
{
	pthread_condattr_t monotonic;
	int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (event_fd < 0)
		return NULL;
	struct inbox *inbox = xcalloc(1, sizeof(*inbox));
	inbox->control_fd = control_fd;
	inbox->event_fd = event_fd;
	inbox->end = end;
	pthread_mutex_init(&inbox->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&inbox->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return inbox;
}

void inbox_free(struct inbox *inbox)
{
	if (!inbox)
		return;
	for (struct inbox_message *message; (message = inbox->first);) {
		inbox->first = message->next;
		inbox_message_free(message);
	}
	close(inbox->event_fd);
	pthread_cond_destroy(&inbox->ended);
	pthread_mutex_destroy(&inbox->lock);
	free(inbox);
}

int inbox_fd(const struct inbox *inbox)
{
	return inbox->event_fd;
}

void inbox_message_free(struct inbox_message *message)
{
	free(message->data);
	free(message);
}

void inbox_answer(struct inbox *inbox, uint64_t ask, const char *word, const char *reason)
{
	if (ask)
		control_send_answer(inbox->control_fd, ask, word, reason);
}

static void refuse(struct inbox *inbox, struct inbox_message *message)
{
	inbox_answer(inbox, message->ask, "not_running", NULL);
	inbox_message_free(message);
}

/* --- with the lock --- */

static void raise_event(struct inbox *inbox)
{
	const uint64_t one = 1;
	(void)!write(inbox->event_fd, &one, sizeof(one)); /* fails where it has been raised 2^64 times */
}

static void lower_event(struct inbox *inbox)
{
	uint64_t count;
	(void)!read(inbox->event_fd, &count, sizeof(count));
}

static struct inbox_message *pop(struct inbox *inbox)
{
	struct inbox_message *message = inbox->first;
	if (message)
		inbox->first = message->next;
	return message;
}

/* --- messages --- */

void inbox_put(struct inbox *inbox, struct inbox_message *message)
{
	message->next = NULL;
	pthread_mutex_lock(&inbox->lock);
	bool late = !inbox->running && lane_end_is_idle(inbox->end);
	if (!late) {
		if (inbox->first)
			inbox->last->next = message;
		else
			inbox->first = message;
		inbox->last = message;
		raise_event(inbox);
	}
	pthread_mutex_unlock(&inbox->lock);
	if (late)
		refuse(inbox, message);
}

struct inbox_message *inbox_take(struct inbox *inbox, uint64_t task_id, uint32_t attempt)
{
	for (;;) {
		pthread_mutex_lock(&inbox->lock);
		struct inbox_message *message = pop(inbox);
		if (!message)
			lower_event(inbox);
		pthread_mutex_unlock(&inbox->lock);
		if (!message || (message->task_id == task_id && message->attempt == attempt))
			return message;
		refuse(inbox, message);
	}
}

bool inbox_has_stop(struct inbox *inbox, uint64_t task_id, uint32_t attempt)
{
	bool found = false;
	pthread_mutex_lock(&inbox->lock);
	for (const struct inbox_message *message = inbox->first; message && !found; message = message->next)
		found = (message->kind == INBOX_TERM || message->kind == INBOX_KILL) && message->task_id == task_id &&
			message->attempt == attempt;
	pthread_mutex_unlock(&inbox->lock);
	return found;
}

void inbox_settle(struct inbox *inbox)
{
	struct inbox_message *late = NULL;
	pthread_mutex_lock(&inbox->lock);
	if (inbox->first && lane_end_is_idle(inbox->end)) {
		late = inbox->first;
		inbox->first = NULL;
		lower_event(inbox);
	}
	pthread_mutex_unlock(&inbox->lock);
	while (late) {
		struct inbox_message *next = late->next;
		refuse(inbox, late);
		late = next;
	}
}

/* --- the slot's life --- */

bool inbox_begin(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	bool may = !inbox->orphaned;
	inbox->running = may;
	pthread_mutex_unlock(&inbox->lock);
	return may;
}

void inbox_end(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->running = false;
	pthread_cond_signal(&inbox->ended);
	pthread_mutex_unlock(&inbox->lock);
}

bool inbox_orphan(struct inbox *inbox, int64_t patience_ns)
{
	int64_t until_ns = clock_mono_ns() + patience_ns;
	const struct timespec until = { .tv_sec = until_ns / NS_PER_S, .tv_nsec = until_ns % NS_PER_S };
	pthread_mutex_lock(&inbox->lock);
	inbox->orphaned = true;
	raise_event(inbox);
	while (inbox->running && pthread_cond_timedwait(&inbox->ended, &inbox->lock, &until) != ETIMEDOUT)
		;
	bool ended = !inbox->running;
	pthread_mutex_unlock(&inbox->lock);
	return ended;
}

bool inbox_is_orphaned(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	bool orphaned = inbox->orphaned;
	pthread_mutex_unlock(&inbox->lock);
	return orphaned;
}
