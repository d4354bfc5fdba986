/* Waiting for several futures. Each is watched: its end moves its watch to the group's list, so that nobody ever looks
 * through all of them to see which one it was. */
#include <stdlib.h>

#include "client/client.h"

/* --- groups --- */

void group_init(struct group *group)
{
	*group = (struct group){ 0 };
	group->last = &group->first;
}

static void group_note(struct group *group, struct watch *watch, bool failed)
{
	watch->future = NULL;
	watch->next = NULL;
	*group->last = watch;
	group->last = &watch->next;
	group->done++;
	group->failed += failed;
}

void watch_begin(struct watch *watch, struct taskd_future *f, struct group *group, size_t index)
{
	*watch = (struct watch){ .future = f, .group = group, .index = index };
	if (f->done) {
		group_note(group, watch, f->error != TASKD_OK);
		return;
	}
	watch->next = f->watches;
	f->watches = watch;
}

static void unlink_watch(struct watch *watch)
{
	struct watch **at = &watch->future->watches;

	while (*at != watch)
		at = &(*at)->next;
	*at = watch->next;
}

void watch_end(struct watch *watch)
{
	struct taskd_future *f = watch->future;

	unlink_watch(watch);
	group_note(watch->group, watch, f->done && f->error != TASKD_OK);
}

struct watch *group_take(struct group *group)
{
	struct watch *watch = group->first;

	if (watch) {
		group->first = watch->next;
		if (!group->first)
			group->last = &group->first;
	}
	return watch;
}

/* --- the futures that were given --- */

/* Their connection, locked; NULL with error_set called where they make no sense. */
static struct taskd *begin(struct taskd_future *const *futures, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!futures[i] || futures[i]->connection != futures[0]->connection) {
			error_set(TASKD_E_INVALID,
				futures[i] ? "the futures belong to different connections" : "a future is NULL");
			return NULL;
		}
	}
	struct taskd *c = futures[0]->connection;
	if (!connection_usable(c))
		return NULL;
	connection_lock(c);
	return c;
}

/* reader_wait, unless the calling thread must not wait. */
static enum taskd_error wait_for(struct taskd *c, bool (*ready)(void *arg), void *arg, int64_t timeout_ns)
{
	if (ready(arg))
		return TASKD_OK;
	if (!connection_may_wait(c))
		return error_failure()->error;
	enum taskd_error error = reader_wait(c, ready, arg, deadline_after(timeout_ns));
	if (error != TASKD_OK)
		error_set(error, error == c->error ? "%s" : NULL, c->reason);
	return error;
}

struct taskd_completed {
	struct taskd *connection;
	struct group group;
	size_t n;
	size_t given;
	enum taskd_return_when when; /* taskd_wait's */
	struct watch watches[];
};

static struct taskd_completed *completed_new(struct taskd *c, size_t n)
{
	struct taskd_completed *completed = NULL;
	size_t size;

	if (!__builtin_mul_overflow(n, sizeof(completed->watches[0]), &size) &&
		!__builtin_add_overflow(size, sizeof(*completed), &size))
		completed = malloc(size);
	if (!completed) {
		error_set(TASKD_E_MEMORY, NULL);
		return NULL;
	}
	completed->connection = c;
	completed->n = n;
	completed->given = 0;
	group_init(&completed->group);
	c->references++;
	return completed;
}

static void completed_free(struct taskd_completed *completed)
{
	for (size_t i = 0; i < completed->n; i++)
		if (completed->watches[i].future)
			unlink_watch(&completed->watches[i]);
	completed->connection->references--;
	free(completed);
}

/* --- taskd_wait --- */

static bool wait_is_over(void *arg)
{
	const struct taskd_completed *completed = arg;
	const struct group *group = &completed->group;

	switch (completed->when) {
	case TASKD_ALL_COMPLETED:
		break;
	case TASKD_FIRST_COMPLETED:
		return group->done > 0;
	case TASKD_FIRST_EXCEPTION:
		if (group->failed > 0)
			return true;
		break;
	}
	return group->done == completed->n;
}

enum taskd_error taskd_wait(
	struct taskd_future *const *futures, size_t n, enum taskd_return_when when, int64_t timeout_ns, size_t *n_done)
{
	if (n_done)
		*n_done = 0;
	if (n == 0)
		return TASKD_OK;
	struct taskd *c = begin(futures, n);
	if (!c)
		return error_failure()->error;
	struct taskd_completed *completed = completed_new(c, n);
	enum taskd_error error = TASKD_E_MEMORY;
	if (completed) {
		completed->when = when;
		for (size_t i = 0; i < n; i++)
			watch_begin(&completed->watches[i], futures[i], &completed->group, i);
		error = wait_for(c, wait_is_over, completed, timeout_ns);
		if (n_done)
			*n_done = completed->group.done;
		completed_free(completed);
	}
	/* Those that the connection took with it have not ended as tasks do. */
	for (size_t i = 0; i < n && error == TASKD_OK && c->error; i++)
		if (futures[i]->failure == &c->ended)
			error = error_set(c->error, "%s", c->reason);
	connection_unlock(c);
	return error;
}

/* --- taskd_as_completed --- */

struct ended {
	uint64_t when;
	size_t index;
};

static int compare_ended(const void *a, const void *b)
{
	const struct ended *x = a, *y = b;

	return (x->when > y->when) - (x->when < y->when);
}

/* Watches them all, those that are done in the order of their ends. */
static struct taskd_completed *completed_begin(struct taskd *c, struct taskd_future *const *futures, size_t n)
{
	struct taskd_completed *completed = completed_new(c, n);
	struct ended *ended = calloc(n, sizeof(*ended));
	size_t n_ended = 0;

	if (!completed || !ended) {
		if (completed) {
			completed->n = 0;
			completed_free(completed);
		}
		free(ended);
		error_set(TASKD_E_MEMORY, NULL);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		if (futures[i]->done)
			ended[n_ended++] = (struct ended){ futures[i]->ended, i };
		else
			watch_begin(&completed->watches[i], futures[i], &completed->group, i);
	}
	qsort(ended, n_ended, sizeof(*ended), compare_ended);
	for (size_t i = 0; i < n_ended; i++)
		watch_begin(&completed->watches[ended[i].index], futures[ended[i].index], &completed->group,
			ended[i].index);
	free(ended);
	return completed;
}

static bool one_more_has_ended(void *arg)
{
	const struct taskd_completed *completed = arg;

	return completed->group.first != NULL;
}

enum taskd_error taskd_as_completed(struct taskd_future *const *futures, size_t n, struct taskd_completed **cursor,
	int64_t timeout_ns, size_t *index)
{
	enum taskd_error error = TASKD_OK;
	struct taskd *c;

	*index = n;
	if (*cursor) { /* the futures that were given out may be gone by now */
		c = (*cursor)->connection;
		if (!connection_usable(c))
			return error_failure()->error;
		connection_lock(c);
	} else {
		if (n == 0)
			return TASKD_OK;
		c = begin(futures, n);
		if (!c)
			return error_failure()->error;
		*cursor = completed_begin(c, futures, n);
		if (!*cursor)
			error = TASKD_E_MEMORY;
	}
	struct taskd_completed *completed = *cursor;
	if (completed && completed->given == completed->n) {
		completed_free(completed);
		*cursor = NULL;
	} else if (completed) {
		error = wait_for(c, one_more_has_ended, completed, timeout_ns);
		if (error == TASKD_OK) {
			*index = group_take(&completed->group)->index;
			completed->given++;
		}
	}
	connection_unlock(c);
	return error;
}

void taskd_as_completed_end(struct taskd_completed **cursor)
{
	if (!*cursor || !connection_usable((*cursor)->connection))
		return;
	struct taskd *c = (*cursor)->connection;
	connection_lock(c);
	completed_free(*cursor);
	*cursor = NULL;
	connection_unlock(c);
}
