/* A client's connection: its event, its output, its end. (What it says is input.c's.)
 *
 * One event serves three situations:
 *   reading            EV_READ, level-triggered
 *   not reading        EV_CLOSED and EV_READ, edge-triggered: input is over, or has to wait. Nothing is read then, but a
 *                      client that is gone altogether must be noticed, since its tasks are to be cancelled at once
 *   the socket is full EV_WRITE beside either
 *   parked             nothing: it is about to be read from anyhow, when its slice comes (slice.c)
 * EV_CLOSED comes for a half-closed connection too, and for one that is gone with answers that it had not read, which is
 * an error of the socket, only EV_READ does. Only poll(2) tells these apart: POLLHUP means that the peer's socket is no
 * more. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/closer.h"
#include "base/xmalloc.h"
#include "edge/descriptors.h"
#include "edge/follow.h"
#include "edge/rpc.h"

#define WRITE_PIECES 64
#define SCRATCH_KEPT (256u * 1024)
#define ABANDONED_AT_ONCE 8 /* requests of who has left, between two looks at the clock */
#define ABANDONED_MOST 10000 /* … in a turn */

static bool peer_is_gone(const struct connection *connection)
{
	struct pollfd state = { .fd = connection->fd };
	return poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* A long message that has come as a whole is handled first, and so is a batch. */
static bool is_forsaken(const struct connection *connection)
{
	return !backlog_is_read(connection) && !connection->intake && peer_is_gone(connection);
}

static void on_event(evutil_socket_t fd, short what, void *user)
{
	struct connection *connection = user;
	(void)fd;
	if (!connection->reading && (what & (EV_READ | EV_CLOSED)) && is_forsaken(connection)) {
		core_set_now(connection->edge->core, clock_mono_ns()); /* the loop may have slept for long */
		core_set_wall(connection->edge->core, clock_wall_ns());
		connection_close(connection, NULL);
		connection_owner_end(connection);
		return;
	}
	if (what & EV_WRITE) {
		connection->blocked = false;
		connection_touch(connection);
	}
	if (!(what & EV_READ) || !connection->reading)
		return;
	connection->readable = true;
	if (!connection->ready) {
		slice_join(connection);
	} else {
		connection->parked = true; /* its turn has not come: the loop is not to tell of it again and again */
		connection_watch(connection);
	}
}

bool connection_serve(struct connection *connection)
{
	bool was_reading = backlog_is_read(connection); /* who left meanwhile was not looked after */
	input_serve(connection);
	if ((connection->input_over || was_reading) && !connection_is_closed(connection) && is_forsaken(connection))
		connection_close(connection, NULL);
	if (connection_is_closed(connection)) {
		connection_owner_end(connection); /* at once: what others do in this turn is not to be given to it */
		return false;
	}
	if (input_can_go_on(connection))
		return true;
	return connection->readable && !input_is_stopped(connection) && !connection->input_waits;
}

void connection_watch(struct connection *connection)
{
	bool reading = !input_is_stopped(connection) && !connection->input_waits && !connection->parked;
	short wanted = EV_PERSIST | EV_READ | (reading ? 0 : EV_CLOSED | EV_ET);
	if (connection->parked)
		wanted = connection->blocked ? EV_PERSIST : 0;
	if (connection->blocked)
		wanted |= EV_WRITE;
	if (wanted == connection->interest)
		return;
	if (connection->interest)
		event_del(connection->event);
	connection->interest = wanted;
	connection->reading = reading;
	if (!wanted)
		return;
	if (event_assign(connection->event, connection->edge->base, connection->fd, wanted, on_event, connection) < 0 ||
		event_add(connection->event, NULL) < 0)
		connection_close(connection, "its events cannot be watched");
}

static void send_timed_out(struct edge_timer *timer)
{
	connection_close(heap_entry(timer, struct connection, send_timer.node), "it does not read what is sent to it");
}

void connection_new(struct edge *edge, int fd, const struct peer *peer, bool reserved)
{
	struct connection *connection = xcalloc(1, sizeof(*connection));
	connection->edge = edge;
	connection->fd = fd;
	connection->peer = *peer;
	connection->user = user_join(edge, peer->uid);
	connection->number = ++edge->last_number;
	connection->send_timer.fire = send_timed_out;
	framing_init(&connection->framing, FRAMING_UNKNOWN, edge->limits.frame);
	LIST_INIT(&connection->requests);
	TAILQ_INSERT_TAIL(&edge->connections, connection, link);
	connection->reserved = reserved;
	edge->n_connections++;
	edge->n_reserved += reserved;
	connection->event = event_new(edge->base, fd, EV_READ | EV_PERSIST, on_event, connection);
	if (!connection->event) {
		connection_close(connection, "no memory");
		return;
	}
	connection_watch(connection);
}

static void output_changed(struct connection *connection)
{
	size_t size = connection->output ? evbuffer_get_length(connection->output) : 0;
	connection->user->held += size;
	connection->user->held -= connection->output_size;
	connection->output_size = size;
}

static void drop_output(struct connection *connection)
{
	struct edge *edge = connection->edge;
	if (!connection->output)
		return;
	evbuffer_free(connection->output);
	connection->output = NULL;
	output_changed(connection);
	edge->n_writing--;
	edge_timer_cancel(edge, &connection->send_timer);
}

void connection_close(struct connection *connection, const char *why)
{
	struct edge *edge = connection->edge;
	unsigned long kept_back = 0;
	if (connection_is_closed(connection))
		return;
	if (why && log_limit_pass(&edge->dropped, &kept_back))
		log_warning("a client (pid %d, uid %u) was disconnected: %s%s", (int)connection->peer.pid,
			(unsigned)connection->peer.uid, why, kept_back ? " (and others before it)" : "");
	if (connection->event && connection->interest)
		event_del(connection->event);
	connection->interest = 0;
	closer_close_socket(connection->fd);
	connection->fd = -1;
	drop_output(connection);
	edge_timer_cancel(edge, &connection->send_timer);
	connection_untouch(connection);
	slice_leave(connection);
	TAILQ_REMOVE(&edge->connections, connection, link);
	TAILQ_INSERT_TAIL(&edge->closed, connection, link);
	edge->n_connections--;
	edge->n_reserved -= connection->reserved;
	listeners_resume(edge);
}

/* Nobody is there any more to be answered; for a slice. True: that was all. */
static bool abandon_requests(struct connection *connection, int64_t begin)
{
	int64_t end = begin + slice_length_ns(connection->edge);
	struct request *request;
	for (unsigned n = 1; (request = LIST_FIRST(&connection->requests)); n++) {
		request_abandon(request);
		if (n % ABANDONED_AT_ONCE == 0 && (n >= ABANDONED_MOST || clock_mono_ns() >= end))
			break;
	}
	return LIST_EMPTY(&connection->requests);
}

bool connection_bury(struct connection *connection, bool *any)
{
	struct edge *edge = connection->edge;
	int64_t begin = clock_mono_ns();
	*any |= connection_owner_end(connection) || !LIST_EMPTY(&connection->requests);
	backlog_free(connection);
	watching_free(connection);
	following_free(connection);
	bool all = abandon_requests(connection, begin);
	TAILQ_REMOVE(&edge->closed, connection, link);
	if (!all) {
		TAILQ_INSERT_TAIL(&edge->closed, connection, link);
		slice_charge(edge, &connection->peer, begin);
		return false;
	}
	if (connection->index) {
		names_fini(connection->index);
		free(connection->index);
	}
	if (connection->event)
		event_free(connection->event);
	input_free(connection);
	descriptors_free(connection);
	slices_forget(connection);
	slice_charge(edge, &connection->peer, begin);
	user_leave(edge, connection->user);
	peer_free(&connection->peer);
	free(connection);
	return true;
}

void connection_touch(struct connection *connection)
{
	if (connection->dirty || connection_is_closed(connection))
		return;
	connection->dirty = true;
	connection->edge->n_dirty++;
	if (connection->rank == SLICE_HEAVY || connection->edge->turning)
		TAILQ_INSERT_TAIL(&connection->edge->dirty, connection, dirty_link);
	else
		TAILQ_INSERT_HEAD(&connection->edge->dirty, connection, dirty_link);
}

void connection_untouch(struct connection *connection)
{
	if (!connection->dirty)
		return;
	connection->dirty = false;
	connection->edge->n_dirty--;
	TAILQ_REMOVE(&connection->edge->dirty, connection, dirty_link);
}

/* Its next turn begins a new account, so there has to be one. */
void connection_looked(struct connection *connection, size_t tasks)
{
	connection->looked += tasks;
	connection_touch(connection);
}

/* Many connections, each with less than it may have, are not to take all memory. */
static bool user_has_room(const struct connection *connection, size_t bytes)
{
	const struct user *user = connection->user;
	return user->exempt || user->held + bytes <= EDGE_USER_OUTPUTS * connection->edge->limits.output;
}

bool connection_has_room(const struct connection *connection, size_t bytes)
{
	return connection->output_size + connection->held + bytes <= connection->edge->limits.output &&
		user_has_room(connection, bytes);
}

static void check_output_limit(struct connection *connection)
{
	if (connection_has_room(connection, 0))
		return;
	connection_close(connection, user_has_room(connection, 0)
			? "more waits for it than output_limit allows"
			: "what waits for all its user's connections takes too much memory");
}

void connection_hold(struct connection *connection, size_t bytes)
{
	connection->held += bytes;
	connection_charge(connection, bytes);
}

void connection_unhold(struct connection *connection, size_t bytes)
{
	connection->held -= bytes;
	connection_discharge(connection, bytes);
}

void connection_charge(struct connection *connection, size_t bytes)
{
	connection->user->held += bytes;
	check_output_limit(connection);
}

void connection_discharge(struct connection *connection, size_t bytes)
{
	connection->user->held -= bytes;
}

static void release_body(const void *data, size_t length, void *user)
{
	(void)data;
	(void)length;
	bytes_unref(user);
}

static int add_body(struct evbuffer *output, struct bytes *body)
{
	if (body->size <= EDGE_COPY_LIMIT)
		return evbuffer_add(output, body->data, body->size);
	bytes_ref(body);
	if (evbuffer_add_reference(output, body->data, body->size, release_body, body) == 0)
		return 0;
	bytes_unref(body);
	return -1;
}

/* False: there is none. */
static bool has_output(struct connection *connection)
{
	if (connection->output)
		return true;
	connection->output = evbuffer_new();
	if (!connection->output) {
		connection_close(connection, "no memory for its replies");
		return false;
	}
	connection->edge->n_writing++;
	return true;
}

void connection_send(struct connection *connection, struct strbuf *head, struct bytes *body, const char *tail)
{
	connection_send_pieces(connection, head, &body, body ? 1 : 0, tail);
}

void connection_send_pieces(
	struct connection *connection, struct strbuf *head, struct bytes *const *pieces, size_t n, const char *tail)
{
	char header[FRAMING_HEADER_SIZE];
	size_t tail_length = strlen(tail);
	size_t length = head->length + tail_length;
	int failed = 0;
	if (connection_is_closed(connection) || !has_output(connection))
		return;
	for (size_t i = 0; i < n; i++)
		length += pieces[i]->size;
	size_t header_length = framing_header(&connection->framing, length, header);
	if (header_length)
		failed |= evbuffer_add(connection->output, header, header_length);
	for (size_t i = 0; i < n; i++) {
		if (pieces[i]->size <= EDGE_COPY_LIMIT) {
			strbuf_add(head, pieces[i]->data, pieces[i]->size);
			continue;
		}
		failed |= evbuffer_add(connection->output, head->data, head->length);
		failed |= add_body(connection->output, pieces[i]);
		strbuf_reset(head);
	}
	strbuf_add(head, tail, tail_length);
	if (!header_length)
		strbuf_add(head, "\n", 1);
	failed |= evbuffer_add(connection->output, head->data, head->length);
	output_changed(connection);
	connection_touch(connection);
	if (failed || strbuf_failed(head))
		connection_close(connection, "no memory for its replies");
	else
		check_output_limit(connection);
	if (head->room > SCRATCH_KEPT || strbuf_failed(head))
		strbuf_free(head);
}

/* One sendmsg(2) of what waits; what it took, or -1 where the socket takes nothing. */
static ssize_t send_some(struct connection *connection)
{
	struct evbuffer_iovec pieces[WRITE_PIECES];
	int n = evbuffer_peek(connection->output, -1, NULL, pieces, WRITE_PIECES);
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = (size_t)(n < WRITE_PIECES ? n : WRITE_PIECES) };
	ssize_t sent;
	do
		sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent;
}

/* Writes until the socket is full, everything is written, or this turn's share is used up. */
static void flush(struct connection *connection)
{
	struct edge *edge = connection->edge;
	size_t written = 0;
	bool small = slices_are_small(edge);
	if (small && connection->ready && connection->rank == SLICE_HEAVY && connection->output_size < EDGE_WRITE_LEAST &&
		!connection->blocked) {
		connection_touch(connection);
		return;
	}
	size_t most = small ? EDGE_TURN_WRITE_SMALL : EDGE_TURN_WRITE;
	while (connection->output && !connection->blocked && written < most) {
		ssize_t sent = send_some(connection);
		if (sent < 0 && errno != EAGAIN && errno != ENOBUFS) {
			connection_close(connection, NULL);
			return;
		}
		if (sent < 0) {
			connection->blocked = true;
			break;
		}
		written += (size_t)sent;
		connection->written += (uint64_t)sent;
		evbuffer_drain(connection->output, (size_t)sent);
		output_changed(connection);
		if (!connection->output_size)
			drop_output(connection);
	}
	if (connection->blocked && connection->output && (written || !heap_has(&connection->send_timer.node)))
		edge_timer_set(edge, &connection->send_timer, core_now(edge->core) + edge->limits.send_timeout_ns);
	if (!connection->output)
		connection->blocked = false;
}

void connection_turn(struct connection *connection)
{
	connection->looked = 0;
	flush(connection);
	if (connection->watching && !connection->output)
		watching_drained(connection);
	if (connection->following && !connection->output)
		following_drained(connection);
	if (connection_is_closed(connection))
		return;
	if (connection->input_over && !connection->input_waits && !connection->backlog && !connection->outstanding &&
		!connection->watching && !connection->following && !connection->output) {
		connection_close(connection, NULL);
		return;
	}
	if (input_can_go_on(connection))
		slice_join(connection);
	connection_watch(connection);
	if (connection->output && !connection->blocked)
		connection_touch(connection);
}
