/* The store alone: how many small tasks a second come in and end, 256 of them in flight, and how soon a million that wait are
 * loaded. An operation is acknowledged when it is on disk. TMPDIR says which disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/store_served.h"

#define IN_FLIGHT 256

static const char result[] = "{\"value\":832040}";

static struct store_task task_of(uint64_t id)
{
	static const char args[] = "[30,\"a small task\"]";

	return (struct store_task){
		.id = id,
		.place = id,
		.type = store_text_of("fib", 3),
		.queue = store_text_of("default", 7),
		.state = store_text_of("queued", 6),
		.owner = 1000,
		.attempt = 1,
		.detached = true,
		.submitted_ns = clock_wall_ns(),
		.args = store_text_of(args, sizeof(args) - 1),
	};
}

static struct store_task_end end_of(void)
{
	int64_t now_ns = clock_wall_ns();

	return (struct store_task_end){
		.state = store_text_of("succeeded", 9),
		.attempt = 1,
		.started_ns = now_ns - 1000,
		.ended_ns = now_ns,
		.outcome.result = store_text_of(result, sizeof(result) - 1),
	};
}

static void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "store_bench: %s\n", what);
		exit(1);
	}
}

/* Each task is put, and when that is on disk, started and ended. */
static void lives(struct served *served, uint64_t first, uint64_t n, uint64_t *seq)
{
	uint64_t put = 0, put_done = 0, ended = 0, committed = *seq;
	uint64_t *owner = calloc(n * 3 + 1, sizeof(*owner)), base = *seq;
	struct store_header header;
	union served_body body;

	while (ended < n) {
		while (put < n && put - ended < IN_FLIGHT) {
			struct store_task task = task_of(first + put++);
			owner[++*seq - base] = task.id;
			served_put(served, STORE_TASK_PUT, *seq, task.id, 0, &task);
		}
		must(served_hear(served, &header, &body) && header.message == STORE_COMMITTED, "the store has gone");
		for (; committed < header.number; committed++) {
			uint64_t id = owner[committed + 1 - base];
			const struct store_task_start start = { 1, clock_wall_ns() };
			const struct store_task_end end = end_of();
			if (!id)
				continue;
			if (id & UINT64_C(1) << 63) {
				ended++;
				continue;
			}
			put_done++;
			++*seq;
			served_put(served, STORE_TASK_START, *seq, id, 0, &start);
			owner[++*seq - base] = id | UINT64_C(1) << 63;
			served_put(served, STORE_TASK_END, *seq, id, 0, &end);
		}
	}
	free(owner);
	(void)put_done;
}

static void submits(struct served *served, uint64_t first, uint64_t n, uint64_t *seq)
{
	uint64_t committed = *seq, last = *seq + n;
	struct store_header header;
	union served_body body;

	while (committed < last) {
		while (*seq < last && *seq - committed < IN_FLIGHT) {
			struct store_task task = task_of(first++);
			served_put(served, STORE_TASK_PUT, ++*seq, task.id, 0, &task);
		}
		must(served_hear(served, &header, &body) && header.message == STORE_COMMITTED, "the store has gone");
		committed = header.number;
	}
}

static void singles(struct served *served, uint64_t first, uint64_t n, uint64_t *seq)
{
	int64_t began_ns = clock_mono_ns();

	for (uint64_t i = 0; i < n; i++) {
		struct store_task task = task_of(first + i);
		served_put(served, STORE_TASK_PUT, ++*seq, task.id, 0, &task);
		must(served_committed(served, *seq), "the store has gone");
	}
	printf("%-40s %10.1f us\n", "one alone, on disk", (double)(clock_mono_ns() - began_ns) / 1e3 / (double)n);
}

static void loads(struct served *served)
{
	int64_t began_ns = clock_mono_ns();
	uint64_t rows = 0;
	struct store_header header = { 0 };
	union served_body body;

	served_put(served, STORE_LOAD, 0, 0, 0, NULL);
	while (served_hear(served, &header, &body) && header.message != STORE_LOADED) {
		rows += header.message == STORE_ROW;
		store_body_free(header.message, &body);
	}
	printf("%-40s %10.2f s for %llu\n", "loading", (double)(clock_mono_ns() - began_ns) / 1e9,
		(unsigned long long)rows);
}

static void restart(struct served *served, struct store_open *order)
{
	must(served_stop(served) == 0, "the store does not end well");
	order->session++;
	int64_t began_ns = clock_mono_ns();
	served_start(served, order);
	printf("%-40s %10.3f s\n", "opening", (double)(clock_mono_ns() - began_ns) / 1e9);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000, seq = 0;
	struct store_open order = {
		.session = 1, .limits.history_count = n / 4, .keep = { .count = 10000, .bytes = 1 << 26 }
	};
	struct served served;
	int64_t began_ns;

	served_make(&served, getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	served_start(&served, &order);
	singles(&served, 1, 500, &seq);
	began_ns = clock_mono_ns();
	lives(&served, 1000, n / 2, &seq);
	printf("%-40s %10.0f tasks/s\n", "come in and end",
		(double)(n / 2) / ((double)(clock_mono_ns() - began_ns) / 1e9));
	began_ns = clock_mono_ns();
	submits(&served, 2 * n, n, &seq);
	printf("%-40s %10.0f tasks/s\n", "come in", (double)n / ((double)(clock_mono_ns() - began_ns) / 1e9));
	restart(&served, &order);
	loads(&served);
	served_stop(&served);
	served_free(&served);
	return 0;
}
