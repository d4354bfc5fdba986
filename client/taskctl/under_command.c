/* The command that runs while something is held. It is a child as a shell's simple command is: in our process group,
 * with our terminal, standard streams, and the dispositions of signals that we were started with. So the terminal's
 * keys reach it without our help, and we only must not go before it does; what others send us is passed on to it.
 *
 * By a signalfd rather than handlers, since it tells who has sent a signal; nothing here writes to what could block. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/taskctl/taskctl.h"
#include "client/taskctl/under.h"

#define EXIT_CANNOT_RUN 126
#define EXIT_NO_SUCH_COMMAND 127
#define EXIT_KILLED 128 /* and the number of the signal */

static const int taken[] = { SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCONT };

struct running {
	struct taskctl *ctl;
	const struct under_grant *grant;
	const struct under_values *values;
	pid_t pid;
	int signals;
	sigset_t mask_before;
	struct sigaction child_before; /* of SIGCHLD: ignored, we would hear nothing of the command's end */
	bool lost;
	bool ended;
	int status; /* as of wait */
};

static void tell_lost(const struct running *r, const char *consequence)
{
	char kind[32];

	snprintf(kind, sizeof kind, "%s_lost", r->grant->noun);
	report_warning(r->ctl, kind, "the %s \"%s\" is lost, since the connection to taskd has ended: %s",
		r->grant->noun, r->grant->name, consequence);
}

/* --- the child --- */

static void set_environment(const struct under_grant *grant)
{
	char fence[24];

	snprintf(fence, sizeof fence, "%lld", (long long)grant->fence);
	setenv("TASKD_FENCE", fence, 1);
	if (grant->holder_died)
		setenv("TASKD_HOLDER_DIED", "1", 1);
	else
		unsetenv("TASKD_HOLDER_DIED");
}

static const char *not_started_hint(const char *program, int error)
{
	if (error != ENOENT)
		return NULL;
	if (!strchr(program, '/'))
		return "a name without a folder is looked for in PATH";
	return access(program, F_OK) == 0 ? "the file is there; the interpreter that it names is not" : NULL;
}

static void become(const struct running *r, char *const *command, pid_t parent) __attribute__((noreturn));
static void become(const struct running *r, char *const *command, pid_t parent)
{
	int error;

	/* When we are killed, what we held is another's at once; two must not do what one may. */
	if (!r->values->keep && (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent))
		_exit(EXIT_KILLED + SIGTERM);
	set_environment(r->grant);
	sigaction(SIGCHLD, &r->child_before, NULL);
	if (r->ctl->pipe_ignored)
		signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &r->mask_before, NULL);
	execvp(command[0], command);
	error = errno;
	report(r->ctl, EXIT_FAILED, "not_started", not_started_hint(command[0], error), "%s: %s",
		*command[0] ? command[0] : "\"\"", strerror(error));
	_exit(error == ENOENT ? EXIT_NO_SUCH_COMMAND : EXIT_CANNOT_RUN);
}

static int start(struct running *r, char *const *command)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	pid_t parent = getpid();
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		sigaddset(&set, taken[i]);
	sigemptyset(&action.sa_mask);
	sigprocmask(SIG_BLOCK, &set, &r->mask_before);
	sigaction(SIGCHLD, &action, &r->child_before);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	fflush(NULL);
	r->pid = r->signals < 0 ? -1 : fork();
	if (r->pid == 0)
		become(r, command, parent);
	if (r->pid < 0)
		return report(
			r->ctl, EXIT_FAILED, "system", NULL, "%s cannot be started: %s", command[0], strerror(errno));
	return EXIT_FINE;
}

/* --- signals --- */

/* What the terminal sends, the command has got from it, too; and what the command sends to its whole group (kill 0)
 * is not for itself again. */
static void pass_on(const struct running *r, const struct signalfd_siginfo *info)
{
	if (r->ended || info->ssi_code == SI_KERNEL || (pid_t)info->ssi_pid == r->pid)
		return;
	kill(r->pid, (int)info->ssi_signo);
}

/* Ctrl-Z stops us both. Where the command alone was stopped, by its terminal or by itself (an editor that reads the
 * key), the shell is waiting for us to stop. What has been continued since is not stopped again. */
static void stop_too(const struct running *r, int signal_number)
{
	sigset_t pending;

	if (signal_number != SIGTSTP && signal_number != SIGTTIN && signal_number != SIGTTOU)
		return;
	sigpending(&pending);
	if (sigismember(&pending, SIGCONT))
		return;
	raise(signal_number);
	kill(r->pid, SIGCONT);
}

static void look_after(struct running *r)
{
	int status;
	pid_t pid;

	if (r->ended)
		return;
	do
		pid = waitpid(r->pid, &status, WNOHANG | WUNTRACED);
	while (pid < 0 && errno == EINTR);
	if (pid != r->pid)
		return;
	if (WIFSTOPPED(status)) {
		stop_too(r, WSTOPSIG(status));
		return;
	}
	r->ended = true;
	r->status = status;
}

static void take_signals(struct running *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			look_after(r);
		else
			pass_on(r, &info);
	}
}

/* --- the connection --- */

static void watch_connection(struct running *r)
{
	taskd_dispatch(r->ctl->connection, 0);
	if (taskd_connection_error(r->ctl->connection) == TASKD_OK)
		return;
	r->lost = true;
	tell_lost(r, r->values->kill ? "COMMAND is ended" : "COMMAND goes on, and others may do what it does");
	if (!r->values->kill)
		return;
	kill(r->pid, SIGTERM);
	kill(r->pid, SIGCONT);
}

static void wait_for_end(struct running *r)
{
	while (!r->ended) {
		struct pollfd fds[] = {
			{ .fd = r->signals, .events = POLLIN },
			{ .fd = r->lost ? -1 : taskd_fd(r->ctl->connection), .events = POLLIN },
		};

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			watch_connection(r);
		take_signals(r);
	}
}

int under_command(struct taskctl *ctl, const struct under_grant *grant, const struct under_values *values,
	char *const *command, int *killed)
{
	struct running r = { .ctl = ctl, .grant = grant, .values = values };
	int status = start(&r, command);

	*killed = 0;
	if (status == EXIT_FINE) {
		wait_for_end(&r);
		status = WEXITSTATUS(r.status);
		*killed = WIFSIGNALED(r.status) ? WTERMSIG(r.status) : 0;
	}
	/* What has come until now was the command's; from here on it is ours again. */
	sigprocmask(SIG_SETMASK, &r.mask_before, NULL);
	close(r.signals);
	return status;
}
