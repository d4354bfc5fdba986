/* Operations become rows. Each function applies one, in the transaction that is open; each is harmless where it has been
 * applied before. DB_OK, or why not: then the transaction is to be rolled back. */
#ifndef STORE_APPLY_H
#define STORE_APPLY_H

#include "store/db.h"

enum apply_sql {
	APPLY_TASK_ADD,
	APPLY_TASK_LOOK,
	APPLY_TASK_START,
	APPLY_TASK_STATE,
	APPLY_TASK_END,
	APPLY_TASK_END_BARE,
	APPLY_TASK_RETRIED,
	APPLY_TASK_REPLACED,
	APPLY_TASK_DROP,
	APPLY_ATTEMPT_ADD,
	APPLY_ATTEMPTS_DROP,
	APPLY_CLAIM_ADD,
	APPLY_CLAIMS_DROP,
	APPLY_DEPENDENCY_ADD,
	APPLY_DEPENDENCY_MET,
	APPLY_DEPENDENCIES_LEFT,
	APPLY_DEPENDENCIES_DROP,
	APPLY_DEPENDENCIES_EMPTY,
	APPLY_RETRIES_ADD,
	APPLY_RETRIES_DROP,
	APPLY_OBITUARY_ADD,
	APPLY_OBITUARY_DROP,
	APPLY_PART_ADD,
	APPLY_PARTS_DROP,
	APPLY_PARTS_DROP_ARGS,
	APPLY_QUEUE_PUT,
	APPLY_QUEUE_DROP,
	APPLY_SCHEDULE_PUT,
	APPLY_SCHEDULE_RAN,
	APPLY_SCHEDULE_DROP,
	APPLY_SCHEDULE_CLAIM_ADD,
	APPLY_SCHEDULE_CLAIMS_DROP,
	APPLY_IDS,
	APPLY_N_SQL,
};

struct apply {
	struct db db;
	sqlite3_stmt *sql[APPLY_N_SQL];
	uint64_t live, ended; /* tasks that are there; a rollback puts back what they were */
	int64_t oldest_ns;    /* none of them has ended before; INT64_MAX: none has ended */
	bool any_parts;       /* there may be rows in `parts`: else nobody need look for them */
	bool any_dependencies;
};

enum db_code apply_init(struct apply *apply, const struct db *db) __attribute__((warn_unused_result));
void apply_fini(struct apply *apply);
/* apply.c: what HEADER says, with its BODY. */
enum db_code apply_operation(struct apply *apply, const struct store_header *header, const void *body)
	__attribute__((warn_unused_result));

/* --- its parts --- */
/* apply_task.c */
enum db_code apply_task_put(struct apply *apply, const struct store_task *task);
enum db_code apply_task_forget(struct apply *apply, uint64_t id);
/* The same, where it is known what there is of it. */
enum db_code apply_task_drop(struct apply *apply, uint64_t id, int64_t flags, bool ended);
/* apply_life.c */
enum db_code apply_task_start(struct apply *apply, uint64_t id, const struct store_task_start *start);
enum db_code apply_task_state(struct apply *apply, uint64_t id, const struct store_task_state *state);
enum db_code apply_task_met(struct apply *apply, uint64_t id, const struct store_task_met *met);
enum db_code apply_task_end(struct apply *apply, uint64_t id, const struct store_task_end *end);
/* apply_setting.c */
enum db_code apply_queue_put(struct apply *apply, const struct store_queue *queue);
enum db_code apply_queue_drop(struct apply *apply, const struct store_name *name);
enum db_code apply_schedule_put(struct apply *apply, const struct store_schedule *schedule);
enum db_code apply_schedule_ran(struct apply *apply, const struct store_schedule_ran *ran);
enum db_code apply_schedule_drop(struct apply *apply, const struct store_name *name);
enum db_code apply_ids(struct apply *apply, const struct store_ids *ids);

/* --- statements, for these --- */
/* Binds one parameter after the other of a statement, then runs it. */
struct binder {
	struct apply *apply;
	sqlite3_stmt *statement;
	int next; /* the parameter's number */
	int rc;   /* the first that was not SQLITE_OK */
};
struct binder bind_begin(struct apply *apply, enum apply_sql which);
void bind_number(struct binder *binder, int64_t number);
void bind_id(struct binder *binder, uint64_t number);
void bind_some(struct binder *binder, int64_t number); /* 0: NULL */
void bind_real(struct binder *binder, double number);
void bind_null(struct binder *binder);
void bind_text(struct binder *binder, struct store_text text); /* none: NULL */
void bind_word(struct binder *binder, struct store_text text); /* none: '' */
/* No row is expected; the statement is ready for the next time. */
enum db_code bind_run(struct binder *binder);
/* The same; SQLite's own code. */
int bind_step(struct binder *binder);
/* Whether the statement that just ran has changed a row. */
bool apply_changed(const struct apply *apply);
/* What several tables have: columns from POSITION, and from `retries`, on. */
void apply_bind_claim(struct binder *binder, uint32_t position, const struct store_claim *claim);
void apply_bind_retries(struct binder *binder, const struct store_task *task);
/* Those that say what it is, not where its parts are. */
int64_t apply_task_flags(const struct store_task *task);
enum db_code apply_attempt_add(struct apply *apply, uint64_t id, uint32_t number, const struct store_attempt *attempt);
/* Puts a long text into `parts`. */
enum db_code apply_parts_add(struct apply *apply, uint64_t id, enum task_part what, struct store_text text);

#endif
