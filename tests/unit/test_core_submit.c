/* Coming in: refusals, keys, batches. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "toy.h"

static struct toy toy;
static struct toy_slot *slot;

static void fresh(void)
{
	toy_init(&toy);
	slot = toy_slot_new(&toy);
}

static void finish(void)
{
	toy_fini(&toy);
	free(slot);
}

static struct task_spec keyed(const char *key, enum key_mode mode)
{
	return (struct task_spec){
		.type = toy.type, .queue = toy.queue, .key = key, .key_length = strlen(key), .key_mode = mode,
	};
}

/* --- refusals --- */

START_TEST(closed_core_and_draining_queue_take_nothing_in)
{
	struct task *out;

	core_queue_drain(toy.queue);
	ck_assert_int_eq(toy_try(&toy, (struct task_spec){ 0 }, &out), CORE_DRAINING);
	ck_assert_ptr_null(out);
	core_queue_resume(toy.queue);
	ck_assert_int_eq(toy_try(&toy, (struct task_spec){ 0 }, &out), CORE_OK);
	core_close(toy.core, true);
	ck_assert_int_eq(toy_try(&toy, (struct task_spec){ 0 }, &out), CORE_CLOSED);
	ck_assert_uint_eq(core_totals(toy.core)->submitted, 1);
}
END_TEST

/* --- keys --- */

START_TEST(key_is_the_owners_own)
{
	struct task_spec spec = keyed("k", KEY_REJECT);
	struct task *first = toy_submit_spec(&toy, spec), *out;

	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_DUPLICATE);
	ck_assert_ptr_eq(out, first);
	spec.owner = 1;
	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_OK);
	spec = keyed("kk", KEY_REJECT);
	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_OK);
	ck_assert_uint_eq(core_totals(toy.core)->submitted, 3);
}
END_TEST

START_TEST(key_is_free_when_its_task_has_ended)
{
	const enum key_mode modes[] = { KEY_REJECT, KEY_ATTACH, KEY_REPLACE };
	struct task *out;

	for (int i = 0; i < 3; i++) {
		struct task_spec spec = keyed("k", modes[i]);

		ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_OK);
		core_cancel(out);
	}
	ck_assert_uint_eq(core_totals(toy.core)->submitted, 3);
}
END_TEST

START_TEST(attach_gives_the_task_that_is_there)
{
	struct task *first = toy_submit_spec(&toy, keyed("k", KEY_REJECT)), *out;
	struct task_spec spec = keyed("k", KEY_ATTACH);

	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_ATTACHED);
	ck_assert_ptr_eq(out, first);
	core_queue_drain(toy.queue); /* which takes nothing in here */
	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_ATTACHED);
}
END_TEST

START_TEST(once_is_once_as_long_as_there_is_a_record)
{
	struct task_spec spec = keyed("k", KEY_ONCE);
	struct task *first = toy_submit_spec(&toy, spec), *out;

	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_ATTACHED);
	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED);
	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_ATTACHED);
	ck_assert_ptr_eq(out, first);
	core_forget(first);
	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_OK);
	ck_assert_ptr_ne(out, first);
	toy_turn(&toy);
}
END_TEST

START_TEST(replace_cancels_the_one_that_is_there)
{
	struct task_spec spec = keyed("k", KEY_REPLACE);
	struct task *first = toy_submit_spec(&toy, spec);
	struct task *second = toy_submit_spec(&toy, spec), *third;

	ck_assert_int_eq(first->state, TASK_CANCELLED);
	toy_turn(&toy);
	toy_take(slot);
	third = toy_submit_spec(&toy, spec);
	ck_assert_int_eq(second->state, TASK_CANCELLING);
	ck_assert_int_eq(third->state, TASK_QUEUED);
	core_forget(first); /* whose key it is no longer */
	toy_turn(&toy);
	spec.key_mode = KEY_ATTACH;
	ck_assert_int_eq(core_submit(toy.core, &spec, &first), CORE_ATTACHED);
	ck_assert_ptr_eq(first, third);
}
END_TEST

START_TEST(replaced_one_makes_room)
{
	struct task_spec spec = keyed("k", KEY_REPLACE);
	struct task *out;

	spec.queue = toy_queue_new(&toy, "small", 1, 0);
	toy_submit_spec(&toy, spec);
	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_OK);
	spec.key = NULL;
	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_QUEUE_FULL);
	spec = keyed("k", KEY_REPLACE); /* a full queue does not cancel anything */
	spec.queue = toy_queue_new(&toy, "other", 1, 0);
	toy_submit_spec(&toy, (struct task_spec){ .queue = spec.queue });
	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_QUEUE_FULL);
	ck_assert_int_eq(toy.n_ended, 1);
}
END_TEST

START_TEST(who_replaces_what_it_waits_for_is_given_up)
{
	struct task_spec spec = keyed("k", KEY_REPLACE);
	struct task *first = toy_submit_spec(&toy, spec), *second;
	const struct task_ref ref = { .id = first->id };

	spec.after = &ref;
	spec.n_after = 1;
	second = toy_submit_spec(&toy, spec);
	toy_turn(&toy);
	ck_assert_int_eq(second->state, TASK_CANCELLED);
	ck_assert_uint_eq(second->outcome->because_of, first->id);
}
END_TEST

START_TEST(long_and_binary_keys_are_keys)
{
	char key[1000];
	struct task_spec spec = keyed("", KEY_REJECT);
	struct task *out;

	memset(key, 0, sizeof(key));
	spec.key = key;
	for (spec.key_length = 0; spec.key_length < sizeof(key); spec.key_length += 111)
		ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_OK);
	spec.key_length = 999;
	key[998] = 'x';
	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_OK);
	ck_assert_int_eq(core_submit(toy.core, &spec, &out), CORE_DUPLICATE);
}
END_TEST

/* --- batches --- */

#define MOST 8
static struct task_spec specs[MOST];
static struct task *made[MOST];
static size_t culprit;
static uint64_t missing;

static void clear(void)
{
	for (int i = 0; i < MOST; i++)
		specs[i] = (struct task_spec){ .type = toy.type, .queue = toy.queue };
}

static int submit(size_t count)
{
	return core_submit_batch(toy.core, specs, count, made, &culprit, &missing);
}

static void expect_nothing_made(uint64_t submitted)
{
	struct core_queue_figures figures;

	core_queue_figures(toy.queue, &figures);
	ck_assert_uint_eq(core_totals(toy.core)->submitted, submitted);
	ck_assert_uint_eq(figures.submitted, submitted);
}

START_TEST(batch_waits_within_itself_in_any_order)
{
	const struct task_ref two = { .index = 2 }, both[] = { { .index = 0 }, { .index = 2 } };

	clear();
	specs[0].after = &two;
	specs[0].n_after = 1;
	specs[1].after = both;
	specs[1].n_after = 2;
	ck_assert_int_eq(submit(3), CORE_OK);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(made[i]->id, i + 1);
	ck_assert_int_eq(made[0]->state, TASK_BLOCKED);
	ck_assert_int_eq(made[1]->state, TASK_BLOCKED);
	ck_assert_int_eq(made[2]->state, TASK_QUEUED);
	for (int i = 0; i < 3; i++) {
		toy_turn(&toy);
		toy_finish(slot, TASK_SUCCEEDED);
	}
	ck_assert_uint_eq(toy.given[0], 3);
	ck_assert_uint_eq(toy.given[1], 1);
	ck_assert_uint_eq(toy.given[2], 2);
}
END_TEST

START_TEST(batch_may_wait_for_others_too)
{
	struct task *other = toy_submit(&toy, 0);
	const struct task_ref refs[] = { { .id = other->id }, { .index = 0 } };

	clear();
	specs[1].after_any = refs;
	specs[1].n_after_any = 2;
	ck_assert_int_eq(submit(2), CORE_OK);
	core_cancel(made[0]);
	toy_turn(&toy);
	ck_assert_int_eq(made[1]->state, TASK_BLOCKED);
	core_cancel(other);
	toy_turn(&toy);
	ck_assert_int_eq(made[1]->state, TASK_QUEUED);
}
END_TEST

START_TEST(batch_with_a_failed_dependency_ends_as_far_as_it_reaches)
{
	struct task *bad = toy_submit(&toy, 0);
	const struct task_ref refs[] = { { .id = bad->id }, { .index = 0 }, { .index = 1 } };

	core_cancel(bad);
	clear();
	for (size_t i = 0; i < 2; i++) {
		specs[i].after = &refs[i];
		specs[i].n_after = 1;
	}
	specs[2].after_any = &refs[2];
	specs[2].n_after_any = 1;
	ck_assert_int_eq(submit(4), CORE_OK);
	ck_assert_int_eq(made[0]->state, TASK_CANCELLED);
	ck_assert_int_eq(made[1]->state, TASK_CANCELLED);
	ck_assert_uint_eq(made[1]->outcome->because_of, made[0]->id);
	ck_assert_int_eq(made[2]->state, TASK_QUEUED);
	ck_assert_int_eq(made[3]->state, TASK_QUEUED);
}
END_TEST

/* Who waits for whom, "-" for nobody; and which of them are on a circle that may be told of. */
static const struct {
	const char *waits;
	const char *culprits;
} circles[] = {
	{ "0", "0" }, { "10", "01" }, { "-21", "12" }, { "120", "012" }, { "1203", "0123" }, { "-0324", "23" }, { "12344", "4" },
};

/* _i: which */
START_TEST(circle_is_refused_and_nothing_is_made)
{
	const char *waits = circles[_i].waits;
	struct task_ref refs[MOST];
	size_t count = strlen(waits);

	clear();
	for (size_t i = 0; i < count; i++) {
		refs[i] = (struct task_ref){ .index = (size_t)(waits[i] - '0') };
		if (waits[i] == '-')
			continue;
		specs[i].after_any = &refs[i];
		specs[i].n_after_any = 1;
	}
	ck_assert_int_eq(submit(count), CORE_CYCLE);
	ck_assert_ptr_nonnull(strchr(circles[_i].culprits, '0' + (int)culprit));
	expect_nothing_made(0);
}
END_TEST

START_TEST(any_refusal_is_of_all)
{
	struct task *gone = toy_submit(&toy, 0);
	const struct task_ref unknown = { .id = 4711 }, lost = { .id = gone->id };
	const struct task_ref *refs[] = { &unknown, &lost };

	core_cancel(gone);
	core_forget(gone);
	clear();
	for (int i = 0; i < 2; i++) {
		specs[2].after = refs[i];
		specs[2].n_after = 1;
		ck_assert_int_eq(submit(3), i ? CORE_LOST_DEPENDENCY : CORE_NO_DEPENDENCY);
		ck_assert_uint_eq(culprit, 2);
		ck_assert_uint_eq(missing, refs[i]->id);
		ck_assert_ptr_null(made[0]);
	}
	clear();
	specs[1].queue = toy_queue_new(&toy, "draining", 0, 0);
	core_queue_drain(specs[1].queue);
	ck_assert_int_eq(submit(3), CORE_DRAINING);
	ck_assert_uint_eq(culprit, 1);
	core_close(toy.core, true);
	ck_assert_int_eq(submit(3), CORE_CLOSED);
	expect_nothing_made(1);
}
END_TEST

START_TEST(there_is_room_for_all_or_for_none)
{
	struct bytes *args = bytes_new("12345678", 8);
	struct core_queue *small = toy_queue_new(&toy, "small", 3, 0);
	struct core_queue *light = toy_queue_new(&toy, "light", 0, 2 * bytes_cost(args));

	clear();
	for (int i = 0; i < 4; i++)
		specs[2 * i].queue = small;
	ck_assert_int_eq(submit(8), CORE_QUEUE_FULL);
	ck_assert_uint_eq(culprit, 6);
	expect_nothing_made(0);
	ck_assert_int_eq(submit(6), CORE_OK);
	clear();
	for (int i = 0; i < 3; i++) {
		specs[i].queue = light;
		specs[i].args = args;
	}
	ck_assert_int_eq(submit(3), CORE_QUEUE_FULL);
	ck_assert_uint_eq(culprit, 2);
	ck_assert_int_eq(submit(2), CORE_OK);
	bytes_unref(args);
}
END_TEST

START_TEST(empty_batch_is_none)
{
	ck_assert_int_eq(submit(0), CORE_OK);
	expect_nothing_made(0);
}
END_TEST

/* _i: the mode of the second */
START_TEST(second_of_a_key_is_a_duplicate_of_the_first)
{
	const struct task_ref second = { .index = 2 };
	bool same = _i == KEY_ATTACH || _i == KEY_ONCE;

	clear();
	specs[0] = keyed("k", KEY_REJECT);
	specs[2] = keyed("k", (enum key_mode)_i);
	specs[1].after = &second;
	specs[1].n_after = 1;
	specs[3] = keyed("other", KEY_REJECT);
	ck_assert_int_eq(submit(4), same ? CORE_OK : CORE_DUPLICATE);
	if (!same) {
		ck_assert_uint_eq(culprit, 2);
		ck_assert_ptr_null(made[2]);
		expect_nothing_made(0);
		return;
	}
	ck_assert_ptr_eq(made[2], made[0]);
	ck_assert_uint_eq(made[3]->id, 3);
	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED); /* the first, for whom the second one waits by the other name */
	toy_turn(&toy);
	ck_assert_int_eq(made[1]->state, TASK_QUEUED);
}
END_TEST

START_TEST(task_that_is_there_stands_for_one_of_the_batch)
{
	struct task *there = toy_submit_spec(&toy, keyed("k", KEY_REJECT));
	const struct task_ref refs[] = { { .index = 0 }, { .id = 4711 } };

	clear();
	specs[0] = keyed("k", KEY_ATTACH);
	specs[0].after = &refs[1]; /* which is no matter, as it is not made */
	specs[0].n_after = 1;
	specs[1].after = &refs[0];
	specs[1].n_after = 1;
	specs[2] = keyed("k", KEY_ONCE);
	ck_assert_int_eq(submit(3), CORE_OK);
	ck_assert_ptr_eq(made[0], there);
	ck_assert_ptr_eq(made[2], there);
	ck_assert_int_eq(made[1]->state, TASK_BLOCKED);
	ck_assert_uint_eq(core_totals(toy.core)->submitted, 2);
	core_cancel(there);
	toy_turn(&toy);
	ck_assert_int_eq(made[1]->state, TASK_CANCELLED);
}
END_TEST

START_TEST(batch_may_replace)
{
	struct task *there = toy_submit_spec(&toy, keyed("k", KEY_REJECT));

	clear();
	specs[1] = keyed("k", KEY_REPLACE);
	specs[2] = keyed("k", KEY_REJECT);
	ck_assert_int_eq(submit(3), CORE_DUPLICATE);
	ck_assert_int_eq(there->state, TASK_QUEUED);
	ck_assert_int_eq(submit(2), CORE_OK);
	ck_assert_int_eq(there->state, TASK_CANCELLED);
	clear();
	specs[1] = keyed("k", KEY_REJECT);
	there = made[1];
	ck_assert_int_eq(submit(2), CORE_DUPLICATE);
	ck_assert_ptr_eq(made[1], there);
}
END_TEST

START_TEST(all_that_a_batch_replaces_makes_room)
{
	struct task_spec pair[2] = { keyed("a", KEY_REPLACE), keyed("b", KEY_REPLACE) };
	struct task *out[2];
	uint64_t id;

	for (int i = 0; i < 2; i++)
		pair[i].queue = i ? pair[0].queue : toy_queue_new(&toy, "small", 2, 0);
	core_queue_pause(pair[0].queue);
	for (int round = 0; round < 2; round++)
		ck_assert_int_eq(core_submit_batch(toy.core, pair, 2, out, &culprit, &id), CORE_OK);
	ck_assert_uint_eq(core_totals(toy.core)->ended[TASK_CANCELLED], 2);
	pair[0].key = "c";
	ck_assert_int_eq(core_submit_batch(toy.core, pair, 2, out, &culprit, &id), CORE_QUEUE_FULL);
	ck_assert_uint_eq(culprit, 0);
}
END_TEST

/* --- who observes --- */

static char seen[256];

static void note_change(struct toy *which, const struct task *task, bool progress)
{
	(void)which;
	strcat(seen, progress ? "progress" : task_state_name(task->state));
	strcat(seen, " ");
}

START_TEST(observer_sees_every_state_and_progress)
{
	const struct task_retry retry = { .retries = 1, .on = RETRY_ALL };
	struct task *gate;

	toy.on_changed = note_change;
	gate = toy_submit(&toy, 0);
	ck_assert_str_eq(seen, ""); /* nobody did */
	core_observe(toy.core, true);
	const struct task_ref ref = { .id = gate->id };
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .retry = &retry, .after_any = &ref, .n_after_any = 1,
		.due_ns = toy.now_ns + NS_PER_S });
	core_cancel(gate);
	toy_turn(&toy);
	toy_advance(&toy, NS_PER_S);
	toy_take(slot);
	core_task_progress(task, 0.5, NULL, 0);
	toy_finish(slot, TASK_FAILED);
	toy_turn(&toy);
	toy_take(slot);
	core_cancel(task);
	toy_finish(slot, TASK_FAILED);
	ck_assert_str_eq(seen, "blocked cancelled scheduled queued running progress scheduled queued running cancelling cancelled ");
	core_observe(toy.core, false);
	toy_submit(&toy, 0);
	ck_assert_str_eq(strrchr(seen, 'g') + 1, " cancelled "); /* nothing more */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: coming in");
	TCase *tcase = tcase_create("one");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, closed_core_and_draining_queue_take_nothing_in);
	tcase_add_test(tcase, key_is_the_owners_own);
	tcase_add_test(tcase, key_is_free_when_its_task_has_ended);
	tcase_add_test(tcase, attach_gives_the_task_that_is_there);
	tcase_add_test(tcase, once_is_once_as_long_as_there_is_a_record);
	tcase_add_test(tcase, replace_cancels_the_one_that_is_there);
	tcase_add_test(tcase, replaced_one_makes_room);
	tcase_add_test(tcase, who_replaces_what_it_waits_for_is_given_up);
	tcase_add_test(tcase, long_and_binary_keys_are_keys);
	tcase_add_test(tcase, observer_sees_every_state_and_progress);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("batch");
	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, batch_waits_within_itself_in_any_order);
	tcase_add_test(tcase, batch_may_wait_for_others_too);
	tcase_add_test(tcase, batch_with_a_failed_dependency_ends_as_far_as_it_reaches);
	tcase_add_loop_test(tcase, circle_is_refused_and_nothing_is_made, 0, sizeof circles / sizeof *circles);
	tcase_add_test(tcase, any_refusal_is_of_all);
	tcase_add_test(tcase, there_is_room_for_all_or_for_none);
	tcase_add_test(tcase, empty_batch_is_none);
	tcase_add_loop_test(tcase, second_of_a_key_is_a_duplicate_of_the_first, KEY_REJECT, KEY_ONCE + 1);
	tcase_add_test(tcase, task_that_is_there_stands_for_one_of_the_batch);
	tcase_add_test(tcase, batch_may_replace);
	tcase_add_test(tcase, all_that_a_batch_replaces_makes_room);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
