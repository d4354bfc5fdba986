/* durable N: a Fibonacci number that is computed whatever becomes of the daemon, as long as another one is there within a
 * minute. Says on its standard error when it is on disk, and when the connection was lost and is there again. */
#include <stdio.h>
#include <stdlib.h>
#include <taskd.h>

static void tell(void *user, bool connected, int64_t lost_ns)
{
	(void)user;
	if (connected || lost_ns == 0)
		fprintf(stderr, "durable: %s\n", connected ? "there again" : "the connection is lost");
}

int main(int argc, char **argv)
{
	const struct taskd_connect_options connecting = { .reconnect_ns = 60 * TASKD_SECOND, .reconnecting = tell };
	const struct taskd_options options = {
		.detached = true,
		.durable = TASKD_DURABLE_YES,
		.delay_ns = TASKD_SECOND, /* time enough to see it */
	};
	int status = EXIT_SUCCESS;
	char args[32];

	snprintf(args, sizeof(args), "[%d]", argc > 1 ? atoi(argv[1]) : 10);
	struct taskd *c = taskd_connect(NULL, &connecting);
	struct taskd_future *f = taskd_submit(c, "fib", args, &options);

	if (taskd_acknowledged(f, TASKD_FOREVER) == TASKD_OK && taskd_future_durable(f))
		fprintf(stderr, "durable: task %s is on disk\n", taskd_future_id(f));
	if (taskd_result(f, TASKD_FOREVER) == TASKD_OK) {
		puts(taskd_future_result(f, NULL));
	} else {
		fprintf(stderr, "durable: %s\n", taskd_future_error(f)->message);
		status = EXIT_FAILURE;
	}
	taskd_future_free(f);
	taskd_close(c);
	return status;
}
