/* What each user has of the edge, over all connections: for shares (user_connections, user_requests, user_rate) and for
 * user.list. Root and the daemon's own user have accounts, but no shares bind them. */
#ifndef EDGE_USER_H
#define EDGE_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct config;
struct edge;
struct many;
struct reply_to;
struct strbuf;
struct watch;

struct user {
	uint32_t uid;
	bool exempt;
	size_t connections;
	size_t outstanding;      /* requests that wait for something */
	size_t outstanding_most; /* so many may; SIZE_MAX: no limit */
	size_t input;            /* bytes of memory for unfinished messages */
	size_t held;             /* …for what he is told, and for requests that are not handled yet */
	size_t descriptors;      /* that he has sent along, and no request has named yet */
	size_t claimed;          /* …that a request has, which is to become a task: it may wait for room */
	uint64_t requests;       /* so far, while the account is there */
	uint64_t refused;        /* connections and requests, for a share of the edge's */
	int64_t second;          /* of the clock in which it made a request last, */
	size_t in_second;        /* how many in that, */
	size_t in_second_before; /* and in the one before */
	int64_t rate_ns;         /* when its next request is due by its rate, were there no burst */
	LIST_HEAD(, watch) watches; /* rpc_watch.c's: by a filter, over tasks of his own */
	size_t n_watches;           /* those by a filter, over others' tasks, too */
	struct many *intake;        /* rpc_batch.c's: of his batches, the one that is read; NULL: none */
	TAILQ_HEAD(, many) manies;  /* what he has asked for that goes on over several turns */
	TAILQ_ENTRY(user) manies_link; /* where there are any */
};
/* What the configuration gives each of those who are not exempt. */
struct user_shares {
	size_t connections; /* 0: no limit */
	size_t requests;    /* 0: no limit */
	int64_t period_ns;  /* between requests, by user_rate; 0: no limit */
	int64_t burst_ns;   /* so far a request may come before it is due */
	double rate;
	size_t descriptors; /* of commands; 0: no limit */
};

/* The account of UID, made where there is none; it is there as long as it has connections, or owes time for requests that
 * it made. One reference for each. */
struct user *user_join(struct edge *edge, uint32_t uid);
void user_leave(struct edge *edge, struct user *user);
/* In no order; CURSOR is 0 at first; NULL at the end. */
struct user *user_next(const struct edge *edge, size_t *cursor);
/* NULL: it has none. */
struct user *user_of(const struct edge *edge, uint32_t uid);

/* Whether no shares bind him: root, and the daemon's own user. */
bool user_is_exempt(uint32_t uid);

/* Whether UID may have one connection more. False: that is counted, and LINE has the error to tell it, a message of its own
 * without its newline. */
bool user_may_connect(struct edge *edge, uint32_t uid, struct strbuf *line);
/* Counts a request of the user of TO's connection. False: it comes before its time, and that has been answered. */
bool user_may_ask(const struct reply_to *to);
/* Whether he may have so many descriptors more for commands. False: that has been answered. */
bool user_may_claim(const struct reply_to *to, size_t more);
/* How many he has, sent along with commands that have not ended. */
size_t user_descriptors(const struct edge *edge, uint32_t uid);
/* How many requests he made in the last second of the clock that is over. */
size_t user_asked_lately(const struct edge *edge, const struct user *user);
/* Whether there is room for so many more that wait for something. False: that has been answered. */
bool user_may_wait(const struct reply_to *to, size_t more);

/* "over_share": UID may have MOST of what the key LIMIT is about, and has (or would have) HAS; SIZE_MAX: that says
 * nothing. RETRY_NS: when there may be room; -1: not known. Fills MESSAGE and DATA, an object's text. */
#define OVER_SHARE_SIZE 256
void over_share_tell(const struct edge *edge, uint32_t uid, const char *limit, double most, size_t has, int64_t retry_ns,
	char message[OVER_SHARE_SIZE], struct strbuf *data);

/* --- for edge.c --- */
void users_init(struct edge *edge);
void users_configure(struct edge *edge, const struct config *config);
/* All have left. */
void users_free(struct edge *edge);

#endif
