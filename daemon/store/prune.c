/* What has ended leaves by age and number: the oldest first, a few at a time, so that nobody waits for it. */
#include "base/clock.h"
#include "store/writer.h"

#define PRUNE_STEP 256u

struct old {
	uint64_t id;
	int64_t flags;
};

enum db_code prune_look(struct writer *writer)
{
	return db_number(&writer->apply.db,
		"SELECT ifnull(min(ended_ns), 9223372036854775807) FROM tasks WHERE ended_ns IS NOT NULL",
		&writer->apply.oldest_ns);
}

static uint64_t too_many(const struct writer *writer)
{
	uint64_t limit = writer->limits.history_count;

	return limit && writer->apply.ended > limit ? writer->apply.ended - limit : 0;
}

int64_t prune_next_ns(const struct writer *writer)
{
	int64_t next_ns;

	if (too_many(writer))
		return 0;
	if (writer->limits.history_ttl_ns <= 0 || writer->apply.ended == 0)
		return INT64_MAX;
	return __builtin_add_overflow(writer->apply.oldest_ns, writer->limits.history_ttl_ns, &next_ns) ? INT64_MAX
													: next_ns;
}

bool prune_is_due(const struct writer *writer)
{
	return prune_next_ns(writer) <= clock_wall_ns();
}

/* Tasks that ended up to UNTIL_NS, MOST of them at most. */
static enum db_code find(struct writer *writer, int64_t until_ns, unsigned most, struct old *found, unsigned *n)
{
	int rc;

	*n = 0;
	sqlite3_bind_int64(writer->old, 1, until_ns);
	sqlite3_bind_int64(writer->old, 2, most);
	while ((rc = sqlite3_step(writer->old)) == SQLITE_ROW) {
		found[(*n)++] = (struct old){
			.id = (uint64_t)sqlite3_column_int64(writer->old, 0),
			.flags = sqlite3_column_int64(writer->old, 1),
		};
		writer->apply.oldest_ns = sqlite3_column_int64(writer->old, 2);
	}
	sqlite3_reset(writer->old);
	return db_error(&writer->apply.db, rc);
}

static enum db_code drop(struct writer *writer, int64_t until_ns, unsigned most, unsigned *dropped)
{
	struct old found[PRUNE_STEP];
	unsigned n;
	enum db_code code = find(writer, until_ns, most < PRUNE_STEP ? most : PRUNE_STEP, found, &n);

	for (unsigned i = 0; i < n && code == DB_OK; i++)
		code = apply_task_drop(&writer->apply, found[i].id, found[i].flags, true);
	*dropped += n;
	return code;
}

/* One step: those that are too many, or else those that are too old. *more: there may be others. */
static enum db_code step(struct writer *writer, unsigned most, unsigned *dropped, bool *more)
{
	uint64_t excess = too_many(writer);
	unsigned before = *dropped;
	int64_t until_ns = excess ? INT64_MAX : clock_wall_ns() - writer->limits.history_ttl_ns;
	enum db_code code = drop(writer, until_ns, excess && excess < most ? (unsigned)excess : most, dropped);

	*more = *dropped > before;
	/* All that are old have gone: which is the oldest now? */
	return code == DB_OK && !excess && !*more ? prune_look(writer) : code;
}

enum db_code prune_some(struct writer *writer, unsigned most, unsigned *dropped)
{
	enum db_code code = DB_OK;
	bool more = true;

	*dropped = 0;
	while (code == DB_OK && more && *dropped < most && prune_is_due(writer))
		code = step(writer, most - *dropped, dropped, &more);
	return code;
}
