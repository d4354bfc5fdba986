/* Other users as clients of a daemon under test: real ones, as the kernel tells them, though they need no name. Only root
 * can make them: such tests begin with others_possible. */
#ifndef OTHERS_H
#define OTHERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "harness.h"

/* Whether this process can be others; says so on stdout where it cannot: main returns OTHERS_SKIPPED then. */
bool others_possible(void);
#define OTHERS_SKIPPED 77
/* A line for the [taskd] section of who lets others connect, whose own group is not the socket's. */
#define OTHERS_CONFIG "socket_mode = 0666\n"
/* Lets others into the daemon's folder. */
void others_let_in(const struct daemon *daemon);
/* As wire_open and daemon_connect, of a process with these ids, that group, and GROUP (-1: none) beside it. */
void wire_open_as(struct wire *wire, const struct daemon *daemon, uid_t uid, gid_t gid, gid_t group);
struct taskd *daemon_connect_as(const struct daemon *daemon, uid_t uid, gid_t gid, gid_t group);

#endif
