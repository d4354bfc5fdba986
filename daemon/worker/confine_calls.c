/* The filters of system calls, in two strengths. "default" is a list of what is denied: whatever gets at other processes, at
 * the kernel, or out of where the process is, and no task needs. "strict" is a list of what is allowed to code that only
 * computes: memory, threads, files, clocks, and Unix sockets, by which handlers call taskd. Who may make such a call at all
 * is for the kernel to say besides; most of what "default" denies takes privileges that a worker does not have, which
 * is why nobody misses it, and why it is still here: a gap in the kernel is out of reach then.
 *
 * What is denied fails with EPERM. But clone3 fails with ENOSYS: what it is to do is in memory, where no filter can look, and
 * C libraries do with clone what is not there. */
#include "worker/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#ifdef __s390__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* at the end, leaks are looked for by a process that traces this one */
#else
#define SANITIZED 0
#endif
/* Calls younger than libseccomp may be, whose numbers are the same everywhere; harmless, and a C library that finds them
 * denied does not try another way. */
enum { CACHESTAT = 451, FCHMODAT2, MAP_SHADOW_STACK, FUTEX_WAKE_2, FUTEX_WAIT_2, FUTEX_REQUEUE_2, MSEAL = 462 };

static const char *const denied[] = {
	/* other processes */
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd", "kcmp",
	/* the kernel */
	"init_module", "finit_module", "delete_module", "create_module", "query_module", "get_kernel_syms", "kexec_load",
	"kexec_file_load", "bpf", "perf_event_open", "lookup_dcookie", "syslog", "_sysctl", "sysfs", "uselib", "ustat",
	"userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
	/* the machine */
	"reboot", "swapon", "swapoff", "settimeofday", "clock_settime", "clock_settime64", "adjtimex", "clock_adjtime",
	"clock_adjtime64", "stime", "sethostname", "setdomainname", "acct", "quotactl", "quotactl_fd", "nfsservctl", "vhangup",
	"iopl", "ioperm", "pciconfig_read", "pciconfig_write", "pciconfig_iobase", "s390_pci_mmio_read",
	"s390_pci_mmio_write", "modify_ldt", "vm86", "vm86old", "subpage_prot", "switch_endian", "rtas",
	/* keys, which belong to a user and not to a process */
	"add_key", "request_key", "keyctl",
	/* where it is */
	"mount", "umount", "umount2", "pivot_root", "chroot", "mount_setattr", "move_mount", "open_tree", "fsopen", "fsconfig",
	"fsmount", "fspick", "setns", "open_by_handle_at", "fanotify_init",
};

static const char *const allowed[] = {
	/* memory */
	"brk", "mmap", "mmap2", "munmap", "mprotect", "mremap", "madvise", "msync", "mincore", "mlock", "mlock2", "munlock",
	"mlockall", "munlockall", "membarrier", "memfd_create", "mbind", "get_mempolicy", "set_mempolicy", "pkey_alloc",
	"pkey_free", "pkey_mprotect", "cacheflush", "riscv_flush_icache",
	/* threads, and the process itself */
	"futex", "futex_time64", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "gettid",
	"sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_getattr", "sched_get_priority_max",
	"sched_get_priority_min", "sched_rr_get_interval", "sched_rr_get_interval_time64", "getcpu", "arch_prctl",
	"set_thread_area", "get_thread_area", "set_tls", "riscv_hwprobe", "exit", "exit_group", "restart_syscall", "pause",
	"rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64",
	"rt_sigreturn", "sigreturn", "sigaltstack", "wait4", "waitid", "getpid", "getppid", "getpgid", "getpgrp", "getsid",
	"getuid", "getuid32", "geteuid", "geteuid32", "getgid", "getgid32", "getegid", "getegid32", "getresuid",
	"getresuid32", "getresgid", "getresgid32", "getgroups", "getgroups32", "capget", "getrlimit", "ugetrlimit",
	"getrusage", "getpriority", "sysinfo", "uname", "getrandom", "umask",
	/* files */
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2", "open", "openat",
	"openat2", "creat", "close", "close_range", "lseek", "_llseek", "stat", "stat64", "fstat", "fstat64", "lstat",
	"lstat64", "newfstatat", "fstatat64", "statx", "statfs", "statfs64", "fstatfs", "fstatfs64", "access", "faccessat",
	"faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat",
	"rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "truncate", "truncate64", "ftruncate",
	"ftruncate64", "fallocate", "fadvise64", "fadvise64_64", "arm_fadvise64_64", "readahead", "sync_file_range",
	"sync_file_range2", "fsync", "fdatasync", "utime", "utimes", "futimesat", "utimensat", "utimensat_time64", "chmod",
	"fchmod", "fchmodat", "flock", "dup", "dup2", "dup3", "pipe", "pipe2", "getcwd", "chdir", "fchdir", "getxattr",
	"lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr", "sendfile", "sendfile64", "copy_file_range",
	"splice", "tee", "vmsplice", "inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch",
	/* waiting */
	"poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64", "epoll_create",
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "signalfd",
	"signalfd4", "timerfd_create", "timerfd_settime", "timerfd_settime64", "timerfd_gettime", "timerfd_gettime64",
	/* clocks */
	"clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "clock_nanosleep",
	"clock_nanosleep_time64", "nanosleep", "gettimeofday", "time", "times", "timer_create", "timer_settime",
	"timer_settime64", "timer_gettime", "timer_gettime64", "timer_getoverrun", "timer_delete", "getitimer", "setitimer",
	"alarm",
	/* sockets: which, see below */
	"connect", "bind", "listen", "accept", "accept4", "getsockname", "getpeername", "sendto", "recvfrom", "sendmsg",
	"recvmsg", "sendmmsg", "recvmmsg", "recvmmsg_time64", "shutdown", "setsockopt", "getsockopt", "send", "recv",
};

/* Allowed where one argument is one of these values. What would tell the kernel to send signals to others is none. */
#define ONE_OF(call, index, ...)                                                                                            \
	{                                                                                                                   \
		.name = call, .argument = index, .values = (const uint64_t[]){ __VA_ARGS__ },                               \
		.n = sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t)                                           \
	}
static const struct choice {
	const char *name;
	unsigned argument;
	const uint64_t *values;
	size_t n;
} choices[] = {
	ONE_OF("socket", 0, AF_UNIX),
	ONE_OF("socketpair", 0, AF_UNIX),
	ONE_OF("fcntl", 1, F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK,
		F_OFD_SETLK, F_OFD_SETLKW, F_GETPIPE_SZ, F_SETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS),
	ONE_OF("fcntl64", 1, F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW,
		F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, 12, 13, 14, F_GETPIPE_SZ, F_SETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS),
	ONE_OF("ioctl", 1, TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX),
	ONE_OF("prctl", 0, PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_CAPBSET_READ,
		PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, PR_SET_VMA),
	ONE_OF("prlimit64", 0, 0),
	ONE_OF("sched_setaffinity", 0, 0),
};

/* A call that this libseccomp has never heard of is not there to be denied by name; this machine's lists without it are
 * no worse than its other libraries'. */
static int rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned n, const struct scmp_arg_cmp *arguments)
{
	int number = seccomp_syscall_resolve_name(name);
	return number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add_array(filter, action, number, n, arguments);
}

static int deny_if_set(scmp_filter_ctx filter, const char *name, unsigned argument, uint64_t flag)
{
	const struct scmp_arg_cmp flag_is_set = SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, flag, flag);
	return rule(filter, SCMP_ACT_ERRNO(EPERM), name, 1, &flag_is_set);
}

static int deny_namespaces(scmp_filter_ctx filter)
{
	static const uint64_t flags[] = { CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID,
		CLONE_NEWNET };
	int status = deny_if_set(filter, "unshare", 0, CLONE_NEWTIME);
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags) && status == 0; i++) {
		status = deny_if_set(filter, "unshare", 0, flags[i]);
		if (status == 0)
			status = deny_if_set(filter, "clone", CLONE_FLAGS, flags[i]);
	}
	return status == 0 ? rule(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL) : status;
}

/* What is typed for somebody into the terminal that taskd was started from would be done in his name. */
static int deny_typing(scmp_filter_ctx filter)
{
	static const uint64_t requests[] = { TIOCSTI, TIOCLINUX, TIOCSETD };
	int status = 0;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests) && status == 0; i++) {
		/* The kernel looks at no more than 32 bits of it. */
		const struct scmp_arg_cmp is = SCMP_CMP(1, SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]);
		status = rule(filter, SCMP_ACT_ERRNO(EPERM), "ioctl", 1, &is);
	}
	return status;
}

/* Programs of the machine's older kin, too, call the same kernel. Each costs every worker's start a millisecond, so rarer
 * ones, of x32 say, can call nothing. */
static int add_kin(scmp_filter_ctx filter)
{
#if defined(__x86_64__)
	return seccomp_arch_add(filter, SCMP_ARCH_X86);
#elif defined(__aarch64__)
	return seccomp_arch_add(filter, SCMP_ARCH_ARM);
#else
	(void)filter;
	return 0;
#endif
}

static int fill_default(scmp_filter_ctx filter)
{
	int status = add_kin(filter);
	for (size_t i = 0; i < sizeof(denied) / sizeof(*denied) && status == 0; i++)
		if (i > 0 || !SANITIZED) /* the first is what a sanitizer needs */
			status = rule(filter, SCMP_ACT_ERRNO(EPERM), denied[i], 0, NULL);
	if (status == 0)
		status = deny_namespaces(filter);
	return status == 0 ? deny_typing(filter) : status;
}

static int allow_choice(scmp_filter_ctx filter, const struct choice *choice)
{
	int status = 0;
	for (size_t i = 0; i < choice->n && status == 0; i++) {
		const struct scmp_arg_cmp is =
			SCMP_CMP(choice->argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, choice->values[i]);
		status = rule(filter, SCMP_ACT_ALLOW, choice->name, 1, &is);
	}
	return status;
}

static int allow_threads(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp thread = SCMP_CMP(CLONE_FLAGS, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	const struct scmp_arg_cmp untraced = SCMP_CMP(CLONE_FLAGS, SCMP_CMP_MASKED_EQ, CLONE_UNTRACED, CLONE_UNTRACED);
	const struct scmp_arg_cmp self = SCMP_CMP(0, SCMP_CMP_EQ, (scmp_datum_t)getpid());
	int status = rule(filter, SCMP_ACT_ALLOW, "clone", 1, &thread);
	if (status == 0)
		status = rule(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	if (status == 0)
		status = rule(filter, SCMP_ACT_ALLOW, "tgkill", 1, &self);
	if (status == 0)
		status = rule(filter, SCMP_ACT_ALLOW, "kill", 1, &self);
	if (status == 0 && SANITIZED)
		status = rule(filter, SCMP_ACT_ALLOW, "clone", 1, &untraced);
	if (status == 0 && SANITIZED)
		status = rule(filter, SCMP_ACT_ALLOW, "ptrace", 0, NULL);
	return status;
}

static int fill_strict(scmp_filter_ctx filter)
{
	static const int young[] = { CACHESTAT, FCHMODAT2, MAP_SHADOW_STACK, FUTEX_WAKE_2, FUTEX_WAIT_2, FUTEX_REQUEUE_2, MSEAL };
	int status = allow_threads(filter);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed) && status == 0; i++)
		status = rule(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices) && status == 0; i++)
		status = allow_choice(filter, &choices[i]);
	for (size_t i = 0; i < sizeof(young) / sizeof(*young) && status == 0; i++)
		status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, young[i], 0);
	return status;
}

/* The instructions, by way of a file in memory: libseccomp writes to nothing else. */
static struct sock_filter *export(scmp_filter_ctx filter, unsigned short *n)
{
	struct stat about;
	struct sock_filter *instructions = NULL;
	int fd = memfd_create("filter", MFD_CLOEXEC);
	if (fd < 0)
		return NULL;
	int status = seccomp_export_bpf(filter, fd);
	if (status == 0 && fstat(fd, &about) == 0 && about.st_size <= BPF_MAXINSNS * (off_t)sizeof(*instructions)) {
		instructions = malloc((size_t)about.st_size);
		if (instructions && pread(fd, instructions, (size_t)about.st_size, 0) != about.st_size) {
			free(instructions);
			instructions = NULL;
		}
		*n = (unsigned short)((size_t)about.st_size / sizeof(*instructions));
	}
	close(fd);
	errno = status < 0 ? -status : ENOMEM;
	return instructions;
}

struct sock_filter *confine_calls_filter(enum confine_calls calls, unsigned short *n)
{
	bool strict = calls == CONFINE_CALLS_STRICT;
	struct sock_filter *instructions = NULL;
	scmp_filter_ctx filter = seccomp_init(strict ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW);
	if (!filter) {
		errno = ENOMEM;
		return NULL;
	}
	int status = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
	if (status == 0)
		status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: the order does not matter */
	if (status == 0)
		status = strict ? fill_strict(filter) : fill_default(filter);
	if (status == 0)
		instructions = export(filter, n);
	else
		errno = -status;
	int error = errno;
	seccomp_release(filter);
	errno = error;
	return instructions;
}
