/* Descriptors that clients send along. The kernel hands them over with the bytes that they were sent with, and a read
 * ends behind these: so all that is known of a descriptor is in which read it came, and that its own bytes are the last
 * of it.
 *
 * A message can claim those that came until it was handled, in their order: nothing is read while one that is complete
 * waits. When a message has been handled, those are closed that came no later than its last byte: they were this
 * message's, or that of one before it that did not ask for them. Those that came in a read which the message is only the
 * beginning of stay for the next one. So with a client that sends each request's descriptors with bytes of that request,
 * and of no other, each gets its own, however many requests are on their way. Of one that names more than it sends, or
 * puts several requests into one sendmsg(2), the first request that names some may get what was meant for the next. */
#include "edge/descriptors.h"

#include <stdlib.h>
#include <string.h>

#include "base/closer.h"
#include "base/xmalloc.h"
#include "edge/internal.h"

struct arrival {
	int fd;
	uint64_t end; /* of the read that it came with: bytes since the connection's beginning */
};

struct descriptors {
	size_t n;
	struct arrival list[DESCRIPTORS_MAX];
};

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		closer_close(fds[i]);
}

/* So many of MESSAGE's, into ROOM. */
static size_t unpack(struct msghdr *message, int room[DESCRIPTORS_COME])
{
	size_t n = 0;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(room + n, CMSG_DATA(part), count * sizeof(int));
		n += count;
	}
	return n;
}

/* Descriptors are given out from the lowest on: a high one says that there are few left. */
static bool is_too_high(const struct edge *edge, const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= edge->limits.descriptors)
			return true;
	return false;
}

/* One user's connections could take all of them otherwise, each with a few, and nobody else would get in. */
static bool user_has_room(const struct connection *connection, size_t n)
{
	const struct user *user = connection->user;
	return user->exempt || user->descriptors + n <= (size_t)connection->edge->limits.descriptors / DESCRIPTORS_SHARE;
}

const char *descriptors_take(struct connection *connection, struct msghdr *message)
{
	int fds[DESCRIPTORS_COME];
	struct descriptors *descriptors = connection->descriptors;
	size_t n = unpack(message, fds), held = descriptors ? descriptors->n : 0;
	const char *reason = NULL;
	if (held + n > DESCRIPTORS_MAX)
		reason = "more descriptors than any request could name";
	else if ((message->msg_flags & MSG_CTRUNC) || is_too_high(connection->edge, fds, n))
		reason = "the daemon has no room for more descriptors";
	else if (!user_has_room(connection, n))
		reason = "too many descriptors that no request has named, on all of the user's connections";
	if (reason) {
		close_all(fds, n);
		return reason;
	}
	if (!descriptors)
		descriptors = connection->descriptors = xcalloc(1, sizeof(*descriptors));
	for (size_t i = 0; i < n; i++)
		descriptors->list[descriptors->n++] = (struct arrival){ .fd = fds[i], .end = connection->received };
	connection->user->descriptors += n;
	return NULL;
}

static void drop_first(struct connection *connection, size_t n)
{
	struct descriptors *descriptors = connection->descriptors;
	connection->user->descriptors -= n;
	descriptors->n -= n;
	memmove(descriptors->list, descriptors->list + n, descriptors->n * sizeof(descriptors->list[0]));
}

void descriptors_expire(struct connection *connection, uint64_t end)
{
	struct descriptors *descriptors = connection->descriptors;
	size_t n = 0;
	while (n < descriptors->n && descriptors->list[n].end <= end)
		closer_close(descriptors->list[n++].fd);
	drop_first(connection, n);
	if (!descriptors->n)
		descriptors_free(connection);
}

size_t descriptors_count(const struct connection *connection)
{
	const struct descriptors *descriptors = connection->descriptors;
	return descriptors ? descriptors->n : 0;
}

void descriptors_claim(struct connection *connection, int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fds[i] = connection->descriptors->list[i].fd;
	drop_first(connection, n);
}

void descriptors_free(struct connection *connection)
{
	struct descriptors *descriptors = connection->descriptors;
	if (!descriptors)
		return;
	for (size_t i = 0; i < descriptors->n; i++)
		closer_close(descriptors->list[i].fd);
	connection->user->descriptors -= descriptors->n;
	free(descriptors);
	connection->descriptors = NULL;
}
