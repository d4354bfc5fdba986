/* One run of a handler: what stands behind taskd-plugin.h's struct taskd_call. A slot has one, and uses it again for
 * every task, so that a small task costs no allocation. */
#ifndef WORKER_CALL_H
#define WORKER_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/json_scan.h"
#include "proto/strbuf.h"
#include "worker/taskd-plugin.h"

struct lane_end;
struct lane_request;

/* Memory for the strings that a handler asks for: bytes that stay where they are until the call is over. */
struct arena_block;
struct arena {
	struct arena_block *blocks; /* what did not fit below */
	size_t used;
	char first[2048];
};

enum call_outcome { CALL_NOTHING, CALL_RESULT, CALL_FAILURE };

struct taskd_call {
	/* for the slot's life */
	struct lane_end *end; /* borrowed */
	size_t payload_limit;

	/* the task */
	uint64_t task_id;
	uint32_t attempt;
	int64_t deadline_ns;
	void *state;

	/* the arguments: an array, an object, or one item of a map, which stands for an array of that item */
	struct json_span args;
	bool is_item;
	size_t count;          /* elements or members; SIZE_MAX: not counted yet */
	size_t cursor;         /* json_next's, behind the last one that was looked at */
	size_t next_index;     /* the array's element at the cursor */
	struct json_span name; /* the last one that was looked at; kind JSON_NONE: none was */
	struct json_span value;
	struct arena arena;
	char reason[256]; /* why the arguments are not what the handler takes; "" while they are */

	/* what came of it */
	enum call_outcome outcome;
	struct strbuf result; /* the task's, or all of a map's so far */
	size_t result_start;  /* where this run's own begins */
	int code;
	uint32_t flags;     /* LANE_FLAG_… */
	struct strbuf data; /* a failure's */
	char message[512];

	/* progress */
	uint32_t map_index; /* the item that runs, of so many */
	uint32_t map_items; /* 0: no map */
	int64_t progress_ns; /* when the last one was said; 0: never */
	double progress_said;
};

void call_init(struct taskd_call *call, struct lane_end *end, size_t payload_limit);
void call_fini(struct taskd_call *call);

/* Makes the call ready for a request whose arguments are REQUEST's. */
void call_begin(struct taskd_call *call, const struct lane_request *request);
/* The same for one item of a map, after call_begin: its result follows those that are there. */
void call_begin_item(struct taskd_call *call, const struct json_span *item, uint32_t index);
/* Runs the handler, unless its arguments have an object with duplicate keys. `outcome` is RESULT or FAILURE then. */
void call_run(struct taskd_call *call, const struct taskd_handler *handler);
/* Gives back memory that an unusually large task needed. Pointers that the handler got are invalid from here on. */
void call_end(struct taskd_call *call);

/* Sets a failure by FLAGS (LANE_FLAG_…), with a message by printf; the result is forgotten. Returns TASKD_FAILED. */
int call_fail(struct taskd_call *call, uint32_t flags, const char *format, ...) __attribute__((format(printf, 3, 4)));
int call_fail_memory(struct taskd_call *call);
/* Sets a result that is known to be JSON already. Returns what `run` is to return. */
int call_return_span(struct taskd_call *call, const char *text, size_t length);

/* --- arena.c --- */
void arena_init(struct arena *arena);
/* NULL without memory. */
char *arena_alloc(struct arena *arena, size_t size);
void arena_reset(struct arena *arena);

#endif
