/* task.follow, task.unfollow, and what they are about: what commands say, told to any number of readers as it is said.
 * Like a watch, a follow holds up nobody: what its reader has no room for waits in the memory that the command's output
 * is captured in, and is told when there is room again; what is beyond that memory by then is left out, which the
 * offsets show.
 *
 *   waiting ──(its command has started)──▶ live ──(the attempt is over)──▶ waiting
 *   either ──(the task has ended: the rest is told out of its result, then the end)──▶ gone
 *
 * Nothing tells the daemon that a command has started, since starts are to cost nothing. So while somebody waits for
 * one, this looks: in the loop's turns, and by a timer while one of them is in a lane. */
#include "edge/follow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/command.h"
#include "edge/said.h"
#include "edge/tally.h"
#include "proto/base64.h"
#include "proto/jsonrpc.h"

#define FOLLOWS_MAX 100 /* of one connection */
#define PIECE (16u * 1024)
#define FRAME 512 /* what stands around a piece in its message, at most */
#define LOOK_NS NS_PER_MS
#define LOOK_SLOWEST_NS (32 * NS_PER_MS)

struct follow {
	struct connection *connection;
	struct followed *followed;
	uint64_t number;
	size_t limit;
	struct tally tally; /* bytes of messages */
	uint64_t next[CAPTURE_N_STREAMS]; /* what comes before was told, or will not be */
	bool behind; /* there was no room for something */
	LIST_ENTRY(follow) link;   /* its connection's */
	LIST_ENTRY(follow) others; /* its task's */
};

/* A task that somebody follows, and that has not ended. */
struct followed {
	uint64_t id;
	struct task *task;
	uint32_t attempt; /* the one that is, or was, live */
	bool live;
	LIST_HEAD(, follow) follows;
	LIST_ENTRY(followed) waiting; /* while it is not live */
};

/* Of one connection. */
struct following {
	LIST_HEAD(, follow) list;
	size_t count;
	uint64_t last_number;
};

/* Of all of them. */
struct follows {
	struct table by_id; /* struct followed */
	LIST_HEAD(, followed) waiting;
	struct edge_timer timer;
	int64_t looked_ns; /* when those were last looked at */
	int64_t gap_ns;    /* until they are looked at again */
	size_t count;
};

static uint64_t id_of(const void *value)
{
	const struct followed *followed = value;
	return followed->id;
}

/* --- telling --- */

/* Asked each time: the right may have gone since it began. */
static bool is_seen(const struct follow *follow)
{
	return access_sees(follow->connection, follow->followed->task);
}

/* What is followed takes no more than half of what may wait for a client, so that the rest is there for its replies. A
 * limit that is less than a piece lets one through at a time. */
static bool has_room(struct follow *follow, size_t length)
{
	const struct connection *connection = follow->connection;
	if (!is_seen(follow))
		return false;
	size_t waits = tally_count(&follow->tally, connection->written);
	bool room = !connection_is_closed(connection) && (!waits || waits + length <= follow->limit) &&
		connection->output_size + connection->held + length + FRAME <= connection->edge->limits.output / 2;
	follow->behind |= !room;
	return room;
}

static void begin(const struct follow *follow, struct strbuf *message)
{
	rpc_begin_notification(message, "task.output");
	strbuf_printf(message, "{\"follow\":\"%" PRIu64 "\",\"id\":\"%" PRIu64 "\"", follow->number, follow->followed->id);
}

static void tell(struct follow *follow, enum capture_stream stream, uint64_t offset, const char *data, size_t length)
{
	struct connection *connection = follow->connection;
	struct strbuf message = STRBUF_INIT;
	size_t before = connection->output_size;
	begin(follow, &message);
	strbuf_printf(&message, ",\"attempt\":%u,\"stream\":\"%s\",\"offset\":%" PRIu64, (unsigned)follow->followed->attempt,
		said_stream_names[stream], offset);
	base64_member(&message, "data", data, length);
	connection_send(connection, &message, NULL, "}}");
	strbuf_free(&message);
	follow->next[stream] = offset + length;
	if (connection->output_size > before)
		tally_add(&follow->tally, connection->output_size - before, connection->written + connection->output_size);
}

/* Tells what FOLLOW has not been told yet of DATA, which begins at OFFSET, as far as there is room. */
static void tell_rest(struct follow *follow, enum capture_stream stream, uint64_t offset, const char *data, size_t length)
{
	while (follow->next[stream] < offset + length) {
		uint64_t at = follow->next[stream] > offset ? follow->next[stream] : offset;
		const char *piece = data + (at - offset);
		size_t left = length - (size_t)(at - offset);
		size_t size = left > PIECE ? said_piece(piece, PIECE) : left;
		if (!has_room(follow, size))
			return;
		tell(follow, stream, at, piece, size);
	}
}

/* Tells what is before END out of the memory that the output is captured in. */
static void catch_up(struct follow *follow, enum capture_stream stream, uint64_t end)
{
	const struct followed *followed = follow->followed;
	struct pools *pools = follow->connection->edge->host.pools;
	char data[PIECE];
	while (follow->next[stream] < end && has_room(follow, PIECE)) {
		uint64_t at = follow->next[stream], left = end - at;
		size_t size = left < PIECE ? (size_t)left : PIECE;
		long length = pools_command_read(pools, followed->task, stream, at, data, size);
		if (length <= 0)
			return;
		tell(follow, stream, at, data, (size_t)length == PIECE ? said_piece(data, PIECE) : (size_t)length);
	}
}

void follows_said(void *context, struct task *task, enum capture_stream stream, uint64_t offset, const char *data,
	size_t length)
{
	const struct edge *edge = context;
	const struct followed *followed = edge->follows ? table_get(&edge->follows->by_id, task->id) : NULL;
	struct follow *follow;
	if (!followed || !followed->live)
		return;
	LIST_FOREACH(follow, &followed->follows, others) {
		if (follow->next[stream] < offset)
			catch_up(follow, stream, offset);
		tell_rest(follow, stream, offset, data, length);
	}
}

void following_drained(struct connection *connection)
{
	struct follow *follow;
	LIST_FOREACH(follow, &connection->following->list, link) {
		if (!follow->behind || !follow->followed->live)
			continue;
		follow->behind = false;
		catch_up(follow, CAPTURE_STDOUT, UINT64_MAX);
		catch_up(follow, CAPTURE_STDERR, UINT64_MAX);
	}
}

/* --- the end of a follow --- */

static void follows_free(struct edge *edge)
{
	edge_timer_cancel(edge, &edge->follows->timer);
	table_fini(&edge->follows->by_id);
	free(edge->follows);
	edge->follows = NULL;
	edge_observe(edge);
}

static void followed_free(struct edge *edge, struct followed *followed)
{
	if (!followed->live)
		LIST_REMOVE(followed, waiting);
	table_remove(&edge->follows->by_id, followed->id);
	free(followed);
}

/* The last one takes everything along, its task's books too. */
static void follow_free(struct follow *follow)
{
	struct connection *connection = follow->connection;
	struct edge *edge = connection->edge;
	struct followed *followed = follow->followed;
	LIST_REMOVE(follow, link);
	LIST_REMOVE(follow, others);
	connection_unhold(connection, sizeof(*follow));
	free(follow);
	if (LIST_EMPTY(&followed->follows)) {
		if (followed->live)
			pools_command_follow(edge->host.pools, followed->task, false);
		followed_free(edge, followed);
	}
	if (--edge->follows->count == 0)
		follows_free(edge);
	if (--connection->following->count > 0)
		return;
	free(connection->following);
	connection->following = NULL;
	connection_touch(connection);
}

void following_free(struct connection *connection)
{
	while (connection->following)
		follow_free(LIST_FIRST(&connection->following->list));
}

static void tell_end(struct follow *follow, const struct task *task, const struct said said[CAPTURE_N_STREAMS])
{
	struct strbuf message = STRBUF_INIT;
	bool seen = is_seen(follow);
	begin(follow, &message);
	strbuf_printf(&message, ",\"end\":true,\"state\":\"%s\"", seen ? task_state_name(task->state) : "forgotten");
	for (int stream = 0; stream < CAPTURE_N_STREAMS; stream++)
		if (seen && said[stream].known)
			strbuf_printf(&message, ",\"%s\":%" PRIu64, said_stream_names[stream], said[stream].total);
	connection_send(follow->connection, &message, NULL, "}}");
	strbuf_free(&message);
}

/* Its result has what nobody has been told yet, also where it was over before anybody looked. */
static void followed_ended(struct edge *edge, struct followed *followed)
{
	struct task *task = followed->task;
	struct said said[CAPTURE_N_STREAMS];
	struct follow *follow, *next;
	followed->attempt = task->attempt;
	for (int stream = 0; stream < CAPTURE_N_STREAMS; stream++)
		said_read(&said[stream], task, (enum capture_stream)stream);
	if (followed->live) /* there is nobody to tell it any more */
		LIST_INSERT_HEAD(&edge->follows->waiting, followed, waiting);
	followed->live = false;
	for (follow = LIST_FIRST(&followed->follows); follow; follow = next) {
		next = LIST_NEXT(follow, others);
		for (int stream = 0; stream < CAPTURE_N_STREAMS; stream++)
			tell_rest(follow, (enum capture_stream)stream, 0, said[stream].text, said[stream].kept);
		tell_end(follow, task, said);
		follow_free(follow);
	}
	for (int stream = 0; stream < CAPTURE_N_STREAMS; stream++)
		said_free(&said[stream]);
}

/* --- from one attempt to the next --- */

void follows_changed(struct edge *edge, struct task *task)
{
	struct followed *followed = table_get(&edge->follows->by_id, task->id);
	struct follow *follow;
	if (!followed)
		return;
	if (task_state_is_terminal(task->state)) {
		followed_ended(edge, followed);
		return;
	}
	if (!followed->live || (task->state > TASK_QUEUED && task->state != TASK_RECORDING))
		return;
	followed->live = false;
	LIST_INSERT_HEAD(&edge->follows->waiting, followed, waiting);
	if (task->state == TASK_RECORDING) /* it is over, but for the disk */
		return;
	LIST_FOREACH(follow, &followed->follows, others)
		for (int stream = 0; stream < CAPTURE_N_STREAMS; stream++)
			follow->next[stream] = 0;
}

/* Where its command runs: it is live from now on, STATE is how it stands, and who has waited for that is told what
 * there is already. */
static bool followed_look(struct edge *edge, struct followed *followed, struct capture_state *state)
{
	struct pools *pools = edge->host.pools;
	struct follow *follow;
	if (!followed->task->slot || !pools_command_look(pools, followed->task, state))
		return false;
	if (followed->live)
		return true;
	/* First this and then the look: what is said in between is told twice rather than not at all, and then left
	 * out. */
	pools_command_follow(pools, followed->task, true);
	pools_command_look(pools, followed->task, state);
	followed->live = true;
	followed->attempt = followed->task->attempt;
	LIST_REMOVE(followed, waiting);
	LIST_FOREACH(follow, &followed->follows, others) {
		catch_up(follow, CAPTURE_STDOUT, state->total[CAPTURE_STDOUT]);
		catch_up(follow, CAPTURE_STDERR, state->total[CAPTURE_STDERR]);
	}
	return true;
}

static void look_again(struct edge_timer *timer)
{
	heap_entry(timer, struct follows, timer.node)->looked_ns = 0;
}

/* True: some of them are in a lane, and may start at any moment. */
static bool look_at_all(struct edge *edge)
{
	struct followed *followed = LIST_FIRST(&edge->follows->waiting), *next;
	struct capture_state state;
	bool soon = false;
	for (; followed; followed = next) {
		next = LIST_NEXT(followed, waiting);
		if (followed_look(edge, followed, &state))
			edge->follows->gap_ns = LOOK_NS;
		else
			soon |= followed->task->slot != NULL;
	}
	return soon;
}

/* In no turn may one be missed that has just been given to a lane, and turns may come by the thousand. */
void follows_turn(struct edge *edge)
{
	struct follows *follows = edge->follows;
	int64_t now = core_now(edge->core);
	if (LIST_EMPTY(&follows->waiting))
		return;
	if (follows->looked_ns && now - follows->looked_ns < LOOK_NS) {
		if (!heap_has(&follows->timer.node))
			edge_timer_set(edge, &follows->timer, follows->looked_ns + LOOK_NS);
		return;
	}
	follows->looked_ns = now;
	edge_timer_cancel(edge, &follows->timer);
	if (!look_at_all(edge))
		return;
	edge_timer_set(edge, &follows->timer, now + follows->gap_ns);
	follows->gap_ns = follows->gap_ns < LOOK_SLOWEST_NS ? 2 * follows->gap_ns : LOOK_SLOWEST_NS;
}

/* --- its beginning --- */

static struct followed *followed_get(struct edge *edge, struct task *task)
{
	if (!edge->follows) {
		edge->follows = xcalloc(1, sizeof(*edge->follows));
		edge->follows->timer.fire = look_again;
		table_init(&edge->follows->by_id, id_of);
		edge_observe(edge);
	}
	edge->follows->gap_ns = LOOK_NS;
	struct followed *followed = table_get(&edge->follows->by_id, task->id);
	if (followed)
		return followed;
	followed = xcalloc(1, sizeof(*followed));
	followed->id = task->id;
	followed->task = task;
	table_put(&edge->follows->by_id, followed);
	LIST_INSERT_HEAD(&edge->follows->waiting, followed, waiting);
	return followed;
}

static struct follow *follow_new(struct connection *connection, struct followed *followed, size_t limit)
{
	struct follow *follow = xcalloc(1, sizeof(*follow));
	if (!connection->following)
		connection->following = xcalloc(1, sizeof(*connection->following));
	follow->connection = connection;
	follow->followed = followed;
	follow->number = ++connection->following->last_number;
	follow->limit = limit;
	LIST_INSERT_HEAD(&connection->following->list, follow, link);
	LIST_INSERT_HEAD(&follow->followed->follows, follow, others);
	connection->following->count++;
	connection->edge->follows->count++;
	connection_hold(connection, sizeof(*follow));
	return follow;
}

/* One that runs is followed from where it stands; any other from its start. */
static void follow_begin(const struct call *call, struct task *task, const struct follow_params *params)
{
	struct connection *connection = call->to.connection;
	struct capture_state state;
	char text[160];
	if (connection->following && connection->following->count >= FOLLOWS_MAX) {
		reply_errorf(&call->to, PROTO_TOO_MANY, "a connection follows at most %d commands", FOLLOWS_MAX);
		return;
	}
	struct followed *followed = followed_get(connection->edge, task);
	bool live = followed_look(connection->edge, followed, &state);
	size_t limit = params->limit > 0 ? (size_t)params->limit : FOLLOW_LIMIT;
	struct follow *follow = follow_new(connection, followed, limit);
	if (live) {
		follow->next[CAPTURE_STDOUT] = state.total[CAPTURE_STDOUT];
		follow->next[CAPTURE_STDERR] = state.total[CAPTURE_STDERR];
	}
	if (task->slot)
		core_task_look(task);
	int length = snprintf(text, sizeof(text),
		"{\"follow\":\"%" PRIu64 "\",\"id\":\"%" PRIu64 "\",\"state\":\"%s\",\"stdout\":%" PRIu64
		",\"stderr\":%" PRIu64 "}",
		follow->number, task->id, task_state_name(task->state), follow->next[CAPTURE_STDOUT],
		follow->next[CAPTURE_STDERR]);
	reply_text(&call->to, text, (size_t)length);
}

void rpc_task_follow(const struct call *call)
{
	struct follow_params params = { 0 };
	if (!call_params(call, &params))
		return;
	struct task *task = call_finds_command(call, params.id, RIGHT_READ);
	if (task && task_state_is_terminal(task->state))
		reply_not_running(&call->to, task);
	else if (task && call->to.id)
		follow_begin(call, task, &params);
	call_params_free(call, &params);
}

void rpc_task_unfollow(const struct call *call)
{
	struct unfollow_params params = { 0 };
	const struct following *following = call->to.connection->following;
	struct follow *follow = NULL;
	if (!call_params(call, &params))
		return;
	if (following)
		LIST_FOREACH(follow, &following->list, link)
			if (follow->number == params.follow)
				break;
	if (follow) {
		follow_free(follow);
		reply_text(&call->to, "true", 4);
	} else {
		reply_error(&call->to, PROTO_NOT_FOUND, "this connection follows nothing by that number", NULL);
	}
	call_params_free(call, &params);
}
