/* The server: puts the rooms together, runs the loop, and sees to it that it starts, reloads and stops well. */
#ifndef SERVER_H
#define SERVER_H

struct config;
struct server;

struct server_options {
	const char *config_file; /* what a reload reads again; NULL: none */
	const char *socket;      /* where to listen, unless descriptors were inherited */
	const char *state_directory; /* where durable tasks are kept; absolute; NULL: nothing is durable */
};

/* Takes over CONFIG. NULL with *error (malloc'ed). */
struct server *server_new(struct config *config, const struct server_options *options, char **error);
/* Runs until it is told to stop. The process's exit status. */
int server_run(struct server *server);
void server_free(struct server *server);

#endif
