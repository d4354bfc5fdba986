/* A store for the edge's tests, in the place of durable/durable.h: what the core records waits here until the test says
 * that it is on disk, or refused; questions wait until the test answers them. */
#ifndef TESTS_DURABLE_FAKE_H
#define TESTS_DURABLE_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"
#include "durable/durable.h"

#define FAKE_RECORDS 4096
#define FAKE_QUESTIONS 16

struct fake_record {
	uint64_t id;
	enum core_record what;
	bool more;
	bool detached; /* as the task said when it was recorded */
};
struct fake_question {
	uint64_t number; /* 0: answered, or taken back */
	struct store_query query;
	char *tag, *key, *queue, *path; /* malloc'ed copies of its texts; NULL: none */
	store_found *found;
	store_answered *answered;
	void *user;
};
struct durable {
	struct core *core;
	struct fake_record records[FAKE_RECORDS]; /* all that there were */
	size_t n_records;
	size_t n_settled; /* so many of them are on disk, or were refused */
	struct fake_question questions[FAKE_QUESTIONS];
	size_t n_questions; /* that were ever asked */
	/* As the functions of the same names say it: */
	enum durable_answer may_submit;
	enum store_state state;
	const char *text;
	bool loading;
	int queue_says; /* of every queue; durable_queue_set sets it */
};

struct durable *fake_new(struct core *core);
void fake_free(struct durable *durable);
/* What waits is on disk, in the order in which it was recorded. How many. */
size_t fake_commit(struct durable *durable);
/* Only the next one. */
void fake_commit_one(struct durable *durable);
/* The submissions that wait are refused with KIND; nothing becomes of the rest. */
void fake_refuse(struct durable *durable, const char *kind, const char *message);
/* How many records of WHAT there were. */
size_t fake_count(const struct durable *durable, enum core_record what);
/* The last question; dies where there is none that waits. */
struct fake_question *fake_asked(struct durable *durable);
/* Answers the last question with these rows. */
void fake_answer(struct durable *durable, const struct store_task *rows, size_t n, const struct store_answer *answer);

#endif
