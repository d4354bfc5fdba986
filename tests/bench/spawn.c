/* Commands as fast as a program can start them by itself: posix_spawn in a loop, some of them in flight. What taskctl run
 * --each is measured by.
 *
 *   spawn IN_FLIGHT COUNT COMMAND [ARG…]   commands a second; each has its number as one more argument */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The last of ARGV is a place for the number. */
static void start(char **argv, int argc, long number)
{
	char text[32];
	pid_t pid;
	snprintf(text, sizeof(text), "%ld", number);
	argv[argc - 1] = text;
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0) {
		fprintf(stderr, "spawn: cannot start %s\n", argv[0]);
		exit(1);
	}
}

static void await(void)
{
	int status;
	if (wait(&status) < 0 || status != 0) {
		fprintf(stderr, "spawn: one has failed\n");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	long in_flight = strtol(argv[1], NULL, 10), count = strtol(argv[2], NULL, 10), started = 0;
	char **command = calloc((size_t)argc + 1, sizeof(*command));
	for (int i = 3; i < argc; i++)
		command[i - 3] = argv[i];
	double begin = now();
	for (; started < in_flight && started < count; started++)
		start(command, argc - 2, started);
	for (long ended = 0; ended < count; ended++) {
		await();
		if (started < count) {
			start(command, argc - 2, started);
			started++;
		}
	}
	printf("%.1f\n", (double)count / (now() - begin));
	free(command);
	return 0;
}
