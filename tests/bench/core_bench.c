/* What the core itself costs: nanoseconds for a task's whole life through toy lanes, with an empty queue, with a million
 * waiting, with several queues that share a pool, and for a million that are there before one starts, at once or after
 * a delay, with several users, and beside a million of one user who has his share running; bytes of memory for a queued
 * task; and what it takes to find a page of tasks among them. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "core/internal.h"
#include "tests/unit/toy.h"

#define SLOTS 2
#define IN_FLIGHT 256

static struct toy toy;
static struct toy_slot *slots[SLOTS];

/* What all of them are; said once, as it is not the making of a spec that is measured. */
static struct task_spec spec;

static void submit(int32_t priority)
{
	struct task *task;

	spec.priority = priority;
	if (core_submit(toy.core, &spec, &task) != CORE_OK)
		abort();
}

/* N tasks, IN_FLIGHT at a time, each submitted, given, ended and forgotten. Nanoseconds for one. */
static double run(long n, int32_t priority)
{
	int64_t began_ns = clock_mono_ns();
	long submitted = 0, done = 0;

	while (done < n) {
		for (; submitted < n && submitted - done < IN_FLIGHT; submitted++)
			submit(priority);
		toy_advance(&toy, 20 * NS_PER_US);
		for (int i = 0; i < SLOTS; i++)
			while (slots[i]->count) {
				struct task *task = slots[i]->lane[0].task;

				toy_finish(slots[i], TASK_SUCCEEDED);
				done += task->priority == priority; /* towards the end some that wait get their turn */
				core_forget(task);
			}
	}
	return (double)(clock_mono_ns() - began_ns) / (double)n;
}

static void retire(bool on)
{
	for (int i = 0; i < SLOTS; i++)
		if (on)
			core_slot_retire(slots[i]->slot);
		else
			core_slot_ready(slots[i]->slot);
}

enum delay {
	DELAY_NONE,
	DELAY_EQUAL, /* they fall due within a second, in the order of submission */
	DELAY_MIXED, /* … in any order, so that nothing in memory is near what comes next */
};

/* N tasks, all of which are submitted before any starts. Nanoseconds for one, from its submission to its end. */
static double run_many(long n, enum delay delay)
{
	int64_t began_ns = clock_mono_ns();
	long done = 0;

	retire(true);
	for (long i = 0; i < n; i++) {
		long day = delay == DELAY_MIXED ? i * 7919 % 1000 : i * 1000 / n;

		spec.due_ns = delay == DELAY_NONE ? 0 : toy.now_ns + 1 + day * NS_PER_MS;
		submit(0);
	}
	spec.due_ns = 0;
	for (int i = 0; i < 1000; i++)
		toy_advance(&toy, NS_PER_MS);
	retire(false);
	while (done < n) {
		toy_advance(&toy, 20 * NS_PER_US);
		for (int i = 0; i < SLOTS; i++)
			for (; slots[i]->count; done++) {
				struct task *task = slots[i]->lane[0].task;

				toy_finish(slots[i], TASK_SUCCEEDED);
				core_forget(task);
			}
	}
	return (double)(clock_mono_ns() - began_ns) / (double)n;
}

#define QUEUES 8

/* As run, through several queues that have something waiting at all times. */
static double run_queues(long n)
{
	struct core_queue *queues[QUEUES], *plain = spec.queue;
	int64_t began_ns = clock_mono_ns();
	long submitted = 0, done = 0;

	for (int i = 0; i < QUEUES; i++) {
		const struct core_queue_options options = { .weight = (uint32_t)i + 1 };

		queues[i] = core_queue_new(toy.core, (char[]){ (char)('a' + i), 0 }, toy.pool, &options);
	}
	while (done < n) {
		for (; submitted < n && submitted - done < IN_FLIGHT; submitted++) {
			spec.queue = queues[submitted % QUEUES];
			submit(1);
		}
		toy_advance(&toy, 20 * NS_PER_US);
		for (int i = 0; i < SLOTS; i++)
			for (; slots[i]->count; done++) {
				struct task *task = slots[i]->lane[0].task;

				toy_finish(slots[i], TASK_SUCCEEDED);
				core_forget(task);
			}
	}
	toy_turn(&toy);
	for (int i = 0; i < QUEUES; i++)
		core_queue_free(queues[i]);
	spec.queue = plain;
	return (double)(clock_mono_ns() - began_ns) / (double)n;
}

#define USERS 16

/* As run, the tasks of several users, who may take turns. */
static double run_users(long n, bool fair)
{
	int64_t began_ns = clock_mono_ns();
	long submitted = 0, done = 0;

	core_queue_set(toy.queue, &(struct core_queue_options){ .fair = fair });
	while (done < n) {
		for (; submitted < n && submitted - done < IN_FLIGHT; submitted++) {
			spec.owner = 1000 + (uint32_t)(submitted % USERS);
			submit(1);
		}
		toy_advance(&toy, 20 * NS_PER_US);
		for (int i = 0; i < SLOTS; i++)
			for (; slots[i]->count; done++) {
				struct task *task = slots[i]->lane[0].task;

				toy_finish(slots[i], TASK_SUCCEEDED);
				core_forget(task);
			}
	}
	spec.owner = 0;
	core_queue_set(toy.queue, &(struct core_queue_options){ 0 });
	return (double)(clock_mono_ns() - began_ns) / (double)n;
}

/* As run, while all that wait come before these tasks but are held, as their owner has as much running as he may. */
static double run_beside_held(long n)
{
	struct toy_slot *busy;

	retire(true);
	for (int i = 0; i < SLOTS; i++)
		while (slots[i]->count)
			toy_finish(slots[i], TASK_SUCCEEDED);
	core_set_shares(toy.core, &(struct core_shares){ .running = 1, .exempt = { 1 }, .n_exempt = 1 });
	busy = toy_slot_new(&toy);
	toy_turn(&toy);
	toy_take(busy);
	core_slot_retire(busy->slot);
	retire(false);
	spec.owner = 1;
	double ns = run(n, -1);
	spec.owner = 0;
	toy_finish(busy, TASK_SUCCEEDED);
	core_set_shares(toy.core, &(struct core_shares){ 0 });
	toy_slot_free(busy);
	return ns;
}

/* Microseconds for a page of 100 tasks that FILTER matches, the newest first; behind the task of this id. */
static double page_us(const struct task_filter *filter, uint64_t id)
{
	static struct task *page[100];
	int64_t began_ns = clock_mono_ns();

	for (int i = 0; i < 100; i++) {
		struct task_walk walk = { .id = id };

		core_select(toy.core, filter, &walk, 10000, page, 100);
	}
	return (double)(clock_mono_ns() - began_ns) / 1e5;
}

int main(int argc, char **argv)
{
	long waiting = argc > 1 ? atol(argv[1]) : 1000000;
	long n = argc > 2 ? atol(argv[2]) : 1000000;
	double empty[3], full[3], many[3], queues, users[2];

	toy_init(&toy);
	spec = (struct task_spec){ .type = toy.type, .queue = toy.queue };
	for (int i = 0; i < SLOTS; i++)
		slots[i] = toy_slot_new(&toy);
	for (int i = 0; i < 3; i++)
		empty[i] = run(n, 1);
	queues = run_queues(n);
	users[false] = run_users(n, false);
	users[true] = run_users(n, true);
	for (int i = 0; i < 3; i++)
		many[i] = run_many(n, (enum delay)i);

	retire(true);
	struct mallinfo2 before = mallinfo2();
	int64_t began_ns = clock_mono_ns();
	for (long i = 0; i < waiting; i++)
		submit(0);
	double submit_ns = (double)(clock_mono_ns() - began_ns) / (double)waiting;
	struct mallinfo2 after = mallinfo2();
	const struct task_filter all = { 0 }, ended = { .states = TASK_STATE_BIT(TASK_CANCELLED) };
	for (int i = 0; i < 1000; i++)
		core_cancel(queue_first(toy.queue));
	double pages[] = { page_us(&all, 0), page_us(&all, toy.core->next_id - (uint64_t)waiting / 2), page_us(&ended, 0) };
	retire(false);
	for (int i = 0; i < 3; i++)
		full[i] = run(n, 1);
	double held = run_beside_held(n);

	printf("empty queue: %.0f %.0f %.0f ns a task\n", empty[0], empty[1], empty[2]);
	printf("%d queues:    %.0f ns a task\n", QUEUES, queues);
	printf("%d users:    %.0f ns a task; in turns %.0f\n", USERS, users[false], users[true]);
	printf("%ld before one starts: %.0f ns a task; delayed: %.0f, in any order %.0f\n", n, many[0], many[1], many[2]);
	printf("%ld queued:  %.0f %.0f %.0f ns a task\n", waiting, full[0], full[1], full[2]);
	printf("%ld held:    %.0f ns a task of somebody else\n", waiting, held);
	printf("submit:      %.0f ns, %.0f bytes a queued task\n", submit_ns,
		(double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / (double)waiting);
	printf("page of 100: %.1f us; from the middle %.1f; of 1000 in another state %.1f\n", pages[0], pages[1], pages[2]);
	for (int i = 0; i < SLOTS; i++)
		free(slots[i]);
	toy_fini(&toy);
	return EXIT_SUCCESS;
}
