/* The configuration's words about rights made ready: names looked up, patterns cut, and the groups of the sockets known. So
 * that what a peer may do follows from numbers, and the files with the names are read when the configuration is. */
#ifndef EDGE_RULES_H
#define EDGE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edge/access.h"
#include "edge/peer.h"

struct config;

/* Whom a list of words is about. */
enum who_kind { WHO_UID, WHO_GROUP, WHO_OWNER, WHO_MEMBERS, WHO_ALL };
struct who {
	enum who_kind kind;
	uint32_t number;
};
struct whos { /* none: nobody */
	struct who *list;
	size_t count;
};
struct patterns {
	char *text; /* the words, one behind the other, each with its NUL */
	size_t count;
	bool all; /* one of them is "*" */
};
struct rule { /* one [access] section */
	struct whos users;
	bool submit, admin;
	enum access_scope read, cancel;
	struct patterns tasks, queues, objects;
};
/* The group of a socket's file; whoever is in it is a member. */
struct rule_socket {
	char *path;
	bool known; /* else nobody is a member by this socket */
	gid_t group;
};
struct rules {
	unsigned generation; /* of the configuration; never 0 once there is one */
	struct rule *list;
	size_t count;
	struct whos exec; /* exec_users */
	struct rule_socket *sockets;
	size_t n_sockets;
};

/* Takes over what CONFIG says, instead of what was there; looks at the sockets again. */
void rules_configure(struct rules *rules, const struct config *config);
/* Tells of each user and group that CONFIG names and that is not there. */
void rules_check(const struct config *config, void (*tell)(const char *problem));
/* Clients come in by the listening socket FD, too. One without a path has no members. */
void rules_add_socket(struct rules *rules, int fd);
void rules_free(struct rules *rules);
/* Whether PEER is one of those. */
bool rules_are_about(const struct rules *rules, const struct whos *whos, const struct peer *peer);
bool patterns_match(const struct patterns *patterns, const char *name);

#endif
