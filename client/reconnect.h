/* reconnect.h - what a connection that is made again after its loss has besides, and what is sent over it again.
 *
 * In the outage the socket is -1. What was to be written stays in the buffer, where new requests join it; it is made anew
 * at each loss (resend_all), in the order in which the requests were first made, so that it only has to be written once
 * there is a socket. What has been lost is known at that moment, and is told then. */
#ifndef CLIENT_RECONNECT_H
#define CLIENT_RECONNECT_H

#include <stdlib.h>

#include "client/client.h"

enum reconnect_news { RECONNECT_NOTHING, RECONNECT_LOST, RECONNECT_DONE };

struct reconnect {
	char *path;
	int64_t limit_ns;
	taskd_reconnect_callback *callback; /* or NULL */
	void *user;

	/* For a caller's own loop. */
	int epoll, timer;
	bool given;       /* somebody has asked for it: before, nothing has to be kept up to date */
	uint32_t watched; /* what the socket is in `epoll` for */
	int64_t timer_ns; /* what `timer` is set to */

	/* The outage. */
	uint64_t losses;
	int64_t lost_ns, until_ns;
	int64_t try_ns, pause_ns; /* when the next attempt is due, and the pause behind that */
	int64_t connected_ns;
	uint64_t received;        /* the connection's count when it was made */
	uint64_t lost_ends;       /* its count of ends when it was lost last */
	uint64_t rewritten;       /* where what had not been written by then ends, as `written` counts */
	enum reconnect_news news; /* that nobody was told yet; and how long after the loss that was */
	int64_t news_ns;
	char why[256];

	/* Who of the tasks that were acknowledged are still known has to be asked of the new daemon, once it has said which
	 * one it is: the same number may be another's task there. */
	bool asked;                  /* who it is, on this connection */
	bool settled;                /* it has said so, and what was adrift has been asked about */
	uint64_t ids;                /* stands for the daemon, or its store, that gave the ids; 0: not known */
	struct taskd_future *adrift; /* by `next` */
	struct taskd_future **adrift_last;
	int64_t held_ns; /* until then what a stopping daemon has refused waits for its end; INT64_MAX: nothing does */
};

/* NULL with error_set called. */
struct reconnect *reconnect_new(const char *path, const struct taskd_connect_options *options);
/* Its descriptors; everything. */
void reconnect_close(struct reconnect *reconnect);
void reconnect_free(struct reconnect *reconnect);

/* Locked, all of these. */
/* The descriptor that stands for the connection in a caller's loop. */
int reconnect_fd(struct taskd *c);
/* Something has changed that it may stand for. Also where C is never made again. */
void reconnect_loop(struct taskd *c);
/* The connection was lost; by the reader. */
void reconnect_lost(struct taskd *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Connects, if it is time for that; by the reader. */
void reconnect_try(struct taskd *c);
/* The daemon has answered: so it is there. */
void reconnect_answered(struct taskd *c);
/* Tells the user's function what has happened since; the mutex is given up for that. */
void reconnect_tell(struct taskd *c);

#define KEY_ROOM 33 /* 128 bits in hexadecimal digits */
/* Options with a key of the library's own where there was none. */
struct keyed {
	const struct taskd_options *options;
	bool repeatable; /* the task may be submitted again where it is not known whether it was before */
	struct taskd_options with;
	char key[KEY_ROOM];
};
/* Not locked. Of what is submitted detached over C. TASKD_OK, or error_set was called. */
enum taskd_error resend_key(const struct taskd *c, const struct taskd_options *options, struct keyed *keyed);
/* Keeps a request's text with its future until it is acknowledged. False without memory. */
bool resend_keep(struct taskd_future *f, const struct piece *pieces, size_t n, bool repeatable);
/* It was acknowledged. */
static inline void resend_forget(struct taskd_future *f)
{
	if (!f->text)
		return;
	free(f->text);
	f->text = NULL;
}
/* What is not answered is written anew, or fails. */
void resend_all(struct taskd *c);
/* A stopping daemon has refused F, which it takes *failure for: whether F waits for the end of that one. */
bool resend_hold(struct taskd *c, struct taskd_future *f, struct failure **failure);
/* Its end did not come in time. */
void resend_release(struct taskd *c);

/* --- identity.c --- */
/* Asks which daemon this is, before there are ids that depend on it. */
void identity_ask(struct taskd *c);
/* The answer to that; of kind JSON_NONE where there was none. */
void identity_answered(struct taskd_future *f, const struct json_span *result);
/* F has a task, or all acknowledged ones have: they are to be asked about. */
void identity_adrift(struct taskd *c, struct taskd_future *f);
void identity_all_adrift(struct taskd *c);
/* The connection has ended for good. */
void identity_end(struct taskd *c);

#endif
