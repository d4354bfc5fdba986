/* What the edge's files share: the edge as a whole, its connections, the requests that wait, and who gets a reply.
 *
 * A connection that ends is only marked by connection_close; edge_turn takes it apart, so that code which is about to
 * answer somebody never finds its connection freed, and the core is never called from within its own callbacks. */
#ifndef EDGE_INTERNAL_H
#define EDGE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/heap.h"
#include "base/log.h"
#include "base/table.h"
#include "core/core.h"
#include "edge/access.h"
#include "edge/edge.h"
#include "edge/peer.h"
#include "edge/rules.h"
#include "edge/slice.h"
#include "edge/user.h"
#include "object/object.h"
#include "proto/errors.h"
#include "proto/framing.h"
#include "proto/json_scan.h"
#include "proto/methods.h"
#include "proto/strbuf.h"

struct backlog;
struct batch;
struct bytes;
struct connection;
struct descriptors;
struct event;
struct evbuffer;
struct following;
struct follows;
struct listener;
struct many;
struct map;
struct object_owner;
struct queue_wait;
struct request;
struct room;
struct waiting;
struct watches;
struct watching;

/* Larger results are handed to the socket by reference rather than copied. */
#define EDGE_COPY_LIMIT (16u * 1024)
/* A connection is not read from while more than this waits to be written to it. */
#define EDGE_OUTPUT_PAUSE (1024u * 1024)
/* No more is read from a client while the arguments of its outstanding calls take more than this. */
#define EDGE_ASKED_PAUSE (16u * 1024 * 1024)
/* So much is read from, and written to, one connection in a turn of the loop. */
#define EDGE_TURN_READ (1024u * 1024)
#define EDGE_TURN_WRITE (4u * 1024 * 1024)
/* …while somebody is about who asks little: see slice.h. */
#define EDGE_READ_SMALL (16u * 1024)
#define EDGE_TURN_WRITE_SMALL (64u * 1024)
/* …and so much at once of what comes of a flood; less waits, as long as there is more of that. */
#define EDGE_WRITE_LEAST (16u * 1024)
/* A connection's listings look at so many tasks in a turn, give or take one listing; then its input waits for the
 * next. */
#define EDGE_TURN_LOOKS 20000u
/* What all unfinished messages of one user take is at most so many times frame_limit. */
#define EDGE_USER_FRAMES 4
/* …and what waits for him, as replies, as parts of them, or as requests that are not handled yet, so many times output_limit. */
#define EDGE_USER_OUTPUTS 8
#define EDGE_INPUT_SIZE (256u * 1024)
/* More than can be handled in a slice is copied. */
#define EDGE_READ_MOST (64u * 1024)
#define REQUEST_ID_LIMIT 1024u

struct edge_timer {
	struct heap_node node;
	void (*fire)(struct edge_timer *timer); /* it is off the heap already */
};

struct edge_limits {
	size_t frame;
	size_t payload;
	size_t output;
	size_t connections;
	size_t requests;
	int descriptors; /* none of this number or above is taken from a client */
	int64_t send_timeout_ns;
};

/* many.c's: what goes on over several turns. */
struct manies {
	TAILQ_HEAD(, user) users; /* who have such things */
	TAILQ_HEAD(many_list, many) left; /* what is left of something, and concerns nobody */
	bool is_lefts;  /* it is the turn of these */
	int64_t end_ns; /* of the slice that is used up now */
	size_t handled; /* tasks, in it */
};

struct edge {
	struct event_base *base;
	struct edge_host host;
	struct core *core;
	struct edge_limits limits;
	struct rules rules;        /* who may do what, as configured */
	struct user_shares shares; /* how much of it each user may have */
	struct core_shares core_shares;
	struct object_limits object_limits;
	uint32_t shares_uid; /* whom they do not bind, beside root */
	struct table users;  /* user.c's accounts, by uid */

	TAILQ_HEAD(, listener) listeners;
	bool open;
	int reserve;        /* a descriptor that is held back; -1: there is none */
	size_t n_reserved;  /* connections that there was only room for since their peers are admins */
	bool accept_due;    /* listeners_turn has something to do */
	struct edge_timer accept_timer; /* set while accepting is paused for want of descriptors */

	TAILQ_HEAD(connection_list, connection) connections; /* open ones */
	struct connection_list dirty;  /* have something to write, or input that can go on */
	struct connection_list closed; /* to be taken apart at the end of the turn */
	size_t n_connections;
	size_t n_dirty;
	bool turning;       /* they are gone through: who comes back comes last */
	size_t n_writing;   /* connections that have output */
	size_t outstanding; /* requests that wait for something */
	size_t end_waits;   /* …of those, for ends of tasks */
	uint64_t n_requests;
	uint64_t last_number; /* of a connection */

	SLIST_HEAD(, request) spare_requests;
	size_t n_spare_requests;
	STAILQ_HEAD(, map) doomed_maps; /* answered; their other chunks are to be cancelled */
	struct watches *watches;              /* rpc_watch.c's; NULL while nobody watches */
	struct follows *follows;              /* rpc_follow.c's; NULL while nobody follows */
	LIST_HEAD(, queue_wait) queue_waits;  /* rpc_queue.c's */
	struct manies manies;
	TAILQ_HEAD(, room) rooms;             /* room.c's: queues that submissions wait for */
	bool held;                            /* some connections wait until the store has loaded */
	bool closing;                         /* nobody is to wait for room any more */
	LIST_HEAD(, waiting) spare_waits;     /* object_wait.c's */
	size_t n_spare_waits;
	LIST_HEAD(, waiting) task_waits;      /* …that wait at an object in the name of a task */
	size_t object_waits;                  /* requests that wait at an object */
	LIST_HEAD(, request) nested;          /* handlers' waits for tasks, the newest first: see nested.c */
	struct edge_timer nested_timer;
	int64_t nested_gap_ns;
	struct heap timers;
	char *input;           /* EDGE_INPUT_SIZE bytes that all connections without a partial message read into */
	struct strbuf scratch; /* for one reply at a time */
	struct log_limit refused;
	struct log_limit dropped;
	struct slices slices;
};

void edge_timer_set(struct edge *edge, struct edge_timer *timer, int64_t at_ns);
void edge_timer_cancel(struct edge *edge, struct edge_timer *timer);

/* --- admission.c --- */
/* So many connections more than others root and the daemon's own user may have in all. */
#define EDGE_ADMIN_RESERVE 4
/* Accepts the next client of a listening socket, and lets him in or turns him away. False, with errno: there is none, or
 * no descriptor for him. */
bool admit_next(struct edge *edge, int socket);
/* A descriptor is held back again, if there is one. */
void reserve_fill(struct edge *edge);
void reserve_free(struct edge *edge);

/* --- listener.c --- */
void listeners_resume(struct edge *edge);
/* Accepts those who had to wait for others in this turn. */
void listeners_turn(struct edge *edge);
void listeners_free(struct edge *edge);

/* --- connection.c --- */
/* Whether a connection is that of a handler, whose waits hold up its worker. */
enum nesting { NESTING_UNKNOWN, NESTING_NONE, NESTING_HANDLER };

struct connection {
	struct edge *edge;
	struct event *event;
	struct evbuffer *output; /* NULL while nothing waits */
	char *input;             /* what was read and not handled yet; NULL mostly */
	size_t input_start;
	size_t input_length; /* up to here it is filled */
	size_t input_room;
	uint64_t received; /* bytes, since it began */
	struct descriptors *descriptors; /* that came along and nobody has claimed yet; NULL mostly */
	struct framing framing;
	struct peer peer;
	struct access access; /* access_of knows it */
	struct user *user;    /* the peer's account */
	uint64_t number;  /* of no other connection while the daemon runs */
	int fd;           /* -1 once closed */
	short interest;   /* what the event is set up for */
	bool dirty;       /* on edge->dirty */
	bool blocked;     /* the socket takes nothing more for now */
	bool input_over;  /* the peer has said all, or what it said cannot be made sense of */
	bool input_waits; /* not handled because of too much output or too many requests */
	bool reserved;    /* counted in edge->n_reserved */
	bool reading;     /* the event waits for input */
	bool readable;    /* there may be more to read */
	bool ready;       /* on one of edge->slices' lists, by its rank */
	bool parked;      /* …while the event does not wait for input */
	enum slice_rank rank;
	struct usage usage;
	bool cut_short;   /* the last read ended behind the bytes that brought descriptors, as reads do: there may be more */
	size_t output_size;
	size_t asked; /* bytes of the arguments of calls that are outstanding */
	size_t held; /* bytes of replies that are not complete yet: batches, maps */
	size_t looked; /* at so many tasks, in this turn */
	size_t outstanding;
	uint64_t written; /* bytes, since it began */
	struct watching *watching; /* its watches; NULL mostly */
	struct following *following; /* what it follows; NULL mostly */
	struct object_owner *owner; /* as an owner of named objects; NULL mostly */
	enum nesting nesting;
	int worker_pid; /* NESTING_HANDLER: the process of the worker that its peer is, or, of commands, descends from */
	uint64_t command; /* …and in the latter case that task */
	LIST_HEAD(, request) requests;
	struct names *index; /* requests by id; NULL until somebody asks */
	struct many *intake; /* rpc_batch.c's: what all that comes behind it waits for; NULL mostly */
	struct backlog *backlog; /* dispatch.c's: what is handled in other turns; NULL mostly */
	struct edge_timer send_timer;
	struct edge_timer rest_timer; /* slice.c's */
	TAILQ_ENTRY(connection) link; /* edge->connections, then edge->closed */
	TAILQ_ENTRY(connection) dirty_link;
	TAILQ_ENTRY(connection) ready_link;
};

/* Takes over FD, which is closed on failure too, and what PEER has. RESERVED: there is no room for others. */
void connection_new(struct edge *edge, int fd, const struct peer *peer, bool reserved);
/* The end, seen from whoever notices it. WHY goes into the log; NULL where the peer has left. May be called twice. */
void connection_close(struct connection *connection, const char *why);
static inline bool connection_is_closed(const struct connection *connection) { return connection->fd < 0; }
/* Takes a closed connection apart, as far as there is time. False: there is more to do, in other turns. *ANY: tasks were
 * cancelled. */
bool connection_bury(struct connection *connection, bool *any);
/* Sees to it that connection_turn is called at the end of this turn. */
void connection_touch(struct connection *connection);
void connection_untouch(struct connection *connection);
/* Accounts for tasks that were looked at for it in this turn. */
void connection_looked(struct connection *connection, size_t tasks);
/* Writes what there is to write, and sees to it that input that had to wait goes on. */
void connection_turn(struct connection *connection);
/* Handles what it has said, for a slice. True: there is more that could be handled. */
bool connection_serve(struct connection *connection);
/* Waits for what it is to be waited for. */
void connection_watch(struct connection *connection);
/* One message: HEAD, then BODY (may be NULL, and is referenced where it is large), then TAIL. HEAD is used up. */
void connection_send(struct connection *connection, struct strbuf *head, struct bytes *body, const char *tail);
/* The same of N pieces of a body. */
void connection_send_pieces(
	struct connection *connection, struct strbuf *head, struct bytes *const *pieces, size_t n, const char *tail);
/* Whether output_limit allows so much more. */
bool connection_has_room(const struct connection *connection, size_t bytes);
/* Accounts for bytes of replies that are not complete yet; closes the connection where they are over the limit. */
void connection_hold(struct connection *connection, size_t bytes);
void connection_unhold(struct connection *connection, size_t bytes);
/* The same for what counts for its user, and not for itself. */
void connection_charge(struct connection *connection, size_t bytes);
void connection_discharge(struct connection *connection, size_t bytes);

/* --- input.c --- */
/* Messages have to wait until some output or some requests are gone, or for the next turn. */
bool input_must_wait(const struct connection *connection);
/* There is something that was read, had to wait, and need not any more. */
bool input_can_go_on(const struct connection *connection);
/* Nothing is to be read now: input is over, or has to wait until some output or some requests are gone. */
bool input_is_stopped(const struct connection *connection);
/* Goes on with what was read before and had to wait, then reads and handles what there is, within a slice. */
void input_serve(struct connection *connection);
void input_free(struct connection *connection);

#endif
