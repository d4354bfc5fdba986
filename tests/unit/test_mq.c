/* Message queues: what goes in comes out, in which order, and who waits meanwhile. */
#include <check.h>
#include <string.h>

#include "base/bytes.h"
#include "mq_cast.h"

static const struct object_name q = { "q", 1 };

/* --- orders --- */
START_TEST(a_fifo_gives_what_was_put_first)
{
	ck_assert_int_eq(put(0, "a", NULL), OBJECT_DONE);
	ck_assert_int_eq(put(1, "b", NULL), OBJECT_DONE);
	ck_assert_int_eq(put_priority(2, "c", 9), OBJECT_DONE);
	ck_assert_str_eq(peek(false), "a b c");
	ck_assert_str_eq(peek(true), "c b a");
	ck_assert_str_eq(drain(), "a b c");
	ck_assert_int_eq(figures().options.order, MQ_FIFO);
	ck_assert(!mq_is_there());
}
END_TEST

START_TEST(a_lifo_gives_what_was_put_last)
{
	options.order = MQ_LIFO;
	ck_assert_int_eq(put(0, "a", NULL), OBJECT_DONE);
	ck_assert_int_eq(put_head(0, "b"), OBJECT_DONE);
	ck_assert_int_eq(put(0, "c", NULL), OBJECT_DONE);
	ck_assert_str_eq(peek(false), "c b a");
	ck_assert_int_eq(get(0, TAIL, NULL), OBJECT_DONE);
	ck_assert_str_eq(got(&grant), "a");
	ck_assert_str_eq(drain(), "c b");
}
END_TEST

START_TEST(priorities_go_from_the_highest_and_equal_ones_in_their_order)
{
	options.order = MQ_PRIORITY;
	ck_assert_int_eq(put_priority(0, "low", -5), OBJECT_DONE);
	ck_assert_int_eq(put(0, "none", NULL), OBJECT_DONE);
	ck_assert_int_eq(put_priority(0, "high", INT32_MAX), OBJECT_DONE);
	ck_assert_int_eq(put_priority(0, "also", -5), OBJECT_DONE);
	ck_assert_int_eq(put_priority(0, "lowest", INT32_MIN), OBJECT_DONE);
	ck_assert_str_eq(peek(false), "high none low also lowest");
	ck_assert_int_eq(put_head(0, "x"), OBJECT_MISMATCH);
	ck_assert_int_eq(get(0, TAIL, NULL), OBJECT_MISMATCH);
	ck_assert_int_eq(get(0, PLAIN, NULL), OBJECT_DONE);
	ck_assert_int_eq(grant.priority, INT32_MAX);
	ck_assert_str_eq(drain(), "none low also lowest");
}
END_TEST

START_TEST(a_deque_has_two_ends)
{
	ck_assert_int_eq(put(0, "b", NULL), OBJECT_DONE);
	ck_assert_int_eq(put_head(0, "a"), OBJECT_DONE);
	ck_assert_int_eq(put(0, "c", NULL), OBJECT_DONE);
	ck_assert_int_eq(put_head(0, "0"), OBJECT_DONE);
	ck_assert_str_eq(peek(false), "0 a b c");
	ck_assert_int_eq(get(0, TAIL, NULL), OBJECT_DONE);
	ck_assert_str_eq(got(&grant), "c");
	ck_assert_str_eq(drain(), "0 a b");
}
END_TEST

/* --- waits --- */
START_TEST(readers_are_served_in_turn)
{
	struct mq_figures now;

	ck_assert_int_eq(get(0, PLAIN, NULL), OBJECT_WOULD_WAIT);
	ck_assert(!mq_is_there());
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(get(i, PLAIN, &waiters[i]), OBJECT_WAITING);
	ck_assert_str_eq(parties_at(OBJECT_MQ, "q"), "| 0 get 1 get 2 get");
	ck_assert_int_eq(put(3, "a", NULL), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[0], OBJECT_DONE));
	ck_assert_str_eq(got(&waiters[0].grant), "a");
	ck_assert_uint_eq(waiters[0].grant.receipt, 0);
	ck_assert_uint_eq(waiters[0].grant.deliveries, 1);
	object_wait_drop(&waiters[1].wait);
	now = figures();
	ck_assert_uint_eq(now.length, 0);
	ck_assert_uint_eq(now.getters, 1);
	ck_assert_int_eq(put(3, "b", NULL), OBJECT_DONE);
	ck_assert_str_eq(got(&waiters[2].grant), "b");
	ck_assert_int_eq(waiters[1].told, 0);
	ck_assert(!mq_is_there());
}
END_TEST

START_TEST(writers_wait_for_room_in_turn_and_are_not_overtaken)
{
	options.limit_count = 2;
	ck_assert_int_eq(put(0, "a", &waiters[0]), OBJECT_DONE);
	ck_assert_int_eq(put(0, "b", NULL), OBJECT_DONE);
	ck_assert_int_eq(put(0, "x", NULL), OBJECT_FULL);
	ck_assert_ptr_nonnull(strstr(problem.text, "full"));
	for (int i = 1; i < 4; i++)
		ck_assert_int_eq(put(i, i == 1 ? "c" : i == 2 ? "d" : "e", &waiters[i]), OBJECT_WAITING);
	ck_assert_str_eq(parties_at(OBJECT_MQ, "q"), "| 1 put 2 put 3 put");
	ck_assert_uint_eq(figures().putters, 3);
	ck_assert(object_wait_expire(&waiters[2].wait));
	ck_assert_int_eq(get(0, PLAIN, NULL), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[1], OBJECT_DONE));
	ck_assert_int_eq(waiters[2].told + waiters[3].told, 0);
	ck_assert_str_eq(peek(false), "b c");
	ck_assert_str_eq(drain(), "b c e");
	ck_assert(waiter_got(&waiters[3], OBJECT_DONE));
}
END_TEST

START_TEST(a_limit_of_bytes_lets_the_first_writer_wait_and_all_behind_him)
{
	options.limit_bytes = 10;
	ck_assert_int_eq(put(0, "12345678901", NULL), OBJECT_TOO_LARGE);
	ck_assert_int_eq(put(0, "1234567", NULL), OBJECT_DONE);
	ck_assert_int_eq(put(1, "7654321", &waiters[1]), OBJECT_WAITING);
	ck_assert_int_eq(put(2, "z", &waiters[2]), OBJECT_WAITING);
	ck_assert_int_eq(put(2, "z", NULL), OBJECT_FULL);
	object_wait_drop(&waiters[1].wait);
	ck_assert(waiter_got(&waiters[2], OBJECT_DONE));
	ck_assert_str_eq(peek(false), "1234567 z");
	ck_assert_uint_eq(figures().bytes, 8);
	ck_assert_str_eq(drain(), "1234567 z");
	ck_assert_int_eq(put(0, "1234567890", NULL), OBJECT_DONE);
}
END_TEST

/* --- what it is --- */
START_TEST(one_that_is_created_stays_until_it_is_deleted)
{
	bool created = false;

	ck_assert_int_eq(mq_create(all, &q, &UNSAID, &owners[0], &created, &problem), OBJECT_DONE);
	ck_assert(created);
	ck_assert_int_eq(mq_create(all, &q, &UNSAID, &owners[1], &created, &problem), OBJECT_DONE);
	ck_assert(!created);
	cast_kill(0);
	ck_assert_int_eq(put(1, "a", NULL), OBJECT_DONE);
	ck_assert_str_eq(drain(), "a");
	ck_assert(mq_is_there() && figures().created);
	ck_assert_int_eq(mq_delete(all, &q), OBJECT_DONE);
	ck_assert(!mq_is_there());
	ck_assert_int_eq(mq_delete(all, &q), OBJECT_NOT_FOUND);
}
END_TEST

START_TEST(what_was_put_outlives_who_put_it)
{
	ck_assert_int_eq(put(0, "a", NULL), OBJECT_DONE);
	cast_kill(0);
	ck_assert_str_eq(drain(), "a");
}
END_TEST

START_TEST(what_is_said_first_is_in_force)
{
	ck_assert_int_eq(get(0, PLAIN, &waiters[0]), OBJECT_WAITING);
	ck_assert_int_eq(create(MQ_PRIORITY, -1, 100), OBJECT_DONE);
	ck_assert_int_eq(create(MQ_FIFO, -1, -1), OBJECT_MISMATCH);
	ck_assert_str_eq(problem.text, "message queue \"q\" is priority, not fifo");
	ck_assert_int_eq(create(-1, 5, 100), OBJECT_DONE);
	ck_assert_int_eq(create(-1, 6, -1), OBJECT_MISMATCH);
	ck_assert_str_eq(problem.text, "message queue \"q\" has limit_count 5, not 6");
	ck_assert_int_eq(create(-1, -1, 0), OBJECT_MISMATCH);
	options.order = MQ_LIFO;
	ck_assert_int_eq(put(0, "a", NULL), OBJECT_MISMATCH);
	ck_assert_int_eq(waiters[0].told, 0);
	options = UNSAID;
	ck_assert_int_eq(put(0, "a", NULL), OBJECT_DONE);
	ck_assert_str_eq(got(&waiters[0].grant), "a");
	ck_assert_int_eq(figures().options.limit_count, 5);
	ck_assert_int_eq(figures().options.limit_bytes, 100);
	ck_assert_int_eq(figures().options.order, MQ_PRIORITY);
}
END_TEST

START_TEST(messages_that_are_there_have_an_order_already)
{
	ck_assert_int_eq(put(0, "a", NULL), OBJECT_DONE);
	ck_assert_int_eq(create(MQ_LIFO, -1, -1), OBJECT_MISMATCH);
	ck_assert(!figures().created);
	ck_assert_int_eq(create(MQ_FIFO, -1, -1), OBJECT_DONE);
	ck_assert_str_eq(drain(), "a");
	ck_assert_int_eq(create(MQ_LIFO, -1, -1), OBJECT_MISMATCH);
}
END_TEST

START_TEST(a_limit_that_is_said_later_holds_for_what_comes_then)
{
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(put(0, "abc", NULL), OBJECT_DONE);
	ck_assert_int_eq(create(-1, 2, -1), OBJECT_DONE);
	ck_assert_int_eq(put(0, "big", &waiters[0]), OBJECT_WAITING);
	ck_assert_int_eq(create(-1, -1, 2), OBJECT_DONE);
	ck_assert_int_eq(put(0, "too large", &waiters[1]), OBJECT_TOO_LARGE);
	ck_assert_int_eq(put(0, "d", &waiters[1]), OBJECT_WAITING);
	/* One that was let in line before comes in, too: an empty queue has room. */
	ck_assert_str_eq(drain(), "abc abc abc big d");
	ck_assert(waiter_got(&waiters[0], OBJECT_DONE) && waiter_got(&waiters[1], OBJECT_DONE));
}
END_TEST

START_TEST(clear_throws_away_what_waits_and_lets_writers_in)
{
	ck_assert_uint_eq(mq_clear(all, &q), 0);
	options.limit_count = 2;
	ck_assert_int_eq(put(0, "a", NULL), OBJECT_DONE);
	ck_assert_int_eq(put(0, "b", NULL), OBJECT_DONE);
	ck_assert_int_eq(put(0, "c", &waiters[0]), OBJECT_WAITING);
	ck_assert_uint_eq(mq_clear(all, &q), 2);
	ck_assert(waiter_got(&waiters[0], OBJECT_DONE));
	ck_assert_str_eq(peek(false), "c");
	ck_assert_uint_eq(figures().unfinished, 1);
	ck_assert_uint_eq(mq_clear(all, &q), 1);
	ck_assert(!mq_is_there());
}
END_TEST

START_TEST(delete_tells_all_who_wait)
{
	struct object_holder holder = who(2, NULL);

	ck_assert_int_eq(get(0, PLAIN, &waiters[0]), OBJECT_WAITING);
	ck_assert_int_eq(get(1, ACK, &waiters[1]), OBJECT_WAITING);
	ck_assert_int_eq(mq_delete(all, &q), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[0], OBJECT_DELETED) && waiter_got(&waiters[1], OBJECT_DELETED));
	ck_assert_int_eq(create(-1, 1, -1), OBJECT_DONE);
	ck_assert_int_eq(put(0, "a", NULL), OBJECT_DONE);
	ck_assert_int_eq(put(1, "b", &waiters[1]), OBJECT_WAITING);
	ck_assert_int_eq(mq_join(all, &q, &holder, waiter_set(&waiters[2]), &problem), OBJECT_WAITING);
	ck_assert_int_eq(mq_delete(all, &q), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[1], OBJECT_DELETED) && waiter_got(&waiters[2], OBJECT_DELETED));
	ck_assert(!mq_is_there());
}
END_TEST

/* --- limits --- */
START_TEST(each_users_bytes_are_counted_whether_they_wait_in_or_before_the_queue)
{
	char word[500];

	memset(word, 'x', sizeof(word));
	word[499] = '\0';
	objects_set_limits(all, &(struct object_limits){ .mq_bytes = 1300 });
	options.limit_count = 1;
	ck_assert_int_eq(put(0, word, NULL), OBJECT_DONE);
	ck_assert_int_eq(put(1, word, &waiters[1]), OBJECT_WAITING);
	ck_assert_int_eq(put(2, word, &waiters[2]), OBJECT_TOO_MANY);
	ck_assert_int_eq(put(7, word, &waiters[7]), OBJECT_WAITING);
	object_wait_drop(&waiters[1].wait);
	ck_assert_int_eq(put(2, word, &waiters[2]), OBJECT_WAITING);
	ck_assert_int_eq(get(6, ACK, NULL), OBJECT_DONE);
	ck_assert_int_eq(put(3, word, &waiters[3]), OBJECT_TOO_MANY);
	ck_assert_int_eq(mq_ack(all, &owners[6], grant.receipt, &problem), OBJECT_DONE);
	ck_assert_int_eq(put(3, word, &waiters[3]), OBJECT_WAITING);
	cast_kill(3);
	ck_assert_int_eq(put(1, word, &waiters[1]), OBJECT_WAITING);
	ck_assert_int_eq(mq_delete(all, &q), OBJECT_DONE);
	ck_assert_int_eq(put(0, word, NULL), OBJECT_DONE);
	ck_assert_uint_eq(mq_clear(all, &q), 1);
	objects_set_limits(all, &(struct object_limits){ .mq_bytes = 400 });
	ck_assert_int_eq(put(0, word, &waiters[0]), OBJECT_TOO_LARGE);
	ck_assert_ptr_null(cast_broken());
}
END_TEST

START_TEST(many_small_messages_are_not_for_nothing)
{
	int n = 0;

	objects_set_limits(all, &(struct object_limits){ .mq_bytes = 100000 });
	while (n < 100000 && put(0, "1", NULL) == OBJECT_DONE)
		n++;
	ck_assert_int_gt(n, 500);
	ck_assert_int_lt(n, 2000);
}
END_TEST

static struct object_user_figures account(uint32_t uid)
{
	struct object_user_figures out;

	objects_user_figures(all, uid, &out);
	return out;
}

/* Those before the middle are user 1's, the others user 2's. */
static bool stays(const struct object_wait *wait, uint32_t owner)
{
	const struct waiter *waiter = wait->user;

	return (waiter - waiters < CAST / 2) == (owner == 1);
}

static void wait_for(int owner)
{
	ck_assert_int_eq(get(owner, PLAIN, &waiters[owner]), OBJECT_WAITING);
	waiters[owner].wait.may_stay = stays;
}

START_TEST(who_waits_does_not_own_and_who_puts_first_does)
{
	struct mq_figures now;

	wait_for(0);
	wait_for(4);
	wait_for(1);
	ck_assert(!figures().owned);
	ck_assert_uint_eq(account(1).objects + account(2).objects, 0);
	ck_assert_int_eq(put(4, "a", NULL), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[0], OBJECT_DENIED) && waiter_got(&waiters[1], OBJECT_DENIED));
	ck_assert_uint_eq(waiters[0].grant.owner, 2);
	ck_assert(waiter_got(&waiters[4], OBJECT_DONE));
	ck_assert_str_eq(got(&waiters[4].grant), "a");
	ck_assert(!mq_is_there());
	wait_for(0);
	wait_for(5);
	ck_assert_int_eq(mq_create(all, &q, &UNSAID, &owners[4], NULL, &problem), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[0], OBJECT_DENIED));
	ck_assert_int_eq(waiters[5].told, 0);
	now = figures();
	ck_assert(now.owned && now.owner == 2 && now.getters == 1);
	ck_assert_uint_eq(account(1).objects, 0);
	ck_assert_uint_eq(account(2).objects, 1);
	ck_assert_ptr_null(cast_broken());
	ck_assert_int_eq(mq_delete(all, &q), OBJECT_DONE);
	ck_assert_uint_eq(account(2).objects, 0);
}
END_TEST

START_TEST(who_waits_goes_on_where_it_is_shared)
{
	struct mq_options shared = UNSAID;

	shared.shared = 1;
	wait_for(0);
	ck_assert_int_eq(mq_create(all, &q, &shared, &owners[4], NULL, &problem), OBJECT_DONE);
	ck_assert_int_eq(put(5, "a", NULL), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[0], OBJECT_DONE));
}
END_TEST

START_TEST(of_what_is_nobodys_only_ones_own_waits_are_ended)
{
	ck_assert_int_eq(mq_delete_waits(all, &q, 1), OBJECT_NOT_FOUND);
	wait_for(0);
	wait_for(4);
	wait_for(1);
	ck_assert_int_eq(mq_delete_waits(all, &q, 1), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[0], OBJECT_DELETED) && waiter_got(&waiters[1], OBJECT_DELETED));
	ck_assert_int_eq(mq_delete_waits(all, &q, 1), OBJECT_NOT_FOUND);
	ck_assert_int_eq(waiters[4].told, 0);
	ck_assert_int_eq(mq_delete_waits(all, &q, 2), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[4], OBJECT_DELETED));
	ck_assert(!mq_is_there());
}
END_TEST

START_TEST(queues_and_waits_are_limited_and_nothing_is_left_behind)
{
	objects_set_limits(all, &(struct object_limits){ .objects = 1, .waits = 1 });
	ck_assert_int_eq(event_raise(all, &(struct object_name){ "e", 1 }, &owners[0], &problem), OBJECT_DONE);
	ck_assert_int_eq(put(0, "a", NULL), OBJECT_TOO_MANY);
	ck_assert_int_eq(create(-1, -1, -1), OBJECT_TOO_MANY);
	ck_assert_int_eq(get(0, PLAIN, &waiters[0]), OBJECT_WAITING); /* it is on nobody's account… */
	ck_assert_int_eq(get(1, PLAIN, &waiters[1]), OBJECT_TOO_MANY);
	ck_assert_int_eq(put(0, "a", NULL), OBJECT_TOO_MANY);
	ck_assert_int_eq(create(-1, -1, -1), OBJECT_TOO_MANY);
	ck_assert(!figures().owned);
	ck_assert(waiters[0].told == 0);
	object_wait_drop(&waiters[0].wait);
	ck_assert(!mq_is_there());
	options.limit_count = 1;
	ck_assert_int_eq(put(4, "a", NULL), OBJECT_DONE);
	ck_assert_int_eq(put(4, "b", &waiters[4]), OBJECT_WAITING);
	ck_assert_int_eq(put(5, "c", &waiters[5]), OBJECT_TOO_MANY);
	ck_assert_str_eq(drain(), "a b");
	ck_assert_ptr_null(cast_broken());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mq");
	TCase *tcase = tcase_create("mq");

	tcase_add_checked_fixture(tcase, mq_cast_open, mq_cast_close);
	tcase_add_test(tcase, a_fifo_gives_what_was_put_first);
	tcase_add_test(tcase, a_lifo_gives_what_was_put_last);
	tcase_add_test(tcase, priorities_go_from_the_highest_and_equal_ones_in_their_order);
	tcase_add_test(tcase, a_deque_has_two_ends);
	tcase_add_test(tcase, readers_are_served_in_turn);
	tcase_add_test(tcase, writers_wait_for_room_in_turn_and_are_not_overtaken);
	tcase_add_test(tcase, a_limit_of_bytes_lets_the_first_writer_wait_and_all_behind_him);
	tcase_add_test(tcase, one_that_is_created_stays_until_it_is_deleted);
	tcase_add_test(tcase, what_was_put_outlives_who_put_it);
	tcase_add_test(tcase, what_is_said_first_is_in_force);
	tcase_add_test(tcase, messages_that_are_there_have_an_order_already);
	tcase_add_test(tcase, a_limit_that_is_said_later_holds_for_what_comes_then);
	tcase_add_test(tcase, clear_throws_away_what_waits_and_lets_writers_in);
	tcase_add_test(tcase, delete_tells_all_who_wait);
	tcase_add_test(tcase, each_users_bytes_are_counted_whether_they_wait_in_or_before_the_queue);
	tcase_add_test(tcase, many_small_messages_are_not_for_nothing);
	tcase_add_test(tcase, who_waits_does_not_own_and_who_puts_first_does);
	tcase_add_test(tcase, who_waits_goes_on_where_it_is_shared);
	tcase_add_test(tcase, of_what_is_nobodys_only_ones_own_waits_are_ended);
	tcase_add_test(tcase, queues_and_waits_are_limited_and_nothing_is_left_behind);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
