/* The edge: sockets, connections, requests. It reads requests, calls the core, and writes what comes of it. */
#ifndef EDGE_EDGE_H
#define EDGE_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes;
struct config;
struct core;
struct core_pool;
struct core_schedule;
struct durable;
enum store_state;
struct edge;
struct event_base;
struct pools;
struct strbuf;
struct task;

/* What requests may ask of the server as a whole. */
struct edge_host {
	void *context;
	struct core *core;
	struct pools *pools;
	struct durable *durable; /* the store; NULL: there is none, and nothing is durable */
	/* Reads and applies the configuration. 0 with *report (a JSON object's text, malloc'ed) or -1 with *error (malloc'ed). */
	int (*reload)(void *context, char **report, char **error);
	void (*shutdown)(void *context, bool now);
	/* Members of server.info that only the server knows, each "\"key\":value," with a comma behind. */
	void (*describe)(void *context, struct strbuf *out);
};

struct edge *edge_new(struct event_base *base, const struct edge_host *host, const struct config *config);
/* Takes over a listening socket; made by edge_listen_path or inherited. Not accepted from before edge_open. */
int edge_add_listener(struct edge *edge, int fd);
/* Makes the listening socket at PATH: -1 with *error (malloc'ed) when another daemon answers there, the path is too
 * long, …. A stale socket is replaced. */
int edge_listen_path(const char *path, unsigned mode, const char *group, char **error);
/* Begins to accept. */
void edge_open(struct edge *edge);
/* Stops to accept; connections go on. */
void edge_close_listeners(struct edge *edge);
void edge_configure(struct edge *edge, const struct config *config);
/* Writes what this turn has produced; once in every turn, after core_turn. The loop between turns must return after one
 * round (EVLOOP_ONCE, with or without EVLOOP_NONBLOCK: the latter alone goes on while clients send). True: more is
 * waiting that can be done now (do not sleep). */
bool edge_turn(struct edge *edge);
/* How long workers may be heard in a turn, for the sake of clients who ask little; CLOCK_NEVER: as long as they have
 * something to say. */
int64_t edge_hearing_ns(const struct edge *edge);
/* They have more to say: clients who ask much wait for that. Or they do not any more. */
void edge_is_behind(struct edge *edge, bool is_behind);
/* It has something to write that came after its last turn. */
bool edge_is_due(const struct edge *edge);
int64_t edge_next_ns(const struct edge *edge);
void edge_timer(struct edge *edge);
/* What the core's ops.changed is to call: tells those who watch. CONTEXT is the edge. It writes into buffers only. */
void edge_changed(void *context, struct task *task, bool progress);
/* Nothing can go on in POOL, all of whose slots run tasks that wait, and it may have no further process: fails one wait
 * of a handler for a task that waits there. CONTEXT is the edge. False: there is none, or some of these will end. */
bool edge_deadlock(void *context, const struct core_pool *pool);
/* What the core's ops.gather is to call; CONTEXT is the edge. */
int64_t edge_gather(void *context, const struct bytes *args, struct bytes *const *results, size_t n, struct bytes **out);
/* What the core's ops.refuses is to call; CONTEXT is the edge. */
int edge_refuses(void *context, const struct core_schedule *schedule, const char **why);
/* The store has come into STATE. Where it has failed, whoever waits for the end of a durable task is told that, since it
 * will not be known: such requests are refused from then on. */
void edge_store_changed(struct edge *edge, enum store_state state);
/* Nothing waits to be written or answered, but for named objects, and for ends of tasks: that may never come. */
bool edge_quiet(const struct edge *edge);
/* Somebody hears of ends that there were, over some turns, or has not read all that he has been told. */
bool edge_is_telling(const struct edge *edge);
/* Connected clients, and requests so far. */
void edge_count(const struct edge *edge, size_t *connections, uint64_t *requests);
/* Closes every connection; tasks that belong to one are cancelled. Before the core is freed. */
void edge_free(struct edge *edge);

#endif
