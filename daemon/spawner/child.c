/* A child's way from clone(2) to exec. It shares our memory, and we stand still until it has its own or has ended: so that
 * it costs the same whatever anybody holds; and it may only do what is safe in a signal handler. Its parent is our own
 * (CLONE_PARENT), and so is the signal of its end: SIGCHLD, by which we were started ourselves. */
#include "spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_FD 3
#define STACK_SIZE (64 * 1024)

/* On a stack that the sanitizers do not know. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define plain __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define plain
#endif

/* First all out of the way of each other, then each to its place. */
plain static int fds_arrange(struct child *child)
{
	int above = FIRST_FD + (int)child->n_fds;
	for (size_t i = 0; i < child->n_fds; i++)
		if (child->fds[i] >= 0 && (child->fds[i] = fcntl(child->fds[i], F_DUPFD_CLOEXEC, above)) < 0)
			return -1;
	for (size_t i = 0; i < child->n_fds; i++) {
		int to = FIRST_FD + (int)i;
		if (child->fds[i] < 0)
			close(to);
		else if (dup2(child->fds[i], to) < 0)
			return -1;
	}
	return close_range((unsigned)above, ~0U, 0);
}

plain static void signals_reset(void)
{
	const struct sigaction initial = { .sa_handler = SIG_DFL };
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &initial, NULL);
}

/* Of what the process has KEPT is left. Where no privileges may be gained (NoNewPrivileges=), root's exec gives it just that;
 * else all that is within its bounds, which is the same. */
plain static int capabilities_keep(uint64_t kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(kept >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return (int)syscall(SYS_capset, &header, data);
}

/* Of root. */
plain static int capabilities_bound(uint64_t kept)
{
	for (int number = 0; number < 64 && prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
		if (!(kept >> number & 1) && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0)
			return -1;
	return 0;
}

/* The bare system calls: the library's functions would tell other threads, of which there are none. */
plain static int become(const struct spawn_user *user)
{
	if (user->uid == 0 && capabilities_bound(user->capabilities) < 0)
		return -1;
	if (syscall(SYS_setgroups, user->n_groups, user->groups) < 0 ||
		syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0 ||
		syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0)
		return -1;
	return capabilities_keep(user->capabilities);
}

plain static int child_main(void *arg)
{
	struct child *child = arg;
	sigset_t none;
	sigemptyset(&none);
	signals_reset();
	if (fds_arrange(child) == 0 && (!child->user || become(child->user) == 0)) {
		sigprocmask(SIG_SETMASK, &none, NULL);
		execve(child->path, child->argv, child->environment);
	}
	child->error = errno;
	_exit(127);
}

int child_start(struct child *child)
{
	static char stack[STACK_SIZE] __attribute__((aligned(64)));
	child->error = 0;
	child->pidfd = -1;
	int pid = clone(child_main, stack + sizeof(stack), CLONE_PARENT | CLONE_VM | CLONE_VFORK | CLONE_PIDFD, child,
		&child->pidfd);
	return pid < 0 ? -errno : pid;
}
