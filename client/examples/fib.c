/* fib NUMBER...: computes Fibonacci numbers in taskd's workers, all at once, and prints each as it is done. */
#include <stdio.h>
#include <stdlib.h>
#include <taskd.h>

#define LIMIT 64

static int complain(const struct taskd_failure *failure)
{
	fprintf(stderr, "fib: %s\n", failure->message);
	if (failure->hint)
		fprintf(stderr, "hint: %s\n", failure->hint);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct taskd_future *futures[LIMIT];
	struct taskd_completed *cursor = NULL;
	size_t n = 0, index;
	int status = EXIT_SUCCESS;
	char args[32];

	struct taskd *c = taskd_connect(NULL, NULL);
	if (!c)
		return complain(taskd_future_error(NULL));

	for (; n < LIMIT && (int)n + 1 < argc; n++) {
		snprintf(args, sizeof(args), "[%d]", atoi(argv[n + 1]));
		futures[n] = taskd_submit(c, "fib", args, NULL);
		if (!futures[n])
			return complain(taskd_future_error(NULL));
	}

	while (taskd_as_completed(futures, n, &cursor, 30 * TASKD_SECOND, &index) == TASKD_OK && index < n) {
		const char *result = taskd_future_result(futures[index], NULL);
		if (result)
			printf("fib(%s) = %s\n", argv[index + 1], result);
		else
			status = complain(taskd_future_error(futures[index]));
	}
	if (cursor) /* not all were done in time */
		status = complain(taskd_future_error(NULL));

	taskd_as_completed_end(&cursor);
	for (size_t i = 0; i < n; i++)
		taskd_future_free(futures[i]); /* what still runs is cancelled */
	taskd_close(c);
	return status;
}
