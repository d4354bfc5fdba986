/* The edge as a whole: its construction, its part of each turn of the loop, and its timers. */
#include "edge/edge.h"

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "config/config.h"
#include "edge/follow.h"
#include "edge/objects.h"

#define SPARE_DESCRIPTORS 256
/* Buffers of more than this grow without a copy, which would keep everybody waiting. */
#define MAPPED_LEAST (256 * 1024)
/* So long workers are heard in a turn while somebody is about who asks little. */
#define HEARING_NS (10 * NS_PER_US)
/* Who has left waits for so many turns that take long. */
#define LATE_TURNS 8

void edge_timer_set(struct edge *edge, struct edge_timer *timer, int64_t at_ns)
{
	heap_set(&edge->timers, &timer->node, at_ns, 0);
}

void edge_timer_cancel(struct edge *edge, struct edge_timer *timer)
{
	if (heap_has(&timer->node))
		heap_remove(&edge->timers, &timer->node);
}

int64_t edge_next_ns(const struct edge *edge)
{
	const struct heap_node *top = heap_top(&edge->timers);
	return top ? top->key : CLOCK_NEVER;
}

void edge_timer(struct edge *edge)
{
	int64_t now = core_now(edge->core);
	struct heap_node *top;
	while ((top = heap_top(&edge->timers)) && top->key <= now) {
		heap_pop(&edge->timers);
		struct edge_timer *timer = heap_entry(top, struct edge_timer, node);
		timer->fire(timer);
	}
}

/* Clients do not get the last descriptors: a worker that has to be started again needs two, one for each of its
 * threads, and for a moment two more for each; one of commands has its output's memory beside. So many they may have
 * in all, connections and what is sent through these. */
static size_t descriptor_limit(const struct config *config)
{
	const struct config_pool *pool;
	struct rlimit limit;
	size_t spare = SPARE_DESCRIPTORS;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
		return INT_MAX;
	STAILQ_FOREACH(pool, &config->pools, link)
		spare += (size_t)(pool->processes * (3 * pool->threads + 2 + 2 * (pool->commands > 0)));
	return limit.rlim_cur > 2 * spare ? limit.rlim_cur - spare : limit.rlim_cur / 2;
}

void edge_configure(struct edge *edge, const struct config *config)
{
	size_t descriptors = descriptor_limit(config), connections = (size_t)config->max_connections;
	edge->limits = (struct edge_limits){
		.frame = (size_t)config->frame_limit,
		.payload = (size_t)config->payload_limit,
		.output = (size_t)config->output_limit,
		.connections = connections < descriptors ? connections : descriptors,
		.descriptors = (int)descriptors,
		.requests = (size_t)config->max_requests,
		.send_timeout_ns = config->send_timeout,
	};
	edge->object_limits = (struct object_limits){
		.objects = (size_t)config->object_limit,
		.waits = (size_t)config->waiter_limit,
		.mq_bytes = (size_t)config->mq_bytes_limit,
	};
	objects_set_limits(core_objects(edge->core), &edge->object_limits);
	rules_configure(&edge->rules, config);
	users_configure(edge, config);
	object_waits_review(edge);
}

struct edge *edge_new(struct event_base *base, const struct edge_host *host, const struct config *config)
{
	struct edge *edge = xcalloc(1, sizeof(*edge));
	mallopt(M_MMAP_THRESHOLD, MAPPED_LEAST);
	edge->base = base;
	edge->host = *host;
	edge->core = host->core;
	edge->input = xmalloc(EDGE_INPUT_SIZE);
	edge->refused = (struct log_limit){ .burst = 5, .period_ns = 10 * NS_PER_S };
	edge->dropped = (struct log_limit){ .burst = 10, .period_ns = 10 * NS_PER_S };
	TAILQ_INIT(&edge->listeners);
	TAILQ_INIT(&edge->connections);
	TAILQ_INIT(&edge->closed);
	TAILQ_INIT(&edge->dirty);
	SLIST_INIT(&edge->spare_requests);
	STAILQ_INIT(&edge->doomed_maps);
	manies_init(edge);
	TAILQ_INIT(&edge->rooms);
	LIST_INIT(&edge->queue_waits);
	LIST_INIT(&edge->spare_waits);
	LIST_INIT(&edge->task_waits);
	LIST_INIT(&edge->nested);
	heap_init(&edge->timers);
	users_init(edge);
	slices_init(edge);
	edge->reserve = -1;
	reserve_fill(edge);
	edge_configure(edge, config);
	pools_on_output(host->pools, follows_said, edge);
	return edge;
}

/* About as many as are on the list now: a connection that comes back waits for the next turn. */
static void turn_connections(struct edge *edge)
{
	struct connection *connection;
	edge->turning = true;
	for (size_t n = edge->n_dirty; n > 0 && (connection = TAILQ_FIRST(&edge->dirty)); n--) {
		connection_untouch(connection);
		connection_turn(connection);
	}
	edge->turning = false;
}

/* Those who have left are cleared away while there is time, or for a slice where there was none for some turns. */
static void bury_closed(struct edge *edge, int64_t begin_ns, bool *more)
{
	struct connection *connection = TAILQ_FIRST(&edge->closed);
	if (connection && slices_are_late(edge, begin_ns) && ++edge->slices.late < LATE_TURNS)
		return;
	edge->slices.late = 0;
	while (connection && connection_bury(connection, more) && !slices_are_late(edge, begin_ns))
		connection = TAILQ_FIRST(&edge->closed);
}

bool edge_turn(struct edge *edge)
{
	int64_t begin_ns = core_now(edge->core);
	bool more = maps_sweep(edge); /* for the core to do */
	if (edge->held)
		held_turn(edge);
	if (!LIST_EMPTY(&edge->queue_waits))
		queue_waits_turn(edge);
	if (edge->follows)
		follows_turn(edge);
	if (!LIST_EMPTY(&edge->task_waits))
		object_waits_turn(edge);
	turn_connections(edge);
	more |= edge->slices.n_ready > 0; /* what they ask for is for the core to do, whose turn is over */
	slices_turn(edge);
	bury_closed(edge, begin_ns, &more);
	if (!TAILQ_EMPTY(&edge->rooms))
		more |= rooms_turn(edge);
	more |= slices_end(edge, begin_ns);
	return more || !TAILQ_EMPTY(&edge->closed) || !TAILQ_EMPTY(&edge->dirty) || !STAILQ_EMPTY(&edge->doomed_maps);
}

int64_t edge_hearing_ns(const struct edge *edge)
{
	return slices_are_small(edge) ? HEARING_NS : CLOCK_NEVER;
}

void edge_is_behind(struct edge *edge, bool is_behind)
{
	edge->slices.is_behind = is_behind;
}

bool edge_is_due(const struct edge *edge)
{
	return !TAILQ_EMPTY(&edge->dirty) || !TAILQ_EMPTY(&edge->closed) || edge->slices.n_ready > 0 || manies_are_due(edge) ||
		core_is_telling(edge->core);
}

bool edge_quiet(const struct edge *edge)
{
	return edge->outstanding == edge->object_waits + edge->end_waits && edge->n_writing == 0 && TAILQ_EMPTY(&edge->dirty) &&
		edge->slices.n_ready == 0 && edge->slices.n_resting == 0 && !core_is_telling(edge->core);
}

bool edge_is_telling(const struct edge *edge)
{
	return core_is_telling(edge->core) || !TAILQ_EMPTY(&edge->manies.users) || !TAILQ_EMPTY(&edge->dirty) ||
		edge->n_writing > 0;
}

void edge_observe(struct edge *edge)
{
	core_observe(edge->core, edge->watches || edge->follows);
}

void edge_count(const struct edge *edge, size_t *connections, uint64_t *requests)
{
	*connections = edge->n_connections;
	*requests = edge->n_requests;
}

void edge_free(struct edge *edge)
{
	struct connection *connection;
	bool any = false;
	if (!edge)
		return;
	edge_close_listeners(edge);
	while ((connection = TAILQ_FIRST(&edge->connections)))
		connection_close(connection, NULL);
	while ((connection = TAILQ_FIRST(&edge->closed)))
		(void)connection_bury(connection, &any);
	manies_free(edge);
	maps_sweep(edge);
	rooms_turn(edge);
	pools_on_output(edge->host.pools, NULL, NULL);
	requests_free_spare(edge);
	object_waits_free_spare(edge);
	users_free(edge);
	slices_free(edge);
	reserve_free(edge);
	heap_fini(&edge->timers);
	strbuf_free(&edge->scratch);
	rules_free(&edge->rules);
	free(edge->input);
	free(edge);
}
