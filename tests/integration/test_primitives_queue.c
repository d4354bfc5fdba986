/* What queue.Queue, LifoQueue and PriorityQueue, and the two ends of collections.deque, promise to Python's threads, for
 * programs: by libtaskd and a real daemon. Most are CPython's own tests (Lib/test/test_queue.py). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bunch.h"
#include "client/taskd.h"
#include "harness.h"

#define ROOM 5

static struct daemon daemon_;
static struct taskd *c;

static void begin(void)
{
	c = bunch_begin(&daemon_);
}

static void finish(void)
{
	bunch_finish(&daemon_, c);
}

static void count(enum counter counter)
{
	atomic_fetch_add(&counters[counter], 1);
}

static int counted(enum counter counter)
{
	return atomic_load(&counters[counter]);
}

static void start(struct bunch *bunch, int n, bunch_body *body)
{
	bunch_start(bunch, &daemon_, c, n, body);
}

/* --- numbers as messages --- */

static const struct taskd_mq_options room = { .limit_count = ROOM };

static enum taskd_error put(
	struct taskd *own, int number, const struct taskd_mq_put_options *options, int64_t timeout_ns)
{
	char value[16];

	snprintf(value, sizeof(value), "%d", number);
	return taskd_mq_put(own, "queue", value, options, timeout_ns);
}

/* -1: an error, which is *error, or none came. */
static int get(
	struct taskd *own, const struct taskd_mq_get_options *options, int64_t timeout_ns, enum taskd_error *error)
{
	struct taskd_message message;
	enum taskd_error e = taskd_mq_get(own, "queue", options, timeout_ns, &message);
	int number = e == TASKD_OK ? atoi(message.value) : -1;

	if (error)
		*error = e;
	taskd_message_free(&message);
	return number;
}

static int64_t length(void)
{
	int64_t length = -1;

	ck_assert_int_eq(taskd_mq_length(c, "queue", &length), TASKD_OK);
	return length;
}

static void put_until_full(void)
{
	ck_assert_int_eq(taskd_mq_create(c, "queue", &room), TASKD_OK);
	for (int i = 0; i < ROOM; i++)
		ck_assert_int_eq(put(c, i, NULL, 0), TASKD_OK);
}

/* --- orders --- */

static void check_order(enum taskd_mq_order order, const char *expected)
{
	static const int numbers[] = { 111, 333, 222 };
	char got[32] = "";

	for (size_t i = 0; i < 3; i++) {
		struct taskd_mq_put_options options = { .mq = { .order = order } };

		if (order == TASKD_MQ_PRIORITY)
			options.priority = -numbers[i]; /* Python's lowest is our highest */
		ck_assert_int_eq(put(c, numbers[i], &options, TASKD_FOREVER), TASKD_OK);
	}
	ck_assert_int_eq(length(), 3);
	for (size_t i = 0; i < 3; i++)
		sprintf(got + strlen(got), "%d ", get(c, NULL, 0, NULL));
	ck_assert_str_eq(got, expected);
	ck_assert_int_eq(length(), 0);
}

START_TEST(messages_leave_in_the_order_of_their_queue)
{
	check_order(TASKD_MQ_FIFO, "111 333 222 ");
	check_order(TASKD_MQ_LIFO, "222 333 111 ");
	check_order(TASKD_MQ_PRIORITY, "111 222 333 ");
}
END_TEST

START_TEST(a_queue_has_two_ends)
{
	static const struct taskd_mq_put_options left = { .head = true };
	static const struct taskd_mq_get_options right = { .tail = true };
	struct taskd_message message;

	/* deque: appendleft, append; popleft, pop; d[0], d[-1] */
	ck_assert_int_eq(put(c, 3, NULL, 0), TASKD_OK);
	ck_assert_int_eq(put(c, 2, &left, 0), TASKD_OK);
	ck_assert_int_eq(put(c, 4, NULL, 0), TASKD_OK);
	ck_assert_int_eq(put(c, 1, &left, 0), TASKD_OK);
	ck_assert_int_eq(taskd_mq_peek(c, "queue", false, &message), TASKD_OK);
	ck_assert_str_eq(message.value, "1");
	taskd_message_free(&message);
	ck_assert_int_eq(taskd_mq_peek(c, "queue", true, &message), TASKD_OK);
	ck_assert_str_eq(message.value, "4");
	taskd_message_free(&message);
	ck_assert_int_eq(get(c, &right, 0, NULL), 4);
	ck_assert_int_eq(get(c, NULL, 0, NULL), 1);
	ck_assert_int_eq(get(c, &right, 0, NULL), 3);
	ck_assert_int_eq(get(c, &right, 0, NULL), 2);
	ck_assert_int_eq(get(c, &right, 0, NULL), -1);
}
END_TEST

/* --- full and empty --- */

START_TEST(a_full_queue_and_an_empty_one_are_told_at_once_or_when_the_time_is_over)
{
	enum taskd_error error;

	put_until_full();
	ck_assert_int_eq(put(c, 9, NULL, 0), TASKD_E_QUEUE_FULL);
	ck_assert_int_eq(put(c, 9, NULL, -1), TASKD_E_QUEUE_FULL);
	ck_assert_int_eq(put(c, 9, NULL, 10 * TASKD_MS), TASKD_E_QUEUE_FULL);
	ck_assert_int_eq(length(), ROOM);
	for (int i = 0; i < ROOM; i++)
		ck_assert_int_eq(get(c, NULL, 0, NULL), i);
	ck_assert_int_eq(get(c, NULL, 0, &error), -1);
	ck_assert_int_eq(error, TASKD_E_TIMEOUT);
	ck_assert_int_eq(get(c, NULL, -1, &error), -1);
	ck_assert_int_eq(error, TASKD_E_TIMEOUT);
	ck_assert_int_eq(get(c, NULL, 10 * TASKD_MS, &error), -1);
	ck_assert_int_eq(error, TASKD_E_TIMEOUT);
}
END_TEST

static void put_when_there_is_room(struct taskd *own, int i)
{
	MUST(put(own, 100 + i, NULL, TASKD_FOREVER) == TASKD_OK);
	count(HAD);
}

START_TEST(who_puts_into_a_full_queue_goes_on_when_somebody_has_got)
{
	struct bunch bunch;

	put_until_full();
	start(&bunch, 2, put_when_there_is_room);
	ck_assert(waited_for_by(c, "mq.list", "queue", 2));
	ck_assert_int_eq(counted(HAD), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(get(c, NULL, 0, NULL), i);
		ck_assert(reached(HAD, i + 1));
		ck_assert_int_eq(length(), ROOM);
	}
	bunch_end(&bunch);
}
END_TEST

static void get_what_comes(struct taskd *own, int i)
{
	int number = get(own, NULL, TASKD_FOREVER, NULL);

	(void)i;
	MUST(number >= 0 && number < 16);
	MUST((atomic_fetch_or(&counters[STATE], 1 << number) & 1 << number) == 0);
}

START_TEST(who_gets_from_an_empty_queue_goes_on_when_somebody_has_put)
{
	struct bunch bunch;

	start(&bunch, 4, get_what_comes);
	ck_assert(waited_for_by(c, "mq.list", "queue", 4));
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(put(c, i, NULL, 0), TASKD_OK);
	bunch_end(&bunch);
	ck_assert_int_eq(counted(STATE), 15);
	ck_assert_int_eq(length(), 0);
}
END_TEST

/* --- task_done and join --- */

#define END_OF_WORK 0

static void work(struct taskd *own, int i)
{
	int number;

	(void)i;
	do {
		number = get(own, NULL, TASKD_FOREVER, NULL);
		MUST(number >= 0);
		atomic_fetch_add(&counters[STATE], number);
		MUST(taskd_mq_task_done(own, "queue", 1) == TASKD_OK);
	} while (number != END_OF_WORK);
}

static void work_with_receipts(struct taskd *own, int i)
{
	static const struct taskd_mq_get_options with_receipt = { .ack = true };
	int number;

	(void)i;
	do {
		struct taskd_message message;

		MUST(taskd_mq_get(own, "queue", &with_receipt, TASKD_FOREVER, &message) == TASKD_OK);
		number = atoi(message.value);
		taskd_message_free(&message);
		atomic_fetch_add(&counters[STATE], number);
		MUST(taskd_mq_ack(own, message.receipt) == TASKD_OK);
	} while (number != END_OF_WORK);
}

static void check_join(bunch_body *worker)
{
	struct bunch bunch;

	/* One that is not created goes, with what is unfinished, as soon as it is empty and nobody waits. */
	ck_assert_int_eq(taskd_mq_create(c, "queue", NULL), TASKD_OK);
	start(&bunch, 2, worker);
	for (int round = 1; round <= 2; round++) {
		for (int i = 1; i <= 100; i++)
			ck_assert_int_eq(put(c, i, NULL, TASKD_FOREVER), TASKD_OK);
		ck_assert_int_eq(taskd_mq_join(c, "queue", TASKD_FOREVER), TASKD_OK);
		ck_assert_int_eq(counted(STATE), 5050 * round);
	}
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(put(c, END_OF_WORK, NULL, TASKD_FOREVER), TASKD_OK);
	bunch_end(&bunch);
	ck_assert_int_eq(taskd_mq_join(c, "queue", 0), TASKD_OK);
	ck_assert_int_eq(taskd_mq_delete(c, "queue"), TASKD_OK);
}

START_TEST(who_joins_goes_on_when_all_is_done)
{
	check_join(work);
	atomic_store(&counters[STATE], 0);
	check_join(work_with_receipts);
}
END_TEST

START_TEST(no_more_is_done_than_was_put)
{
	ck_assert_int_eq(taskd_mq_create(c, "queue", NULL), TASKD_OK);
	ck_assert_int_eq(taskd_mq_task_done(c, "queue", 1), TASKD_E_OVER_RELEASED);
	ck_assert_int_eq(put(c, 1, NULL, 0), TASKD_OK);
	ck_assert_int_eq(put(c, 2, NULL, 0), TASKD_OK);
	ck_assert_int_eq(get(c, NULL, 0, NULL), 1);
	ck_assert_int_eq(taskd_mq_task_done(c, "queue", 3), TASKD_E_OVER_RELEASED);
	ck_assert_int_eq(taskd_mq_task_done(c, "queue", 1), TASKD_OK);
	ck_assert_int_eq(taskd_mq_join(c, "queue", TASKD_MS), TASKD_E_TIMEOUT);
	ck_assert_int_eq(get(c, NULL, 0, NULL), 2);
	ck_assert_int_eq(taskd_mq_join(c, "queue", 0), TASKD_E_TIMEOUT);
	ck_assert_int_eq(taskd_mq_task_done(c, "queue", 1), TASKD_OK);
	ck_assert_int_eq(taskd_mq_join(c, "queue", 0), TASKD_OK);
	ck_assert_int_eq(taskd_mq_task_done(c, "queue", 1), TASKD_E_OVER_RELEASED);
}
END_TEST

/* --- many --- */

#define PUTTERS 4
#define GETTERS 4
#define EACH 500

/* The first PUTTERS put, each its own numbers in their order; the others get, and see each one's in that order. */
static void put_or_get(struct taskd *own, int i)
{
	int last[PUTTERS] = { -1, -1, -1, -1 };

	for (int n = 0; i < PUTTERS && n < EACH; n++) {
		struct taskd_mq_put_options options = { .mq = room };

		MUST(put(own, i * EACH + n, &options, TASKD_FOREVER) == TASKD_OK);
	}
	for (int n = 0; i >= PUTTERS && n < PUTTERS * EACH / GETTERS; n++) {
		int number = get(own, NULL, TASKD_FOREVER, NULL);

		MUST(number >= 0 && number % EACH > last[number / EACH]);
		last[number / EACH] = number % EACH;
		atomic_fetch_add(&counters[STATE], number);
		count(HAD);
	}
}

START_TEST(many_put_and_many_get_and_each_message_comes_once_and_in_order)
{
	struct bunch bunch;

	start(&bunch, PUTTERS + GETTERS, put_or_get);
	bunch_end(&bunch);
	ck_assert_int_eq(counted(HAD), PUTTERS * EACH);
	ck_assert_int_eq(counted(STATE), PUTTERS * EACH * (PUTTERS * EACH - 1) / 2);
	ck_assert_int_eq(length(), 0);
}
END_TEST

/* --- Queue.shutdown(immediate=True) --- */

static void wait_in_vain(struct taskd *own, int i)
{
	enum taskd_error error;

	(void)i;
	get(own, NULL, TASKD_FOREVER, &error);
	MUST(error == TASKD_E_NOT_FOUND);
}

START_TEST(who_waits_at_a_queue_that_is_deleted_is_told)
{
	struct bunch bunch;

	start(&bunch, 3, wait_in_vain);
	ck_assert(waited_for_by(c, "mq.list", "queue", 3));
	ck_assert_int_eq(taskd_mq_delete(c, "queue"), TASKD_OK);
	bunch_end(&bunch);
	ck_assert_int_eq(taskd_mq_delete(c, "queue"), TASKD_E_NOT_FOUND);
	/* What is put later is put into a new one. */
	ck_assert_int_eq(put(c, 1, NULL, 0), TASKD_OK);
	ck_assert_int_eq(length(), 1);
}
END_TEST

/* --- what is put is what is got --- */

static void give_back(struct taskd *own, int i)
{
	struct taskd_message message;

	(void)i;
	for (;;) {
		MUST(taskd_mq_get(own, "there", NULL, TASKD_FOREVER, &message) == TASKD_OK);
		MUST(taskd_mq_put(own, "back", message.value, NULL, TASKD_FOREVER) == TASKD_OK);
		if (strcmp(message.value, "\"end\"") == 0)
			break;
		taskd_message_free(&message);
	}
	taskd_message_free(&message);
}

START_TEST(any_value_is_the_same_at_the_other_end)
{
	static const char *const values[] = { "null", "true", "-0", "1E300", "0.10", "9223372036854775807", "\"\"",
		"\"\\u0001\\n \\\" ☃\"", "[]", "{}", "[1,[2,{\"a\":null}]]", "{\"a\":1,\"a\":2}", "\"end\"" };
	struct taskd_message message;
	struct bunch bunch;

	start(&bunch, 1, give_back);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		enum taskd_error error = taskd_mq_put(c, "there", values[i], NULL, TASKD_FOREVER);

		ck_assert_msg(error == TASKD_OK, "%s", values[i]);
		ck_assert_int_eq(taskd_mq_get(c, "back", NULL, TASKD_FOREVER, &message), TASKD_OK);
		ck_assert_str_eq(message.value, values[i]);
		taskd_message_free(&message);
	}
	bunch_end(&bunch);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("primitives: queue");
	TCase *tcase = tcase_create("primitives: queue");
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, begin, finish);
	tcase_add_test(tcase, messages_leave_in_the_order_of_their_queue);
	tcase_add_test(tcase, a_queue_has_two_ends);
	tcase_add_test(tcase, a_full_queue_and_an_empty_one_are_told_at_once_or_when_the_time_is_over);
	tcase_add_test(tcase, who_puts_into_a_full_queue_goes_on_when_somebody_has_got);
	tcase_add_test(tcase, who_gets_from_an_empty_queue_goes_on_when_somebody_has_put);
	tcase_add_test(tcase, who_joins_goes_on_when_all_is_done);
	tcase_add_test(tcase, no_more_is_done_than_was_put);
	tcase_add_test(tcase, many_put_and_many_get_and_each_message_comes_once_and_in_order);
	tcase_add_test(tcase, who_waits_at_a_queue_that_is_deleted_is_told);
	tcase_add_test(tcase, any_value_is_the_same_at_the_other_end);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
