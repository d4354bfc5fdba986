/* Tasks whose time has not come, by the millisecond in which it comes. Those of one millisecond share a list, a "day";
 * days are found by a table, and the next by a heap. So a task costs a look into the table, and the heap has to move
 * only for the first and the last of a day. One calendar goes by the monotonic clock, the other by the wall clock. */
#include <assert.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "core/internal.h"

#define LAST_DAY (CLOCK_NEVER / NS_PER_MS)

static struct calendar *calendar_of(struct core *core, const struct task *task)
{
	return &core->calendars[task->wall];
}

/* The millisecond that does not begin before the task is due. */
static int64_t day_number(const struct task *task)
{
	int64_t number = task->due_ns / NS_PER_MS + (task->due_ns % NS_PER_MS > 0);

	return number < LAST_DAY ? number : LAST_DAY;
}

static uint64_t day_key(const void *value)
{
	return (uint64_t)((const struct day *)value)->node.key;
}

void calendar_init(struct calendar *calendar)
{
	table_init(&calendar->days, day_key);
	heap_init(&calendar->order);
	calendar->last = NULL;
	calendar->spare = NULL;
}

void calendar_fini(struct calendar *calendar)
{
	struct heap_node *node;

	while ((node = heap_pop(&calendar->order)))
		free(heap_entry(node, struct day, node));
	free(calendar->spare);
	heap_fini(&calendar->order);
	table_fini(&calendar->days);
}

/* --- days --- */

static struct day *day_find(struct calendar *calendar, int64_t number)
{
	if (!calendar->last || calendar->last->node.key != number)
		calendar->last = table_get(&calendar->days, (uint64_t)number);
	return calendar->last;
}

static struct day *day_new(struct calendar *calendar, int64_t number)
{
	struct day *day = calendar->spare;

	calendar->spare = NULL;
	if (!day) {
		day = xcalloc(1, sizeof(*day));
		TAILQ_INIT(&day->tasks);
	}
	heap_set(&calendar->order, &day->node, number, 0);
	table_put(&calendar->days, day);
	calendar->last = day;
	return day;
}

static void day_drop(struct calendar *calendar, struct day *day)
{
	table_remove(&calendar->days, (uint64_t)day->node.key);
	if (heap_has(&day->node))
		heap_remove(&calendar->order, &day->node);
	calendar->last = NULL;
	if (calendar->spare)
		free(day);
	else
		calendar->spare = day;
}

/* --- tasks --- */

void calendar_add(struct core *core, struct task *task)
{
	struct calendar *calendar = calendar_of(core, task);
	int64_t number = day_number(task);
	struct day *day = day_find(calendar, number);

	if (!day)
		day = day_new(calendar, number);
	TAILQ_INSERT_TAIL(&day->tasks, task, link);
}

void calendar_remove(struct core *core, struct task *task)
{
	struct calendar *calendar = calendar_of(core, task);
	struct day *day = day_find(calendar, day_number(task));

	assert(day);
	TAILQ_REMOVE(&day->tasks, task, link);
	if (TAILQ_EMPTY(&day->tasks))
		day_drop(calendar, day);
}

/* --- what is due --- */

struct due {
	struct task **tasks;
	size_t count;
	size_t room;
	bool sorted;
};

static void due_add(struct due *due, struct task *task)
{
	if (due->count == due->room) {
		due->room = due->room ? due->room * 2 : 64;
		due->tasks = xreallocarray(due->tasks, due->room, sizeof(struct task *));
	}
	if (due->count && due->tasks[due->count - 1]->id > task->id)
		due->sorted = false;
	due->tasks[due->count++] = task;
}

static bool is_due(const struct calendar *calendar, int64_t now_ns)
{
	const struct heap_node *top = heap_top(&calendar->order);

	return top && top->key <= now_ns / NS_PER_MS;
}

/* The days lose their place in the order here, and are dropped when their last tasks leave them. What is too much for
 * this turn is still due in the next, which comes at once. */
static void collect(struct due *due, struct calendar *calendar, int64_t now_ns)
{
	struct task *task;

	while (due->count < TURN_MOST && is_due(calendar, now_ns)) {
		struct day *day = heap_entry(heap_pop(&calendar->order), struct day, node);

		TAILQ_FOREACH(task, &day->tasks, link)
			due_add(due, task);
	}
}

static int compare_ids(const void *a, const void *b)
{
	const struct task *const *first = a, *const *second = b;

	return (*first)->id < (*second)->id ? -1 : (*first)->id > (*second)->id;
}

void calendar_turn(struct core *core)
{
	struct due due = { .sorted = true };

	collect(&due, &core->calendars[false], core->now_ns);
	collect(&due, &core->calendars[true], core->wall_ns);
	if (!due.sorted)
		qsort(due.tasks, due.count, sizeof(struct task *), compare_ids);
	for (size_t i = 0; i < due.count; i++)
		task_set_state(due.tasks[i], TASK_QUEUED);
	free(due.tasks);
}

/* --- times --- */

int64_t core_mono_of_wall(const struct core *core, int64_t wall_ns)
{
	int64_t ahead_ns, mono_ns;

	if (__builtin_sub_overflow(wall_ns, core->wall_ns, &ahead_ns) ||
		__builtin_add_overflow(core->now_ns, ahead_ns, &mono_ns))
		return wall_ns < core->wall_ns ? 0 : CLOCK_NEVER;
	return mono_ns;
}

int64_t calendar_next_ns(const struct core *core)
{
	const struct heap_node *mono = heap_top(&core->calendars[false].order);
	const struct heap_node *wall = heap_top(&core->calendars[true].order);
	int64_t next_ns = mono ? mono->key * NS_PER_MS : CLOCK_NEVER;

	if (wall) {
		int64_t wall_next_ns = core_mono_of_wall(core, wall->key * NS_PER_MS);

		if (wall_next_ns < next_ns)
			next_ns = wall_next_ns;
	}
	return next_ns;
}
