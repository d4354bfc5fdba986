/* The connection that writes: transactions of what the master has said, and what leaves by its age. Whoever uses it has
 * its lock; the functions take it themselves. */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include <pthread.h>

#include "store/apply.h"
#include "store/batch.h"

struct writer {
	pthread_mutex_t lock;
	struct apply apply;
	struct store_limits limits;
	uint64_t session;
	uint64_t applied;  /* the last operation of this session that is on disk */
	char trouble[256]; /* what went wrong last, for people */
	sqlite3_stmt *begin, *commit, *rollback, *mark, *old;
	int log_pages; /* in the write-ahead log after the last commit */
};

/* Takes over DB, also where it fails: an error is told by db_message of writer->apply.db, until writer_close. OPENED gets its numbers. */
enum db_code writer_open(struct writer *writer, const struct db *db, const struct store_open *open,
	struct store_opened *opened) __attribute__((warn_unused_result));
void writer_close(struct writer *writer);
void writer_set_limits(struct writer *writer, const struct store_limits *limits);

enum writer_result {
	WRITER_DONE,
	WRITER_FULL,     /* nothing of it was done; some room was made, if that was possible */
	WRITER_LOCKED,   /* nothing of it was done: another program has the file locked */
	WRITER_NONSENSE, /* an operation cannot be read */
	WRITER_DISK,     /* nothing can be believed any more: of the disk, or of the file */
	WRITER_ERROR,    /* nothing of it was done; another process may be luckier */
};
/* One transaction of all that BATCH has, whose bodies are in DATA; with it leaves what is old. */
enum writer_result writer_commit(struct writer *writer, const struct batch *batch, const char *data);
/* Up to MOST old tasks leave; *left: there may be more. */
enum writer_result writer_prune(struct writer *writer, unsigned most, bool *left);
/* When the next one is old, by the wall clock; INT64_MAX: none will be. */
int64_t writer_next_old_ns(struct writer *writer);

/* In the write-ahead log. */
int writer_log_pages(struct writer *writer);

/* log_room.c: at the opening, when something was written. Nothing happens where there is no room for it. */
enum db_code log_make_room(const struct db *db);
/* prune.c, within a transaction */
enum db_code prune_some(struct writer *writer, unsigned most, unsigned *dropped);
enum db_code prune_look(struct writer *writer);
bool prune_is_due(const struct writer *writer);
int64_t prune_next_ns(const struct writer *writer);

#endif
