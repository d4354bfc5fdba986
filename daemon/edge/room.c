/* Submissions that wait for room, as their submitters asked for it. Each queue has those that wait for it in the order in
 * which they came; only the first is looked at, once a turn and while there is one, so that a large one is not passed by
 * small ones for ever. Whoever did not ask to wait is not asked to stand behind them, but finds the queue full mostly.
 *
 * Nobody waits for room within his own share: over_share is answered at once, also to one who has waited for the
 * queue's. And by then he may have lost the right to submit it. */
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/command.h"

struct parked {
	struct request *request;
	struct room *room;
	struct parking parking;
	enum method method;
	TAILQ_ENTRY(parked) link;
};

/* By name: a queue may be removed, and made again, while somebody waits for it. */
struct room {
	char *name;
	TAILQ_HEAD(, parked) parked; /* empty: rooms_turn frees it */
	TAILQ_ENTRY(room) link;      /* edge->rooms */
};

static struct room *room_of(struct edge *edge, const char *name)
{
	struct room *room;
	TAILQ_FOREACH (room, &edge->rooms, link)
		if (strcmp(room->name, name) == 0)
			return room;
	room = xcalloc(1, sizeof(*room));
	room->name = xstrdup(name);
	TAILQ_INIT(&room->parked);
	TAILQ_INSERT_TAIL(&edge->rooms, room, link);
	return room;
}

/* Off the books; its request is the caller's to end. */
static void parked_free(struct parked *parked)
{
	TAILQ_REMOVE(&parked->room->parked, parked, link);
	connection_discharge(parked->request->connection, parked->parking.wanted.bytes);
	parked->parking.kind->free(parked->parking.state);
	free(parked);
}

/* --- as a request --- */

static void parked_abandon(struct request *request)
{
	parked_free(request->state);
}

static void parked_cancel(struct request *request, struct strbuf *out)
{
	const struct reply_to to = request_reply_to(request);
	(void)out;
	reply_error(&to, PROTO_CANCELLED, "the request was cancelled; nothing was submitted", NULL);
	parked_free(request->state);
	request_free(request);
}

static void parked_status(struct request *request, struct strbuf *out)
{
	(void)request;
	strbuf_puts(out, "{\"state\":\"waiting_for_room\",\"tasks\":0,\"ended\":0}");
}

/* The queue has been removed, or the time is over. */
static void refuse(struct parked *parked)
{
	struct request *request = parked->request;
	struct edge *edge = request->connection->edge;
	const struct reply_to to = request_reply_to(request);
	struct task_spec *spec = parked->parking.spec;
	spec->queue = core_queue_find(edge->core, parked->room->name);
	if (spec->queue)
		submission_refused(&to, CORE_QUEUE_FULL, spec, parked->parking.wanted, NULL);
	else
		reply_errorf(&to, PROTO_UNAVAILABLE, "the queue \"%.100s\" has been removed", parked->room->name);
	parked_free(parked);
	request_free(request);
}

static void parked_timeout(struct request *request)
{
	refuse(request->state);
}

static const struct request_kind parked_request = {
	.abandon = parked_abandon,
	.cancel = parked_cancel,
	.status = parked_status,
	.timeout = parked_timeout,
};

/* --- waiting --- */

static bool fits(const struct core_queue_options *options, struct wanted wanted)
{
	return (!options->limit_queued || wanted.count <= options->limit_queued) &&
		(!options->limit_bytes || wanted.bytes <= options->limit_bytes);
}

bool room_is_there(const struct core_queue *queue, struct wanted wanted)
{
	struct core_queue_figures figures;
	core_queue_figures(queue, &figures);
	wanted.count += figures.scheduled + figures.blocked + figures.waiting + figures.recording;
	wanted.bytes += figures.waiting_bytes;
	return figures.draining || fits(&figures.options, wanted);
}

void room_wait(const struct call *call, const struct parking *parking)
{
	struct core_queue_figures figures;
	core_queue_figures(parking->spec->queue, &figures);
	if (!fits(&figures.options, parking->wanted)) {
		submission_refused(&call->to, CORE_QUEUE_FULL, parking->spec, parking->wanted, NULL);
		parking->kind->free(parking->state);
		return;
	}
	if (!connection_has_room(call->to.connection, parking->wanted.bytes)) {
		reply_error(&call->to, PROTO_TOO_MANY, "what waits for this user's connections takes too much memory", NULL);
		parking->kind->free(parking->state);
		return;
	}
	struct parked *parked = xcalloc(1, sizeof(*parked));
	parked->parking = *parking;
	parked->method = call->method;
	parked->room = room_of(call->edge, core_queue_name(parking->spec->queue));
	TAILQ_INSERT_TAIL(&parked->room->parked, parked, link);
	parked->request = request_new(&call->to, &parked_request);
	parked->request->state = parked;
	request_charge(parked->request, parking->wanted.bytes);
	connection_charge(call->to.connection, parking->wanted.bytes);
	request_set_timeout(parked->request, parking->timeout_ns);
}

/* The first in ROOM. True: it waits no more. */
static bool try_first(struct edge *edge, struct room *room)
{
	struct parked *parked = TAILQ_FIRST(&room->parked);
	struct request *request = parked->request;
	if (connection_is_closed(request->connection))
		return false; /* it will be abandoned */
	parked->parking.spec->queue = core_queue_find(edge->core, room->name);
	if (!parked->parking.spec->queue) {
		refuse(parked);
		return true;
	}
	const struct parking *parking = &parked->parking;
	if (!edge->closing && !room_is_there(parking->spec->queue, parking->wanted))
		return false;
	const struct call call = { .edge = edge, .to = request_reply_to(request), .method = parked->method };
	request_hide(request);
	if (access_may_submit(&call, parking->spec->type, parking->spec->queue) &&
		command_may_submit(&call, parking->spec->type) && !parking->kind->submit(&call, parking->state)) {
		request_show(request);
		return false;
	}
	parked_free(parked);
	request_free(request);
	return true;
}

bool rooms_turn(struct edge *edge)
{
	struct room *room = TAILQ_FIRST(&edge->rooms);
	bool any = false;
	while (room) {
		struct room *next = TAILQ_NEXT(room, link);
		while (!TAILQ_EMPTY(&room->parked) && try_first(edge, room))
			any = true;
		if (TAILQ_EMPTY(&room->parked)) {
			TAILQ_REMOVE(&edge->rooms, room, link);
			free(room->name);
			free(room);
		}
		room = next;
	}
	return any;
}
