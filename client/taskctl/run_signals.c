/* Signals, noted by a handler and taken by the loop. Not a signalfd: its signals have to be blocked, and would not
 * interrupt a write to a terminal that has been stopped. */
#include "client/taskctl/run_signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proto/command.h"

static volatile sig_atomic_t noted[NSIG];
static volatile sig_atomic_t continued;
static int event = -1;

static void note(int signal_number)
{
	int saved = errno;

	noted[signal_number] = 1;
	if (signal_number == SIGCONT)
		continued = 1;
	eventfd_write(event, 1);
	errno = saved;
}

int run_signals_begin(const int *signals)
{
	struct sigaction action = { .sa_handler = note }, before;

	sigemptyset(&action.sa_mask);
	if (event < 0)
		event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (; event >= 0 && *signals; signals++)
		if (sigaction(*signals, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(*signals, &action, NULL);
	return event;
}

int run_signals_take(void)
{
	eventfd_t count;

	eventfd_read(event, &count);
	for (int i = 1; i < NSIG; i++) {
		if (!noted[i])
			continue;
		noted[i] = 0;
		eventfd_write(event, 1); /* there may be more */
		return i;
	}
	return 0;
}

void run_signals_stop(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL }, before;

	continued = 0;
	sigaction(SIGTSTP, &action, &before);
	raise(SIGTSTP);
	/* The kernel does not stop a process group that nobody could continue from its terminal, by this signal. */
	if (!continued)
		raise(SIGSTOP);
	sigaction(SIGTSTP, &before, NULL);
}

void run_signals_die(int signal_number)
{
	struct rlimit none = { 0, 0 };
	sigset_t set;

	setrlimit(RLIMIT_CORE, &none);
	signal(signal_number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(signal_number);
	_exit(128 + signal_number);
}

const char *run_signals_name(int signal_number)
{
	const char *name = command_signal_name(signal_number);

	return name ? name : "a signal";
}
