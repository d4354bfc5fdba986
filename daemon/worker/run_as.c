/* Two ways of being another user. A thread of a worker takes that user's rights to files for a moment, when it opens what he
 * has named; the kernel forbids him to look into such a thread, which is still root's. And a child becomes him for good, before it
 * executes what he wants. All of it are system calls of our own: those of the C library change all threads at once.
 *
 * A child that has become somebody while it has its parent's memory could be traced by that somebody, and root's memory with
 * it, were it not that the kernel lets nobody trace a process whose user has changed until it executes something
 * (PR_SET_DUMPABLE), but where fs.suid_dumpable is 1, which is for debugging. So it is said here once more. */
#include "worker/run_as.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "worker/command.h"

#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

/* Where ids once had 16 bits, the calls for those of today have other names. */
#ifdef SYS_setgroups32
enum { CALL_SETGROUPS = SYS_setgroups32, CALL_SETRESGID = SYS_setresgid32, CALL_SETRESUID = SYS_setresuid32,
	CALL_SETFSGID = SYS_setfsgid32, CALL_SETFSUID = SYS_setfsuid32 };
#else
enum { CALL_SETGROUPS = SYS_setgroups, CALL_SETRESGID = SYS_setresgid, CALL_SETRESUID = SYS_setresuid,
	CALL_SETFSGID = SYS_setfsgid, CALL_SETFSUID = SYS_setfsuid };
#endif

/* These two tell nothing but who it was before. */
static int files_are(uid_t uid, gid_t gid)
{
	syscall(CALL_SETFSGID, gid);
	syscall(CALL_SETFSUID, uid);
	if ((gid_t)syscall(CALL_SETFSGID, -1) == gid && (uid_t)syscall(CALL_SETFSUID, -1) == uid)
		return 0;
	errno = EPERM;
	return -1;
}

int run_as_enter(const struct run_as *as)
{
	if (!as)
		return 0;
	if (syscall(CALL_SETGROUPS, as->n_groups, as->groups) == 0 && files_are(as->uid, as->gid) == 0)
		return 0;
	run_as_leave(as);
	return -1;
}

/* A worker that is root has no use for groups beside that one. Who cannot be root again is not what anybody thinks it is. */
void run_as_leave(const struct run_as *as)
{
	int error = errno;
	if (as && (files_are(geteuid(), getegid()) < 0 || syscall(CALL_SETGROUPS, (size_t)0, NULL) < 0)) {
		log_error("cannot be root again: %s", strerror(errno));
		abort();
	}
	errno = error;
}

/* --- in a child --- */

/* The kernel does so by itself, unless it was told not to (capabilities(7), "securebits"). */
IN_CHILD static bool drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	return syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
		syscall(SYS_capset, &header, none) == 0;
}

IN_CHILD const char *run_as_become(const struct run_as *as)
{
	static const char step[] = COMMAND_STEP_USER;
	if (syscall(CALL_SETGROUPS, as->n_groups, as->groups) < 0 || syscall(CALL_SETRESGID, as->gid, as->gid, as->gid) < 0 ||
		syscall(CALL_SETRESUID, as->uid, as->uid, as->uid) < 0)
		return step;
	if (syscall(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return step;
	return as->uid == 0 || drop_capabilities() ? NULL : step;
}
