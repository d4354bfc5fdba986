/* A lane: what the master and one slot of a worker share. A sealed-size memfd with a ring of requests and a ring of
 * completions, two semaphores that only hint, a flag that says whether the master sleeps, and a socket for payloads
 * that are too large for a ring (sealed memfds) and for descriptors that go with a request. The truth is in the ring
 * indices.
 *
 * Master side: struct lane, never blocks, believes nothing it reads. Worker side: struct lane_end, blocks.
 *
 * Each request has a sequence number, unique in its lane. Its record's state word holds the number and one of
 * QUEUED, TAKEN, REVOKED: the slot turns QUEUED to TAKEN when it begins, the master QUEUED to REVOKED when it wants it
 * back, by compare-and-swap: one of them wins. The master reuses a record's bytes only when the slot's index has
 * passed it and its own books say that it is over, so that a late compare-and-swap cannot hit another record. */
#ifndef LANE_LANE_H
#define LANE_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes;
struct lane;
struct lane_end;

enum {
	LANE_OK = 0,
	LANE_NONE = -1,   /* nothing there, or no room now */
	LANE_BROKEN = -2, /* the other side wrote nonsense, or is gone */
	LANE_NO_MEMORY = -3,
};

/* Payloads above this go by memfd. */
#define LANE_INLINE_LIMIT (16u * 1024)
#define LANE_FDS_LIMIT 3u

#define LANE_RUN_AS_POOL UINT32_MAX
struct lane_request {
	uint64_t task_id;
	uint32_t attempt;
	uint32_t items;      /* 0: args is one task's array or object; else an array of so many items, each run as [item] */
	int64_t timeout_ns;  /* its time limit, from the moment the slot takes it; 0: none */
	uint32_t run_as;     /* a command, where its worker is root: the uid that it runs as; LANE_RUN_AS_POOL: as its pool says */
	const char *name;    /* the task type's */
	size_t name_length;
	const char *args; /* JSON */
	size_t args_length;
	/* Descriptors that go with it. lane_send borrows them; what lane_end_take gives is CLOEXEC and the caller's. */
	int fds[LANE_FDS_LIMIT];
	uint32_t n_fds;
	bool fds_are_files; /* lane_send: they are regular files, so nobody can wait for their last one to be closed */
};

enum lane_word {
	LANE_SUCCEEDED = 1, /* payload: the result's JSON */
	LANE_FAILED = 2,    /* payload: the error's data as JSON, or empty */
	LANE_PROGRESS = 3,  /* payload: a text (up to LANE_INLINE_LIMIT), or empty; the task goes on */
	LANE_OUTPUT = 4,    /* payload: what a command has just said, NULL where the master had no memory; the task goes on */
};

/* What the slot says, copied out of shared memory and with its lengths checked. */
struct lane_reply {
	enum lane_word word;
	uint32_t seq;
	uint64_t task_id;
	int64_t started_ns; /* the slot's own clock reading: may be any number */
	int64_t ended_ns;
	int32_t code;    /* LANE_FAILED: the handler's */
	uint32_t flags;  /* LANE_UNKNOWN_TASK, … */
	uint32_t rss_kib; /* the worker's resident size, 0 when not looked at */
	double progress;
	uint64_t offset; /* LANE_OUTPUT: how much of that stream came before, below 2^63; `code` is the stream, 0 or 1 */
	char message[512]; /* LANE_FAILED: terminated, valid UTF-8 is not promised */
	struct bytes *payload; /* one reference, the caller's; NULL when empty */
};
#define LANE_FLAG_UNKNOWN_TASK 1u  /* LANE_FAILED: the worker has no such handler */
#define LANE_FLAG_INIT_FAILED 2u   /* the handler's init failed in this slot */
#define LANE_FLAG_BAD_ARGS 4u      /* the arguments are not what the handler takes */
#define LANE_FLAG_TOO_LARGE 8u     /* the result is over the limit */
#define LANE_FLAG_MIXED 16u        /* a map's chunk in which some item failed: each element of the result is
                                    * {"result": …} or {"error": {"code", "message", "data"}}; without it each is a result */
#define LANE_FLAG_CANCELLED 32u    /* the handler returned TASKD_CANCELLED; the command was told to stop */
#define LANE_FLAG_COMMAND 64u      /* a command did not succeed: the payload is its result */
#define LANE_FLAG_NOT_STARTED 128u /* a command could not be started: the payload has "step", "errno", … */
#define LANE_FLAG_KILLED 256u      /* a command was ended by a signal, and that was not what it was told to stop by */

/* --- the master's side --- */
struct lane_options {
	uint32_t request_ring;    /* bytes, a power of two */
	uint32_t completion_ring; /* the same */
	size_t payload_limit;     /* a larger result is LANE_BROKEN (the worker's library refuses it before) */
};
/* NULL with errno set. */
struct lane *lane_new(const struct lane_options *options) __attribute__((warn_unused_result));
void lane_free(struct lane *lane);
/* The descriptors that the worker gets, CLOEXEC here: the memory, and the worker's end of the payload socket. Both are
 * closed with lane_handed_over once they were sent (and are -1 from then on). */
int lane_memory_fd(const struct lane *lane);
int lane_socket_fd(const struct lane *lane);
void lane_handed_over(struct lane *lane);

/* Puts a request in. A slot that sleeps goes on sleeping until lane_kick: one wake-up serves all that is put in
 * together. *seq is its number. The name has at most 255 bytes. A payload over LANE_INLINE_LIMIT, or one with
 * descriptors, is taken only while no other such is on its way; and descriptors only while nothing else is in the lane,
 * so that they do not stay open behind what the slot runs. Only of those that are files there may be a few, behind
 * whatever there is. LANE_NONE: no room now; from then on the slot also rings the
 * doorbell when it has made room, and lane_sleep is false once where it already has: try again then. LANE_NO_MEMORY: no
 * memory or descriptor for what does not go through the ring. LANE_BROKEN. */
int lane_send(struct lane *lane, const struct lane_request *request, uint32_t *seq) __attribute__((warn_unused_result));
/* Wakes the slot if it sleeps. To be called after lane_send, before the master itself sleeps. */
void lane_kick(struct lane *lane);
/* Takes a request back; false where the slot has it, or it is over. */
bool lane_revoke(struct lane *lane, uint32_t seq);
/* When the slot took it: the slot's own word, or some time between the sending and now where that makes no sense;
 * 0: it has not taken it. */
int64_t lane_started(struct lane *lane, uint32_t seq, int64_t sent_ns, int64_t now_ns);
/* Raises the request's cancel flag. */
void lane_interrupt(struct lane *lane, uint32_t seq);
/* The next thing the slot says: LANE_OK, LANE_NONE, LANE_BROKEN. A reply of word SUCCEEDED or FAILED whose seq is not
 * the oldest one that was sent, not revoked and not answered yet, is LANE_BROKEN. */
int lane_receive(struct lane *lane, struct lane_reply *reply) __attribute__((warn_unused_result));
/* Whether the slot has said something that was not received; a look at shared memory. False once the lane is known to be
 * broken. */
bool lane_has_reply(struct lane *lane);
/* Whether the slot has sent what no reply that was received speaks of. */
bool lane_is_littered(const struct lane *lane);
/* Tells the slot to ring the doorbell at its next word. False where it has said something already, or has made room for
 * a request that found none: do not sleep. WHEN_IDLE: not at an answer behind which it finds another request in the lane;
 * who asks for that looks by itself, before long, as long as there are several. */
bool lane_sleep(struct lane *lane, bool when_idle);
void lane_wake(struct lane *lane);
/* Asks the slot to leave once it has done what it took; what it has not taken stays untaken. */
void lane_stop(struct lane *lane);

/* --- the slot's side --- */
/* Takes over the descriptors, also where it fails; DOORBELL is borrowed (an eventfd that the process's slots share).
 * NULL with errno set. */
struct lane_end *lane_end_new(int memory_fd, int socket_fd, int doorbell_fd, size_t payload_limit) __attribute__((warn_unused_result));
void lane_end_free(struct lane_end *end);
/* Sleeps until there is a request, and takes it. LANE_OK; LANE_NONE: the master asked it to stop; LANE_BROKEN. What
 * the request points at stays valid until lane_end_reply of SUCCEEDED or FAILED; its name is terminated. One thread
 * takes and replies. */
int lane_end_take(struct lane_end *end, struct lane_request *request);
/* Says something about the request that was taken last; waits for room. PAYLOAD is copied. Of REPLY, seq, task_id and
 * payload are not read; times of 0 become when it was taken, and now. A payload over the limit, or one for which the
 * process has no memory or descriptor, becomes LANE_FAILED with LANE_FLAG_TOO_LARGE. LANE_OK, LANE_BROKEN. */
int lane_end_reply(struct lane_end *end, const struct lane_reply *reply, const char *payload, size_t payload_length);
/* Says what the command that was taken last has just said (STREAM 0 or 1, LENGTH at most LANE_INLINE_LIMIT), where the ring
 * has room for it and for much more: this never waits, and never keeps a reply from its room. False: it was not said. */
bool lane_end_output(struct lane_end *end, int stream, uint64_t offset, const char *data, size_t length);
/* Whether the master wants the taken request to stop. Any thread. */
bool lane_end_interrupted(const struct lane_end *end);
/* Whether there is no request that has yet to be answered: none in the ring, and none taken. Any thread. */
bool lane_end_is_idle(const struct lane_end *end);

#endif
