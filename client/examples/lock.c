/* lock FILE: adds one to the number in FILE. Any number of programs may do so at a time: a lock keeps them apart. One that
 * was stopped for so long that its connection has ended, and with it the lock, sees by the fence in the file that another
 * was here since. */
#include <stdio.h>
#include <stdlib.h>
#include <taskd.h>

static int add_one(const char *path, unsigned long long fence)
{
	unsigned long long number = 0, newest = 0;
	FILE *file = fopen(path, "r");
	int result = -1;

	if (file) {
		if (fscanf(file, "%llu %llu", &number, &newest) < 1)
			number = 0;
		fclose(file);
	}
	if (newest > fence) {
		fprintf(stderr, "lock: the lock was lost, and somebody else has had it\n");
		return -1;
	}
	file = fopen(path, "w");
	if (file && fprintf(file, "%llu %llu\n", number + 1, fence) > 0)
		result = 0;
	if (!file || fclose(file) != 0) {
		perror(path);
		result = -1;
	}
	return result;
}

int main(int argc, char **argv)
{
	struct taskd *c = taskd_connect(NULL, NULL);
	struct taskd_grant grant;
	int result;

	if (taskd_lock_acquire(c, "number", NULL, 30 * TASKD_SECOND, &grant) != TASKD_OK) {
		fprintf(stderr, "lock: %s\n", taskd_future_error(NULL)->message);
		taskd_close(c);
		return EXIT_FAILURE;
	}
	if (grant.holder_died)
		fprintf(stderr, "lock: who had it last has died with it: is the file whole?\n");

	result = add_one(argc > 1 ? argv[1] : "number", grant.fence);

	taskd_lock_release(c, "number", NULL); /* so would taskd_close, but as of one who has died */
	taskd_close(c);
	return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
