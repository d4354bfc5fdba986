/* Starts a program as vfork(2) does: nothing of this process is copied, however large it is, and the parent goes on
 * when the child has executed it. Until then the child has the parent's memory, so that it can say what went wrong
 * and where; it does nothing but system calls, and none through the libc's own wrappers where those keep books of
 * their own (sanitizers').
 *
 * The child has an end with its parent: PR_SET_PDEATHSIG is sent when the thread that started it ends, which is the
 * slot's and lives as long as the process. A set-user-ID program, and whatever the command starts in turn, has no
 * such tie: for those there is the master, which is the next subreaper. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "worker/command.h"

#define STACK_SIZE (16 * 1024)
#define LIMITS_MOST 8

struct birth {
	const struct command_start *start;
	const bool *reset; /* which signals are to be made what they are by default, by number */
	pid_t parent;
	int priority; /* as setpriority(2) takes it */
	struct {
		int resource;
		struct rlimit limit;
	} limits[LIMITS_MOST];
	size_t n_limits;
	/* What the child says where it could not. */
	const char *step;
	int error;
};

#if defined(__SANITIZE_THREAD__)
/* The sanitizer's clone would have the child tidy up what is the parent's. This is the same function's other name. */
int __clone(int (*run)(void *), void *stack, int flags, void *argument, ...);
#define clone __clone
#endif
#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

/* --- in the child --- */

/* Only what is ignored would live through execve, but what is handled must not run here. */
IN_CHILD static void reset_signals(const bool *reset)
{
	static const char nothing[128]; /* a struct sigaction of the kernel's: all zeros is SIG_DFL */
	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		if (reset[signal_number])
			syscall(SYS_rt_sigaction, signal_number, nothing, NULL, (size_t)(NSIG - 1) / 8);
}

IN_CHILD static bool join_cgroup(int cgroup_fd)
{
	long fd = syscall(SYS_openat, cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	return fd >= 0 && syscall(SYS_write, fd, "0", (size_t)1) == 1;
}

/* Its 0, 1 and 2; nothing else stays open. */
IN_CHILD static bool place_descriptors(const int *wanted)
{
	long fds[3];
	for (int i = 0; i < 3; i++) {
		fds[i] = wanted[i] > STDERR_FILENO ? wanted[i]
						   : syscall(SYS_fcntl, wanted[i], F_DUPFD, STDERR_FILENO + 1);
		if (fds[i] < 0)
			return false;
	}
	for (int i = 0; i < 3; i++)
		if (syscall(SYS_dup3, fds[i], i, 0) < 0)
			return false;
	return syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == 0;
}

IN_CHILD static bool put_limits(const struct birth *birth)
{
	for (size_t i = 0; i < birth->n_limits; i++)
		if (syscall(SYS_prlimit64, 0, birth->limits[i].resource, &birth->limits[i].limit, NULL) < 0)
			return false;
	return true;
}

/* The step that failed, with errno. Does not return where none did. Limits come late: one on descriptors or on memory
 * would stand in the way of what is before them. */
IN_CHILD static void tie(const struct birth *birth)
{
	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (syscall(SYS_getppid) != birth->parent)
		syscall(SYS_exit_group, 0);
}

/* What it needs its worker's rights for is done by then. */
IN_CHILD static const char *put_rights(const struct birth *birth)
{
	const struct command_rights *rights = &birth->start->rights;
	const char *step = rights->as ? run_as_become(rights->as) : NULL;
	if (rights->as)
		tie(birth); /* who becomes another one has no such tie any more */
	return step || !rights->kit ? step : confine_put_paths(rights->kit);
}

IN_CHILD static const char *become(const struct birth *birth)
{
	static const char no_signals[(NSIG - 1) / 8];
	const struct command_start *start = birth->start;
	const char *step;
	reset_signals(birth->reset);
	tie(birth);
	/* Before anything that a second try would find done. */
	if (start->cgroup_fd >= 0 && !join_cgroup(start->cgroup_fd))
		return COMMAND_STEP_CGROUP;
	if (start->tty && (syscall(SYS_setsid) < 0 || syscall(SYS_ioctl, start->fds[0], TIOCSCTTY, 0) < 0))
		return "take its terminal";
	if (!start->tty && syscall(SYS_setpgid, 0, 0) < 0)
		return "make a process group";
	syscall(SYS_umask, start->umask);
	if (start->nice && syscall(SYS_setpriority, PRIO_PROCESS, 0, birth->priority) < 0)
		return "set its nice value";
	if ((step = put_rights(birth)))
		return step;
	if (!place_descriptors(start->fds))
		return "place its descriptors";
	if (syscall(SYS_chdir, start->cwd ? start->cwd : "/") < 0)
		return COMMAND_STEP_DIRECTORY;
	if (!put_limits(birth))
		return "set its limits";
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, no_signals, NULL, sizeof(no_signals));
	if (start->rights.kit && (step = confine_put_calls(start->rights.kit)))
		return step;
	syscall(SYS_execve, start->program, start->argv, start->environment);
	return COMMAND_STEP_EXECUTE;
}

IN_CHILD static int child_main(void *user)
{
	struct birth *birth = user;
	birth->step = become(birth);
	birth->error = errno;
	syscall(SYS_exit_group, 127);
	return 127;
}

/* --- in the parent --- */

/* To ask for all of them takes as long as a fiftieth of a short command does. A worker has settled what it does with
 * signals before its first command. */
static const bool *signals_to_reset(void)
{
	static bool known, reset[NSIG];
	/* The kernel's own, whose first member is the handler: sigaction(3) does not tell of the C library's two signals, which
	 * some programs have their children ignore. */
	uintptr_t action[128 / sizeof(uintptr_t)];
	for (int signal_number = 1; signal_number < NSIG && !known; signal_number++)
		reset[signal_number] = syscall(SYS_rt_sigaction, signal_number, NULL, action, (size_t)(NSIG - 1) / 8) == 0 &&
			action[0] != (uintptr_t)SIG_DFL;
	known = true;
	return reset;
}

/* A limit above the hard limit is one that holds already. EXTRA: by so much the hard limit is higher than the soft
 * one. */
static void add_limit(struct birth *birth, int resource, int64_t value, rlim_t extra)
{
	struct rlimit now;
	if (value < 0 || getrlimit(resource, &now) < 0)
		return;
	rlim_t soft = (rlim_t)value, hard = soft + extra;
	if (hard > now.rlim_max) /* RLIM_INFINITY is the highest of all */
		hard = now.rlim_max;
	if (soft > hard)
		soft = hard;
	birth->limits[birth->n_limits].resource = resource;
	birth->limits[birth->n_limits++].limit = (struct rlimit){ .rlim_cur = soft, .rlim_max = hard };
}

static void collect_limits(struct birth *birth)
{
	const struct command_params *limits = birth->start->limits;
	int64_t cpu_ns = limits->limit_cpu;
	if (!birth->start->cgroup_limits) {
		add_limit(birth, RLIMIT_AS, limits->limit_memory, 0);
		add_limit(birth, RLIMIT_NPROC, limits->limit_processes, 0);
	}
	/* At the soft limit comes SIGXCPU, which tells what it was; at the hard one SIGKILL. */
	add_limit(birth, RLIMIT_CPU, cpu_ns < 0 ? -1 : cpu_ns / NS_PER_S + (cpu_ns % NS_PER_S != 0), 1);
	add_limit(birth, RLIMIT_NOFILE, limits->limit_files, 0);
	add_limit(birth, RLIMIT_FSIZE, limits->limit_file_size, 0);
	add_limit(birth, RLIMIT_CORE, limits->limit_core < 0 ? 0 : limits->limit_core, 0);
}

int command_spawn(const struct command_start *start, int *pid, const char **step)
{
	alignas(16) char stack[STACK_SIZE];
	struct birth birth = { .start = start, .reset = signals_to_reset(), .parent = getpid() };
	sigset_t all, before;
	if (start->nice)
		birth.priority =
			getpriority(PRIO_PROCESS, 0) + start->nice; /* -1 may be a value; an error there is none */
	collect_limits(&birth);

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	*pid = clone(child_main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &birth);
	int error = *pid < 0 ? errno : birth.error;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	*step = *pid < 0 ? "make a process" : birth.step;
	if (!error)
		return 0;
	if (*pid >= 0)
		waitpid(*pid, NULL, 0);
	*pid = -1;
	errno = error;
	return -1;
}
