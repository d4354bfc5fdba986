/* What the core itself costs: nanoseconds for a task's whole life through toy lanes, with an empty queue and with a
 * million waiting, and bytes of memory for a queued task. Prints one line for each. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
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

int main(int argc, char **argv)
{
	long waiting = argc > 1 ? atol(argv[1]) : 1000000;
	long n = argc > 2 ? atol(argv[2]) : 1000000;
	double empty[3], full[3];

	toy_init(&toy);
	spec = (struct task_spec){ .type = toy.type, .queue = toy.queue };
	for (int i = 0; i < SLOTS; i++)
		slots[i] = toy_slot_new(&toy);
	for (int i = 0; i < 3; i++)
		empty[i] = run(n, 1);

	for (int i = 0; i < SLOTS; i++)
		core_slot_retire(slots[i]->slot);
	struct mallinfo2 before = mallinfo2();
	int64_t began_ns = clock_mono_ns();
	for (long i = 0; i < waiting; i++)
		submit(0);
	double submit_ns = (double)(clock_mono_ns() - began_ns) / (double)waiting;
	struct mallinfo2 after = mallinfo2();
	for (int i = 0; i < SLOTS; i++)
		core_slot_ready(slots[i]->slot);
	for (int i = 0; i < 3; i++)
		full[i] = run(n, 1);

	printf("empty queue: %.0f %.0f %.0f ns a task\n", empty[0], empty[1], empty[2]);
	printf("%ld queued:  %.0f %.0f %.0f ns a task\n", waiting, full[0], full[1], full[2]);
	printf("submit:      %.0f ns, %.0f bytes a queued task\n", submit_ns,
		(double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / (double)waiting);
	for (int i = 0; i < SLOTS; i++)
		free(slots[i]);
	toy_fini(&toy);
	return EXIT_SUCCESS;
}
