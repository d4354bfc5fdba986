/* The peer gearmand: two C workers that give their input back, and a client that runs IN_FLIGHT tasks at a time.
 *
 *   peer_gearmand PORT IN_FLIGHT SECONDS      tasks a second
 *   peer_gearmand PORT alone SECONDS          microseconds of one call, the median */
#include <libgearman/gearman.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static gearman_return_t give_back(gearman_job_st *job, void *context)
{
	(void)context;
	return gearman_job_send_complete(job, gearman_job_workload(job), gearman_job_workload_size(job));
}

static void work(int port)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	gearman_worker_st *worker = gearman_worker_create(NULL);
	gearman_worker_add_server(worker, "127.0.0.1", (in_port_t)port);
	gearman_worker_define_function(worker, "noop", 4, gearman_function_create(give_back), 0, NULL);
	while (gearman_worker_work(worker) == GEARMAN_SUCCESS)
		;
	_exit(1);
}

static double alone(gearman_client_st *client, double seconds)
{
	enum { ROOM = 1 << 18 };
	static double times[ROOM];
	size_t n = 0;
	double end = now_s() + seconds;
	while (n < ROOM && now_s() < end) {
		size_t size;
		gearman_return_t code;
		double start = now_s();
		free(gearman_client_do(client, "noop", NULL, "[]", 2, &size, &code));
		if (code != GEARMAN_SUCCESS)
			exit(1);
		times[n++] = (now_s() - start) * 1e6;
	}
	qsort(times, n, sizeof(*times), by_value);
	return times[n / 2];
}

static double rate(gearman_client_st *client, size_t in_flight, double seconds)
{
	double begin = now_s(), end = begin + seconds;
	uint64_t done = 0;
	while (now_s() < end) {
		for (size_t i = 0; i < in_flight; i++) {
			gearman_return_t code;
			gearman_client_add_task(client, NULL, NULL, "noop", NULL, "[]", 2, &code);
			if (code != GEARMAN_SUCCESS)
				exit(1);
		}
		if (gearman_client_run_tasks(client) != GEARMAN_SUCCESS)
			exit(1);
		gearman_client_task_free_all(client);
		done += in_flight;
	}
	return (double)done / (now_s() - begin);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: peer_gearmand PORT IN_FLIGHT|alone SECONDS\n", stderr);
		return 2;
	}
	int port = atoi(argv[1]);
	pid_t workers[2];
	for (int i = 0; i < 2; i++)
		if ((workers[i] = fork()) == 0)
			work(port);
	gearman_client_st *client = gearman_client_create(NULL);
	gearman_client_add_server(client, "127.0.0.1", (in_port_t)port);
	gearman_client_set_timeout(client, 10000);
	(void)alone(client, 0.2);
	if (strcmp(argv[2], "alone") == 0)
		printf("%.2f\n", alone(client, atof(argv[3])));
	else
		printf("%.0f\n", rate(client, strtoul(argv[2], NULL, 10), atof(argv[3])));
	gearman_client_free(client);
	for (int i = 0; i < 2; i++) {
		kill(workers[i], SIGKILL);
		waitpid(workers[i], NULL, 0);
	}
	return 0;
}
