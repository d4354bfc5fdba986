/* How much of one user's records is kept: his own go when it is too much, and nobody else's. */
#include <check.h>
#include <stdlib.h>

#include "core/internal.h"
#include "toy.h"

#define ANNA 1000
#define BEN 1001
#define EXEMPT 33
#define SIZE 1000

static struct toy toy;
static struct toy_slot *slot;
static size_t each; /* what one takes that has a result of SIZE */

static uint64_t ended(uint32_t owner, size_t size)
{
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .owner = owner });
	struct task_outcome outcome = { .state = TASK_SUCCEEDED };
	char *room;

	if (size)
		outcome.result = bytes_new_room(size, &room);
	toy_turn(&toy);
	slot->count = 0;
	core_task_done(task, &outcome, toy.now_ns, toy.now_ns);
	core_set_now(toy.core, ++toy.now_ns);
	return task->id;
}

static struct core_user_figures figures_of(uint32_t uid)
{
	struct core_user_figures figures;

	core_user_figures(toy.core, uid, &figures);
	return figures;
}

static void fresh(void)
{
	struct task *task;

	toy_init(&toy);
	slot = toy_slot_new(&toy);
	core_find(toy.core, ended(ANNA, SIZE), &task);
	each = figures_of(ANNA).kept_bytes;
	core_forget(task);
	toy_turn(&toy);
}

static void finish(void)
{
	toy_fini(&toy);
	free(slot);
}

static void may_keep(size_t bytes)
{
	const struct core_shares shares = { .result_bytes = bytes, .exempt = { EXEMPT, EXEMPT }, .n_exempt = 1 };

	core_set_shares(toy.core, &shares);
}

static bool is_kept(uint64_t id)
{
	struct task *task;

	return core_find(toy.core, id, &task) == CORE_FOUND;
}

static void fetch(uint64_t id)
{
	struct task *task;

	ck_assert_int_eq(core_find(toy.core, id, &task), CORE_FOUND);
	core_task_fetched(task);
}

START_TEST(the_oldest_of_one_s_own_go)
{
	uint64_t of_ben = ended(BEN, SIZE), ids[6];

	may_keep(3 * each);
	for (int i = 0; i < 6; i++) {
		ids[i] = ended(ANNA, SIZE);
		toy_turn(&toy);
	}
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(is_kept(ids[i]), i >= 3);
	ck_assert(is_kept(of_ben));
	ck_assert_uint_eq(figures_of(ANNA).kept, 3);
	ck_assert_uint_eq(figures_of(ANNA).kept_bytes, 3 * each);
	ck_assert_uint_eq(figures_of(BEN).kept_bytes, each);
	ck_assert_uint_eq(core_totals(toy.core)->kept_bytes, 4 * each);
}
END_TEST

START_TEST(many_small_ones_of_one_push_out_none_of_another_s)
{
	struct core_limits limits = toy.core->limits;
	uint64_t of_ben = ended(BEN, SIZE), ids[20];

	limits.result_count = 10;
	core_set_limits(toy.core, &limits);
	may_keep(1000 * each);
	for (int i = 0; i < 20; i++) {
		ids[i] = ended(ANNA, 0);
		toy_turn(&toy);
	}
	ck_assert(is_kept(of_ben));
	ck_assert_uint_eq(figures_of(ANNA).kept, 5);
	ck_assert(is_kept(ids[15]) && !is_kept(ids[14]));
	for (int i = 0; i < 20; i++)
		ended(EXEMPT, 0);
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(EXEMPT).kept, 10);
}
END_TEST

START_TEST(what_was_fetched_goes_before_what_was_not)
{
	uint64_t ids[6];

	may_keep(4 * each);
	for (int i = 0; i < 4; i++)
		ids[i] = ended(ANNA, SIZE);
	fetch(ids[2]);
	fetch(ids[1]);
	ids[4] = ended(ANNA, SIZE);
	toy_turn(&toy);
	ck_assert(!is_kept(ids[2]));
	ck_assert(is_kept(ids[1]));
	ids[5] = ended(ANNA, SIZE);
	toy_turn(&toy);
	ck_assert(!is_kept(ids[1]));
	ck_assert(is_kept(ids[0]));
	ended(ANNA, SIZE);
	toy_turn(&toy);
	ck_assert(!is_kept(ids[0]));
}
END_TEST

/* Those who waited for it have it already. */
START_TEST(one_that_is_too_large_alone_stays_without_its_result)
{
	struct task *task;

	may_keep(2 * each);
	uint64_t small = ended(ANNA, SIZE), large = ended(ANNA, 10 * SIZE), other = ended(BEN, 1);
	toy_turn(&toy);
	ck_assert(is_kept(small));
	ck_assert(is_kept(other));
	ck_assert_int_eq(core_find(toy.core, large, &task), CORE_FOUND);
	ck_assert_ptr_null(task->outcome->result);
	ck_assert_uint_eq(task->outcome->dropped, 10 * SIZE);
	ck_assert_uint_le(figures_of(ANNA).kept_bytes, 2 * each);
}
END_TEST

START_TEST(one_is_always_kept)
{
	may_keep(1);
	ended(ANNA, SIZE);
	uint64_t last = ended(ANNA, SIZE);
	toy_turn(&toy);
	ck_assert(is_kept(last));
	ck_assert_uint_eq(figures_of(ANNA).kept, 1);
}
END_TEST

START_TEST(who_is_exempt_keeps_all)
{
	may_keep(each);
	for (int i = 0; i < 5; i++)
		ended(EXEMPT, SIZE);
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(EXEMPT).kept, 5);
}
END_TEST

START_TEST(a_smaller_share_counts_from_the_next_end_on)
{
	for (int i = 0; i < 5; i++)
		ended(ANNA, SIZE);
	may_keep(2 * each);
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(ANNA).kept, 5); /* what is there stays */
	ended(ANNA, SIZE);
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(ANNA).kept, 2);
	may_keep(0);
	for (int i = 0; i < 5; i++)
		ended(ANNA, SIZE);
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(ANNA).kept, 7);
}
END_TEST

/* They come with the latest first; a user's share keeps nobody else's out. */
START_TEST(after_a_restart_the_oldest_go_when_all_are_there)
{
	may_keep(2 * each);
	core_set_numbers(toy.core, &(struct core_numbers){ .id = 100, .place = 100 });
	for (uint64_t id = 20; id > 10; id--) {
		struct core_restored restored = {
			.id = id, .place = id, .state = TASK_SUCCEEDED, .attempt = 1, .submitted_ns = 1, .started_ns = 2,
			.ended_ns = toy.now_ns - 100 + (int64_t)id,
			.spec = { .type = toy.type, .queue = toy.queue, .owner = id % 2 ? ANNA : BEN },
		};
		char *room;

		restored.outcome = calloc(1, sizeof(*restored.outcome));
		restored.outcome->state = TASK_SUCCEEDED;
		restored.outcome->result = bytes_new_room(SIZE, &room);
		ck_assert(core_restore(toy.core, &restored));
		toy_turn(&toy);
	}
	ck_assert_uint_eq(figures_of(ANNA).kept, 5);
	core_restore_done(toy.core);
	toy_turn(&toy);
	for (uint64_t id = 11; id <= 20; id++)
		ck_assert_int_eq(is_kept(id), id > 16);
}
END_TEST

/* Random ends, fetches, and records that are forgotten, of several users; against the sums. */
START_TEST(the_books_are_right_whatever_happens)
{
	uint64_t ids[400];
	bool over = false;

	srandom((unsigned)_i);
	may_keep(5 * each);
	for (int n = 0; n < 400; n++) {
		struct task *task;
		size_t bytes = 0, kept = 0;

		ids[n] = ended(ANNA + (uint32_t)random() % 3, (size_t)random() % (3 * SIZE));
		core_find(toy.core, ids[random() % (n + 1)], &task);
		if (task && random() % 2)
			core_task_fetched(task);
		else if (task && random() % 4 == 0)
			core_forget(task);
		if (random() % 3)
			continue;
		toy_turn(&toy);
		for (uint32_t uid = ANNA; uid < ANNA + 3; uid++) {
			struct core_user_figures figures = figures_of(uid);

			over |= figures.kept_bytes > 5 * each;
			bytes += figures.kept_bytes;
			kept += figures.kept;
		}
		over |= bytes != core_totals(toy.core)->kept_bytes || kept != core_totals(toy.core)->kept;
	}
	ck_assert(!over);
	for (int n = 0; n < 400; n++) {
		struct task *task;

		if (core_find(toy.core, ids[n], &task) == CORE_FOUND)
			core_forget(task);
	}
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->kept_bytes, 0);
	ck_assert_uint_eq(toy.core->owners.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: shares of kept records");
	TCase *tcase = tcase_create("keep");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, the_oldest_of_one_s_own_go);
	tcase_add_test(tcase, many_small_ones_of_one_push_out_none_of_another_s);
	tcase_add_test(tcase, what_was_fetched_goes_before_what_was_not);
	tcase_add_test(tcase, one_that_is_too_large_alone_stays_without_its_result);
	tcase_add_test(tcase, one_is_always_kept);
	tcase_add_test(tcase, who_is_exempt_keeps_all);
	tcase_add_test(tcase, a_smaller_share_counts_from_the_next_end_on);
	tcase_add_test(tcase, after_a_restart_the_oldest_go_when_all_are_there);
	tcase_add_loop_test(tcase, the_books_are_right_whatever_happens, 1, 6);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
