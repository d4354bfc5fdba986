/* Who is let in of those who connect. Nobody is turned away without a word: he gets one line, an error as a reply to no
 * request, and may come again.
 *
 * Root and the daemon's own user are to get in whatever others do, for who else could put an end to it: a few connections
 * are theirs alone, and for the case that there is no descriptor left at all, one is held back that makes way for the
 * next client, who keeps it where he is one of them and is told off where he is not. Only without that one do clients wait
 * until there are descriptors again; they are not lost meanwhile, but in the backlog of the listening socket. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/closer.h"
#include "base/users.h"
#include "edge/internal.h"
#include "edge/reply.h"
#include "proto/jsonrpc.h"

#define ACCEPT_COST_NS (5 * NS_PER_US) /* of a connection's begin, beside what is looked at here */
#define RETRY_AFTER "0.5"

static void turn_away(struct edge *edge, int fd, const char *why, const struct strbuf *line)
{
	unsigned long kept_back = 0;
	if (line && !strbuf_failed(line))
		(void)!send(fd, line->data, line->length, MSG_NOSIGNAL | MSG_DONTWAIT);
	closer_close_socket(fd);
	if (log_limit_pass(&edge->refused, &kept_back))
		log_warning("a client was refused: %s (%lu others since the last such line)", why, kept_back);
}

static void tell_too_many(struct edge *edge, int fd, const char *why)
{
	struct strbuf line = STRBUF_INIT, data = STRBUF_INIT;
	error_data_begin(&data, PROTO_TOO_MANY);
	strbuf_puts(&data, ",\"retry_after\":" RETRY_AFTER "}");
	rpc_error(&line, "null", 4, PROTO_TOO_MANY, why, data.data);
	strbuf_puts(&line, "\n");
	turn_away(edge, fd, why, &line);
	strbuf_free(&line);
	strbuf_free(&data);
}

static bool share_allows(struct edge *edge, int fd, uint32_t uid)
{
	struct strbuf line = STRBUF_INIT;
	char why[128];
	bool allowed = user_may_connect(edge, uid, &line);
	if (!allowed) {
		strbuf_puts(&line, "\n");
		snprintf(why, sizeof(why), "user %.64s has all the connections that user_connections allows",
			user_name_kept(uid, core_now(edge->core)));
		turn_away(edge, fd, why, &line);
	}
	strbuf_free(&line);
	return allowed;
}

/* OUT_OF_THEM: FD is the one that was held back. */
static void admit(struct edge *edge, int fd, bool out_of_them)
{
	int64_t begin = clock_mono_ns();
	struct peer peer;
	const char *full = NULL;
	if (peer_of(fd, &peer) < 0) {
		turn_away(edge, fd, "its credentials are not known", NULL);
		return;
	}
	if (edge->n_connections - edge->n_reserved >= edge->limits.connections)
		full = "there are max_connections already";
	else if (out_of_them || fd >= edge->limits.descriptors)
		full = "other clients' descriptors take up all that can be had";
	bool admin = peer_is_admin(&peer);
	slice_charge(edge, &peer, begin - ACCEPT_COST_NS);
	if (!share_allows(edge, fd, peer.uid)) {
		peer_free(&peer);
	} else if (full && (!admin || edge->n_reserved >= EDGE_ADMIN_RESERVE)) {
		tell_too_many(edge, fd, full);
		peer_free(&peer);
	} else {
		connection_new(edge, fd, &peer, full);
	}
}

static void reserve_drop(struct edge *edge)
{
	if (edge->reserve >= 0)
		close(edge->reserve);
	edge->reserve = -1;
}

void reserve_fill(struct edge *edge)
{
	if (edge->reserve < 0)
		edge->reserve = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

void reserve_free(struct edge *edge)
{
	reserve_drop(edge);
}

bool admit_next(struct edge *edge, int socket)
{
	int fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		admit(edge, fd, false);
		return true;
	}
	if ((errno != EMFILE && errno != ENFILE) || edge->reserve < 0)
		return false;
	reserve_drop(edge);
	fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int code = errno;
	if (fd >= 0)
		admit(edge, fd, true);
	reserve_fill(edge);
	errno = code;
	return fd >= 0;
}
