/* taskd-store: the process that has the database. Started by taskd only, which is at the other ends of its descriptors. It
 * ends when taskd says so or is gone, and not by a signal that is meant for taskd. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/record.h"
#include "store/store.h"

static void prepare(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ };

	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(077);
	for (int fd = STORE_CONTROL_FD; fd <= STORE_ALIVE_FD; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* No core file: what is in it is everybody's. */
static void forbid_dumps(void)
{
	struct rlimit limit;
	prctl(PR_SET_DUMPABLE, 0);
	if (getrlimit(RLIMIT_CORE, &limit) == 0) {
		limit.rlim_cur = 0;
		(void)setrlimit(RLIMIT_CORE, &limit);
	}
}

int main(int argc, char **argv)
{
	struct stat status;

	if (fstat(STORE_CONTROL_FD, &status) < 0 || !S_ISSOCK(status.st_mode)) {
		fputs("error: taskd-store is started by taskd, not by people\n", stderr);
		return 2;
	}
	prepare();
	if (argc < 2 || strcmp(argv[1], STORE_CORE_DUMPS) != 0)
		forbid_dumps();
	log_open(LOG_TARGET_AUTO, LOG_LEVEL_INFO, "taskd-store");
	log_set_prefix("store: ");
	return store_serve(STORE_CONTROL_FD, STORE_MEMORY_FD, STORE_DOORBELL_FD);
}
