/* Message queues: what was taken and is not acknowledged goes back to its place; join and task_done. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "mq_cast.h"

static const struct object_name q = { "q", 1 };

/* Gets with acknowledgement; 0: there is nothing. */
static uint64_t take(int owner, const char *expected)
{
	if (get(owner, ACK, NULL) || strcmp(got(&grant), expected) != 0)
		return 0;
	return grant.receipt;
}

static int ack(int owner, uint64_t receipt)
{
	return mq_ack(all, &owners[owner], receipt, &problem);
}

static int nack(int owner, uint64_t receipt)
{
	return mq_nack(all, &owners[owner], receipt, &problem);
}

static void put_all(const char *words)
{
	char word[2] = "";

	for (; *words; words++) {
		word[0] = *words;
		ck_assert_int_eq(put(0, word, NULL), OBJECT_DONE);
	}
}

START_TEST(what_is_acknowledged_is_gone)
{
	put_all("ab");
	uint64_t a = take(1, "a");

	ck_assert_uint_ne(a, 0);
	ck_assert_uint_eq(grant.deliveries, 1);
	ck_assert_uint_eq(figures().unacked, 1);
	ck_assert_uint_eq(figures().length, 1);
	ck_assert_str_eq(parties_at(OBJECT_MQ, "q"), "1");
	ck_assert_int_eq(ack(1, a), OBJECT_DONE);
	ck_assert_int_eq(ack(1, a), OBJECT_NOT_FOUND);
	ck_assert_uint_eq(figures().unacked, 0);
	ck_assert_uint_eq(figures().unfinished, 1);
	cast_kill(1);
	ck_assert_str_eq(drain(), "b");
	ck_assert(!mq_is_there());
}
END_TEST

START_TEST(a_receipt_is_its_readers_alone)
{
	put_all("a");
	uint64_t a = take(1, "a");

	ck_assert_int_eq(ack(2, a), OBJECT_NOT_FOUND);
	ck_assert_int_eq(nack(2, a), OBJECT_NOT_FOUND);
	ck_assert_int_eq(ack(1, a + 1), OBJECT_NOT_FOUND);
	ck_assert_int_eq(ack(1, 0), OBJECT_NOT_FOUND);
	ck_assert(!object_owner_is_idle(&owners[1]));
	ck_assert_int_eq(ack(1, a), OBJECT_DONE);
	ck_assert(object_owner_is_idle(&owners[1]));
}
END_TEST

START_TEST(what_a_dead_reader_had_goes_back_to_its_place)
{
	put_all("abcdef");
	uint64_t a = take(1, "a"), b = take(2, "b");

	ck_assert_uint_ne(take(1, "c"), 0);
	ck_assert_int_eq(get(2, ACK | TAIL, NULL), OBJECT_DONE);
	ck_assert_str_eq(got(&grant), "f");
	put_all("g");
	ck_assert_int_eq(put_head(0, "0"), OBJECT_DONE);
	cast_kill(1);
	ck_assert_str_eq(peek(false), "0 a c d e g");
	cast_kill(2);
	ck_assert_str_eq(peek(false), "0 a b c d e f g");
	ck_assert_int_eq(ack(1, a), OBJECT_NOT_FOUND);
	ck_assert_int_eq(ack(2, b), OBJECT_NOT_FOUND);
	ck_assert_int_eq(get(1, PLAIN, NULL), OBJECT_DONE);
	ck_assert_uint_eq(grant.deliveries, 1);
	ck_assert_int_eq(get(1, PLAIN, NULL), OBJECT_DONE);
	ck_assert_uint_eq(grant.deliveries, 2);
	ck_assert_uint_eq(figures().unfinished, 8);
}
END_TEST

START_TEST(a_nack_puts_it_back_at_once)
{
	put_all("ab");
	for (uint32_t i = 1; i < 5; i++) {
		uint64_t a = take(1, "a");

		ck_assert_uint_eq(grant.deliveries, i);
		ck_assert_int_eq(nack(1, a), OBJECT_DONE);
		ck_assert_int_eq(nack(1, a), OBJECT_NOT_FOUND);
		ck_assert_str_eq(peek(false), "a b");
	}
}
END_TEST

START_TEST(in_a_lifo_it_is_behind_what_came_after_it)
{
	options.order = MQ_LIFO;
	put_all("abc");
	uint64_t c = take(1, "c"), b = take(1, "b");

	put_all("d");
	ck_assert_int_eq(nack(1, b), OBJECT_DONE);
	ck_assert_int_eq(nack(1, c), OBJECT_DONE);
	ck_assert_str_eq(peek(false), "d c b a");
}
END_TEST

START_TEST(by_priority_it_is_before_its_equals_that_came_after_it)
{
	options.order = MQ_PRIORITY;
	ck_assert_int_eq(put_priority(0, "a", 5), OBJECT_DONE);
	ck_assert_int_eq(put_priority(0, "b", 5), OBJECT_DONE);
	uint64_t a = take(1, "a");

	ck_assert_int_eq(put_priority(0, "c", 5), OBJECT_DONE);
	ck_assert_int_eq(put_priority(0, "d", 6), OBJECT_DONE);
	ck_assert_int_eq(nack(1, a), OBJECT_DONE);
	ck_assert_str_eq(drain(), "d a b c");
}
END_TEST

START_TEST(what_comes_back_goes_to_the_first_who_waits)
{
	put_all("ab");
	uint64_t a = take(0, "a"), b = take(0, "b");

	ck_assert_int_eq(get(1, ACK, &waiters[1]), OBJECT_WAITING);
	ck_assert_int_eq(get(2, PLAIN, &waiters[2]), OBJECT_WAITING);
	ck_assert_str_eq(parties_at(OBJECT_MQ, "q"), "0 0 | 1 get 2 get");
	ck_assert_int_eq(nack(0, b), OBJECT_DONE);
	ck_assert_str_eq(got(&waiters[1].grant), "b");
	ck_assert_uint_eq(waiters[1].grant.deliveries, 2);
	cast_kill(0);
	ck_assert_str_eq(got(&waiters[2].grant), "a");
	ck_assert_uint_ne(a, 0);
	ck_assert_int_eq(ack(1, waiters[1].grant.receipt), OBJECT_DONE);
	ck_assert(!mq_is_there());
}
END_TEST

/* It waits itself, too: what it gives back is not for itself. */
START_TEST(a_dying_reader_gives_to_the_others)
{
	put_all("a");
	ck_assert_uint_ne(take(0, "a"), 0);
	ck_assert_int_eq(get(0, ACK, &waiters[0]), OBJECT_WAITING);
	ck_assert_int_eq(get(1, ACK, &waiters[1]), OBJECT_WAITING);
	cast_kill(0);
	ck_assert_int_eq(waiters[0].told, 0);
	ck_assert_str_eq(got(&waiters[1].grant), "a");
}
END_TEST

START_TEST(what_is_not_acknowledged_takes_no_room_and_comes_back_all_the_same)
{
	options.limit_count = 1;
	put_all("a");
	uint64_t a = take(1, "a");

	put_all("b");
	ck_assert_int_eq(put(0, "c", &waiters[0]), OBJECT_WAITING);
	ck_assert_int_eq(nack(1, a), OBJECT_DONE);
	ck_assert_str_eq(peek(false), "a b");
	ck_assert_int_eq(get(0, PLAIN, NULL), OBJECT_DONE);
	ck_assert_int_eq(waiters[0].told, 0);
	ck_assert_str_eq(drain(), "b c");
}
END_TEST

START_TEST(a_queue_with_something_unacknowledged_stays)
{
	put_all("a");
	uint64_t a = take(1, "a");

	ck_assert(mq_is_there());
	ck_assert_uint_eq(mq_clear(all, &q), 0);
	ck_assert_int_eq(ack(1, a), OBJECT_DONE);
	ck_assert(!mq_is_there());
}
END_TEST

START_TEST(what_was_taken_from_a_deleted_queue_has_nowhere_to_go_back_to)
{
	put_all("ab");
	uint64_t a = take(1, "a");

	ck_assert_uint_ne(take(2, "b"), 0);
	ck_assert_int_eq(mq_delete(all, &q), OBJECT_DONE);
	ck_assert(object_owner_is_idle(&owners[1]));
	put_all("c");
	ck_assert_int_eq(ack(1, a), OBJECT_NOT_FOUND);
	cast_kill(2);
	ck_assert_str_eq(drain(), "c");
}
END_TEST

/* --- join and task_done --- */
static int join(int owner, struct waiter *waiter)
{
	struct object_holder holder = who(owner, NULL);

	return mq_join(all, &q, &holder, waiter ? waiter_set(waiter) : NULL, &problem);
}

static int task_done(int64_t count, uint64_t *left)
{
	return mq_task_done(all, &q, count, left, &problem);
}

START_TEST(join_waits_until_all_is_done)
{
	uint64_t left = 99;

	ck_assert_int_eq(join(7, &waiters[7]), OBJECT_DONE);
	ck_assert_int_eq(create(-1, -1, -1), OBJECT_DONE);
	ck_assert_int_eq(join(7, NULL), OBJECT_DONE);
	put_all("abc");
	ck_assert_int_eq(join(7, NULL), OBJECT_WOULD_WAIT);
	ck_assert_int_eq(join(7, &waiters[7]), OBJECT_WAITING);
	ck_assert_int_eq(join(6, &waiters[6]), OBJECT_WAITING);
	ck_assert_int_eq(join(5, &waiters[5]), OBJECT_WAITING);
	ck_assert_str_eq(parties_at(OBJECT_MQ, "q"), "| 7 join 6 join 5 join");
	ck_assert_str_eq(drain(), "a b c");
	ck_assert_int_eq(task_done(2, &left), OBJECT_DONE);
	ck_assert_uint_eq(left, 1);
	object_wait_drop(&waiters[5].wait);
	ck_assert_int_eq(task_done(2, NULL), OBJECT_OVER_RELEASED);
	ck_assert_int_eq(waiters[7].told, 0);
	ck_assert_int_eq(task_done(1, &left), OBJECT_DONE);
	ck_assert_uint_eq(left, 0);
	ck_assert(waiter_got(&waiters[7], OBJECT_DONE) && waiter_got(&waiters[6], OBJECT_DONE));
	ck_assert_int_eq(task_done(1, NULL), OBJECT_OVER_RELEASED);
}
END_TEST

START_TEST(task_done_of_a_queue_that_is_not_there_is_told)
{
	ck_assert_int_eq(task_done(1, NULL), OBJECT_NOT_FOUND);
}
END_TEST

START_TEST(an_acknowledgement_is_a_task_done_and_a_nack_is_not)
{
	put_all("ab");
	uint64_t a = take(1, "a"), b = take(1, "b");

	ck_assert_int_eq(join(7, &waiters[7]), OBJECT_WAITING);
	ck_assert_int_eq(ack(1, a), OBJECT_DONE);
	ck_assert_int_eq(nack(1, b), OBJECT_DONE);
	ck_assert_int_eq(waiters[7].told, 0);
	b = take(1, "b");
	ck_assert_int_eq(ack(1, b), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[7], OBJECT_DONE));
	ck_assert(!mq_is_there());
}
END_TEST

START_TEST(clear_is_done_with_what_waits_only)
{
	put_all("abc");
	uint64_t a = take(1, "a");

	ck_assert_int_eq(join(7, &waiters[7]), OBJECT_WAITING);
	ck_assert_uint_eq(mq_clear(all, &q), 2);
	ck_assert_uint_eq(figures().unfinished, 1);
	ck_assert_int_eq(waiters[7].told, 0);
	ck_assert_int_eq(ack(1, a), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[7], OBJECT_DONE));
}
END_TEST

START_TEST(done_before_it_was_taken_counts_once)
{
	ck_assert_int_eq(create(-1, -1, -1), OBJECT_DONE);
	put_all("ab");
	ck_assert_int_eq(task_done(2, NULL), OBJECT_DONE);
	ck_assert_int_eq(ack(1, take(1, "a")), OBJECT_DONE);
	ck_assert_uint_eq(figures().unfinished, 0);
	ck_assert_uint_eq(mq_clear(all, &q), 1);
	ck_assert_uint_eq(figures().unfinished, 0);
}
END_TEST

/* --- queue.Queue's own tests, for each order: two workers take 0…99 and say what they have done --- */
static int sum, ended;

static void work(int worker)
{
	struct waiter *waiter = &waiters[worker];

	while (waiter_got(waiter, OBJECT_DONE)) {
		int number = atoi(got(&waiter->grant));

		waiter_forget(waiter);
		sum += number > 0 ? number : 0;
		ended += number < 0;
		if (task_done(1, NULL) || number < 0)
			return;
		if (get(worker, PLAIN, waiter) == OBJECT_DONE) {
			waiter->told = 1;
			waiter->grant = grant;
			grant.value = NULL;
		}
	}
}

START_TEST(workers_are_joined_twice)
{
	char word[16];

	ck_assert_int_eq(create(_i, -1, -1), OBJECT_DONE);
	for (int round = 0; round < 2; round++) {
		sum = ended = 0;
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(get(i, PLAIN, &waiters[i]), OBJECT_WAITING);
		for (int i = 0; i < 100; i++) {
			sprintf(word, "%d", i);
			ck_assert_int_eq(put(7, word, NULL), OBJECT_DONE);
			if (i % 7 == 0)
				work(i % 2);
		}
		ck_assert_int_eq(join(7, &waiters[7]), OBJECT_WAITING);
		work(0);
		work(1);
		ck_assert_int_eq(sum, 4950);
		ck_assert(waiter_got(&waiters[7], OBJECT_DONE));
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(put(7, "-1", NULL), OBJECT_DONE);
		ck_assert_int_eq(join(7, &waiters[7]), OBJECT_WAITING);
		work(0);
		work(1);
		ck_assert_int_eq(ended, 2);
		ck_assert(waiter_got(&waiters[7], OBJECT_DONE));
		ck_assert_int_eq(task_done(1, NULL), OBJECT_OVER_RELEASED);
	}
}
END_TEST

START_TEST(one_of_five_is_full_and_empty_as_queues_of_that_size_are)
{
	static const char *const orders[] = { "111 333 222", "222 333 111", "333 222 111" };

	ck_assert_int_eq(create(_i, 5, -1), OBJECT_DONE);
	for (int round = 0; round < 2; round++) {
		ck_assert_int_eq(put_priority(0, "111", 111), OBJECT_DONE);
		ck_assert_int_eq(put_priority(0, "333", 333), OBJECT_DONE);
		ck_assert_int_eq(put_priority(0, "222", 222), OBJECT_DONE);
		ck_assert_str_eq(drain(), orders[_i]);
		put_all("01234");
		ck_assert_int_eq(put(0, "5", NULL), OBJECT_FULL);
		ck_assert_int_eq(put(0, "5", &waiters[0]), OBJECT_WAITING);
		ck_assert(object_wait_expire(&waiters[0].wait));
		ck_assert_int_eq(put(0, "6", &waiters[0]), OBJECT_WAITING);
		ck_assert_int_eq(get(1, PLAIN, NULL), OBJECT_DONE);
		ck_assert(waiter_got(&waiters[0], OBJECT_DONE));
		ck_assert_uint_eq(figures().length, 5);
		drain();
		ck_assert_int_eq(get(0, PLAIN, NULL), OBJECT_WOULD_WAIT);
		ck_assert_int_eq(get(0, PLAIN, &waiters[0]), OBJECT_WAITING);
		ck_assert(object_wait_expire(&waiters[0].wait));
		ck_assert_int_eq(get(0, PLAIN, &waiters[0]), OBJECT_WAITING);
		ck_assert_int_eq(put(1, "7", NULL), OBJECT_DONE);
		ck_assert_str_eq(got(&waiters[0].grant), "7");
		waiter_forget(&waiters[0]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mq receipts");
	TCase *tcase = tcase_create("mq receipts");

	tcase_add_checked_fixture(tcase, mq_cast_open, mq_cast_close);
	tcase_add_test(tcase, what_is_acknowledged_is_gone);
	tcase_add_test(tcase, a_receipt_is_its_readers_alone);
	tcase_add_test(tcase, what_a_dead_reader_had_goes_back_to_its_place);
	tcase_add_test(tcase, a_nack_puts_it_back_at_once);
	tcase_add_test(tcase, in_a_lifo_it_is_behind_what_came_after_it);
	tcase_add_test(tcase, by_priority_it_is_before_its_equals_that_came_after_it);
	tcase_add_test(tcase, what_comes_back_goes_to_the_first_who_waits);
	tcase_add_test(tcase, a_dying_reader_gives_to_the_others);
	tcase_add_test(tcase, what_is_not_acknowledged_takes_no_room_and_comes_back_all_the_same);
	tcase_add_test(tcase, a_queue_with_something_unacknowledged_stays);
	tcase_add_test(tcase, what_was_taken_from_a_deleted_queue_has_nowhere_to_go_back_to);
	tcase_add_test(tcase, join_waits_until_all_is_done);
	tcase_add_test(tcase, task_done_of_a_queue_that_is_not_there_is_told);
	tcase_add_test(tcase, an_acknowledgement_is_a_task_done_and_a_nack_is_not);
	tcase_add_test(tcase, clear_is_done_with_what_waits_only);
	tcase_add_test(tcase, done_before_it_was_taken_counts_once);
	tcase_add_loop_test(tcase, workers_are_joined_twice, MQ_FIFO, MQ_PRIORITY + 1);
	tcase_add_loop_test(tcase, one_of_five_is_full_and_empty_as_queues_of_that_size_are, MQ_FIFO, MQ_PRIORITY + 1);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
