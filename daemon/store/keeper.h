/* A thread that keeps house while the writer has other things to do: it sees the master's end, copies the write-ahead log
 * into the file, and lets old tasks leave when nothing else happens. Asleep where there is nothing of that to do. */
#ifndef STORE_KEEPER_H
#define STORE_KEEPER_H

#include <pthread.h>

#include "store/db.h"

struct channel_end;
struct writer;

/* control_fd and fail are the starter's to set. */
struct keeper {
	struct writer *writer;
	struct channel_end *end;
	struct db db;
	int control_fd; /* its end is the master's; -1: it has come */
	int wake_fd;
	pthread_t thread;
	pthread_mutex_t mutex;
	struct { /* guarded */
		uint64_t commits;
		bool works; /* it knows that there is something in the log */
		bool much;  /* … and that it is to be copied at once */
		bool leaves;
		bool orphan;
	} seen;
	/* Called, from the thread, where nothing can be believed any more. */
	void (*fail)(const char *text);
	char trouble[256];
};

/* 0; -1: keeper->trouble says why. */
int keeper_start(struct keeper *keeper, struct writer *writer, struct channel_end *end,
	const struct store_text *directory) __attribute__((warn_unused_result));
/* By the writer's thread, after each commit. */
void keeper_tell(struct keeper *keeper);
/* The master is gone. From any thread. */
bool keeper_is_orphan(struct keeper *keeper);
void keeper_stop(struct keeper *keeper);

#endif
