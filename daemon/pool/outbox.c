/* What a worker of commands is told while it works. The master never waits for it: what its socket has no room for is
 * kept here until there is some, as far as it is not too much. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/xmalloc.h"
#include "pool/internal.h"

struct letter {
	STAILQ_ENTRY(letter) link;
	size_t length;
	char text[];
};

static void letter_drop(struct process *process)
{
	struct letter *letter = STAILQ_FIRST(&process->outbox);
	STAILQ_REMOVE_HEAD(&process->outbox, link);
	process->outbox_bytes -= letter->length;
	free(letter);
}

void outbox_empty(struct process *process)
{
	while (!STAILQ_EMPTY(&process->outbox))
		letter_drop(process);
	watch_free(process->writable);
	process->writable = NULL;
}

/* 1: sent; 0: there is no room; -1: there is nobody. */
static int post(const struct process *process, const char *text, size_t length)
{
	ssize_t n;
	do
		n = send(process->control_fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 1;
	return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? 0 : -1;
}

static void outbox_ready(void *user)
{
	struct process *process = user;
	struct letter *letter;
	int code = 1;
	while (code > 0 && (letter = STAILQ_FIRST(&process->outbox))) {
		code = post(process, letter->text, letter->length);
		if (code > 0)
			letter_drop(process);
	}
	if (code != 0) /* all is said, or nobody listens: a death follows */
		outbox_empty(process);
}

int outbox_send(struct process *process, const char *text, size_t length)
{
	if (STAILQ_EMPTY(&process->outbox)) {
		int code = post(process, text, length);
		if (code != 0)
			return code > 0 ? 0 : -1;
	}
	struct letter *letter = xmalloc(sizeof(*letter) + length);
	letter->length = length;
	memcpy(letter->text, text, length);
	STAILQ_INSERT_TAIL(&process->outbox, letter, link);
	process->outbox_bytes += length;
	if (!process->writable)
		process->writable = watch_writable(process->worker->pools->base, process->control_fd, outbox_ready, process);
	return 0;
}
