/* The threads that answer the master, with connections of their own that only read. taskd-store only. */
#ifndef STORE_READER_H
#define STORE_READER_H

#include "store/db.h"

struct readers;

/* Starts them. OPEN is borrowed until readers_free, and so is END. NULL with errno set: there is no thread to be had. */
struct readers *readers_new(const struct store_open *open, struct channel_end *end) __attribute__((warn_unused_result));
/* Takes a STORE_LOAD or a STORE_QUERY, whose body is copied; it is answered in its turn. False: it makes no sense. */
bool readers_take(struct readers *readers, const struct store_header *header, const char *body)
	__attribute__((warn_unused_result));
/* What is being answered is broken off, the rest is not begun. */
void readers_free(struct readers *readers);

/* --- for what answers --- */
/* The file is damaged, or cannot be read: says STORE_FAILED and ends the process, since whatever the writer did on such a
 * file could make it worse. What is on disk is as after any death. */
_Noreturn void reader_fail(struct reader *reader, const char *what);

#endif
