/* Slices: which connection is read from next, and for how long.
 *
 * A connection that has something to say is put on a list, and served after all that the event loop has found readable
 * are on it: first those whose users and processes have cost little lately, then, when the answers to these have been
 * written, the others, one after the other, within a few microseconds in all. Where nobody has come lately who asks
 * little, nobody is waited for, and everyone is served at once and for longer: large slices are cheaper.
 *
 * Costs are times that serving took; they are forgotten with a half-life of some milliseconds. They are counted by
 * connection, by process and by user, since a swarm of connections, each of which does little, is a flood too. */
#ifndef EDGE_SLICE_H
#define EDGE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct connection;
struct edge;
struct event_base;
struct peer;

/* What something has cost lately. */
struct usage {
	int64_t ns;
	int64_t at_ns; /* as of then */
};

/* The lists, in the order in which they are served. */
enum slice_rank {
	SLICE_LIGHT,      /* neither user nor process has cost much */
	SLICE_LIGHT_HERE, /* the user has, but by other processes */
	SLICE_HEAVY,
	SLICE_RANKS
};

struct slices {
	TAILQ_HEAD(slice_list, connection) ready[SLICE_RANKS];
	size_t n_ready;
	struct event *event;   /* active while they are to be served after the callbacks of this round */
	int64_t end_ns;        /* of the slice that is used up now */
	bool over;             /* it is */
	bool large;
	bool accepted;         /* the last turn was theirs who come */
	unsigned handled;      /* messages since the clock was looked at */
	size_t handled_bytes;  /* … their length */
	struct modest {
		const struct usage *process; /* or connection */
		int64_t at_ns;
	} modest[2];           /* who was served last of those who ask little; two, as one may be about to ask much */
	struct usage users[256];
	struct usage processes[1024];
	uint64_t seed; /* whose place is whose is not to be known */
};

void slices_init(struct edge *edge);
void slices_free(struct edge *edge);

/* CONNECTION has something to say, or to go on with. */
void slice_join(struct connection *connection);
/* It has not. */
void slice_leave(struct connection *connection);
/* It is about to be freed. */
void slices_forget(struct connection *connection);
/* Between two messages, of which the first had LENGTH bytes: whether the next has to wait for another turn. */
bool slice_is_over(struct edge *edge, size_t length);
/* Whether somebody was there lately whom large slices would keep waiting. */
bool slices_are_small(const struct edge *edge);
/* Charges PEER's user and process with what was done for them from then on. */
void slice_charge(struct edge *edge, const struct peer *peer, int64_t since_ns);
/* Serves those who come last; once in every turn, behind what is written in it. */
void slices_turn(struct edge *edge);

#endif
