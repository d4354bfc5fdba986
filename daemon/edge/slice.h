/* Slices: which connection is read from next, and for how long.
 *
 * A connection that has something to say is put on a list, and served after all that the event loop has found readable
 * are on it: first those whose users and processes have cost little lately, then, when the answers to these have been
 * written, the others, one after the other, within a few microseconds in all; and behind that they rest for a moment, in
 * which whoever asks little finds nobody in his way. Where nobody has come lately who asks little, nobody is waited for,
 * and everyone is served at once and for longer: large slices are cheaper.
 *
 * What somebody costs is counted by connection, by process and by user (usage.h), since a swarm of connections, each of
 * which does little, is a flood too. */
#ifndef EDGE_SLICE_H
#define EDGE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "edge/usage.h"

struct connection;
struct edge;
struct event_base;
struct peer;

/* The lists, in the order in which they are served. */
enum slice_rank {
	SLICE_LIGHT,
	SLICE_LIGHT_HERE, /* the user has cost much, but by other processes */
	SLICE_HEAVY,      /* the process has */
	SLICE_RANKS
};

struct slices {
	TAILQ_HEAD(slice_list, connection) ready[SLICE_RANKS];
	size_t n_ready;
	size_t n_resting;      /* connections that are on none of them until their rest is over */
	struct event *event;   /* active while they are to be served after the callbacks of this round */
	int64_t end_ns;        /* of the slice that is used up now */
	bool over;             /* it is */
	bool large;
	bool many;             /* the last turn was that of what takes several */
	bool accepted;         /* the last turn was theirs who come */
	bool served;           /* this turn has served who comes last */
	bool is_behind;        /* there is more to hear of workers */
	unsigned waited;       /* turns, for that */
	unsigned late;         /* turns in which there was no time to clear away who has left */
	int64_t rest_end_ns;   /* who comes last is not served before */
	unsigned handled;      /* messages since the clock was looked at */
	size_t handled_bytes;  /* … their length */
	struct modest {
		const struct usage *usage; /* the process's, or connection's; NULL: nobody's */
		int64_t at_ns;
	} modest[2];           /* who was served last of those who ask little; two, as one may be about to ask much */
	struct usages usages;
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
/* How long a slice may be now. */
int64_t slice_length_ns(const struct edge *edge);
/* How much is to be read from CONNECTION at once. */
size_t slice_read_most(struct connection *connection);
/* While slices are small: GOT bytes were read, which was all that there was room for (FULL) or not, and that took so long. */
void slice_was_read(struct connection *connection, size_t got, bool full, int64_t took_ns);
/* Charges PEER's user and process with what was done for them from then on. */
void slice_charge(struct edge *edge, const struct peer *peer, int64_t since_ns);
/* Serves those who come last; once in every turn, behind what is written in it. */
void slices_turn(struct edge *edge);
/* Whether a turn that began then has lasted so long that somebody may be waiting who asks little. */
bool slices_are_late(const struct edge *edge, int64_t begin_ns);
/* At the end of a turn that began then: who has been served last rests. True: somebody waits to be served. */
bool slices_end(struct edge *edge, int64_t begin_ns);

#endif
