/* batch N M: tasks that wait for each other, submitted at once. Two Fibonacci numbers are computed, each tried again twice
 * where it fails; when both are there, a third task gets them, and its result is printed. */
#include <stdio.h>
#include <stdlib.h>
#include <taskd.h>

int main(int argc, char **argv)
{
	static const char *const numbers[] = { "a", "b" };
	const struct taskd_options tried_again = { .retries = 2, .backoff_ns = 100 * TASKD_MS };
	struct taskd_future *futures[3];
	char args[2][32];
	int status = EXIT_SUCCESS;

	for (int i = 0; i < 2; i++)
		snprintf(args[i], sizeof(args[i]), "[%d]", i + 1 < argc ? atoi(argv[i + 1]) : 10);

	const struct taskd_batch_task tasks[] = {
		{ .label = "a", .task = "fib", .args = args[0], .options = tried_again },
		{ .label = "b", .task = "fib", .args = args[1], .options = tried_again },
		{ .task = "echo", .options = { .after = numbers, .n_after = 2, .pass_results = true } },
	};

	struct taskd *c = taskd_connect(NULL, NULL);
	taskd_submit_batch(c, tasks, 3, futures); /* where that fails, they are NULL, and so does the next line */
	if (taskd_result(futures[2], 60 * TASKD_SECOND) == TASKD_OK) {
		puts(taskd_future_result(futures[2], NULL));
	} else {
		fprintf(stderr, "batch: %s\n", taskd_future_error(futures[2])->message);
		status = EXIT_FAILURE;
	}
	for (int i = 0; i < 3; i++)
		taskd_future_free(futures[i]);
	taskd_close(c);
	return status;
}
