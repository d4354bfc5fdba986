/* mq put NUMBER...: puts numbers into a message queue, and waits until all were dealt with.
 * mq take: takes them out one at a time, and prints their squares. What it was at when it dies goes to the next who takes:
 * nothing is lost, but something may be done twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <taskd.h>

#define NAME "numbers"

static int put(struct taskd *c, char **numbers)
{
	char value[32];

	for (; *numbers; numbers++) {
		snprintf(value, sizeof(value), "%d", atoi(*numbers));
		if (taskd_mq_put(c, NAME, value, NULL, TASKD_FOREVER) != TASKD_OK)
			return -1;
	}
	if (taskd_mq_put(c, NAME, "null", NULL, TASKD_FOREVER) != TASKD_OK) /* that was all */
		return -1;
	return taskd_mq_join(c, NAME, TASKD_FOREVER) == TASKD_OK ? 0 : -1;
}

static int take(struct taskd *c)
{
	const struct taskd_mq_get_options options = { .ack = true };
	struct taskd_message message;
	bool more = true;

	while (more) {
		if (taskd_mq_get(c, NAME, &options, 30 * TASKD_SECOND, &message) != TASKD_OK)
			return -1;
		more = strcmp(message.value, "null") != 0;
		if (more)
			printf("%ld\n", atol(message.value) * atol(message.value));
		fflush(stdout); /* first it is done, then it is acknowledged */
		taskd_message_free(&message);
		if (taskd_mq_ack(c, message.receipt) != TASKD_OK)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct taskd *c = taskd_connect(NULL, NULL);
	int result;

	if (argc > 1 && strcmp(argv[1], "put") == 0)
		result = put(c, argv + 2);
	else
		result = take(c);
	if (result < 0)
		fprintf(stderr, "mq: %s\n", taskd_future_error(NULL)->message);
	taskd_close(c);
	return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
