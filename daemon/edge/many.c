/* What takes some turns: see many.h. */
#include "edge/many.h"

#include <assert.h>

#include "base/clock.h"
#include "proto/jsonrpc.h"

/* The clock is looked at after so many tasks. */
#define LOOK 8
/* No more in one slice, whatever the clock says. */
#define MOST 10000
/* So many bytes a task are reckoned with for a request that is being read, and for its answer: of those that are long only a
 * few are begun at once. */
#define ASKED_EACH 64
static_assert(MOST % LOOK == 0, "the last look of a slice is at its end");

/* --- the lists --- */

static void list(struct many *many)
{
	struct manies *manies = &many->edge->manies;
	many->listed = true;
	if (!many->request) {
		TAILQ_INSERT_TAIL(&manies->left, many, link);
		return;
	}
	many->user = many->request->connection->user;
	if (TAILQ_EMPTY(&many->user->manies))
		TAILQ_INSERT_TAIL(&manies->users, many->user, manies_link);
	TAILQ_INSERT_TAIL(&many->user->manies, many, link);
}

static void unlist(struct many *many)
{
	struct manies *manies = &many->edge->manies;
	if (!many->listed)
		return;
	many->listed = false;
	if (!many->user) {
		TAILQ_REMOVE(&manies->left, many, link);
		return;
	}
	TAILQ_REMOVE(&many->user->manies, many, link);
	if (TAILQ_EMPTY(&many->user->manies))
		TAILQ_REMOVE(&manies->users, many->user, manies_link);
	many->user = NULL;
}

/* Whose turn it is: what is left of something is as one user more. The next time it is another's. */
static struct many *next(struct manies *manies)
{
	struct user *user = TAILQ_FIRST(&manies->users);
	struct many *many = TAILQ_FIRST(&manies->left);
	if (user && (!many || !manies->is_lefts)) {
		manies->is_lefts = true;
		many = TAILQ_FIRST(&user->manies);
		TAILQ_REMOVE(&user->manies, many, link);
		TAILQ_INSERT_TAIL(&user->manies, many, link);
		TAILQ_REMOVE(&manies->users, user, manies_link);
		TAILQ_INSERT_TAIL(&manies->users, user, manies_link);
	} else if (many) {
		manies->is_lefts = false;
		TAILQ_REMOVE(&manies->left, many, link);
		TAILQ_INSERT_TAIL(&manies->left, many, link);
	}
	return many;
}

/* --- slices --- */

static bool is_closed(const struct many *many)
{
	return many->request && connection_is_closed(many->request->connection);
}

bool many_has_time(struct many *many)
{
	struct manies *manies = &many->edge->manies;
	pieces_turn(&many->out);
	if (many->is_short || ++manies->handled % LOOK)
		return true;
	return manies->handled < MOST && clock_mono_ns() < manies->end_ns && !is_closed(many);
}

static void hold(struct many *many)
{
	struct connection *connection = many->request ? many->request->connection : NULL;
	size_t has = many->own + pieces_length(&many->out);
	if (!connection || has == many->held)
		return;
	connection_unhold(connection, many->held);
	many->held = has;
	connection_hold(connection, many->held);
}

/* Until END_NS. It may be within another's, whose tasks this one waited for. */
static void slice(struct many *many, int64_t end_ns)
{
	struct manies *manies = &many->edge->manies;
	int64_t outer_end_ns = manies->end_ns;
	size_t outer_handled = manies->handled;
	manies->end_ns = end_ns;
	manies->handled = 0;
	bool over = many->kind->go_on(many);
	hold(many);
	if (over) {
		unlist(many);
		many->kind->finish(many);
	}
	manies->end_ns = outer_end_ns;
	manies->handled = outer_handled;
}

bool manies_are_due(const struct edge *edge)
{
	return !TAILQ_EMPTY(&edge->manies.users) || !TAILQ_EMPTY(&edge->manies.left);
}

void manies_turn(struct edge *edge)
{
	struct many *many = next(&edge->manies);
	if (is_closed(many)) {
		unlist(many); /* its request is abandoned when that connection is taken apart */
	} else if (many->fresh) {
		many->fresh = false;
	} else {
		const struct peer peer = many->peer;
		int64_t now = clock_mono_ns();
		slice(many, now + slice_length_ns(edge));
		slice_charge(edge, &peer, now);
	}
}

void manies_init(struct edge *edge)
{
	TAILQ_INIT(&edge->manies.users);
	TAILQ_INIT(&edge->manies.left);
}

void manies_free(struct edge *edge)
{
	struct many *many;
	while ((many = TAILQ_FIRST(&edge->manies.left)))
		slice(many, CLOCK_NEVER);
}

/* --- the request --- */

static void drop_answer(struct many *many)
{
	if (many->held)
		connection_unhold(many->request->connection, many->held);
	many->held = 0;
	pieces_free(&many->out);
}

void many_pause(struct many *many)
{
	unlist(many);
	drop_answer(many);
}

void many_let_go(struct many *many)
{
	many_pause(many);
	many->kind->free(many);
}

void many_end(struct many *many)
{
	struct request *request = many->request;
	many_let_go(many);
	request_free(request);
}

void many_reply(struct many *many)
{
	const struct reply_to to = request_reply_to(many->request);
	if (many->held)
		connection_unhold(to.connection, many->held);
	many->held = 0;
	reply_pieces(&to, &many->out);
}

void many_answer(struct many *many)
{
	many_reply(many);
	many_end(many);
}

static void abandon(struct request *request)
{
	many_let_go(request->state);
}

static void cancel(struct request *request, struct strbuf *out)
{
	struct many *many = request->state;
	const struct reply_to to = request_reply_to(request);
	struct strbuf data = STRBUF_INIT;
	(void)out;
	if (many->settled)
		return;
	error_data_begin(&data, PROTO_CANCELLED);
	if (many->kind->tell)
		many->kind->tell(many, &data);
	strbuf_puts(&data, "}");
	reply_error(&to, PROTO_CANCELLED,
		many->kind->cancelled ? many->kind->cancelled : "the request was cancelled half-way", data.data);
	strbuf_free(&data);
	many_end(many);
}

static void status(struct request *request, struct strbuf *out)
{
	const struct many *many = request->state;
	strbuf_printf(out, "{\"state\":\"running\",\"tasks\":%zu,\"ended\":%zu}", many->total, many->done);
}

static const struct request_kind many_request = {
	.abandon = abandon,
	.cancel = cancel,
	.status = status,
};

static void init(struct many *many, const struct many_kind *kind, struct edge *edge, const struct peer *peer)
{
	many->kind = kind;
	many->edge = edge;
	many->peer = (struct peer){ .uid = peer->uid, .pid = peer->pid };
	many->fresh = true;
	many->is_short = false;
}

void many_begin(struct many *many, const struct many_kind *kind, const struct reply_to *to, size_t n)
{
	struct edge *edge = to->connection->edge;
	init(many, kind, edge, &to->connection->peer);
	many->total = n <= IDS_LIMIT ? n : 0;
	many->is_short = n <= MANY_SHORT;
	many->own += n <= IDS_LIMIT ? n * sizeof(uint64_t) : 0;
	many->request = request_new(to, &many_request);
	many->request->state = many;
	if (n <= IDS_LIMIT)
		request_charge(many->request, n * ASKED_EACH);
	list(many);
	slice(many, edge->slices.end_ns);
}

void many_go_on(struct many *many, const struct many_kind *kind, struct request *request, size_t n)
{
	struct connection *connection = request->connection;
	init(many, kind, connection->edge, &connection->peer);
	many->total = n;
	many->request = request;
	request_become(request, &many_request);
	request->state = many;
	many->is_short = n <= MANY_SHORT;
	list(many);
	if (many->is_short)
		slice(many, CLOCK_NEVER);
}

void many_leave(struct many *many, const struct many_kind *kind, struct edge *edge, const struct peer *peer)
{
	init(many, kind, edge, peer);
	many->request = NULL;
	list(many);
}
