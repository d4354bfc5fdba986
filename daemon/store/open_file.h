/* The database's file as a file, before SQLite has it. taskd-store only. */
#ifndef STORE_OPEN_FILE_H
#define STORE_OPEN_FILE_H

#include "store/record.h"

/* Beside it: locked by the process that has it open, and not empty once a database was made. */
#define STORE_FILE_LOCK STORE_FILE ".lock"

struct open_file {
	char *directory;
	char *path;
	bool was_made; /* a database has been here: that there is nothing in it is not how it should be */
};
void file_name(struct open_file *file, const struct store_text *directory);
void file_free(struct open_file *file);

/* How long another process is waited for: the last daemon's store may be committing still. Tests shorten it. */
extern int64_t file_lock_wait_ns;

/* All of these: *text is malloc'ed, for people, where something is wrong. */
/* This process is the one that has it, until it ends, or opens another directory's. */
enum store_opening file_lock(struct open_file *file, char **text);
/* Makes it where it is not there, empty, 0600; STORE_OPEN_DAMAGED: something is missing of what was there. */
enum store_opening file_look(struct open_file *file, char **text);
/* Renames it and what belongs to it; never over something else. *text says as what, also where it is STORE_OPEN_ASIDE. */
enum store_opening file_put_aside(const struct open_file *file, const char *why, char **text);
/* The database has been made, or opened: that is written down, and what is in the directory is on disk. */
enum store_opening file_mark(struct open_file *file, char **text);

#endif
