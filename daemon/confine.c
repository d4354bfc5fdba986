/* The master reads what everybody sends it. Should somebody find a way to make it do what it was not written for, then there
 * is little that it may do: it is nobody of note, executes nothing, and cannot open a door to the network. */
#include "confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/users.h"
#include "base/xmalloc.h"

/* --- the user --- */

static int capabilities_drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return (int)syscall(SYS_capset, &header, none);
}

int confine_user(const struct user_identity *identity, char **error)
{
	int parent_death = 0;
	prctl(PR_GET_PDEATHSIG, &parent_death);
	if (setgroups(identity->n_groups, identity->groups) < 0 ||
		setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
		setresuid(identity->uid, identity->uid, identity->uid) < 0 || capabilities_drop() < 0) {
		*error = xasprintf("cannot become user %s: %s", identity->name, strerror(errno));
		return -1;
	}
	if (identity->uid != 0 && (setresuid(0, 0, 0) == 0 || geteuid() != identity->uid || getegid() != identity->gid)) {
		*error = xasprintf("cannot become user %s for good", identity->name);
		return -1;
	}
	prctl(PR_SET_PDEATHSIG, parent_death); /* what somebody has asked for who started us: it went with the user */
	return 0;
}

void confine_dumps(bool allowed)
{
	struct rlimit limit;
	prctl(PR_SET_DUMPABLE, allowed ? 1 : 0);
	if (!allowed && getrlimit(RLIMIT_CORE, &limit) == 0) {
		limit.rlim_cur = 0;
		(void)setrlimit(RLIMIT_CORE, &limit);
	}
}

/* --- system calls --- */

/* By no other reason than that it makes them: found by its tests, under this filter and strace. */
static const int whole[] = {
	/* Descriptors, of whatever kind. */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
	SCMP_SYS(preadv2), SCMP_SYS(fstatfs), /* lane: a doorbell without waiting; what a payload is */
	SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3),
	SCMP_SYS(fcntl), SCMP_SYS(fstat), SCMP_SYS(pipe2), SCMP_SYS(eventfd2), SCMP_SYS(memfd_create),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime), SCMP_SYS(sendfile),
	/* Waiting. */
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(futex), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),
	/* Connections. */
	SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(shutdown),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(sendto),
	SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg),
	/* Files: the configuration, users' names, the state directory's locks, processes in /proc. */
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(flock), SCMP_SYS(ftruncate), SCMP_SYS(fsync), SCMP_SYS(umask),
	/* Memory; mmap and mprotect are below. */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(membarrier), SCMP_SYS(fallocate),
	/* Time, itself, the machine. */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(getgroups), SCMP_SYS(getpgid), SCMP_SYS(getpgrp), SCMP_SYS(getsid),
	SCMP_SYS(getrusage), SCMP_SYS(getrlimit), SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu), SCMP_SYS(sysinfo), SCMP_SYS(uname),
	SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(set_tid_address),
	/* Signals and children: those of the same user are its own to end. */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigpending),
	SCMP_SYS(sigaltstack), SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(wait4), SCMP_SYS(waitid), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* Allowed where (argument & mask) == value. */
struct part {
	int call;
	unsigned argument;
	uint64_t mask, value;
};
#define ALL (~UINT64_C(0))
#define LOW UINT64_C(0xffffffff) /* an int: what is above it is nobody's */
static const struct part parts[] = {
	{ SCMP_SYS(socket), 0, LOW, AF_UNIX },
	{ SCMP_SYS(socketpair), 0, LOW, AF_UNIX },
	/* Nothing becomes code. */
	{ SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
	{ SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
	/* Threads of its own (base/closer.c), no processes. */
	{ SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD },
	{ SCMP_SYS(prctl), 0, LOW, PR_SET_NAME },
	{ SCMP_SYS(prctl), 0, LOW, PR_GET_NAME },
#ifdef PR_SET_VMA
	{ SCMP_SYS(prctl), 0, LOW, PR_SET_VMA },
#endif
	{ SCMP_SYS(ioctl), 1, LOW, FIONREAD },
	{ SCMP_SYS(ioctl), 1, LOW, FIONBIO },
	{ SCMP_SYS(ioctl), 1, LOW, FIOCLEX },
	{ SCMP_SYS(ioctl), 1, LOW, FIOQSIZE },
	{ SCMP_SYS(ioctl), 1, LOW, TCGETS },
	{ SCMP_SYS(ioctl), 1, LOW, TIOCOUTQ },
	/* Its own limits, and only to look at them. */
	{ SCMP_SYS(prlimit64), 2, ALL, 0 },
};

static int rules_add(scmp_filter_ctx filter)
{
	int code = 0;
	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole) && code == 0; i++)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, whole[i], 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && code == 0; i++) {
		const struct scmp_arg_cmp compare = { .arg = parts[i].argument, .op = SCMP_CMP_MASKED_EQ,
			.datum_a = parts[i].mask, .datum_b = parts[i].value };
		code = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, parts[i].call, 1, &compare);
	}
	/* What its flags are cannot be seen from outside; for want of it the library takes clone. */
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return code;
}

/* A sanitizer's library makes calls that are its own affair. */
static bool calls_are_known(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return false;
#else
	return true;
#endif
}

int confine_calls(char **error)
{
	if (!calls_are_known())
		return 0;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int code = filter ? rules_add(filter) : -ENOMEM;
	if (code == 0)
		code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (code == 0)
		code = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	if (code == 0)
		return 0;
	*error = xasprintf("system calls cannot be given up (seccomp = no in [taskd] does without): %s", strerror(-code));
	return -1;
}
