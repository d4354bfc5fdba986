/* What a child costs: started by the process itself, and by a spawner; both with nothing and with a gigabyte of memory in
 * their hands. Rounds take turns, since machines are noisy; the middle of each is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/spawn.h"
#include "base/xmalloc.h"

#define ROUNDS 15
#define CHILDREN 200
#define HELD (1024u * 1024 * 1024)

/* Of one child, until its start is answered: ns. Its end is not waited for meanwhile. */
static int64_t round_ns(void)
{
	char *argv[] = { (char *)"true", NULL };
	const struct spawn spawn = { .path = "/bin/true", .argv = argv };
	int64_t spent_ns = 0;
	for (int i = 0; i < CHILDREN; i++) {
		int64_t begun_ns = clock_mono_ns();
		int pid = spawn_child(&spawn);
		spent_ns += clock_mono_ns() - begun_ns;
		if (pid < 0 || waitpid(pid, NULL, 0) != pid) {
			fprintf(stderr, "error: no child: %s\n", strerror(-pid));
			exit(EXIT_FAILURE);
		}
	}
	return spent_ns / CHILDREN;
}

static int compare(const void *a, const void *b)
{
	const int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
	return (first > second) - (first < second);
}

static void measure(const char *holding)
{
	static const char *const programs[] = { "/bin/true" };
	const struct spawn_rules rules = { .programs = programs, .n_programs = 1 };
	int64_t alone[ROUNDS], asked[ROUNDS];
	for (int i = 0; i < ROUNDS; i++) {
		alone[i] = round_ns();
		if (spawners_start(&rules) < 0) {
			fputs("error: no spawners (TASKD_SPAWN names the program)\n", stderr);
			exit(EXIT_FAILURE);
		}
		asked[i] = round_ns();
		spawners_stop();
	}
	qsort(alone, ROUNDS, sizeof(*alone), compare);
	qsort(asked, ROUNDS, sizeof(*asked), compare);
	printf("%-12s  by itself %6.0f us  by a spawner %6.0f us  ratio %.2f\n", holding, (double)alone[ROUNDS / 2] / 1e3,
		(double)asked[ROUNDS / 2] / 1e3, (double)asked[ROUNDS / 2] / (double)alone[ROUNDS / 2]);
}

int main(void)
{
	setenv("TASKD_SPAWN", "./taskd-spawn", 0);
	measure("nothing");
	char *held = xmalloc(HELD);
	memset(held, 1, HELD);
	measure("a gigabyte");
	free(held);
	return EXIT_SUCCESS;
}
