/* taskd-worker: the process that handlers run in. Started by taskd only, with a title for the list of processes and the
 * master's pid as its arguments, and the control socket as its descriptor 3; or to clear up after the last worker. */
#include <stdio.h>
#include <string.h>

#include "worker/confine.h"
#include "worker/heritage.h"
#include "worker/registry.h"
#include "worker/start.h"

int main(int argc, char **argv)
{
	/* Plugins' destructors may run after main's frame is of no use. */
	static struct registry registry;
	static struct start start;

	if (argc == 3 && strcmp(argv[2], WORKER_SWEEP) == 0) {
		start_tie(argv[1]);
		start_clean();
		confine_directory_sweep();
		return 0;
	}
	if (argc != 2) {
		fputs("error: taskd-worker is started by taskd, not by people\n", stderr);
		return 2;
	}
	start_tie(argv[1]);
	start_clean();
	start_receive(&start);
	start_confine(&start);
	registry_init(&registry);
	start_load(&start, &registry);
	start_serve(&start, &registry);
}
