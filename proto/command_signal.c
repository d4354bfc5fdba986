/* Signals by the names that people and other systems know: numbers differ between machines. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/command.h"

static const char *const names[] = {
	[SIGHUP] = "SIGHUP",
	[SIGINT] = "SIGINT",
	[SIGQUIT] = "SIGQUIT",
	[SIGILL] = "SIGILL",
	[SIGTRAP] = "SIGTRAP",
	[SIGABRT] = "SIGABRT",
	[SIGBUS] = "SIGBUS",
	[SIGFPE] = "SIGFPE",
	[SIGKILL] = "SIGKILL",
	[SIGUSR1] = "SIGUSR1",
	[SIGSEGV] = "SIGSEGV",
	[SIGUSR2] = "SIGUSR2",
	[SIGPIPE] = "SIGPIPE",
	[SIGALRM] = "SIGALRM",
	[SIGTERM] = "SIGTERM",
	[SIGSTKFLT] = "SIGSTKFLT",
	[SIGCHLD] = "SIGCHLD",
	[SIGCONT] = "SIGCONT",
	[SIGSTOP] = "SIGSTOP",
	[SIGTSTP] = "SIGTSTP",
	[SIGTTIN] = "SIGTTIN",
	[SIGTTOU] = "SIGTTOU",
	[SIGURG] = "SIGURG",
	[SIGXCPU] = "SIGXCPU",
	[SIGXFSZ] = "SIGXFSZ",
	[SIGVTALRM] = "SIGVTALRM",
	[SIGPROF] = "SIGPROF",
	[SIGWINCH] = "SIGWINCH",
	[SIGIO] = "SIGIO",
	[SIGPWR] = "SIGPWR",
	[SIGSYS] = "SIGSYS",
};
/* From SIGRTMIN on, which libc knows at run time only. */
static const char *const real_time_names[] = {
	"SIGRTMIN", "SIGRTMIN+1", "SIGRTMIN+2", "SIGRTMIN+3", "SIGRTMIN+4", "SIGRTMIN+5", "SIGRTMIN+6", "SIGRTMIN+7",
	"SIGRTMIN+8", "SIGRTMIN+9", "SIGRTMIN+10", "SIGRTMIN+11", "SIGRTMIN+12", "SIGRTMIN+13", "SIGRTMIN+14", "SIGRTMIN+15",
	"SIGRTMIN+16", "SIGRTMIN+17", "SIGRTMIN+18", "SIGRTMIN+19", "SIGRTMIN+20", "SIGRTMIN+21", "SIGRTMIN+22", "SIGRTMIN+23",
	"SIGRTMIN+24", "SIGRTMIN+25", "SIGRTMIN+26", "SIGRTMIN+27", "SIGRTMIN+28", "SIGRTMIN+29", "SIGRTMIN+30",
};
#define N_NAMES ((int)(sizeof(names) / sizeof(names[0])))
#define N_REAL_TIME ((int)(sizeof(real_time_names) / sizeof(real_time_names[0])))

const char *command_signal_name(int signal_number)
{
	int real_time = signal_number - SIGRTMIN;

	if (signal_number > 0 && signal_number < N_NAMES)
		return names[signal_number];
	return signal_number <= SIGRTMAX && real_time >= 0 && real_time < N_REAL_TIME ? real_time_names[real_time] : NULL;
}

int command_signal(const char *name)
{
	if (name[0] >= '0' && name[0] <= '9') {
		long number = strspn(name, "0123456789") == strlen(name) && strlen(name) < 4 ? strtol(name, NULL, 10) : -1;
		return number > 0 && number <= SIGRTMAX ? (int)number : -1;
	}
	const char *bare = strncasecmp(name, "SIG", 3) == 0 ? name + 3 : name;
	for (int number = 1; number <= SIGRTMAX; number++) {
		const char *known = command_signal_name(number);
		if (known && strcasecmp(known + 3, bare) == 0)
			return number;
	}
	if (strcasecmp(bare, "POLL") == 0)
		return SIGPOLL;
	return strcasecmp(bare, "RTMAX") == 0 ? SIGRTMAX : -1;
}
