/* What the server's own files share.
 *
 *   server.c   its birth, its loop, its death
 *   phases.c   how it starts and stops
 *   state.c    the state directory, and what is durable there
 *   rights.c   who it becomes once it has all that, and what it may still do then
 *   host.c     what requests and signals ask of the server as a whole */
#ifndef INTERNAL_H
#define INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "manager.h"
#include "ops.h"
#include "rights.h"
#include "server.h"
#include "state.h"

struct config;
struct core;
struct core_limits;
struct edge;
struct event;
struct event_base;
struct pools;
struct strbuf;

enum phase { PHASE_WAITING, PHASE_STARTING, PHASE_SERVING, PHASE_DRAINING, PHASE_LEAVING, PHASE_JOURNALING };

struct server {
	struct event_base *base;
	struct event *timer;
	struct event *signals[3];
	struct event *doorbell;  /* the store's, once that is there */
	struct event *store;     /* its process's end */
	int store_pid;           /* whose end that is */
	struct event *wallclock; /* NULL: steps of the wall clock are seen when something else ends the sleep */
	int wallclock_fd;
	struct config *config;
	char *config_file;
	char *socket;
	bool socket_is_ours;
	struct core *core;
	struct pools *pools;
	struct edge *edge;
	struct state state;
	struct ops_context ops;
	enum phase phase;
	int status; /* what it ends with */
	bool lost_told; /* all workers were killed, as far as may be, and there are no spawners */
	struct rights rights;
	int64_t started_ns;
	int64_t phase_deadline_ns;
	int64_t timer_ns; /* what the timer is set to */
	int64_t core_next_ns;
	struct manager manager;
	bool may_linger;         /* there is a processor beside the one we run on */
	uint64_t lingered_for;   /* core_totals.submitted, when that was last begun */
	int64_t linger_end_ns;
};

void server_take_time(struct server *server);

/* --- phases.c --- */
/* The first one. */
void phase_begin(struct server *server);
/* Moves on from phase to phase; false: that was the last. */
bool phase_turn(struct server *server, int64_t now_ns);
int64_t phase_next_ns(const struct server *server);
/* To stop; NOW: without waiting for what was taken in. */
void phase_stop(struct server *server, bool now);

/* --- host.c --- */
void host_limits(const struct config *config, struct core_limits *limits);
/* As edge_host has them; CONTEXT is the server. */
int host_reload(void *context, char **report, char **error);
void host_shutdown(void *context, bool now);
void host_describe(void *context, struct strbuf *out);

#endif
