/* The log of a run --each: a line for each command that has ended, from which a later one knows what is left to do. */
#ifndef TASKCTL_EACH_JOBLOG_H
#define TASKCTL_EACH_JOBLOG_H

#include <stdbool.h>
#include <stdint.h>

struct joblog;

struct joblog_entry {
	uint64_t number;  /* of the run, from 1 */
	const char *id;   /* of its task; NULL: not known */
	int64_t start_ns; /* wall clock */
	int64_t duration_ns;
	int status;          /* its exit status; -1: it has none */
	int signal;          /* that killed it, or 0 */
	const char *command; /* one line, without tabs */
};

/* Opens the file at PATH, which is begun anew unless RESUME: then it is gone on with, and what it says is read. NULL:
 * errno. */
struct joblog *joblog_open(const char *path, bool resume);
void joblog_free(struct joblog *log);
/* Whether it says that COMMAND has succeeded; as often as it does, as the same command may be there several times. */
bool joblog_succeeded(struct joblog *log, const char *command);
/* Takes it to the file with the next joblog_flush. */
void joblog_add(struct joblog *log, const struct joblog_entry *entry);
/* 0, or -1 with errno. */
int joblog_flush(struct joblog *log);

#endif
