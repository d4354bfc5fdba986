/* What master and store tell each other: messages in the two directions of a channel (lane/channel.h), each a header and
 * a body of fixed-width little-endian numbers and counted strings. Both sides are given these structs; one function a
 * message (store/record.c) writes and reads it, so that the two cannot disagree. The reader believes nothing: a length,
 * a count or a word that makes no sense is an error of the whole channel.
 *
 * Times are of the wall clock, ns since 1970, 0: none: the monotonic clock does not survive a reboot.
 *
 * master → store. Those that change something ("operations") have a sequence number, one more than the last one's or
 * higher, and are applied in its order; all that has come while the last transaction was being committed is the next
 * transaction. STORE_CHAINED: the next operation belongs to the same transaction whatever happens.
 * A transaction is answered with STORE_COMMITTED of its last number; the store remembers that number with the session's,
 * so that what is sent again is skipped; and each operation is harmless when it is applied twice, too. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_WIRE_VERSION 1u      /* of these messages; in STORE_OPEN and STORE_OPENED */
#define STORE_CONTROL_FD 3         /* the store's end of a socket on which nothing is said: its end is the master's */
#define STORE_MEMORY_FD 4          /* the channel's */
#define STORE_DOORBELL_FD 5
#define STORE_ALIVE_FD 6           /* locked as long as anybody has it: see durable/lock.h. Not used, only kept open */
#define STORE_FILE "tasks.db"      /* in the state directory */
#define STORE_CORE_DUMPS "core-dumps" /* its argument, where a crash may leave one */

enum store_message {
	/* master → store: requests */
	STORE_OPEN = 1,     /* store_open; the first one. → STORE_OPENED */
	STORE_LOAD,         /* no body: all that lives. → STORE_ROW …, STORE_LOADED */
	STORE_QUERY,        /* store_query; `number` of the header is echoed. → STORE_FOUND …, STORE_ANSWERED */
	STORE_SET_LIMITS,   /* store_limits */
	STORE_STOP,         /* no body: commit what there is and leave. → the end of the process */
	STORE_AGAIN,        /* no body: the answer to STORE_REFUSED. What the store has taken, or finds in the channel, between the two is
	                     * passed over, not done and not answered; what was kept of it follows now once more, with the
	                     * numbers that it had, where some may be missing */
	/* master → store: operations; the header's number is their sequence number */
	STORE_TASK_PUT = 32,  /* store_task: a new task. Where it is there already it is replaced, unless it has ended */
	STORE_TASK_START,     /* store_task_start: a slot gets it */
	STORE_TASK_STATE,     /* store_task_state: it waits again, or for something else, perhaps after an attempt */
	STORE_TASK_MET,       /* store_task_met: one that it waits for, and that is not here itself, has ended as it was to */
	STORE_TASK_END,       /* store_task_end: its outcome, unless it has one */
	STORE_TASK_FORGET,    /* no body: the header says which */
	STORE_QUEUE_PUT,      /* store_queue: how a queue differs from the configuration */
	STORE_QUEUE_DROP,     /* store_name */
	STORE_SCHEDULE_PUT,   /* store_schedule */
	STORE_SCHEDULE_RAN,   /* store_schedule_ran */
	STORE_SCHEDULE_DROP,  /* store_name */
	STORE_IDS,            /* store_ids: no id, place or fence below these will be given out again */
	/* store → master */
	STORE_OPENED = 64,  /* store_opened */
	STORE_COMMITTED,    /* number: all operations up to it are on disk */
	STORE_REFUSED,      /* store_text: the disk is full; nothing of the transaction that ends with `number` was done, and nothing of
	                     * what comes behind it will be, until STORE_AGAIN */
	STORE_FAILED,       /* store_text: trouble with the disk or the file: nothing more is ever committed. The process leaves */
	STORE_ROW,          /* store_row, of STORE_LOAD: queues, then schedules, then the tasks that have not ended by their places,
	                     * then those that have, the latest first, as far as `keep` of STORE_OPEN goes */
	STORE_LOADED,       /* no body */
	STORE_FOUND,        /* store_row of a task, of the query `number` */
	STORE_ANSWERED,     /* store_answer, of the query `number` */
};
#define STORE_CHAINED 1u /* header.flags */

struct store_header {
	uint32_t length; /* of the body */
	uint16_t message;
	uint16_t flags;
	uint64_t number;
	uint64_t id; /* the task that an operation is about; 0: none */
};
#define STORE_HEADER_SIZE 24u
#define STORE_BODY_LIMIT (UINT32_C(3) << 30) /* arguments and results have at most 1 GiB each */

/* Bytes, not terminated, borrowed from whoever made the struct. NULL and 0: none; "" is data != NULL. */
struct store_text {
	const char *data;
	uint32_t length;
};
#define STORE_TEXT_NONE ((struct store_text){ NULL, 0 })

struct store_limits {
	int64_t history_ttl_ns;  /* ended tasks leave so long after their end; 0: never */
	uint64_t history_count;  /* … and the oldest where there are more; 0: no limit */
};
struct store_keep { /* which ended tasks are loaded: what the master's memory has room for */
	int64_t success_after_ns, failure_after_ns; /* ended after that */
	uint64_t count, bytes;
};
struct store_open {
	uint32_t version;
	struct store_text directory;
	uint64_t session;   /* of the master: other sessions' sequence numbers say nothing */
	bool put_aside;     /* a damaged file is renamed, and a new one made; else it is refused */
	struct store_limits limits;
	struct store_keep keep;
};
enum store_opening {
	STORE_OPEN_FINE,
	STORE_OPEN_ASIDE,   /* fine, but a damaged file was put aside: text says as what */
	STORE_OPEN_DAMAGED,
	STORE_OPEN_NEWER,   /* of a later version of taskd */
	STORE_OPEN_LOCKED,  /* another process has it */
	STORE_OPEN_FULL,
	STORE_OPEN_ERROR,   /* cannot be opened, or written */
};
struct store_opened {
	uint32_t version;
	uint8_t status; /* enum store_opening */
	struct store_text text; /* for people; none where it is fine */
	uint64_t next_id, next_place, next_fence; /* none was ever given out from here on; 0: a new file */
	uint64_t live, ended; /* tasks */
	uint64_t applied;     /* all operations of this session up to that number are on disk, and are not sent again; 0: none */
};

/* States are the core's words ("queued", "running", "succeeded", …): the database is for people to query. */
#define STORE_WORD_LIMIT 15u
struct store_attempt { /* one that was followed by another */
	int64_t started_ns, ended_ns;
	struct store_text state, kind, message;
	int32_t code;
	int32_t pid;
};
struct store_claim {
	uint8_t kind; /* enum object_kind */
	bool shared;
	uint32_t count, slots;
	struct store_text name;
};
/* DONE is written where that is so when its task is put, or by STORE_TASK_MET. In a row that is told it also says what has
 * become of the other task since, if that is here; and who leaves the store says so before to those who wait for it. */
struct store_dependency {
	uint64_t id;
	bool any, done;
	struct store_text result; /* done, and it is to be passed on */
};
struct store_outcome {
	struct store_text result;  /* JSON */
	struct store_text data;    /* JSON */
	struct store_text message, kind;
	int32_t code;
	uint64_t dropped, because_of;
	/* The obituary; pid 0: none. */
	int32_t pid, wait_status;
	int64_t user_ns, system_ns, maxrss_kib;
	struct store_text reason;
};
/* All that a task is. The state "running" with on_disk meaning "a slot had it" is what a restart finds of interrupted ones. */
struct store_task {
	uint64_t id, place, retry_of, retried_as;
	uint64_t replaces; /* when it is put: that one, unless it has ended, is `final` from then on. Not kept */
	struct store_text type, queue, state, tag, key, schedule;
	uint32_t owner, items;
	int32_t priority;
	uint16_t attempt;
	uint8_t crashes;
	bool command, detached, wall, tried, on_interrupt_crash, pass_results, final;
	int64_t submitted_ns, due_ns, started_ns, ended_ns, expires_ns;
	int64_t timeout_ns; /* a duration, as those of `retry` */
	struct store_text args; /* JSON */
	struct {
		uint32_t retries, on;
		int64_t backoff_ns, backoff_max_ns;
		double factor, jitter;
	} retry;
	struct store_attempt *attempts; /* attempt - 1 of them, or none */
	uint32_t n_attempts;
	struct store_claim *claims;
	uint32_t n_claims;
	struct store_dependency *dependencies;
	uint32_t n_dependencies;
	struct store_outcome outcome; /* where it has ended */
};
struct store_task_start {
	uint16_t attempt;
	int64_t started_ns;
};
struct store_task_state { /* what changes while it has not ended */
	struct store_text state;
	uint16_t attempt;
	uint8_t crashes;
	bool wall, tried;
	uint64_t place;
	int64_t due_ns;
	bool adds_attempt; /* the one before this is over: */
	struct store_attempt last;
};
struct store_task_met {
	uint32_t dependency; /* the first one is 0 */
	struct store_text result;
};
struct store_task_end {
	struct store_text state;
	uint16_t attempt;
	uint8_t crashes;
	bool keeps_args; /* it may be retried */
	int64_t started_ns, ended_ns;
	struct store_outcome outcome;
};
struct store_queue {
	struct store_text name;
	bool paused, draining;
	bool is_made;  /* by queue.create: then the rest says how */
	bool is_set;   /* by queue.set: the same, over the configuration's */
	struct store_text pool;
	uint64_t limit_queued, limit_bytes, limit_running;
	uint8_t order; /* enum queue_order */
	double rate;
	uint32_t burst, weight;
	int64_t ageing_ns;
	int8_t durable; /* -1: as the daemon has it, 0, 1 */
};
struct store_schedule {
	struct store_text name; /* OWNER/NAME */
	struct store_text text; /* what cron or every was said as */
	struct store_text groups; /* its owner's when it was made, numbers with blanks between them; none: not known */
	bool is_cron;
	int64_t every_ns, expires_ns;
	bool catch_up, overlap;
	int64_t next_ns; /* of the wall clock in any case; 0: never */
	uint64_t runs, skipped, last_id;
	uint32_t owed; /* missed runs that are still to be made up for */
	struct store_task task; /* type, queue, owner, priority, timeout, tag, args, retry, claims, items, on_interrupt_crash */
	int8_t durable;
};
struct store_schedule_ran {
	struct store_text name;
	int64_t next_ns;
	uint64_t runs, skipped, last_id;
	uint32_t owed;
};
struct store_ids {
	uint64_t next_id, next_place, next_fence;
};
struct store_name {
	struct store_text name;
};

/* What a query is about. Zeroed: everything. */
enum store_question {
	STORE_ASK_TASK,    /* one, by `id`, with its arguments and result */
	STORE_ASK_HISTORY, /* those that match, without arguments and results, in the order of their ids */
	STORE_ASK_STATS,   /* → answer.json */
	STORE_ASK_CHECK,   /* the whole file is read and checked → answer.json {"ok":bool,"problems":[…],"seconds":N} */
	STORE_ASK_BACKUP,  /* a copy of the whole at `path`, which must not be there → answer.json */
};
struct store_query {
	uint8_t question; /* enum store_question */
	uint64_t id;
	uint32_t states;  /* bits by the core's enum task_state; 0: all */
	struct store_text queue, type, tag, key, path;
	bool by_owner;
	uint32_t owner;
	int64_t since_ns, until_ns; /* of submission; 0: any */
	uint64_t before, after; /* ids; 0: any */
	bool oldest_first;
	uint32_t limit;
};
enum store_answer_status { STORE_ANSWER_FINE, STORE_ANSWER_NOT_FOUND, STORE_ANSWER_ERROR };
struct store_answer {
	uint8_t status;
	struct store_text text; /* an error's, for people */
	struct store_text json;
	bool more; /* ASK_HISTORY: there are more beyond the limit */
};

enum store_row_kind { STORE_ROW_QUEUE, STORE_ROW_SCHEDULE, STORE_ROW_TASK };
struct store_row {
	uint8_t kind;
	union {
		struct store_queue queue;
		struct store_schedule schedule;
		struct store_task task;
	};
};

/* --- writing and reading --- */
/* What a body is written into; grows. Zeroed: empty. */
struct store_buffer {
	char *data;
	size_t length, room;
};
void store_buffer_free(struct store_buffer *buffer);
/* Adds a whole message: header (its length is filled in) and body. BODY is the struct that header->message says above; NULL
 * where there is none. False: no memory, larger than STORE_BODY_LIMIT, or what no reader would believe (a word over
 * STORE_WORD_LIMIT, a number that is none); then the buffer is as it was. */
bool store_write(struct store_buffer *out, const struct store_header *header, const void *body);
/* Those that change something. */
bool store_is_operation(enum store_message message);
/* The header at DATA, of which STORE_HEADER_SIZE bytes are there. False: it makes no sense. */
bool store_read_header(const char *data, struct store_header *header);
/* The message at DATA, which store_write has written, is not STORE_CHAINED any more. */
void store_unchain(char *data);
/* Fills BODY, the struct that header->message says (NULL where there is none); its texts point into DATA (header->length bytes), its arrays are
 * allocated: store_body_free. False: it makes no sense, and there is nothing to free. */
bool store_read_body(const struct store_header *header, const char *data, void *body) __attribute__((warn_unused_result));
void store_body_free(enum store_message message, void *body);

static inline struct store_text store_text_of(const char *data, size_t length)
{
	return (struct store_text){ data, (uint32_t)length };
}

#endif
