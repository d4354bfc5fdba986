/* What clients say. Bytes are read into one buffer that all connections share, and whole messages are handled where
 * they lie; only a message that is not complete is moved into a buffer of its connection's own, which the following
 * reads then fill. So a connection that says nothing costs no buffer, and short messages are never copied.
 *
 * Descriptors that come along (for commands that name them in "fds") belong to the message that they came with: it
 * claims them while it is handled, or they are closed when it has been; see descriptors.c. More than a few that
 * nobody has claimed, or more than the daemon has room for, end the connection. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "edge/descriptors.h"
#include "edge/reply.h"

#define OWN_INPUT_LEAST 1024u
/* A longer message is read in slices, out of its connection's own buffer, which is given away with it… */
#define LONG_MESSAGE (64u * 1024)
/* …while slices are small. */
#define LONG_MESSAGE_SMALL (16u * 1024)
/* An unfinished message of up to so many bytes is read on behind a copy of itself in the shared buffer. */
#define SHARED_REST_LIMIT (16u * 1024)

void input_free(struct connection *connection)
{
	free(connection->input);
	connection->user->input -= connection->input_room;
	connection->input = NULL;
	connection->input_start = connection->input_length = connection->input_room = 0;
}

bool input_must_wait(const struct connection *connection)
{
	return connection_is_closed(connection) || connection->backlog || connection->intake ||
	       connection->output_size > EDGE_OUTPUT_PAUSE || connection->asked > EDGE_ASKED_PAUSE ||
	       connection->looked > EDGE_TURN_LOOKS || connection->outstanding >= connection->edge->limits.requests;
}

bool input_is_stopped(const struct connection *connection)
{
	return connection->input_over || input_must_wait(connection);
}

bool input_can_go_on(const struct connection *connection)
{
	if (connection->backlog)
		return !backlog_is_held(connection) && !connection->intake;
	return connection->input_waits && !input_must_wait(connection);
}

/* What cannot be told apart any more gets one last error; what is outstanding is still answered. */
static void give_up(struct connection *connection, enum framing_result result)
{
	const struct reply_to to = { .connection = connection, .id = "null", .id_length = 4 };
	switch (result) {
	case FRAMING_TOO_LONG:
		reply_errorf(&to, PROTO_TOO_LARGE, "the message is longer than frame_limit (%zu bytes); closing",
			connection->edge->limits.frame);
		break;
	case FRAMING_BAD_HEADER:
		reply_error(&to, PROTO_INVALID_REQUEST, "the header has no usable Content-Length; closing", NULL);
		break;
	case FRAMING_BAD_START:
		reply_error(&to, PROTO_PARSE_ERROR, "a connection begins with '{', '[' or \"Content-Length:\"; closing", NULL);
		break;
	case FRAMING_MESSAGE:
	case FRAMING_INCOMPLETE:
		break;
	}
	connection->input_over = true;
	connection_touch(connection);
}

/* Many connections, each with a message that never ends, are not to take all memory; nobody is told off for little. */
static bool user_has_room(const struct connection *connection, size_t room)
{
	const struct user *user = connection->user;
	size_t most = EDGE_USER_FRAMES * connection->edge->limits.frame;
	return user->exempt || room <= SHARED_REST_LIMIT || user->input - connection->input_room + room <= most;
}

/* Room in the connection's own buffer for LENGTH bytes more than it holds. */
static bool own_reserve(struct connection *connection, size_t more)
{
	size_t held = connection->input_length - connection->input_start;
	if (connection->input_start) {
		memmove(connection->input, connection->input + connection->input_start, held);
		connection->input_start = 0;
		connection->input_length = held;
	}
	if (held + more <= connection->input_room)
		return true;
	/* A header's promise is believed only as fast as bytes come in. */
	size_t wanted = framing_wants(&connection->framing);
	size_t room = 2 * (held + more) > OWN_INPUT_LEAST ? 2 * (held + more) : OWN_INPUT_LEAST;
	if (wanted >= held + more && wanted < room)
		room = wanted;
	if (!user_has_room(connection, room))
		return false;
	char *input = realloc(connection->input, room);
	if (!input)
		return false;
	connection->input = input;
	connection->user->input += room - connection->input_room;
	connection->input_room = room;
	return true;
}

static void no_room(struct connection *connection)
{
	connection_close(connection, "no memory for its message, or its user's unfinished ones take too much");
}

static bool own_store(struct connection *connection, const char *rest, size_t length)
{
	if (!length) {
		input_free(connection);
		return true;
	}
	connection->input_start = connection->input_length = 0;
	if (!own_reserve(connection, length))
		return false;
	memcpy(connection->input, rest, length);
	connection->input_length = length;
	return true;
}

static bool is_long(const struct connection *connection, size_t length)
{
	return length > LONG_MESSAGE_SMALL && (length > LONG_MESSAGE || slices_are_small(connection->edge));
}

/* The connection's own buffer goes with the message; BEHIND it there is a REST, which gets another. */
static void give_buffer(
	struct connection *connection, const char *message, size_t length, const char *behind, size_t rest)
{
	char *buffer = connection->input;
	size_t room = connection->input_room;
	connection->input = NULL;
	connection->input_start = connection->input_length = connection->input_room = 0;
	if (!own_store(connection, behind, rest))
		no_room(connection);
	dispatch_long(connection, buffer, room, message, length);
}

/* BEHIND the message, there is a REST of so many bytes. A long one is in the connection's own buffer. */
static void dispatch(struct connection *connection, const char *message, size_t length, const char *behind, size_t rest)
{
	if (is_long(connection, length))
		give_buffer(connection, message, length, behind, rest);
	else
		dispatch_message(connection, message, length);
	if (connection->backlog)
		backlog_ends(connection, connection->received - rest);
	else if (connection->descriptors)
		descriptors_expire(connection, connection->received - rest);
}

/* Handles whole messages at the start of DATA, which is all that was read and not handled yet; how many bytes they
 * took. All of it once the input makes no sense. OWN: it is the connection's own buffer, which is another one behind a
 * long message. A long one elsewhere has to wait until it is moved there. */
static size_t handle(struct connection *connection, const char *data, size_t length, bool own)
{
	const char *buffer = connection->input;
	size_t done = 0;
	connection->input_waits = false;
	while (done < length) {
		const char *message;
		size_t message_length, used = 0;
		if (input_must_wait(connection)) {
			connection->input_waits = true;
			break;
		}
		enum framing_result result =
			framing_next(&connection->framing, data + done, length - done, &message, &message_length, &used);
		if (result == FRAMING_MESSAGE) {
			if (!own && is_long(connection, message_length)) {
				connection->input_waits = true;
				break;
			}
			done += used;
			dispatch(connection, message, message_length, data + done, length - done);
			if (own && connection->input != buffer)
				break;
			if (slice_is_over(connection->edge, message_length) && done < length) {
				connection->input_waits = true;
				break;
			}
		} else if (result == FRAMING_INCOMPLETE) {
			done += used;
			break;
		} else {
			give_up(connection, result);
			return length;
		}
	}
	return done;
}

static void own_handle(struct connection *connection)
{
	const char *buffer = connection->input;
	size_t done = handle(connection, buffer + connection->input_start,
		connection->input_length - connection->input_start, true);
	if (connection->input != buffer) {
		connection->input_waits = connection->input; /* what was behind a long message */
		return;
	}
	connection->input_start += done;
	if (connection->input_start == connection->input_length)
		input_free(connection);
}

/* A last line that nothing ends is a line all the same. */
static void handle_rest(struct connection *connection)
{
	if (connection->input && !connection->input_waits && connection->framing.mode == FRAMING_LINES) {
		const char *message = connection->input + connection->input_start;
		size_t length = connection->input_length - connection->input_start;
		dispatch(connection, message, length, message + length, 0);
		input_free(connection);
	}
	if (!connection->input_waits)
		input_free(connection);
}

/* False: that was too many. As with other input that makes no sense there is one last error. */
static bool take_descriptors(struct connection *connection, struct msghdr *message)
{
	const struct reply_to to = { .connection = connection, .id = "null", .id_length = 4 };
	const char *reason = descriptors_take(connection, message);
	if (!reason)
		return true;
	reply_errorf(&to, PROTO_TOO_MANY, "%s; closing", reason);
	connection->input_over = true;
	input_free(connection);
	connection_touch(connection);
	return false;
}

/* One recvmsg(2). While slices are small, what comes in small pieces is read in fewer at a time. */
static ssize_t receive(struct connection *connection, struct msghdr *message)
{
	size_t room = 0;
	if (!slices_are_small(connection->edge))
		return recvmsg(connection->fd, message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	for (size_t i = 0; i < message->msg_iovlen; i++)
		room += message->msg_iov[i].iov_len;
	int64_t begin_ns = clock_mono_ns();
	ssize_t got = recvmsg(connection->fd, message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (got > 0)
		slice_was_read(connection, (size_t)got, (size_t)got == room, clock_mono_ns() - begin_ns);
	return got;
}

/* One recvmsg(2) into N ROOMS. How much it was; 0: nothing for now, or never again. */
static size_t take(struct connection *connection, struct iovec *rooms, size_t n)
{
	union descriptors_room control;
	struct msghdr message = {
		.msg_iov = rooms,
		.msg_iovlen = n,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got = receive(connection, &message);
	if (got < 0) {
		if (errno != EAGAIN && errno != EINTR)
			connection_close(connection, NULL);
		return 0;
	}
	if (got == 0) {
		connection->input_over = true;
		handle_rest(connection);
		connection_touch(connection);
		return 0;
	}
	connection->received += (uint64_t)got;
	connection->cut_short = message.msg_controllen > 0;
	if ((message.msg_controllen || (message.msg_flags & MSG_CTRUNC)) &&
		!take_descriptors(connection, &message))
		return 0;
	return (size_t)got;
}

static_assert(2 * SHARED_REST_LIMIT + EDGE_READ_MOST <= EDGE_INPUT_SIZE && EDGE_READ_SMALL <= EDGE_READ_MOST,
	"what is held, the room behind it and what is read fit the shared buffer");

/* Into the shared buffer, behind what little there is of an unfinished message; or behind that where it lies, if no more
 * comes than there is room for: a message that comes a byte at a time is not moved with every byte. */
static bool read_shared(struct connection *connection, size_t held, size_t *budget)
{
	char *buffer = connection->edge->input;
	size_t room = held ? connection->input_room - connection->input_length : 0, size = slice_read_most(connection);
	if (room > SHARED_REST_LIMIT) /* behind a long message: all of it has to fit the shared buffer */
		room = SHARED_REST_LIMIT;
	struct iovec rooms[] = {
		{ .iov_base = room ? connection->input + connection->input_length : NULL, .iov_len = room },
		{ .iov_base = buffer + held + room, .iov_len = size },
	};
	if (room >= size) /* enough for now */
		rooms[0].iov_len = room = size;
	size_t got = room ? take(connection, rooms, room < size ? 2 : 1) : take(connection, rooms + 1, 1);
	if (!got)
		return false;
	*budget -= *budget < got ? *budget : got;
	if (got <= room) {
		connection->input_length += got;
		own_handle(connection);
		return connection->cut_short || (got == room && room == size);
	}
	if (held)
		memcpy(buffer, connection->input + connection->input_start, held + room);
	size_t done = handle(connection, buffer, held + got, false);
	if (!own_store(connection, buffer + done, held + got - done)) {
		no_room(connection);
		return false;
	}
	if (connection->input_waits && !connection->edge->slices.over && !input_must_wait(connection))
		own_handle(connection);
	return got == room + size || connection->cut_short;
}

static bool read_own(struct connection *connection, size_t *budget)
{
	if (!own_reserve(connection, 1)) {
		no_room(connection);
		return false;
	}
	size_t room = connection->input_room - connection->input_length, most = slice_read_most(connection);
	size_t size = room < most ? room : most;
	struct iovec part = { .iov_base = connection->input + connection->input_length, .iov_len = size };
	size_t got = take(connection, &part, 1);
	if (!got)
		return false;
	*budget -= *budget < got ? *budget : got;
	connection->input_length += got;
	own_handle(connection);
	return got == size || connection->cut_short;
}

/* False: there is nothing more for now. */
static bool read_once(struct connection *connection, size_t *budget)
{
	size_t held = connection->input_length - connection->input_start;
	if (held <= SHARED_REST_LIMIT && framing_wants(&connection->framing) <= EDGE_INPUT_SIZE)
		return read_shared(connection, held, budget);
	return read_own(connection, budget);
}

static void read_on(struct connection *connection)
{
	size_t budget = EDGE_TURN_READ;
	const struct slices *slices = &connection->edge->slices;
	while (budget && !slices->over && !input_is_stopped(connection) && !connection->input_waits && connection->readable) {
		connection->readable = read_once(connection, &budget);
		if (connection->readable)
			(void)slice_is_over(connection->edge, EDGE_READ_SMALL);
	}
	if (input_is_stopped(connection) || connection->input_waits)
		connection_touch(connection);
}

void input_serve(struct connection *connection)
{
	if (connection->backlog) {
		backlog_go_on(connection);
		connection_touch(connection);
	}
	if (!connection_is_closed(connection) && connection->input_waits && !input_must_wait(connection)) {
		own_handle(connection);
		if (connection->input_over)
			handle_rest(connection);
		connection_touch(connection);
	}
	if (!connection_is_closed(connection))
		read_on(connection);
}
