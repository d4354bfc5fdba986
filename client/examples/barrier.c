/* barrier N: one of N programs, none of which goes on before all have come. */
#include <stdio.h>
#include <stdlib.h>
#include <taskd.h>

int main(int argc, char **argv)
{
	int64_t parties = argc > 1 ? atoi(argv[1]) : 2, index;
	struct taskd *c = taskd_connect(NULL, NULL);
	enum taskd_error error = taskd_barrier_wait(c, "start", parties, 30 * TASKD_SECOND, &index);

	if (error == TASKD_OK)
		printf("%lld of %lld\n", (long long)index + 1, (long long)parties);
	else
		fprintf(stderr, "barrier: %s\n", taskd_future_error(NULL)->message);
	/* One has not come in time, or has died while it waited: as new for those who try again. */
	if (error == TASKD_E_BARRIER_BROKEN)
		taskd_barrier_reset(c, "start");
	taskd_close(c);
	return error == TASKD_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
