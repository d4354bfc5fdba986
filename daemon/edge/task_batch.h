/* task.submit_batch, while it is being read: several tasks that may name each other. */
#ifndef EDGE_TASK_BATCH_H
#define EDGE_TASK_BATCH_H

#include "edge/acceptance.h"

/* The phases are gone through one item after the other. */
enum batch_phase {
	BATCH_COUNTS,
	BATCH_READS,
	BATCH_RESOLVES, /* labels */
	BATCH_LOOKS,    /* … again at what may have changed since it was read; all at once */
	BATCH_DROPS,    /* all items, to read them again */
	BATCH_READY,    /* for the core, in the same slice */
	BATCH_ANSWERED, /* with an error, or since there is nothing to do */
};

struct batch_item {
	struct batch_task_params params;
	struct submission submission; /* its spec is within the batch's */
	const char *label;            /* the acceptance's; NULL: none */
	uint32_t label_hash;
};

#define BATCH_BLOCK 64 /* items that come and go at once */

struct task_batch {
	struct many many;
	enum batch_phase phase;
	enum method method;
	struct json_span tasks; /* within `text`, or the connection's backlog */
	char *text;             /* malloc'ed; NULL: the backlog has it */
	bool later;             /* its first slice is over */
	size_t cursor;
	size_t count, read, next; /* items: in all; that have something to free; where a phase stands */
	struct batch_item **blocks; /* each of BATCH_BLOCK, malloc'ed */
	struct task_spec *specs;
	struct acceptance *acceptance; /* NULL: it is on its way already */
	uint32_t *labels;       /* by their hashes: items' places, from 1 on; NULL: there are none */
	size_t labels_room;     /* a power of two */
	size_t n_watched;
	bool durable;           /* some item is */
	bool has_refs, has_claims; /* some item has */
	unsigned generation;    /* of the configuration that it has been read with */
	unsigned again;         /* so many times it has been read again */
};

static inline struct batch_item *batch_item(const struct task_batch *batch, size_t index)
{
	return &batch->blocks[index / BATCH_BLOCK][index % BATCH_BLOCK];
}
/* CALL, with its errors about an item. */
struct call batch_call(
	const struct call *call, const struct task_batch *batch, size_t index, struct reply_place *place);

/* --- batch_labels.c --- */
/* False: it cannot be called so, which has been answered. */
bool batch_add_label(const struct call *call, struct task_batch *batch, size_t index) __attribute__((warn_unused_result));
/* What the INDEXth item waits for by a label is another item from now on. False: there is none of that label, which has
 * been answered. */
bool batch_resolve(const struct call *call, struct task_batch *batch, size_t index) __attribute__((warn_unused_result));
/* The core has found that items wait for each other in a circle, of which FROM is one: answers which. */
void batch_answer_circle(const struct call *call, const struct task_batch *batch, size_t from);

#endif
