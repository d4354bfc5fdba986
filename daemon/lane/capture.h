/* What a running command has said so far: memory that the worker of a slot writes and the master reads when somebody asks,
 * so that output which nobody asks for costs the master nothing. A memfd of a sealed size that is sparse until written to:
 * a page of head, then for each of two streams room for LIMIT bytes. It only ever grows within a task: what is below
 * `kept` does not change until the next capture_begin, so nobody waits for anybody.
 *
 * Head: a generation, odd while a task begins; task id and attempt (0 while there is none); the command's pid; whether it
 * is suspended; for each stream, how many bytes are kept here and how many there were in all. The master believes none of
 * it: lengths are checked against LIMIT, and the generation is looked at again after copying, since the slot may have gone
 * on to the next task meanwhile. The one thing that the master writes is whom it follows. */
#ifndef LANE_CAPTURE_H
#define LANE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;     /* the master's side */
struct capture_end; /* the worker's */

enum capture_stream { CAPTURE_STDOUT, CAPTURE_STDERR, CAPTURE_N_STREAMS };

struct capture_state {
	int pid; /* the command's; 0: not started */
	bool suspended;
	uint64_t kept[CAPTURE_N_STREAMS];
	uint64_t total[CAPTURE_N_STREAMS];
};

/* --- the master's side; never blocks --- */
/* NULL with errno set. LIMIT is rounded up to whole pages, at least one; at most 1 GiB. */
struct capture *capture_new(size_t limit) __attribute__((warn_unused_result));
void capture_free(struct capture *capture);
/* For the worker; CLOEXEC. -1 once capture_handed_over has closed it. */
int capture_fd(const struct capture *capture);
void capture_handed_over(struct capture *capture);
/* False: it is not about that attempt of that task now. */
bool capture_look(const struct capture *capture, uint64_t task_id, uint32_t attempt, struct capture_state *out);
/* Copies up to SIZE bytes of STREAM from OFFSET on; how many, 0: there are none (yet, or they are over the limit); -1: it
 * is not about that attempt. */
long capture_read(const struct capture *capture, uint64_t task_id, uint32_t attempt, enum capture_stream stream,
	uint64_t offset, void *room, size_t size);
/* Whether the slot is to say what comes (LANE_OUTPUT) of that attempt of that task, for those who follow; also before the
 * slot has begun with it. One at a time: it is the end of another's. */
void capture_follow(struct capture *capture, uint64_t task_id, uint32_t attempt, bool on);

/* --- the worker's side --- */
/* Takes over FD, also where it fails. NULL with errno set. */
struct capture_end *capture_end_new(int fd) __attribute__((warn_unused_result));
void capture_end_free(struct capture_end *end);
size_t capture_end_limit(const struct capture_end *end);
/* A new task: everything is empty, and memory that a large output took is given back. KEEP: bytes of each stream, up to the
 * limit. */
void capture_begin(struct capture_end *end, uint64_t task_id, uint32_t attempt, size_t keep);
/* Adds what the command said: keeps what there is room for. */
void capture_put(struct capture_end *end, enum capture_stream stream, const void *data, size_t length);
/* Room to read the next bytes right into: *room of *size bytes, size 0 once KEEP is reached. Then capture_add of what it was. */
void capture_room(struct capture_end *end, enum capture_stream stream, void **room, size_t *size);
/* LENGTH more bytes were said: of these, those that went into capture_room are KEPT. */
void capture_add(struct capture_end *end, enum capture_stream stream, size_t length, size_t kept);
void capture_set_pid(struct capture_end *end, int pid);
void capture_set_suspended(struct capture_end *end, bool suspended);
/* Whether the master wants to hear of what this task says. */
bool capture_followed(const struct capture_end *end);
/* What was kept, for the result. */
const char *capture_data(const struct capture_end *end, enum capture_stream stream, size_t *length, uint64_t *total);

#endif
