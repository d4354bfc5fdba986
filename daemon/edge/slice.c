/* Slices: who is read from, in which order, and for how long; see slice.h. */
#include "edge/slice.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "edge/internal.h"
#include "edge/many.h"

/* A slice, and all slices of those who come last in a turn, while somebody is about who asks little. What such a one
 * waits for at most; his round trip takes about as long. */
#define SMALL_NS (6 * NS_PER_US)
/* All of those who come first in a turn. */
#define FIRST_NS (40 * NS_PER_US)
#define LARGE_NS (500 * NS_PER_US)
/* A turn in which there is still much to clear away, which can be done in another. */
#define TURN_NS (40 * NS_PER_US)
/* Who asks little is remembered for so long. */
#define MODEST_NS (2 * NS_PER_S)
/* What it takes to serve him, at most. */
#define MODEST_COST_NS (50 * NS_PER_US)
/* Who asks little and was there within so long will soon be there again. Then the others rest behind their slices, for
 * RESTS times as long as the turns with these took: so most of the time there is nobody whom he has to wait for. */
#define LIVELY_NS (20 * NS_PER_MS)
#define RESTS 2
/* Where there is more to hear of workers, they wait for that, but so many turns at most. */
#define WAITS 8
/* All slices of a list in a turn, where nobody is waited for: somebody may come. */
#define ROUND_NS NS_PER_MS
/* Who took so much longer than a slice, since a message is handled in one go, rests for as long. */
#define LONG_NS (100 * NS_PER_US)
/* The clock is looked at after so many messages, or so many bytes of them; in a large slice more seldom. */
#define LOOK_MESSAGES 4
#define LOOK_BYTES 1024
#define LOOK_SELDOM 16

/* --- costs --- */

void slice_charge(struct edge *edge, const struct peer *peer, int64_t since_ns)
{
	int64_t now = clock_mono_ns();
	usages_charge(&edge->slices.usages, peer, now, now - since_ns);
}

static struct usage *usage_of(struct connection *connection)
{
	struct usage *process = usage_of_process(&connection->edge->slices.usages, &connection->peer);
	return process ? process : &connection->usage;
}

static enum slice_rank rank_of(struct connection *connection, int64_t now)
{
	struct usages *usages = &connection->edge->slices.usages;
	if (usage_is_heavy(usages, usage_of(connection), now))
		return SLICE_HEAVY;
	return usage_is_large(usage_of_user(usages, &connection->peer), now) ? SLICE_LIGHT_HERE : SLICE_LIGHT;
}

/* --- the lists --- */

/* The first of a round looks at the clock: the loop may have slept for long. */
static void serve_soon(struct edge *edge)
{
	if (event_pending(edge->slices.event, EV_TIMEOUT, NULL))
		return;
	core_set_now(edge->core, clock_mono_ns());
	event_active(edge->slices.event, EV_TIMEOUT, 0);
}

static void insert(struct connection *connection, int64_t now)
{
	connection->rank = rank_of(connection, now);
	TAILQ_INSERT_TAIL(&connection->edge->slices.ready[connection->rank], connection, ready_link);
}

static bool rests(const struct connection *connection)
{
	return heap_has(&connection->rest_timer.node);
}

void slice_join(struct connection *connection)
{
	struct edge *edge = connection->edge;
	if (connection->ready || rests(connection) || connection_is_closed(connection))
		return;
	connection->ready = true;
	edge->slices.n_ready++;
	serve_soon(edge);
	insert(connection, core_now(edge->core));
}

void slice_leave(struct connection *connection)
{
	struct slices *slices = &connection->edge->slices;
	if (rests(connection)) {
		edge_timer_cancel(connection->edge, &connection->rest_timer);
		slices->n_resting--;
	}
	connection->parked = false;
	if (!connection->ready)
		return;
	connection->ready = false;
	slices->n_ready--;
	TAILQ_REMOVE(&slices->ready[connection->rank], connection, ready_link);
}

static bool modest_since(const struct edge *edge, int64_t since_ns)
{
	const struct modest *modest = edge->slices.modest;
	return (modest[0].usage && modest[0].at_ns > since_ns) || (modest[1].usage && modest[1].at_ns > since_ns);
}

bool slices_are_small(const struct edge *edge)
{
	return modest_since(edge, core_now(edge->core) - MODEST_NS);
}

int64_t slice_length_ns(const struct edge *edge)
{
	return slices_are_small(edge) ? SMALL_NS : LARGE_NS;
}

/* It was served for so long. Who asks much does not make himself wait for having asked little before. */
static void judge(struct connection *connection, bool more, int64_t now, int64_t cost_ns)
{
	struct modest *modest = connection->edge->slices.modest;
	struct usage *usage = usage_of(connection);
	int own = modest[1].usage == usage;
	if (more)
		usage->greedy_ns = now;
	if (connection->rank == SLICE_HEAVY) {
		if (modest[own].usage == usage)
			modest[own].usage = NULL;
	} else if (!more && cost_ns < MODEST_COST_NS) {
		if (modest[own].usage != usage)
			own = modest[0].usage && (!modest[1].usage || modest[1].at_ns < modest[0].at_ns);
		modest[own] = (struct modest){ usage, now };
	}
}

static void charge(struct connection *connection, int64_t now, int64_t cost_ns)
{
	usage_charge(&connection->usage, now, cost_ns);
	usages_charge(&connection->edge->slices.usages, &connection->peer, now, cost_ns);
}

bool slice_is_over(struct edge *edge, size_t length)
{
	struct slices *slices = &edge->slices;
	slices->handled_bytes += length;
	size_t times = slices->large ? LOOK_SELDOM : 1;
	if (slices->over || (++slices->handled < LOOK_MESSAGES * times && slices->handled_bytes < LOOK_BYTES * times))
		return slices->over;
	slices->handled = 0;
	slices->handled_bytes = 0;
	slices->over = clock_mono_ns() >= slices->end_ns;
	return slices->over;
}

/* --- reading --- */

size_t slice_read_most(struct connection *connection)
{
	return slices_are_small(connection->edge) ? usage_read_most(usage_of(connection), EDGE_READ_SMALL) : EDGE_READ_MOST;
}

void slice_was_read(struct connection *connection, size_t got, bool full, int64_t took_ns)
{
	usage_was_read(usage_of(connection), got, full, EDGE_READ_SMALL, took_ns);
}

/* --- serving --- */

static void rest_is_over(struct edge_timer *timer)
{
	struct connection *connection = heap_entry(timer, struct connection, rest_timer.node);
	connection->edge->slices.n_resting--;
	connection->parked = false;
	connection->readable = true; /* or not: it will be seen */
	slice_join(connection);
}

static void rest(struct connection *connection, int64_t end_ns)
{
	slice_leave(connection);
	connection->rest_timer.fire = rest_is_over;
	edge_timer_set(connection->edge, &connection->rest_timer, end_ns);
	connection->edge->slices.n_resting++;
	connection->parked = true;
	connection_watch(connection);
}

/* Serves the first of a list until END_NS at most; the time afterwards. Who has more to say is its last then. */
static int64_t serve(struct edge *edge, struct slice_list *list, int64_t now, int64_t end_ns)
{
	struct slices *slices = &edge->slices;
	struct connection *connection = TAILQ_FIRST(list);
	TAILQ_REMOVE(list, connection, ready_link);
	TAILQ_INSERT_TAIL(list, connection, ready_link);
	slices->end_ns = end_ns;
	slices->over = false;
	slices->large = end_ns - now > FIRST_NS;
	slices->handled = 0;
	slices->handled_bytes = 0;
	core_set_now(edge->core, now);
	bool more = connection_serve(connection);
	int64_t begin = now;
	now = clock_mono_ns();
	charge(connection, now, now - begin);
	judge(connection, more, now, now - begin);
	if (connection_is_closed(connection))
		return now;
	if (now - begin > LONG_NS && connection->rank == SLICE_HEAVY && slices_are_small(edge)) {
		rest(connection, now + (now - begin));
	} else if (!more) {
		slice_leave(connection);
		connection_watch(connection);
	} else if (connection->rank != rank_of(connection, now)) {
		TAILQ_REMOVE(list, connection, ready_link);
		insert(connection, now);
	}
	return now;
}

/* Each of those who are on the list now, once. */
static int64_t serve_list(struct edge *edge, struct slice_list *list, int64_t now, int64_t end_ns, int64_t slice_ns)
{
	struct connection *last = TAILQ_LAST(list, slice_list);
	for (bool any = last; any && now < end_ns;) {
		any = TAILQ_FIRST(list) != last;
		bool alone = TAILQ_FIRST(list) == TAILQ_LAST(list, slice_list);
		now = serve(edge, list, now, alone || now + slice_ns > end_ns ? end_ns : now + slice_ns);
		if (TAILQ_EMPTY(list))
			break;
	}
	return now;
}

static void on_ready(evutil_socket_t fd, short what, void *user)
{
	struct edge *edge = user;
	struct slices *slices = &edge->slices;
	int64_t now = clock_mono_ns();
	(void)fd;
	(void)what;
	core_set_now(edge->core, now);
	core_set_wall(edge->core, clock_wall_ns());
	bool small = slices_are_small(edge);
	int64_t round_ns = small ? FIRST_NS : ROUND_NS, slice_ns = small ? SMALL_NS : LARGE_NS;
	for (int rank = SLICE_LIGHT; rank < (small ? SLICE_HEAVY : SLICE_RANKS); rank++)
		now = serve_list(edge, &slices->ready[rank], now, now + round_ns, slice_ns);
}

/* Whether who comes last waits for others in this turn. */
static bool others_come_first(struct slices *slices)
{
	if (slices->is_behind && ++slices->waited < WAITS)
		return true;
	slices->waited = 0;
	return clock_mono_ns() < slices->rest_end_ns;
}

void slices_turn(struct edge *edge)
{
	struct slices *slices = &edge->slices;
	struct slice_list *heavy = &slices->ready[SLICE_HEAVY];
	bool small = slices_are_small(edge);
	slices->served = false;
	if (small && others_come_first(slices)) {
		if (slices->n_ready)
			serve_soon(edge);
		return;
	}
	/* Who comes, who asks much, and what takes several turns alternate, where there are several. */
	slices->many = manies_are_due(edge) && !(small && slices->many && (edge->accept_due || !TAILQ_EMPTY(heavy)));
	if (slices->many)
		manies_turn(edge);
	if (small && slices->many) {
		slices->served = true;
		if (slices->n_ready)
			serve_soon(edge);
		return;
	}
	slices->accepted = edge->accept_due && !(small && slices->accepted && !TAILQ_EMPTY(heavy));
	slices->served = slices->accepted || !TAILQ_EMPTY(heavy);
	if (slices->accepted)
		listeners_turn(edge);
	if (!slices->n_ready)
		return;
	if (small && !slices->accepted) {
		int64_t now = clock_mono_ns();
		serve_list(edge, heavy, now, now + SMALL_NS, SMALL_NS);
	}
	if (edge->slices.n_ready)
		serve_soon(edge);
}

bool slices_are_late(const struct edge *edge, int64_t begin_ns)
{
	return slices_are_small(edge) && clock_mono_ns() > begin_ns + TURN_NS;
}

bool slices_end(struct edge *edge, int64_t begin_ns)
{
	struct slices *slices = &edge->slices;
	if (slices->served) {
		int64_t now = clock_mono_ns();
		slices->rest_end_ns = modest_since(edge, now - LIVELY_NS) ? now + RESTS * (now - begin_ns) : 0;
	}
	return slices->n_ready || edge->accept_due || manies_are_due(edge);
}

void slices_forget(struct connection *connection)
{
	struct modest *modest = connection->edge->slices.modest;
	for (int i = 0; i < 2; i++)
		if (modest[i].usage == &connection->usage)
			modest[i].usage = NULL;
}

void slices_init(struct edge *edge)
{
	struct slices *slices = &edge->slices;
	for (int rank = 0; rank < SLICE_RANKS; rank++)
		TAILQ_INIT(&slices->ready[rank]);
	usages_init(&slices->usages, (uint64_t)clock_wall_ns() * UINT64_C(0x2545f4914f6cdd1d) ^ (uintptr_t)edge);
	slices->event = event_new(edge->base, -1, 0, on_ready, edge);
	if (!slices->event)
		abort();
}

void slices_free(struct edge *edge)
{
	event_free(edge->slices.event);
}
