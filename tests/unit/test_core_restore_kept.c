/* Records of tasks that had ended before a restart: which of them there is room for, how long, and by what they and the
 * others are found again. */
#include "restore_world.h"

#define HOUR (3600 * NS_PER_S)

/* Whether there was room for it. */
static bool try(struct core_restored restored)
{
	return core_restore(toy.core, &restored);
}

/* NULL: it is not there. */
static struct task *look(uint64_t id)
{
	struct task *task;

	core_find(toy.core, id, &task);
	return task;
}

static void limit(size_t count, size_t bytes, int64_t ttl_ns)
{
	core_set_limits(toy.core,
		&(struct core_limits){
			.result_ttl_ns = ttl_ns,
			.failure_ttl_ns = ttl_ns,
			.result_count = count,
			.result_bytes = bytes,
			.kill_grace_ns = 1,
		});
}

START_TEST(ended_ones_are_there_as_far_as_there_is_room)
{
	limit(2, 1 << 20, 2 * HOUR);
	ck_assert(try(ended(3, TASK_FAILED, -1)));
	ck_assert(try(ended(2, TASK_SUCCEEDED, -2)));
	ck_assert(!try(ended(1, TASK_SUCCEEDED, -3)));
	restore_done();
	ck_assert_ptr_nonnull(look(3));
	ck_assert_int_eq(look(2)->state, TASK_SUCCEEDED);
	ck_assert(look(2)->recovered);
	ck_assert_ptr_null(look(1));
	ck_assert_uint_eq(core_totals(toy.core)->kept, 2);
	ck_assert_uint_eq(core_totals(toy.core)->ended[TASK_FAILED], 0); /* that was another daemon's */
	ck_assert_int_eq(toy.n_ended + toy.n_told, 0);
}
END_TEST

START_TEST(ended_one_that_would_push_out_others_is_left_out)
{
	struct core_restored large = ended(2, TASK_SUCCEEDED, -2);
	char *room;

	limit(100, 5000, 2 * HOUR);
	large.outcome->result = bytes_new_room(6000, &room);
	ck_assert(try(ended(3, TASK_SUCCEEDED, -1)));
	ck_assert(!try(large));
	ck_assert(try(ended(1, TASK_SUCCEEDED, -3)));
	restore_done();
	ck_assert_uint_eq(core_totals(toy.core)->kept, 2);
	ck_assert_ptr_null(look(2));
	ck_assert_uint_le(core_totals(toy.core)->kept_bytes, 5000);
}
END_TEST

START_TEST(time_that_records_are_kept_began_before_the_boot)
{
	limit(100, 1 << 20, 2 * HOUR);
	ck_assert(!try(ended(1, TASK_FAILED, -2 * HOUR)));
	ck_assert(try(ended(2, TASK_FAILED, -HOUR)));
	restore_done();
	ck_assert_int_gt(toy.next_ns, toy.now_ns);
	ck_assert_int_le(toy.next_ns, HOUR + NS_PER_S);
	toy_advance(&toy, HOUR - TOY_START);
	ck_assert_ptr_null(look(2));
}
END_TEST

/* Whatever comes first: here the latest does not. */
START_TEST(oldest_goes_first_where_room_is_needed)
{
	restore(ended(6, TASK_FAILED, -10));
	restore(ended(7, TASK_FAILED, -30));
	restore(ended(5, TASK_FAILED, -20));
	limit(2, 1 << 20, 2 * HOUR);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(look(7)); /* who waits for it may yet come */
	restore_done();
	ck_assert_ptr_null(look(7));
	ck_assert_ptr_nonnull(look(5));
	ck_assert_ptr_nonnull(look(6));
}
END_TEST

START_TEST(key_finds_what_had_ended_and_the_latest_has_it)
{
	struct core_restored first = ended(1, TASK_SUCCEEDED, -3), second = ended(2, TASK_FAILED, -2);
	struct task_spec spec = { .key = "k", .key_length = 1, .key_mode = KEY_ONCE, .durable = true };
	struct task *out;

	first.spec.key = second.spec.key = "k";
	first.spec.key_length = second.spec.key_length = 1;
	restore(second);
	restore(first);
	restore_done();
	ck_assert_int_eq(toy_try(&toy, spec, &out), CORE_ATTACHED);
	ck_assert_uint_eq(out->id, 2);
	spec.key_mode = KEY_REJECT;
	ck_assert_int_eq(toy_try(&toy, spec, &out), CORE_OK);
}
END_TEST

START_TEST(retry_and_what_it_repeats_know_each_other)
{
	struct core_restored retry = waiting(2, TASK_QUEUED);
	struct task *out;

	retry.retry_of = 1;
	restore(retry);
	restore(ended(1, TASK_FAILED, -3));
	restore_done();
	ck_assert_uint_eq(look(2)->extra->retry_of, 1);
	ck_assert_uint_eq(look(1)->extra->retried_as, 2);
	ck_assert_int_eq(core_retry(look(1), &out), CORE_ATTACHED);
	ck_assert_uint_eq(out->id, 2);
}
END_TEST

START_TEST(retry_of_what_was_given_results_that_are_lost_is_refused)
{
	const struct core_restored_link link = { .id = 1 };
	struct core_restored began = ended(2, TASK_FAILED, -2), never = ended(3, TASK_CANCELLED, -3);
	struct task *out;

	began.links = never.links = &link;
	began.n_links = never.n_links = 1;
	began.spec.pass_results = never.spec.pass_results = true;
	never.tried = false;
	restore(began);
	restore(never);
	restore_done();
	ck_assert_int_eq(core_retry(look(2), &out), CORE_NO_QUEUE);
	ck_assert_int_eq(core_retry(look(3), &out), CORE_OK);
}
END_TEST

START_TEST(what_has_succeeded_has_neither_arguments_nor_the_results_that_it_was_given)
{
	struct bytes *result = bytes_new("55", 2);
	const struct core_restored_link link = { .id = 1, .done = true, .result = result };
	struct core_restored over = ended(2, TASK_SUCCEEDED, -2), failed = ended(3, TASK_FAILED, -2);

	over.links = failed.links = &link;
	over.n_links = failed.n_links = 1;
	over.spec.pass_results = failed.spec.pass_results = true;
	restore(over);
	restore(failed);
	bytes_unref(result);
	restore_done();
	ck_assert_uint_eq(core_args_size(look(2)), 0);
	ck_assert_uint_eq(core_args_size(look(3)), 3);
}
END_TEST

START_TEST(results_that_are_lost_are_not_passed_on_whatever_is_said_of_them)
{
	const struct core_restored_link link = { .id = 1, .done = true };
	struct core_restored over = ended(2, TASK_SUCCEEDED, -2), failed = ended(3, TASK_FAILED, -2);
	struct task *out;

	over.links = failed.links = &link;
	over.n_links = failed.n_links = 1;
	over.spec.pass_results = failed.spec.pass_results = true;
	restore(over);
	restore(failed);
	restore_done();
	ck_assert_uint_eq(core_args_size(look(2)), 0);
	ck_assert_uint_eq(core_args_size(look(3)), 0);
	ck_assert_int_eq(core_retry(look(3), &out), CORE_NO_QUEUE);
}
END_TEST

/* --- walking --- */

static size_t list(const struct task_filter *filter, bool oldest_first, uint64_t *ids, size_t room)
{
	struct task_walk walk = { .oldest_first = oldest_first };
	struct task *found[16];
	size_t n = 0;

	while (!walk.over && n < room) {
		size_t some = core_select(toy.core, filter, &walk, 2, found, room - n);

		for (size_t i = 0; i < some; i++)
			ids[n++] = found[i]->id;
	}
	return n;
}

/* _i: by what is looked for: nothing, type, queue, owner, tag */
START_TEST(lists_are_in_the_order_of_ids_whatever_came_first)
{
	static const uint64_t order[] = { 5, 3, 9, 1, 7 };
	const struct task_filter filters[] = {
		{ 0 },
		{ .type = toy.type },
		{ .queue = toy.queue },
		{ .by_owner = true, .owner = 7 },
		{ .tag = "t", .tag_length = 1 },
	};
	uint64_t ids[16], wanted[] = { 1, 3, 5, 7, 9, FIRST_NEW, FIRST_NEW + 1 };

	core_queue_pause(toy.queue);
	for (size_t i = 0; i < 5; i++) {
		struct core_restored restored =
			order[i] == 9 ? ended(9, TASK_FAILED, -1) : waiting(order[i], TASK_QUEUED);

		restored.spec.owner = 7;
		restored.spec.tag = "t";
		restored.spec.tag_length = 1;
		restore(restored);
		if (i % 2)
			toy_submit_spec(&toy, (struct task_spec){ .owner = 7, .tag = "t", .tag_length = 1 });
	}
	core_forget(look(9));
	restore_done();
	wanted[4] = FIRST_NEW;
	wanted[5] = FIRST_NEW + 1;
	ck_assert_uint_eq(list(&filters[_i], true, ids, 16), 6);
	ck_assert_mem_eq(ids, wanted, 6 * sizeof(*ids));
	ck_assert_uint_eq(list(&filters[_i], false, ids, 16), 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_uint_eq(ids[i], wanted[5 - i]);
}
END_TEST

START_TEST(moments_before_the_boot_are_moments)
{
	struct core_restored old = waiting(1, TASK_QUEUED), newer = waiting(2, TASK_QUEUED);
	const struct task_filter all = { 0 }, since = { .since_ns = -HOUR / 2 };
	uint64_t ids[16];

	old.submitted_ns = -HOUR;
	newer.submitted_ns = -HOUR / 4;
	old.place = 3; /* the wall clock was set back between them */
	newer.id = 2;
	restore(old);
	restore(newer);
	old.id = 3;
	restore(old);
	restore_done();
	ck_assert_uint_eq(list(&all, false, ids, 16), 3);
	ck_assert_uint_eq(list(&since, false, ids, 16), 1);
	ck_assert_uint_eq(ids[0], 2);
	ck_assert_uint_eq(list(&since, true, ids, 16), 1);
}
END_TEST

/* --- many --- */

#define MANY 20000

/* Among those that come meanwhile and stand behind them, which must not be stepped over one by one. */
START_TEST(many_find_their_places_among_as_many_new_ones)
{
	uint64_t last = 0;
	bool in_order = true;

	core_queue_pause(toy.queue);
	core_set_numbers(toy.core, &(struct core_numbers){ .id = MANY + 1 });
	for (int i = 0; i < MANY; i++)
		toy_submit(&toy, 0);
	for (uint64_t i = 0; i < MANY; i++) {
		struct core_restored restored = waiting(MANY - i, TASK_QUEUED);

		restored.place = 1 + (i * 7919) % MANY;
		if (i % 10) /* nearly all as they come from the disk */
			restored.place = MANY + i;
		restore(restored);
	}
	restore_done();
	for (struct task *task; (task = queue_first(toy.queue)); queue_remove(toy.queue, task)) {
		in_order &= task->place > last;
		last = task->place;
	}
	ck_assert(in_order);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("core: records after a restart");
	TCase *tcase = tcase_create("kept");

	tcase_add_checked_fixture(tcase, restore_begin, restore_end);
	tcase_add_test(tcase, ended_ones_are_there_as_far_as_there_is_room);
	tcase_add_test(tcase, ended_one_that_would_push_out_others_is_left_out);
	tcase_add_test(tcase, time_that_records_are_kept_began_before_the_boot);
	tcase_add_test(tcase, oldest_goes_first_where_room_is_needed);
	tcase_add_test(tcase, key_finds_what_had_ended_and_the_latest_has_it);
	tcase_add_test(tcase, retry_and_what_it_repeats_know_each_other);
	tcase_add_test(tcase, retry_of_what_was_given_results_that_are_lost_is_refused);
	tcase_add_test(tcase, what_has_succeeded_has_neither_arguments_nor_the_results_that_it_was_given);
	tcase_add_test(tcase, results_that_are_lost_are_not_passed_on_whatever_is_said_of_them);
	tcase_add_loop_test(tcase, lists_are_in_the_order_of_ids_whatever_came_first, 0, 5);
	tcase_add_test(tcase, moments_before_the_boot_are_moments);
	tcase_add_test(tcase, many_find_their_places_among_as_many_new_ones);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(make_suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
