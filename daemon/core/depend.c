/* Tasks that wait for tasks. Each remembers what it waits for, and is on the waiters' list of every one of them that has
 * not ended. What it hears is only noted; depend_settle acts upon it, one task after the other, so that the length of a
 * chain is nobody's stack. */
#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "core/internal.h"

struct link {
	struct task_waiter waiter;
	struct task_links *links;
	uint64_t id;
	struct bytes *result; /* where results are passed on */
	bool any;             /* whatever it ends as is fine */
	bool done;            /* it has ended, or does not matter any more */
	bool met;             /* … as it was to */
};

struct task_links {
	struct task *task;
	size_t count;
	size_t open; /* those that are not done */
	struct task_outcome *failure; /* how the task will end, where that is clear; malloc'ed */
	bool pass_results;
	bool settling; /* on core->settling, not on core->blocked */
	bool restored; /* it is not on the lists of those it waits for yet: depend_resolve */
	bool lost;     /* not all of the results that it asked for are there any more */
	bool gathers;  /* it gets the results of what it waited for with its arguments, each time that it starts */
	size_t added;  /* by so many bytes they grow by that */
	bool gathered; /* task->args is with them, as it is in a lane */
	struct bytes *plain; /* … and this is without them */
	struct link of[];
};

/* --- what is heard --- */

static void fail(struct task_links *links, const char *kind, uint64_t because_of, char *message)
{
	links->failure = xmalloc(sizeof(*links->failure));
	*links->failure = (struct task_outcome){
		.state = TASK_CANCELLED, .kind = kind, .because_of = because_of, .message = message,
	};
}

static void note(struct link *link, const struct task *task)
{
	struct task_links *links = link->links;

	link->done = true;
	link->met = link->any || (task->state == TASK_SUCCEEDED && !(links->pass_results && task->outcome->dropped));
	links->open--;
	if (links->failure || link->any)
		return;
	if (task->state != TASK_SUCCEEDED)
		fail(links, "dependency_failed", task->id,
			xasprintf("task %llu, for which it waited, ended as %s", (unsigned long long)task->id,
				task_state_name(task->state)));
	else if (links->pass_results && task->outcome->dropped)
		fail(links, "too_large", task->id,
			xasprintf("the result of task %llu (%zu bytes) was too large to be kept for it",
				(unsigned long long)task->id, task->outcome->dropped));
	else if (links->pass_results)
		link->result = bytes_ref(task->outcome->result);
}

static bool is_decided(const struct task_links *links)
{
	return links->failure || links->open == 0;
}

static void settle_later(struct task_links *links)
{
	struct core *core = task_core(links->task);

	if (links->settling || links->restored || !is_decided(links) || links->task->state != TASK_BLOCKED)
		return;
	TAILQ_REMOVE(&core->blocked, links->task, link);
	TAILQ_INSERT_TAIL(&core->settling, links->task, link);
	links->settling = true;
}

/* Of one that is on disk that is known there. */
static void tell_met(const struct link *link, const struct task *other)
{
	struct task_links *links = link->links;
	const struct core_ops *ops = &task_core(links->task)->ops;

	if (links->task->durable && !other->on_disk && !links->failure && ops->met)
		ops->met(ops->context, links->task, (size_t)(link - links->of));
}

static void ended(struct task_waiter *waiter, struct task *task)
{
	struct link *link = heap_entry(waiter, struct link, waiter);

	note(link, task);
	tell_met(link, task);
	settle_later(link->links);
}

/* --- the arguments --- */

/* A result that many have waited for is there once, however large it is: it comes into their arguments only while they
 * are in lanes. For all limits they count as if it were in them all the time. */

#define TOO_LARGE "its arguments would be too large with the results for which it waited"

/* The size of its arguments with the results of what it waited for in them, and those themselves in *OUT; NULL: only
 * the size. Negative: too large. */
static int64_t gather(const struct task *task, struct bytes **out)
{
	const struct task_links *links = task->extra->links;
	const struct core_ops *ops = &task_core(task)->ops;
	struct bytes **results = xcalloc(links->count ? links->count : 1, sizeof(struct bytes *));
	size_t count = 0;

	for (size_t i = 0; i < links->count; i++)
		if (!links->of[i].any)
			results[count++] = links->of[i].result;
	int64_t size = ops->gather(ops->context, task->args, results, count, out);
	free(results);
	return size;
}

/* All that it waited for is met: how large its arguments will be, where it asked for results. */
static void measure(struct task *task)
{
	struct task_links *links = task->extra->links;

	if (!links->pass_results)
		return;
	int64_t size = gather(task, NULL);
	if (size < 0) {
		fail(links, "too_large", 0, xstrdup(TOO_LARGE));
		return;
	}
	links->gathers = true;
	links->added = (size_t)size - (task->args ? task->args->size : 0);
}

static bool has_more_than_args(const struct task *task)
{
	const struct task_links *links = task->extra ? task->extra->links : NULL;

	return links && links->gathers && !links->gathered;
}

size_t core_args_size(const struct task *task)
{
	return (task->args ? task->args->size : 0) + (has_more_than_args(task) ? task->extra->links->added : 0);
}

size_t depend_args_weigh(const struct task *task)
{
	size_t size = core_args_size(task);

	if (!has_more_than_args(task))
		return bytes_cost(task->args);
	return size ? sizeof(struct bytes) + size : 0;
}

int depend_args(const struct task *task, struct bytes **out)
{
	if (task->extra && task->extra->links && task->extra->links->lost)
		return -1;
	if (has_more_than_args(task))
		return gather(task, out) < 0 ? -1 : 0;
	*out = bytes_ref(task->args);
	return 0;
}

bool depend_unfold(struct task *task)
{
	struct bytes *args = NULL;

	if (!has_more_than_args(task))
		return true;
	if (depend_args(task, &args) < 0) { /* the limit is lower than it was, or there is no memory */
		task_end(task, &(struct task_outcome){
			.state = TASK_CANCELLED, .kind = "too_large", .message = xstrdup(TOO_LARGE),
		});
		return false;
	}
	task->extra->links->plain = task->args;
	task->args = args;
	task->extra->links->gathered = true;
	return true;
}

void depend_fold(struct task *task)
{
	struct task_links *links = task->extra ? task->extra->links : NULL;

	if (!links || !links->gathered)
		return;
	bytes_unref(task->args);
	task->args = links->plain;
	links->plain = NULL;
	links->gathered = false;
}

/* --- into the state and out of it --- */

static void link_to(struct task_links *links, struct task *task, bool any)
{
	struct link *link = &links->of[links->count++];

	*link = (struct link){ .waiter.ended = ended, .links = links, .id = task->id, .any = any };
	links->open++;
	if (task_state_is_terminal(task->state))
		note(link, task);
	else
		task_wait(task, &link->waiter);
}

static void drop_results(struct task_links *links)
{
	for (size_t i = 0; i < links->count; i++) {
		bytes_unref(links->of[i].result);
		links->of[i].result = NULL;
	}
}

bool depend_link(struct task *task, struct task *const *after, size_t n_after, struct task *const *after_any,
	size_t n_after_any, bool pass_results)
{
	struct task_links *links = xcalloc(1, sizeof(*links) + (n_after + n_after_any) * sizeof(links->of[0]));

	task_extra(task)->links = links;
	links->task = task;
	links->pass_results = pass_results;
	for (size_t i = 0; i < n_after; i++)
		link_to(links, after[i], false);
	for (size_t i = 0; i < n_after_any; i++)
		link_to(links, after_any[i], true);
	if (!is_decided(links))
		return true;
	if (!links->failure)
		measure(task);
	return links->failure;
}

void depend_enter(struct task *task)
{
	TAILQ_INSERT_TAIL(&task_core(task)->blocked, task, link);
	settle_later(task->extra->links);
}

void depend_unlink(struct task *task)
{
	struct task_links *links = task->extra ? task->extra->links : NULL;

	if (!links)
		return;
	for (size_t i = 0; i < links->count && !links->restored; i++)
		if (!links->of[i].done)
			task_unwait(&links->of[i].waiter);
	links->restored = false;
	for (size_t i = 0; i < links->count; i++)
		links->of[i].done = true;
	links->open = 0;
	if (!links->gathers)
		drop_results(links);
}

void depend_leave(struct task *task)
{
	struct core *core = task_core(task);
	struct task_links *links = task->extra->links;

	if (links->settling)
		TAILQ_REMOVE(&core->settling, task, link);
	else
		TAILQ_REMOVE(&core->blocked, task, link);
	links->settling = false;
	depend_unlink(task);
}

void depend_drop_args(struct task *task)
{
	struct task_links *links = task->extra ? task->extra->links : NULL;

	bytes_unref(task->args);
	task->args = NULL;
	if (!links)
		return;
	drop_results(links);
	links->gathers = false;
}

/* --- after a restart --- */

/* Settled: it has been met once, so only results can be missing that are to be passed on. */
static void restore_link(struct task_links *links, const struct core_restored_link *restored, bool settled)
{
	struct link *link = &links->of[links->count++];

	*link = (struct link){ .waiter.ended = ended, .links = links, .id = restored->id, .any = restored->any };
	bool passes = links->pass_results && !link->any;

	/* Whatever is said of it, without its result it cannot be passed on. */
	link->done = passes ? restored->done && restored->result : restored->done || settled;
	link->met = link->done;
	if (!link->done)
		links->open++;
	else if (passes)
		link->result = bytes_ref(restored->result);
}

bool depend_restore(struct task *task, const struct core_restored *restored, bool settled)
{
	struct task_links *links = xcalloc(1, sizeof(*links) + restored->n_links * sizeof(links->of[0]));

	task_extra(task)->links = links;
	links->task = task;
	links->pass_results = restored->spec.pass_results;
	for (size_t i = 0; i < restored->n_links; i++)
		restore_link(links, &restored->links[i], settled);
	if (restored->outcome && restored->outcome->state == TASK_SUCCEEDED) /* its arguments are gone, and these with them */
		drop_results(links);
	else if (settled && !links->open)
		measure(task);
	/* Who waits no more joins its queue behind those that were there before it. */
	links->restored = !settled || links->open > 0;
	return !settled || links->open > 0 || links->failure;
}

void depend_restore_over(struct task *task)
{
	struct task_links *links = task->extra ? task->extra->links : NULL;

	if (!links)
		return;
	links->lost = links->open > 0 && task->tried;
	depend_unlink(task);
}

void depend_resolve(struct task *task)
{
	struct task_links *links = task->extra->links;

	if (!links->restored) /* or it is over, or blocked by something else by now */
		return;
	links->restored = false;
	for (size_t i = 0; i < links->count; i++) {
		struct link *link = &links->of[i];
		struct task *other = link->done ? NULL : idmap_get(&task_core(task)->tasks, link->id);

		if (link->done)
			continue;
		if (other && !task_state_is_terminal(other->state)) {
			task_wait(other, &link->waiter);
			continue;
		}
		if (other) {
			note(link, other);
			continue;
		}
		link->done = true;
		links->open--;
		if (!link->any && !links->failure)
			fail(links, "dependency_failed", link->id,
				xasprintf("task %llu, for which it waited, has been forgotten",
					(unsigned long long)link->id));
	}
	settle_later(links);
}

static void settle(struct core *core, struct task *task)
{
	struct task_links *links = task->extra->links;

	if (!links->failure) {
		queue_count(task->queue, task, TASK_BLOCKED, false);
		measure(task);
		queue_count(task->queue, task, TASK_BLOCKED, true);
	}
	if (!links->failure) {
		bool placed = task->placed; /* where it was before a restart, though perhaps as blocked at that */

		task_set_state(task, submit_state(core, task));
		if (placed || (task->durable && task->state == TASK_SCHEDULED))
			record_tell(task, RECORD_STATE, false);
		return;
	}
	struct task_outcome *failure = links->failure;
	links->failure = NULL;
	task_end(task, failure);
	free(failure);
}

void depend_settle(struct core *core)
{
	struct task *task;

	while ((task = TAILQ_FIRST(&core->settling)))
		settle(core, task);
}

/* --- what others may know --- */

bool depend_is_decided(const struct task *task)
{
	return task->state == TASK_BLOCKED && task->extra->links->settling;
}

bool core_dependency(const struct task *task, size_t index, struct task_dependency *out)
{
	const struct task_links *links = task->extra ? task->extra->links : NULL;

	if (!links || index >= links->count)
		return false;
	*out = (struct task_dependency){
		.id = links->of[index].id, .any = links->of[index].any, .done = links->of[index].done,
		.met = links->of[index].met, .result = links->of[index].result,
	};
	return true;
}

bool core_passes_results(const struct task *task)
{
	return task->extra && task->extra->links && task->extra->links->pass_results;
}

size_t core_dependencies_open(const struct task *task)
{
	return task->extra && task->extra->links ? task->extra->links->open : 0;
}

size_t depend_cost_of(size_t count)
{
	return count ? sizeof(struct task_links) + count * sizeof(struct link) : 0;
}

size_t depend_weigh(const struct task *task)
{
	return depend_cost_of(task->extra->links->count);
}

/* Takes it off no list: it has left them, or the core is being freed, and the others with it. */
void depend_free(struct task *task)
{
	struct task_links *links = task->extra->links;

	if (!links)
		return;
	drop_results(links);
	bytes_unref(links->plain);
	if (links->failure)
		outcome_release(links->failure);
	free(links->failure);
	free(links);
}
