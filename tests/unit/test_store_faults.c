/* Calls of the store to the system fail in turn, or are the last one: writes, syncs, truncations, openings, removals,
 * allocations; every single one with STORE_FAULTS_ALL=1 in the environment, else a sample of the many (see step_of).
 * After each the file is opened again, and
 *   what was acknowledged is there, and at most the one transaction besides that was on its way: all of it or nothing;
 *   what was not acknowledged can be sent again, and then the file says what it always says;
 *   after a sync that failed nothing is acknowledged any more.
 * A power cut takes what was not synced. */
#include <check.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/query.h"
#include "store_fault_vfs.h"
#include "store_history.h"
#include "store_world.h"

/* What is looked for under a sanitizer is the same in most of them, and each takes several times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 3
#else
#define SANITIZED 1
#endif

static const struct store_limits limits = { .history_count = 4 };
static struct world world;
static uint64_t digests[HISTORY_LENGTH + 1]; /* of the file after so many transactions */
static char *made, *mark;                    /* a file without tasks, and what lies beside it */
static size_t made_length, mark_length;

static uint64_t opening_allocations; /* of one that is there */

/* Either the file is made and has its first transaction, or it is there and has them all. */
enum from { FROM_NOTHING, FROM_FILE };
static const unsigned last_step[] = { [FROM_NOTHING] = 1, [FROM_FILE] = HISTORY_LENGTH };

static const struct fault_plan no_fault;

enum ending { ENDS_WELL = 10, ENDS_UNOPENED, ENDS_FAILED, ENDS_LYING };

/* --- the store's part, in a process of its own --- */
struct acting {
	struct writer writer;
	struct db keeper;
	unsigned acknowledged; /* the last transaction that was */
	uint64_t opening_allocations;
	int said; /* a descriptor that is told, too; -1: none */
};

/* As the keeper does it, in this thread: the counts are always the same. False: nothing can be believed any more. */
static bool copy_log(struct acting *acting)
{
	int rc = sqlite3_wal_checkpoint_v2(acting->keeper.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	enum db_code code = db_error(&acting->keeper, rc);

	return code != DB_IO && code != DB_CORRUPT;
}

static bool commit(struct acting *acting, struct history *history, unsigned step)
{
	enum writer_result result = WRITER_FULL;

	history_step(history, step);
	/* What was refused for want of room is tried again. */
	for (int i = 0; i < 2 && result == WRITER_FULL; i++)
		result = writer_commit(&acting->writer, &history->batch, history->said.data);
	return result == WRITER_DONE;
}

static void acknowledge(struct acting *acting, unsigned step)
{
	acting->acknowledged = step;
	if (acting->said >= 0 && write(acting->said, &(unsigned char){ (unsigned char)step }, 1) != 1)
		abort();
}

/* From the transaction FIRST on; each that is on disk is acknowledged by its number. */
static enum ending act_all(struct acting *acting, unsigned first, unsigned last, const struct fault_plan *plan)
{
	struct history history = { 0 };
	bool ok = true;

	for (unsigned step = first; step <= last && ok; step++) {
		ok = commit(acting, &history, step);
		if (ok && fault_struck() && (plan->call == FAULT_SYNC || plan->then_sync_fails))
			return ENDS_LYING;
		if (ok)
			acknowledge(acting, step);
		if (ok && step % 4 == 0)
			ok = copy_log(acting);
	}
	history_free(&history);
	return ok ? ENDS_WELL : ENDS_FAILED;
}

/* One that gives up closes nothing in an orderly way: what is on disk stays as it is. */
static void leave(struct acting *acting, enum ending ending)
{
	struct db *both[] = { &acting->keeper, &acting->writer.apply.db };

	for (int i = 0; i < 2 && ending != ENDS_WELL; i++) {
		if (both[i]->handle)
			sqlite3_db_config(both[i]->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	}
	db_close(&acting->keeper);
	writer_close(&acting->writer);
}

static enum ending act(struct acting *acting, unsigned first, unsigned last, const struct fault_plan *plan)
{
	struct store_open open = { .directory = text(world.directory), .session = HISTORY_SESSION, .limits = limits };
	enum ending ending = ENDS_UNOPENED;
	struct store_opened opened;
	struct db db;
	enum store_opening status;

	free(world.text);
	status = open_writer(&db, &open, &world.text);
	if (status == STORE_OPEN_DAMAGED || status == STORE_OPEN_ASIDE) {
		fprintf(stderr, "%s\n", world.text);
		return ENDS_LYING; /* there is nothing wrong with the file */
	}
	if (status != STORE_OPEN_FINE)
		return ENDS_UNOPENED;
	if (writer_open(&acting->writer, &db, &open, &opened) == DB_OK &&
		open_another(&acting->keeper, &open.directory, true) == DB_OK) {
		acting->opening_allocations = fault_count(FAULT_ALLOCATION);
		ending = act_all(acting, first, last, plan);
	}
	leave(acting, ending);
	return ending;
}

/* --- the other part --- */
struct outcome {
	int status; /* of the process */
	unsigned acknowledged;
	uint64_t count; /* of the plan's calls; 0: it did not come to tell */
};

/* Never returns. What it writes: a byte for each acknowledgement, then 0 and the count. */
static void play_child(int said, unsigned last, const struct fault_plan *plan)
{
	struct acting acting = { .said = said };
	enum ending ending;
	uint64_t count;

	fault_arm(plan);
	ending = act(&acting, 1, last, plan);
	count = fault_count(plan->call);
	if (write(said, "", 1) != 1 || write(said, &count, sizeof(count)) != sizeof(count))
		abort();
	_exit(ending);
}

static void play(unsigned last, const struct fault_plan *plan, struct outcome *outcome)
{
	unsigned char step = 1;
	int said[2], status;
	pid_t child;

	*outcome = (struct outcome){ 0 };
	ck_assert_int_eq(pipe(said), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		play_child(said[1], last, plan);
	close(said[1]);
	while (step && read(said[0], &step, 1) == 1) {
		if (step)
			outcome->acknowledged = step;
		else
			(void)!read(said[0], &outcome->count, sizeof(outcome->count));
	}
	close(said[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	outcome->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* In this process: enough where it does not end in the middle, and much faster. */
static void play_here(unsigned last, const struct fault_plan *plan, struct outcome *outcome)
{
	struct acting acting = { .said = -1 };

	fault_arm(plan);
	outcome->status = act(&acting, 1, last, plan);
	outcome->acknowledged = acting.acknowledged;
	outcome->count = fault_count(plan->call);
	/* A sync that failed: what it should have brought to the disk never was there. */
	fault_settle();
	fault_arm(&no_fault);
}

/* Whether the process goes on after the fault. */
static bool is_survivable(const struct fault_plan *plan)
{
	return plan->effect == FAULT_FULL || plan->effect == FAULT_EIO;
}

static void describe(char *out, size_t size, const struct fault_plan *plan)
{
	static const char *const calls[] = { "open", "write", "sync", "truncate", "delete", "allocation" };
	static const char *const effects[] = { "nothing", "full", "I/O error", "death", "power cut",
		"jumbled power cut" };

	snprintf(out, size, "%s %llu: %s", calls[plan->call], (unsigned long long)plan->nth, effects[plan->effect]);
}

/* Which of the states that there can be the file is in, by the number of transactions; -1: none of them. */
static int state_of(const struct db *db)
{
	uint64_t digest;
	int found = -1;
	bool ok;

	digest = history_digest(db, &ok);
	for (int i = 0; i <= HISTORY_LENGTH && ok; i++) {
		if (digests[i] == digest)
			found = i;
	}
	return found;
}

/* Opens the file without faults; its state. */
static int look(const char *what)
{
	sqlite3_stmt *statement;
	int found;

	if (world_open(&world, false) != STORE_OPEN_FINE)
		ck_abort_msg("after %s: %s", what, world.text);
	found = state_of(&world.db);
	ck_assert_int_eq(db_prepare(&world.db, "PRAGMA integrity_check", &statement), DB_OK);
	ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
	if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
		ck_abort_msg("after %s: %s", what, (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	world_close(&world);
	return found;
}

/* --- files --- */
static void remove_files(void)
{
	static const char *const parts[] = { "", "-wal", "-shm", "-journal", ".lock" };
	char path[128];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", world.file, parts[i]);
		unlink(path);
	}
}

static void put_files(enum from from)
{
	char path[128];

	remove_files();
	if (from == FROM_NOTHING)
		return;
	snprintf(path, sizeof(path), "%s.lock", world.file);
	world_write(path, mark, mark_length);
	world_write(world.file, made, made_length);
}

/* --- what was seen before --- */
static uint64_t seen[16384];

/* Their beginnings: a log is longer, but this history does not come that far. */
static uint64_t room[(1 << 20) / sizeof(uint64_t)];

static uint64_t digest_files(unsigned acknowledged)
{
	static const char *const parts[] = { "", "-wal", "-journal" };
	uint64_t digest = acknowledged;
	char path[128];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", world.file, parts[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t length = fd < 0 ? -1 : read(fd, room, sizeof(room));

		if (fd >= 0)
			close(fd);
		digest = (digest ^ (uint64_t)length) * UINT64_C(0x9e3779b97f4a7c15);
		for (ssize_t at = 0; at < length / (ssize_t)sizeof(room[0]); at++)
			digest = (digest ^ digest >> 29 ^ room[at]) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return digest | 1;
}

/* Whether the files were like this once, to the byte, with as much acknowledged. Chance is the same in each run. */
static bool was_seen(unsigned acknowledged)
{
	uint64_t digest = digest_files(acknowledged);
	size_t i = digest >> 50;

	while (seen[i] && seen[i] != digest)
		i = (i + 1) % (sizeof(seen) / sizeof(seen[0]));
	if (seen[i])
		return true;
	seen[i] = digest;
	return false;
}

/* --- one fault --- */
/* The next store is sent what was not acknowledged. */
static void send_again(unsigned acknowledged, unsigned last, const char *what)
{
	struct acting acting = { .said = -1 };

	if (act(&acting, acknowledged + 1, last, &no_fault) != ENDS_WELL)
		ck_abort_msg("after %s: it does not go on", what);
	ck_assert_int_eq(look(what), last);
}

/* True: the plan's call has come. */
static bool survives(enum from from, const struct fault_plan *plan)
{
	struct outcome outcome;
	char what[96];
	int found;

	describe(what, sizeof(what), plan);
	put_files(from);
	sqlite3_test_control(SQLITE_TESTCTRL_PRNG_RESTORE);
	if (is_survivable(plan))
		play_here(last_step[from], plan, &outcome);
	else
		play(last_step[from], plan, &outcome);
	if (outcome.status == ENDS_LYING || outcome.status == -1)
		ck_abort_msg("after %s: a false acknowledgement, or a file that is said to be damaged (%d)", what,
			outcome.status);
	if (!was_seen(outcome.acknowledged)) {
		found = look(what);
		if (found != (int)outcome.acknowledged && found != (int)outcome.acknowledged + 1)
			ck_abort_msg("after %s: %u transactions were acknowledged, and %d are there", what,
				outcome.acknowledged, found);
		send_again(outcome.acknowledged, last_step[from], what);
	}
	return outcome.status != ENDS_WELL || outcome.count >= plan->nth;
}

/* Every call, where all are asked for. Else one of a few of the writes, which are hundreds and much alike (a page and its
 * header in turn: so an odd number), and of the allocations, which are thousands: nearly all are of an opening, and only
 * mean that the file is not opened now. The others are few. */
static unsigned step_of(enum from from, const struct fault_plan *plan)
{
	if (getenv("STORE_FAULTS_ALL"))
		return 1;
	if (plan->call == FAULT_WRITE)
		return 7 * SANITIZED;
	if (plan->call != FAULT_ALLOCATION)
		return 1;
	if (plan->effect == FAULT_EIO)
		return 47 * SANITIZED;
	return (from == FROM_NOTHING || plan->nth < opening_allocations ? 31 : 3) * SANITIZED;
}

/* All of them in turn, or a sample that is another for each effect; how many there were. */
static unsigned survives_all(enum from from, enum fault_call call, enum fault_effect effect)
{
	struct fault_plan plan = { .call = call, .effect = effect, .nth = 1 };

	memset(seen, 0, sizeof(seen));
	plan.nth += effect % step_of(from, &plan);
	while (survives(from, &plan))
		plan.nth += step_of(from, &plan);
	return (unsigned)plan.nth - 1;
}

static void problem_is_told(void *context, const char *text)
{
	(void)context;
	ck_abort_msg("%s", text);
}

static bool always(void *context)
{
	return !context;
}

/* What the file says after each transaction, without faults. */
static void learn(struct writer *writer)
{
	struct check_listener listener = { NULL, problem_is_told, always };
	struct history history = { 0 };
	bool ok;

	digests[0] = history_digest(&world.db, &ok);
	for (unsigned step = 1; step <= HISTORY_LENGTH; step++) {
		history_step(&history, step);
		ck_assert_int_eq(writer_commit(writer, &history.batch, history.said.data), WRITER_DONE);
		digests[step] = history_digest(&world.db, &ok);
		ck_assert(ok && digests[step] != digests[step - 1]);
		ck_assert_int_eq(check_all(&world.db, &listener), DB_OK);
	}
	history_free(&history);
}

static void learn_allocations(void)
{
	struct acting acting = { .said = -1 };

	put_files(FROM_FILE);
	fault_arm(&no_fault);
	ck_assert_int_eq(act(&acting, 1, 1, &no_fault), ENDS_WELL);
	opening_allocations = acting.opening_allocations;
}

static void setup(void)
{
	struct store_open open = { .limits = limits, .session = HISTORY_SESSION };
	struct store_opened opened;
	struct writer writer;
	char path[128];

	fault_install();
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	world_init(&world);
	open.directory = text(world.directory);
	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_FINE);
	world_close(&world);
	snprintf(path, sizeof(path), "%s.lock", world.file);
	mark = world_read(path, &mark_length);
	made = world_read(world.file, &made_length);
	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_FINE);
	ck_assert_int_eq(writer_open(&writer, &world.db, &open, &opened), DB_OK);
	learn(&writer);
	sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SAVE);
	learn_allocations();
	writer_close(&writer);
	world.db.handle = NULL;
}

static void teardown(void)
{
	free(made);
	free(mark);
	world_fini(&world);
}

/* How many such calls there can be, when the file is made and when it is there. */
static const struct {
	enum fault_call call;
	enum fault_effect effect;
	unsigned least[2], most[2];
} kinds[] = {
	{ FAULT_WRITE, FAULT_FULL, { 60, 150 }, { 300, 600 } },
	{ FAULT_WRITE, FAULT_EIO, { 60, 150 }, { 300, 600 } },
	{ FAULT_WRITE, FAULT_DEATH, { 60, 150 }, { 300, 600 } },
	{ FAULT_WRITE, FAULT_POWER, { 60, 150 }, { 300, 600 } },
	{ FAULT_WRITE, FAULT_JUMBLE, { 60, 150 }, { 300, 600 } },
	{ FAULT_SYNC, FAULT_FULL, { 5, 15 }, { 30, 60 } },
	{ FAULT_SYNC, FAULT_EIO, { 5, 15 }, { 30, 60 } },
	{ FAULT_SYNC, FAULT_DEATH, { 5, 15 }, { 30, 60 } },
	{ FAULT_SYNC, FAULT_POWER, { 5, 15 }, { 30, 60 } },
	{ FAULT_SYNC, FAULT_JUMBLE, { 5, 15 }, { 30, 60 } },
	{ FAULT_OPEN, FAULT_FULL, { 3, 3 }, { 20, 20 } },
	{ FAULT_OPEN, FAULT_EIO, { 3, 3 }, { 20, 20 } },
	{ FAULT_OPEN, FAULT_POWER, { 3, 3 }, { 20, 20 } },
	{ FAULT_TRUNCATE, FAULT_EIO, { 0, 0 }, { 20, 20 } },
	{ FAULT_TRUNCATE, FAULT_POWER, { 0, 0 }, { 20, 20 } },
	{ FAULT_DELETE, FAULT_EIO, { 1, 1 }, { 20, 20 } },
	{ FAULT_DELETE, FAULT_POWER, { 1, 1 }, { 20, 20 } },
	{ FAULT_ALLOCATION, FAULT_FULL, { 2000, 2000 }, { 20000, 20000 } },
	{ FAULT_ALLOCATION, FAULT_EIO, { 2000, 2000 }, { 20000, 20000 } },
};

static void survives_kind(enum from from, size_t kind)
{
	unsigned points = survives_all(from, kinds[kind].call, kinds[kind].effect);

	ck_assert_uint_ge(points, kinds[kind].least[from]);
	ck_assert_uint_le(points, kinds[kind].most[from]);
}

START_TEST(a_file_that_is_being_made_is_made_the_next_time)
{
	survives_kind(FROM_NOTHING, (size_t)_i);
}
END_TEST

START_TEST(nothing_that_was_acknowledged_is_lost)
{
	survives_kind(FROM_FILE, (size_t)_i);
}
END_TEST

/* Room is made by copying the log, and that is not believed to have worked either. */
START_TEST(a_sync_that_fails_while_room_is_made_is_the_end)
{
	struct fault_plan plan = { .call = FAULT_WRITE, .effect = FAULT_FULL, .nth = 1, .then_sync_fails = true };

	memset(seen, 0, sizeof(seen));
	while (survives(FROM_FILE, &plan))
		plan.nth += step_of(FROM_FILE, &plan);
	ck_assert_uint_ge(plan.nth, 100);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_faults");
	TCase *c = tcase_create("faults");
	SRunner *runner;

	tcase_set_timeout(c, 300);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(
		c, a_file_that_is_being_made_is_made_the_next_time, 0, (int)(sizeof(kinds) / sizeof(kinds[0])));
	tcase_add_loop_test(c, nothing_that_was_acknowledged_is_lost, 0, (int)(sizeof(kinds) / sizeof(kinds[0])));
	tcase_add_test(c, a_sync_that_fails_while_room_is_made_is_the_end);
	suite_add_tcase(s, c);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
