/* See durable_fake.h. */
#include "durable_fake.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

struct durable *fake_new(struct core *core)
{
	struct durable *durable = xcalloc(1, sizeof(*durable));
	durable->core = core;
	durable->state = STORE_WORKING;
	durable->queue_says = -1;
	return durable;
}

static void question_free(struct fake_question *question)
{
	free(question->tag);
	free(question->key);
	free(question->queue);
	free(question->path);
	*question = (struct fake_question){ 0 };
}

void fake_free(struct durable *durable)
{
	if (!durable)
		return;
	for (size_t i = 0; i < FAKE_QUESTIONS; i++)
		question_free(&durable->questions[i]);
	free(durable);
}

/* --- records --- */

void durable_record(struct durable *durable, struct task *task, enum core_record what, bool more)
{
	ck_assert_uint_lt(durable->n_records, FAKE_RECORDS);
	durable->records[durable->n_records++] =
		(struct fake_record){ .id = task->id, .what = what, .more = more, .detached = task->detached };
}

static bool is_waited_for(const struct fake_record *record)
{
	return record->what == RECORD_SUBMITTED || record->what == RECORD_ENDED;
}

void fake_commit_one(struct durable *durable)
{
	ck_assert_uint_lt(durable->n_settled, durable->n_records);
	const struct fake_record record = durable->records[durable->n_settled++];
	if (is_waited_for(&record))
		core_recorded(durable->core, record.id);
}

size_t fake_commit(struct durable *durable)
{
	size_t count = durable->n_records - durable->n_settled;
	for (size_t i = 0; i < count; i++)
		fake_commit_one(durable);
	return count;
}

void fake_refuse(struct durable *durable, const char *kind, const char *message)
{
	while (durable->n_settled < durable->n_records) {
		const struct fake_record record = durable->records[durable->n_settled++];
		if (record.what == RECORD_SUBMITTED)
			core_refused(durable->core, record.id, kind, message);
	}
}

size_t fake_count(const struct durable *durable, enum core_record what)
{
	size_t count = 0;
	for (size_t i = 0; i < durable->n_records; i++)
		count += durable->records[i].what == what;
	return count;
}

/* --- questions --- */

static char *copy(const struct store_text *text)
{
	return text->data ? strndup(text->data, text->length) : NULL;
}

uint64_t durable_ask(struct durable *durable, const struct store_query *query, store_found *found,
	store_answered *answered, void *user)
{
	ck_assert_uint_lt(durable->n_questions, FAKE_QUESTIONS);
	struct fake_question *question = &durable->questions[durable->n_questions++];
	*question = (struct fake_question){
		.number = durable->n_questions,
		.query = *query,
		.tag = copy(&query->tag),
		.key = copy(&query->key),
		.queue = copy(&query->queue),
		.path = copy(&query->path),
		.found = found,
		.answered = answered,
		.user = user,
	};
	return question->number;
}

void durable_unask(struct durable *durable, uint64_t number)
{
	struct fake_question *question = &durable->questions[number - 1];
	ck_assert_uint_eq(question->number, number);
	question_free(question);
}

struct fake_question *fake_asked(struct durable *durable)
{
	ck_assert_uint_gt(durable->n_questions, 0);
	struct fake_question *question = &durable->questions[durable->n_questions - 1];
	ck_assert_uint_ne(question->number, 0);
	return question;
}

void fake_answer(struct durable *durable, const struct store_task *rows, size_t n, const struct store_answer *answer)
{
	struct fake_question *question = fake_asked(durable);
	for (size_t i = 0; i < n; i++)
		question->found(question->user, &rows[i]);
	question->answered(question->user, answer);
	question_free(question);
}

/* --- how it stands --- */

const char *store_state_name(enum store_state state)
{
	static const char *const names[] = {
		[STORE_CLOSED] = "closed",
		[STORE_OPENING] = "opening",
		[STORE_WORKING] = "ok",
		[STORE_FULL] = "full",
		[STORE_BROKEN] = "failed",
		[STORE_STOPPING] = "stopping",
	};
	return names[state];
}

void durable_figures(const struct durable *durable, struct durable_figures *out)
{
	*out = (struct durable_figures){
		.state = durable->state,
		.text = durable->text,
		.directory = "/var/lib/taskd",
		.loading = durable->loading,
		.loaded = 3,
		.to_load = 7,
		.committed = durable->n_settled,
		.pid = 4712,
	};
}

bool durable_is_loading(const struct durable *durable)
{
	return durable->loading;
}

bool durable_wanted(const struct durable *durable, const struct core_queue *queue, int said, bool submit)
{
	(void)queue;
	if (said < 0)
		said = durable->queue_says;
	return said < 0 ? submit : said > 0;
}

enum durable_answer durable_may_submit(const struct durable *durable, size_t bytes)
{
	(void)bytes;
	return durable->may_submit;
}

void durable_queue_set(struct durable *durable, struct core_queue *queue, int said)
{
	(void)queue;
	durable->queue_says = said;
}

int durable_queue_get(const struct durable *durable, const struct core_queue *queue)
{
	(void)queue;
	return durable->queue_says;
}
