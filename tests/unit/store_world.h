/* A state directory of a test's own, and what is in it. */
#ifndef STORE_WORLD_H
#define STORE_WORLD_H

#include "store/apply.h"

struct world {
	char directory[64];
	char file[80]; /* STORE_FILE there */
	struct db db;
	char *text; /* what was said at the last opening */
};
/* The directory is in memory where there is such a filesystem: syncing costs nothing there, and is done all the same. */
void world_init(struct world *world);
void world_fini(struct world *world);
enum store_opening world_open(struct world *world, bool put_aside);
void world_close(struct world *world);
/* Runs SQL on a connection of its own, with the store closed; the first column of the first row, 0 where there is none. */
int64_t world_sql(const struct world *world, const char *sql);

/* --- what operations are made of --- */
static inline struct store_text text(const char *of)
{
	return of ? store_text_of(of, __builtin_strlen(of)) : STORE_TEXT_NONE;
}
/* A task that is queued: of the type "fib", with arguments; its place is its id. */
struct store_task world_task(uint64_t id);
/* One transaction of one operation; fails the test where it cannot be applied. */
void world_apply(struct world *world, enum store_message message, uint64_t id, const void *body);
void world_put(struct world *world, uint64_t id);
void world_end(struct world *world, uint64_t id, const char *state);

/* --- files --- */
/* malloc'ed; NULL where it is not there. */
char *world_read(const char *path, size_t *length);
void world_write(const char *path, const char *data, size_t length);
/* How many files of the directory have names that begin so; *name, malloc'ed, is the last one's path. */
int world_files(const struct world *world, const char *begin, char **name);

#endif
