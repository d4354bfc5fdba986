/* sum N: sends the numbers below N through taskd's workers in chunks of a hundred, and adds up what comes back. */
#include <stdio.h>
#include <stdlib.h>
#include <taskd.h>

struct sum {
	long next, end, sum;
	char text[32];
};

static const char *next_number(void *user, size_t *length)
{
	struct sum *sum = user;

	if (sum->next == sum->end)
		return NULL;
	*length = (size_t)snprintf(sum->text, sizeof(sum->text), "%ld", sum->next++);
	return sum->text;
}

static bool add(void *user, size_t index, const char *result, size_t length, const struct taskd_failure *failure)
{
	struct sum *sum = user;

	(void)length;
	if (failure) {
		fprintf(stderr, "sum: number %zu: %s\n", index, failure->message);
		return false; /* that is enough */
	}
	sum->sum += atol(result);
	return true;
}

int main(int argc, char **argv)
{
	struct sum sum = { .end = argc > 1 ? atol(argv[1]) : 1000 };
	struct taskd_map_options options = { .chunk = 100, .unordered = true };
	struct taskd *c = taskd_connect(NULL, NULL);

	if (taskd_map(c, "echo", next_number, add, &sum, &options, TASKD_FOREVER) != TASKD_OK) {
		fprintf(stderr, "sum: %s\n", taskd_future_error(NULL)->message);
		taskd_close(c);
		return EXIT_FAILURE;
	}
	printf("%ld\n", sum.sum);
	taskd_close(c);
	return EXIT_SUCCESS;
}
