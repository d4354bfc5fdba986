/* What the files of this room share.
 *
 *   durable.c    the whole: its life, its turn, what the store says
 *   hear.c       what the store says
 *   confirm.c    who waits for the disk
 *   start.c      tasks that start only after that is on disk
 *   write.c      from a task to what the store keeps of it
 *   read.c       and back, after a restart
 *   vocabulary.c states and other words between the two
 *   queues.c     how queues differ from the configuration, and what they say of durability
 *   schedules.c  recurring tasks
 *   numbers.c    ids, places and fences that are never given out again
 *   lock.c       one daemon for a directory */
#ifndef DURABLE_INTERNAL_H
#define DURABLE_INTERNAL_H

#include "base/clock.h"
#include "base/idmap.h"
#include "base/table.h"
#include "core/core.h"
#include "durable/durable.h"

/* Somebody waits until all operations up to SEQ are on disk. */
struct confirm {
	uint64_t seq;
	uint64_t id;
	bool start; /* a held start; else what was recorded of the task */
};
/* In the order of their numbers; a ring that grows. */
struct confirms {
	struct confirm *list;
	size_t first, count, room; /* ROOM is a power of two */
};

/* Tasks that somebody is in the middle of: something has to be done about them a little later. */
struct ids {
	uint64_t *list;
	size_t count, room;
};

struct starts {
	struct idmap held;  /* struct held, by the task's id */
	size_t n_waiting;   /* of them: those that wait for the disk */
	TAILQ_HEAD(, held) list;
	struct ids loose;   /* they may have gone back to their queues: that is seen when the turn is over */
};

struct numbers {
	struct core_numbers asked, sure; /* below these: reserved, once what was put is on disk; on disk */
	uint64_t seq; /* of the operation that makes `sure` of `asked`; 0: that is so */
	struct core_numbers taken; /* as they stood a second ago, or so */
	int64_t taken_ns;
	struct core_numbers rate;  /* how many a second has taken lately */
	int64_t unsure_ns; /* since when more was given out than is sure; 0: it is not so */
};

struct durable {
	struct durable_host host;
	const struct config *config;
	struct store_client *client;
	char *directory;
	char *program;     /* NULL: store/client.h's */
	char *failure;     /* why it was not opened */
	char *text;        /* why its state is not "ok" */
	int64_t lead_ns;   /* of the wall clock before the monotonic one */
	int64_t clocks_ns; /* when that was looked at last, in a turn */
	bool opened;       /* the store has said so */
	bool knows_queues; /* those of before, and the schedules, are there again: the tasks come after them */
	bool loading;      /* they are asked for, and not all there */
	bool restoring;    /* what changes just now is on disk */
	bool draining;     /* durable_drain was called */
	bool stopped;      /* nothing is recorded any more */
	bool heard;        /* the store has told something that others may act upon */
	uint64_t to_load, recovered, interrupted;
	int64_t load_began_ns;
	struct confirms confirms;
	struct ids refused; /* their submissions were recorded when nothing could be any more */
	struct starts starts;
	struct numbers numbers;
	struct table queues; /* queues.c's: what they say, by their addresses */
	struct names words;  /* vocabulary.c's */
	struct table passed; /* read.c's, while it loads: results that are passed on, by the tasks that had them */
};

void durable_take_time(struct durable *durable);
/* Puts an operation; 0 where nothing is recorded. */
uint64_t durable_put(struct durable *durable, enum store_message message, uint64_t id, const void *body, bool chained);

/* --- times: the core's are monotonic, the store's of the wall clock; 0 is "none" in both, CLOCK_NEVER "never" --- */
static inline int64_t durable_wall(const struct durable *durable, int64_t mono_ns)
{
	int64_t wall_ns;
	if (mono_ns == 0 || mono_ns == CLOCK_NEVER || __builtin_add_overflow(mono_ns, durable->lead_ns, &wall_ns))
		return mono_ns ? CLOCK_NEVER : 0;
	return wall_ns ? wall_ns : 1;
}
static inline int64_t durable_mono(const struct durable *durable, int64_t wall_ns)
{
	int64_t mono_ns;
	if (wall_ns == 0 || wall_ns == CLOCK_NEVER)
		return wall_ns;
	if (__builtin_sub_overflow(wall_ns, durable->lead_ns, &mono_ns))
		return wall_ns > 0 ? CLOCK_NEVER : INT64_MIN;
	return mono_ns ? mono_ns : -1;
}

static inline struct store_text text_of(const char *text)
{
	return text ? store_text_of(text, __builtin_strlen(text)) : STORE_TEXT_NONE;
}

/* --- hear.c --- */
void hear_fill(struct store_events *events, struct durable *durable);
/* The submission of task ID cannot be recorded, as WHY (STORE_FULL, STORE_BROKEN) says. */
void hear_refuse(struct durable *durable, uint64_t id, enum store_state why);

/* --- confirm.c --- */
void ids_add(struct ids *ids, uint64_t id);
void confirms_add(struct confirms *confirms, struct confirm confirm);
/* The next one whose number is at most SEQ; false: there is none. */
bool confirms_take(struct confirms *confirms, uint64_t seq, struct confirm *out);
void confirms_free(struct confirms *confirms);

/* --- start.c --- */
void starts_init(struct starts *starts);
void starts_free(struct starts *starts);
/* The start of task ID is on disk, if that is still what it waits for. */
void starts_confirmed(struct durable *durable, uint64_t id, uint64_t seq);
/* Nothing can be made sure of now: those that wait for it go back to their queues. The core holds durable ones by then. */
void starts_give_up(struct durable *durable);
/* Something else is recorded of the task. */
void starts_forget(struct durable *durable, uint64_t id);
/* TASK waits again, and that is to be recorded: true where that is done when the turn is over, if it is so then. */
bool starts_put_off(struct durable *durable, const struct task *task);
/* The turn is over: of whom was put down as started, and has gone back to its queue, that is put down. */
void starts_turn(struct durable *durable);

/* --- write.c --- */
/* Their operations' numbers; 0: nothing is recorded. */
uint64_t write_task(struct durable *durable, const struct task *task, bool chained);
uint64_t write_start(struct durable *durable, const struct task *task);
uint64_t write_end(struct durable *durable, const struct task *task);
void write_state(struct durable *durable, const struct task *task, bool adds_attempt);
/* Malloc'ed; what they name is borrowed. NULL where N is 0. */
struct store_claim *write_claims(const struct object_claim *claims, size_t n);
void write_retry(struct store_task *out, const struct task_retry *retry);

/* --- read.c --- */
void read_init(struct durable *durable);
/* All have been read; again is no harm. */
void read_finish(struct durable *durable);
void read_task(struct durable *durable, const struct store_task *task);
/* What a submission says, borrowing from TASK and RETRY; read_spec_free afterwards. False: it is none. */
bool read_spec(struct durable *durable, const struct store_task *task, struct task_spec *spec, struct task_retry *retry)
	__attribute__((warn_unused_result));
void read_spec_free(struct task_spec *spec);

/* --- vocabulary.c --- */
void vocabulary_init(struct names *words);
void vocabulary_free(struct names *words);
/* The same text, as long as DURABLE lives: for what is static elsewhere. NULL where there is none. */
const char *vocabulary_keep(struct durable *durable, const struct store_text *text);
/* False: there is no such state. */
bool vocabulary_state(const struct store_text *text, enum task_state *out);
/* Terminated, malloc'ed; NULL where there is none. */
char *vocabulary_copy(const struct store_text *text);

/* --- queues.c --- */
void queues_init(struct durable *durable);
void queues_free(struct durable *durable);
void queues_configure(struct durable *durable);
void queues_read(struct durable *durable, const struct store_queue *row);

/* --- schedules.c --- */
void schedules_read(struct durable *durable, const struct store_schedule *row);

/* --- numbers.c --- */
void numbers_open(struct durable *durable, const struct store_opened *opened);
/* More of them, where it is time to. */
void numbers_turn(struct durable *durable);
void numbers_confirmed(struct durable *durable, uint64_t seq);
/* All that was given out is below what is on disk. */
bool numbers_are_sure(const struct durable *durable);
/* ID is about to be put down as given out. */
void numbers_cover(struct durable *durable);
void numbers_write(struct durable *durable);
/* What leaves is held back until all that was given out is sure, but not for long. */
bool numbers_hold(struct durable *durable);
int64_t numbers_next_ns(const struct durable *durable);

#endif
