/* A store as a process: what it acknowledges is on disk, whatever becomes of it or of its master. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/batch.h"
#include "store_fault_vfs.h"
#include "store_served.h"

static struct served served;
static struct store_open order;

static void setup(void)
{
	served_make(&served, NULL);
	order = (struct store_open){ .session = 7, .keep = { .count = UINT64_MAX, .bytes = UINT64_MAX } };
	served_start(&served, &order);
}

static void teardown(void)
{
	served_free(&served);
}

static struct store_text text(const char *of)
{
	return store_text_of(of, strlen(of));
}

static struct store_task task_of(uint64_t id)
{
	return (struct store_task){ .id = id,
		.place = id,
		.type = text("fib"),
		.queue = text("default"),
		.state = text("queued"),
		.attempt = 1,
		.args = text("[30]") };
}

static void put_flagged(uint64_t seq, uint64_t id, uint16_t flags)
{
	const struct store_task task = task_of(id);

	served_put(&served, STORE_TASK_PUT, seq, id, flags, &task);
}

static void put(uint64_t seq, uint64_t id)
{
	put_flagged(seq, id, 0);
}

static void put_end(uint64_t seq, uint64_t id, const char *state)
{
	const struct store_task_end end = { .state = text(state), .attempt = 1, .started_ns = 1, .ended_ns = 2 };

	served_put(&served, STORE_TASK_END, seq, id, 0, &end);
}

static bool start_again(void)
{
	served_start(&served, &order);
	return served.opened.status == STORE_OPEN_FINE;
}

/* --- the end of the master, or of the store --- */

START_TEST(what_the_master_has_said_before_its_end_is_written)
{
	for (uint64_t i = 1; i <= 20000; i++)
		put(i, i);
	served_flush(&served);
	ck_assert_int_eq(served_leave(&served), 0);
	ck_assert_int_eq(served_number(&served, "SELECT count(*) FROM tasks"), 20000);
}
END_TEST

START_TEST(a_store_that_ends_leaves_no_log)
{
	char path[160];

	put(1, 1);
	ck_assert(served_committed(&served, 1));
	snprintf(path, sizeof(path), "%s/%s-wal", served.directory, STORE_FILE);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(served_stop(&served), 0);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_chain_is_written_whole_or_not_at_all)
{
	put(1, 1);
	put_flagged(2, 2, STORE_CHAINED);
	put_flagged(3, 3, STORE_CHAINED);
	put(4, 4);
	put_flagged(5, 5, STORE_CHAINED);
	put_flagged(6, 6, STORE_CHAINED);
	served_flush(&served);
	ck_assert_int_eq(served_leave(&served), 0);
	ck_assert_int_eq(served_number(&served, "SELECT group_concat(id, '') FROM tasks"), 1234);
}
END_TEST

START_TEST(a_chain_may_come_in_pieces)
{
	put_flagged(1, 1, STORE_CHAINED);
	served_flush(&served);
	/* Answered when the rest is there, and not before. */
	put_flagged(2, 2, STORE_CHAINED);
	served_flush(&served);
	put(3, 3);
	struct store_header header;
	union served_body body;
	ck_assert(served_hear(&served, &header, &body));
	ck_assert_int_eq(header.message, STORE_COMMITTED);
	ck_assert_uint_eq(header.number, 3);
}
END_TEST

START_TEST(what_was_done_is_not_done_again)
{
	put(1, 1);
	put(2, 2);
	ck_assert(served_committed(&served, 2));
	served_kill(&served);
	ck_assert(start_again());
	/* Other tasks, to see it: these numbers have been done. */
	put(1, 11);
	ck_assert(served_committed(&served, 1));
	put(2, 12);
	put(3, 3);
	ck_assert(served_committed(&served, 3));
	served_kill(&served);
	/* The numbers of another master say nothing. */
	order.session++;
	ck_assert(start_again());
	put(1, 4);
	ck_assert(served_committed(&served, 1));
	served_stop(&served);
	ck_assert_int_eq(served_number(&served, "SELECT group_concat(id, '') FROM tasks"), 1234);
}
END_TEST

/* Loading is about what was there before. */
START_TEST(a_master_is_not_told_of_its_own_tasks)
{
	struct store_header header;
	union served_body body;

	put(1, 1);
	ck_assert(served_committed(&served, 1));
	served_kill(&served);
	order.session++;
	ck_assert(start_again());
	ck_assert_uint_eq(served.opened.next_id, 2);
	put(1, 2);
	ck_assert(served_committed(&served, 1));
	/* Also by the next store of the same master. */
	served_kill(&served);
	ck_assert(start_again());
	served_put(&served, STORE_LOAD, 0, 0, 0, NULL);
	ck_assert(served_hear(&served, &header, &body));
	ck_assert_int_eq(header.message, STORE_ROW);
	ck_assert_uint_eq(body.row.task.id, 1);
	ck_assert(served_hear(&served, &header, &body));
	ck_assert_int_eq(header.message, STORE_LOADED);
}
END_TEST

START_TEST(nonsense_ends_it)
{
	put(1, 1);
	served.out.data[4] = 99; /* the message's number */
	served_flush(&served);
	struct store_header header;
	union served_body body;
	ck_assert(!served_hear(&served, &header, &body));
}
END_TEST

START_TEST(another_program_that_has_it_locked_is_waited_for)
{
	struct sqlite3 *handle = served_lock(&served);
	put(1, 1);
	served_flush(&served);
	/* It cannot have been written: whether it waits by now or not is all the same. */
	served_unlock(handle);
	ck_assert(served_committed(&served, 1));
}
END_TEST

/* --- kill -9 --- */

#define ROUNDS 40
#define TASKS 20000

/* Of the operations 2n - 1 and 2n, one puts the task n, the other ends it. */
static void send(uint64_t seq)
{
	uint64_t id = (seq + 1) / 2;

	if (seq % 2)
		put(seq, id);
	else
		put_end(seq, id, id % 3 ? "succeeded" : "failed");
}

/* A store that gets operations from FIRST on until it is killed after a while; how far it has acknowledged. */
static uint64_t work_and_die(uint64_t first, int64_t life_ns)
{
	uint64_t acknowledged = first - 1, sent = acknowledged;
	int64_t end_ns = clock_mono_ns() + life_ns;

	while (clock_mono_ns() < end_ns) {
		while (sent < 2 * TASKS && sent - acknowledged < 256)
			send(++sent);
		if (!served_glance(&served, &acknowledged))
			break;
	}
	served_kill(&served);
	return acknowledged;
}

START_TEST(what_was_acknowledged_survives_kill_9_at_any_moment)
{
	uint64_t acknowledged = 0, lost = 0, half = 0;

	served_kill(&served);
	srandom(5);
	for (int round = 0; round < ROUNDS; round++) {
		ck_assert(start_again());
		/* In a row up to a number, which is not below what was acknowledged: no gap, none twice, none without its end. */
		acknowledged = work_and_die(acknowledged + 1, (int64_t)(random() % (20 * NS_PER_MS)));
		ck_assert(start_again());
		served_kill(&served);
		uint64_t tasks = (uint64_t)served_number(&served, "SELECT count(*) FROM tasks");
		uint64_t ended = (uint64_t)served_number(&served,
			"SELECT count(*) FROM tasks WHERE ended_ns = 2 AND state ="
			" CASE id % 3 WHEN 0 THEN 'failed' ELSE 'succeeded' END");
		uint64_t applied = (uint64_t)served_number(&served, "SELECT applied FROM meta");
		uint64_t highest = (uint64_t)served_number(&served, "SELECT ifnull(max(id), 0) FROM tasks");
		lost += applied < acknowledged;
		half += tasks != (applied + 1) / 2 || ended != applied / 2 || highest != tasks;
	}
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_eq(half, 0);
	ck_assert_uint_gt(acknowledged, 0);
}
END_TEST

/* --- trouble with the disk --- */

/* A store whose N-th write goes wrong; the header of what it says first instead of STORE_COMMITTED. */
static struct store_header trouble(enum fault_effect effect, uint64_t *acknowledged)
{
	struct store_header header = { 0 };
	union served_body body;
	bool heard = true;

	served_kill(&served);
	fault_install();
	fault_arm(&(struct fault_plan){ .call = FAULT_WRITE, .effect = effect, .nth = 500 });
	ck_assert(start_again());
	fault_arm(&(struct fault_plan){ .call = FAULT_WRITE, .effect = FAULT_NONE });
	for (uint64_t seq = 1; heard && seq < 10000; seq++) {
		put(seq, seq);
		heard = served_hear(&served, &header, &body);
		if (header.message != STORE_COMMITTED)
			break;
		*acknowledged = seq;
	}
	ck_assert(heard);
	return header;
}

START_TEST(what_was_refused_is_done_when_it_comes_again)
{
	struct store_header header;
	union served_body body;
	uint64_t last = 0;

	header = trouble(FAULT_FULL, &last);
	ck_assert_int_eq(header.message, STORE_REFUSED);
	ck_assert_uint_eq(header.number, last + 1);
	/* Passed over: the master had not heard of it. */
	put(last + 2, last + 2);
	put(last + 3, last + 3);
	served_flush(&served);
	served_put(&served, STORE_AGAIN, 0, 0, 0, NULL);
	put(last + 1, last + 1);
	put(last + 3, last + 3);
	ck_assert(served_hear(&served, &header, &body));
	ck_assert_int_eq(header.message, STORE_COMMITTED);
	if (header.number < last + 3)
		ck_assert(served_committed(&served, last + 3));
	ck_assert_int_eq(served_stop(&served), 0);
	ck_assert_uint_eq((uint64_t)served_number(&served, "SELECT count(*) FROM tasks"), last + 2);
	ck_assert_uint_eq((uint64_t)served_number(&served, "SELECT max(id) FROM tasks"), last + 3);
}
END_TEST

START_TEST(an_error_of_the_disk_is_its_end)
{
	uint64_t last = 0;
	struct store_header header = trouble(FAULT_EIO, &last);
	union served_body body;

	ck_assert_int_eq(header.message, STORE_FAILED);
	ck_assert(!served_hear(&served, &header, &body));
	served_kill(&served);
	ck_assert(start_again());
	ck_assert_int_eq(served_stop(&served), 0);
	uint64_t there = (uint64_t)served_number(&served, "SELECT count(*) FROM tasks");
	ck_assert_uint_ge(there, last);
	ck_assert_uint_le(there, last + 1);
}
END_TEST

/* --- what need not be written --- */

START_TEST(a_start_whose_end_is_there_is_not_written)
{
	struct batch batch = { 0 };
	size_t idle = 0, others = 0;

	for (unsigned round = 0; round < 2; round++) {
		for (uint64_t id = 1; id <= 2000; id++) {
			batch_add(&batch, &(struct store_header){ .message = STORE_TASK_START, .id = id }, 0);
			if (id % 2)
				batch_add(&batch, &(struct store_header){ .message = STORE_TASK_END, .id = id }, 0);
		}
		for (size_t i = 0; i < batch.n; i++) {
			bool is_idle = batch_is_idle(&batch, &batch.entries[i]);
			idle += is_idle;
			others += is_idle &&
				(batch.entries[i].header.message != STORE_TASK_START ||
					batch.entries[i].header.id % 2 == 0);
		}
		batch_clear(&batch);
	}
	ck_assert_uint_eq(idle, 2000);
	ck_assert_uint_eq(others, 0);
	batch_add(&batch, &(struct store_header){ .message = STORE_TASK_START, .id = 1 }, 0);
	ck_assert(!batch_is_idle(&batch, &batch.entries[0]));
	batch_free(&batch);
}
END_TEST

/* The log is copied into the file and begun anew, however much is written without a pause. */
START_TEST(the_log_does_not_grow_for_ever)
{
	uint64_t acknowledged = 0, sent = 0, most = 30000;
	static char args[8000];
	bool good = true;

	memset(args, '1', sizeof(args));
	while (good && acknowledged < most) {
		while (sent < most && sent - acknowledged < 1024) {
			struct store_task task = task_of(++sent);
			task.args = store_text_of(args, sizeof(args));
			served_put(&served, STORE_TASK_PUT, sent, sent, 0, &task);
		}
		good = served_glance(&served, &acknowledged);
	}
	ck_assert(good);
	/* All that was written is 250 MiB. */
	int64_t bytes = served_log_bytes(&served);
	ck_assert_int_gt(bytes, 16 << 20);
	ck_assert_int_lt(bytes, 128 << 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_serve");
	TCase *tcase = tcase_create("serve");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, what_the_master_has_said_before_its_end_is_written);
	tcase_add_test(tcase, a_store_that_ends_leaves_no_log);
	tcase_add_test(tcase, a_chain_is_written_whole_or_not_at_all);
	tcase_add_test(tcase, a_chain_may_come_in_pieces);
	tcase_add_test(tcase, what_was_done_is_not_done_again);
	tcase_add_test(tcase, a_master_is_not_told_of_its_own_tasks);
	tcase_add_test(tcase, nonsense_ends_it);
	tcase_add_test(tcase, another_program_that_has_it_locked_is_waited_for);
	tcase_add_test(tcase, what_was_acknowledged_survives_kill_9_at_any_moment);
	tcase_add_test(tcase, what_was_refused_is_done_when_it_comes_again);
	tcase_add_test(tcase, an_error_of_the_disk_is_its_end);
	tcase_add_test(tcase, a_start_whose_end_is_there_is_not_written);
	tcase_add_test(tcase, the_log_does_not_grow_for_ever);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
