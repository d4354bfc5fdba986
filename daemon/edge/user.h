/* What each user has of the edge, over all connections: for shares (user_connections, user_requests, user_rate) and for
 * user.list. Root and the daemon's own user have accounts, but no shares bind them. */
#ifndef EDGE_USER_H
#define EDGE_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct edge;

struct user {
	uint32_t uid;
	bool exempt;
	size_t connections;
	size_t outstanding; /* requests that wait for something */
	uint64_t requests;  /* so far, while the account is there */
	uint64_t refused;   /* connections and requests, for a share of the edge's */
	int64_t rate_ns;    /* when its next request is due by its rate, were there no burst */
};
/* The account of UID, made where there is none; it is there as long as it has connections. One reference for each. */
struct user *user_join(struct edge *edge, uint32_t uid);
void user_leave(struct edge *edge, struct user *user);
/* In no order; CURSOR is 0 at first; NULL at the end. */
struct user *user_next(const struct edge *edge, size_t *cursor);
/* NULL: it has none. */
struct user *user_of(const struct edge *edge, uint32_t uid);

#endif
