/* taskd-spawn: starts taskd's children with rights that taskd itself has given up. Started by taskd only, and by another
 * of its kind. It lives as long as taskd does: a signal that is meant for taskd is not for it. */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spawner/spawner.h"

#define FDS_ROOM 253 /* more cannot be sent with one message */
#define CAPABILITY(name) (UINT64_C(1) << (name))

/* Of root's rights those that starting others takes, and those that they are to have. */
static void capabilities_reduce(const struct rules *rules)
{
	uint64_t kept = CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETPCAP) | CAPABILITY(CAP_KILL);
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	for (size_t i = 0; i < rules->n_users; i++)
		kept |= rules->users[i].capabilities;
	if (syscall(SYS_capget, &header, data) < 0)
		return;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(kept >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	syscall(SYS_capset, &header, data);
}

static void prepare(const struct rules *rules)
{
	sigset_t all;
	/* In this order: a parent that dies before the first line shows in the second. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != rules->master)
		_exit(0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* No core file, and nobody else of the same user looks in. A child's exec undoes it. */
	prctl(PR_SET_DUMPABLE, 0);
	close_range(SPAWNER_FD + 1, ~0U, 0);
	if (!rules->as_started)
		capabilities_reduce(rules);
}

static size_t take_fds(struct msghdr *message, int *fds)
{
	size_t n = 0;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		size_t size = part->cmsg_len - CMSG_LEN(0);
		memcpy(fds + n, CMSG_DATA(part), size);
		n += size / sizeof(int);
	}
	return n;
}

/* False: there is nobody any more who could ask. */
static bool serve(struct spawner *spawner)
{
	static char text[sizeof(struct spawn_request) + SPAWN_TEXT_LIMIT];
	static union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_ROOM * sizeof(int))];
	} control;
	int fds[FDS_ROOM];
	struct iovec part = { .iov_base = text, .iov_len = sizeof(text) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct spawn_answer answer;
	ssize_t length = recvmsg(SPAWNER_FD, &message, MSG_CMSG_CLOEXEC);
	if (length < 0)
		return errno == EINTR || errno == ENOBUFS || errno == ENOMEM;
	size_t n_fds = take_fds(&message, fds);
	if (length == 0 && n_fds == 0)
		return false;
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		length = 0; /* it is answered that it makes no sense */
	request_serve(spawner, text, (size_t)length, fds, n_fds, &answer);
	return send(SPAWNER_FD, &answer, sizeof(answer), MSG_NOSIGNAL) == sizeof(answer);
}

int main(int argc, char **argv)
{
	static struct spawner spawner;
	struct stat status;
	if (fstat(SPAWNER_FD, &status) < 0 || !S_ISSOCK(status.st_mode) || argc < 3 || rules_read(&spawner.rules, argv) < 0) {
		fputs("error: taskd-spawn is started by taskd, not by people\n", stderr);
		return 2;
	}
	prepare(&spawner.rules);
	while (serve(&spawner))
		;
	family_end(&spawner.family);
	return 0;
}
