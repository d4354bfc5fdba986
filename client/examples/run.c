/* run PROGRAM [ARG...]: runs a program as a task that reads and writes where this program does, says how long it took, and
 * ends as it has ended. */
#include <stdio.h>
#include <stdlib.h>
#include <taskd.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const int fds[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
	const struct taskd_command command = { .argv = (const char *const *)argv + (argc > 0), .fds = fds };
	struct taskd *c = taskd_connect(NULL, NULL);
	struct taskd_ran ran;

	if (taskd_run(c, &command, NULL, TASKD_FOREVER, &ran) != TASKD_OK) {
		fprintf(stderr, "run: %s\n", taskd_future_error(NULL)->message);
		taskd_close(c);
		return 125;
	}
	/* What passed by was captured, too: ran.out has the first of it, ran.out_total says how much it was. */
	fprintf(stderr, "run: %llu bytes in %.1f seconds\n", (unsigned long long)ran.out_total,
		(double)ran.duration_ns / 1e9);
	int status = ran.signal ? 128 + ran.signal : ran.status;
	taskd_ran_free(&ran);
	taskd_close(c);
	return status;
}
