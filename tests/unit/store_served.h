/* A store as a process of its own, and the master's side of its channel, by hand. */
#ifndef STORE_SERVED_H
#define STORE_SERVED_H

#include <sys/types.h>

#include "store/record.h"

struct channel;
struct sqlite3;

struct served {
	char directory[128]; /* made by served_make, and removed by served_free */
	pid_t pid;           /* 0: there is none */
	int control_fd;
	struct channel *channel;
	struct store_buffer out, in;
	size_t sent, heard;
	struct store_opened opened; /* without its text */
	char opened_text[256];
};
union served_body {
	struct store_opened opened;
	struct store_row row;
	struct store_text text;
	struct store_answer answer;
};

/* A directory in WHERE; NULL: where syncing costs nothing, if there is such a place. */
void served_make(struct served *served, const char *where);
void served_free(struct served *served);
/* Starts the store and waits for STORE_OPENED, which is in served->opened. ORDER's version and directory are filled in. */
void served_start(struct served *served, const struct store_open *order);
/* Adds a message; it is sent by served_flush, or while the next answer is waited for. */
void served_put(struct served *served, enum store_message message, uint64_t number, uint64_t id, uint16_t flags,
	const void *body);
void served_flush(struct served *served);
/* The next thing that the store says; what it points to lives until the next call. False: the store has gone. */
bool served_hear(struct served *served, struct store_header *header, union served_body *body);
/* Waits until all up to NUMBER is committed. False: the store has gone, or said something else. */
bool served_committed(struct served *served, uint64_t number);
/* Without waiting: the last number that was committed, as far as is heard now; LAST before. False: the store has gone. */
bool served_glance(struct served *served, uint64_t *last);
/* By STORE_STOP; its exit status. */
int served_stop(struct served *served);
/* By the master's end; its exit status. */
int served_leave(struct served *served);
void served_kill(struct served *served);
/* The database by itself, when there is no store: the first column of SQL's first row. */
int64_t served_number(const struct served *served, const char *sql);
void served_exec(const struct served *served, const char *sql);
/* As another program locks it that writes; to be given back. */
struct sqlite3 *served_lock(const struct served *served);
void served_unlock(struct sqlite3 *handle);
int64_t served_log_bytes(const struct served *served); /* of the write-ahead log */

#endif
