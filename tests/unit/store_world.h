/* A store as a process of its own, and the master's side of its channel, by hand. */
#ifndef STORE_WORLD_H
#define STORE_WORLD_H

#include <sys/types.h>

#include "store/record.h"

struct channel;

struct store_world {
	char directory[64]; /* made by world_make, and removed by world_free */
	pid_t pid;          /* 0: there is none */
	int control_fd;
	struct channel *channel;
	struct store_buffer out, in;
	size_t sent, heard;
	struct store_opened opened; /* without its text */
	char opened_text[256];
};
union world_body {
	struct store_opened opened;
	struct store_row row;
	struct store_text text;
	struct store_answer answer;
};

void world_make(struct store_world *world);
void world_free(struct store_world *world);
/* Starts the store and waits for STORE_OPENED, which is in world->opened. ORDER's version and directory are filled in. */
void world_start(struct store_world *world, const struct store_open *order);
/* Adds a message; it is sent by world_flush, or while the next answer is waited for. */
void world_put(struct store_world *world, enum store_message message, uint64_t number, uint64_t id, uint16_t flags,
	const void *body);
void world_flush(struct store_world *world);
/* The next thing that the store says; what it points to lives until the next call. False: the store has gone. */
bool world_hear(struct store_world *world, struct store_header *header, union world_body *body);
/* Waits until all up to NUMBER is committed. False: the store has gone, or said something else. */
bool world_committed(struct store_world *world, uint64_t number);
/* Without waiting: the last number that was committed, as far as is heard now; LAST before. False: the store has gone. */
bool world_glance(struct store_world *world, uint64_t *last);
/* By STORE_STOP; its exit status. */
int world_stop(struct store_world *world);
/* By the master's end; its exit status. */
int world_leave(struct store_world *world);
void world_kill(struct store_world *world);
/* The database by itself, when there is no store: the first column of SQL's first row. */
int64_t world_number(const struct store_world *world, const char *sql);
void world_exec(const struct store_world *world, const char *sql);

#endif
