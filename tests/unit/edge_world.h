/* A world for the edge's tests: a real event loop, real sockets and a real core, with workers that are a page of C in
 * this process. A task's name says what becomes of it:
 *
 *   echo    its result is its arguments                  fail   fails with code 7, "no luck" and data
 *   big     a string of as many bytes as its argument    plain  fails without a code
 *   double  of a map: twice each item, and an error where it is 13
 *   crash   ends as by a worker that SIGSEGV killed      hold   stays until world_finish, or until it is told to stop
 *   idle    is known, and served by no pool */
#ifndef TESTS_EDGE_WORLD_H
#define TESTS_EDGE_WORLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "durable_fake.h"
#include "core/core.h"
#include "config/config.h"
#include "edge/internal.h"

struct world {
	struct event_base *base;
	struct core *core;
	struct core_pool *pool;
	struct core_pool *other_pool;
	struct core_queue *queue;
	struct core_queue *other_queue; /* "other", of a pool that serves nothing */
	struct core_slot *slots[4];
	struct edge *edge;
	struct config config;
	struct config_access sections[4]; /* what config.access has */
	struct pools *pools;
	struct durable *durable; /* NULL: there is no store */
	char folder[64];
	char path[96];
	int64_t now_ns;
	bool reload_fails;
	int n_shutdowns;
	bool stop_deaf; /* held tasks do not stop when they are told to */
	bool interrupted[4];
	int waits; /* of handlers, as the edge has told the pools */
	bool all_descend; /* clients are processes of commands that the pool's worker runs */
};

struct client {
	struct world *world;
	int fd;
	uint64_t number; /* its connection's */
	char *input;
	size_t length;
	bool closed; /* the other side has */
	json_t *heard; /* by client_ask, client_hear_json */
};

/* With its clock standing still at some moment; it moves by world_advance only. */
void world_init(struct world *world);
/* The same with a store. */
void world_init_durable(struct world *world);
void world_fini(struct world *world);
/* Applies world->config. */
void world_configure(struct world *world);
/* Applies it with these N [access] sections, whose keys are NULL where they are as by default. At first there is one that
 * is about everybody: who is neither root nor the daemon's user submits, and sees and cancels his own. */
void world_allow(struct world *world, const struct config_access *sections, size_t n);
/* One turn of the loop, as the server has it. True: there was something to do. */
bool world_turn(struct world *world);
/* Turns until there is nothing more to do. */
void world_settle(struct world *world);
void world_advance(struct world *world, int64_t delta_ns);
/* From now on the pool's worker is this process, so that its clients are handlers. */
void world_be_worker(struct world *world);
/* The wall clock alone. */
void world_step_wall(struct world *world, int64_t delta_ns);
/* Ends the held tasks that run, as succeeded with "done". How many. */
int world_finish(struct world *world);
size_t world_connections(const struct world *world);

void client_init(struct client *client, struct world *world);
void client_fini(struct client *client);
/* From now on it is somebody else. GROUPS ends with -1; NULL: it has no supplementary ones. */
void client_become(struct client *client, uid_t uid, gid_t gid, const gid_t *groups);
/* Its connection; NULL: there is none any more. */
struct connection *client_connection(const struct client *client);
void client_send(struct client *client, const char *data, size_t length);
/* A line; the newline is added. */
void client_say(struct client *client, const char *line);
/* Says no more, but listens. */
void client_half_close(struct client *client);
void client_leave(struct client *client);
/* The next line, without its newline; valid until the next call. Dies when none comes. */
const char *client_hear(struct client *client);
/* So many bytes. */
const char *client_hear_bytes(struct client *client, size_t length);
/* Nothing comes, however often the loop turns. */
bool client_hears_nothing(struct client *client);
/* The other side closes the connection. */
bool client_hears_end(struct client *client);
/* What is said gets that answer. */
void client_expect(struct client *client, const char *line, const char *answer);
/* The next line as a tree, which lives until the client hears the next one by this or the next function. */
json_t *client_hear_json(struct client *client);
/* The answer to a line. */
json_t *client_ask(struct client *client, const char *line);
/* What is behind a path such as "error.data.kind" or "0.name"; NULL where nothing is. */
json_t *tree_at(json_t *value, const char *path);
/* "(none)" where no text is there. */
const char *tree_text(json_t *value, const char *path);
/* -1 where no integer is there. */
long long tree_int(json_t *value, const char *path);

#endif
