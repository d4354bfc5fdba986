/* Durable tasks that never come to the disk, those that come together or not at all, and those that share a key. */
#include <check.h>
#include <signal.h>

#include "core/internal.h"
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

static struct task *submit(struct task_spec spec)
{
	spec.durable = true;
	return toy_submit_spec(&toy, spec);
}

static void recorded(const struct task *task)
{
	core_recorded(toy.core, task->id);
}

/* The latest record is this one, and there are N in all. */
static void expect(int n, const struct task *task, enum core_record what)
{
	const struct toy_told *told = &toy.told[toy.n_told - 1];

	ck_assert_int_eq(toy.n_told, n);
	ck_assert_uint_eq(told->id, task->id);
	ck_assert_int_eq(told->what, what);
}

static void expect_state(const struct task *task, enum task_state state)
{
	ck_assert_str_eq(task_state_name(task->state), task_state_name(state));
}

static const struct core_totals *totals(void)
{
	return core_totals(toy.core);
}

static int n_recorded, n_heard;

static void hear_recorded(struct task_waiter *waiter, struct task *task)
{
	(void)waiter;
	ck_assert(task->on_disk);
	n_recorded++;
}

static void hear_end(struct task_waiter *waiter, struct task *task)
{
	(void)waiter;
	ck_assert(task_state_is_terminal(task->state));
	n_heard++;
}

/* --- refused --- */

START_TEST(what_is_refused_never_was)
{
	struct task_waiter waiter = { .ended = hear_end, .recorded = hear_recorded };
	struct task *task = submit((struct task_spec){ .key = "k", .key_length = 1 }), *out;
	const struct task_ref ref = { .id = task->id };
	struct task *dependent = toy_submit_spec(&toy, (struct task_spec){ .after = &ref, .n_after = 1 });
	uint64_t id = task->id;

	n_recorded = n_heard = 0;
	task_wait(task, &waiter);
	core_refused(toy.core, id, "store_full", "the disk is full");
	ck_assert_int_eq(n_heard, 1);
	ck_assert_int_eq(n_recorded, 0);
	ck_assert_int_eq(task->state, TASK_CANCELLED);
	ck_assert_str_eq(task->outcome->kind, "store_full");
	ck_assert_str_eq(task->outcome->message, "the disk is full");
	ck_assert_int_eq(core_find(toy.core, id, &out), CORE_FORGOTTEN);
	toy_turn(&toy);
	expect_state(dependent, TASK_CANCELLED);
	ck_assert_uint_eq(dependent->outcome->because_of, id);
	ck_assert_int_eq(toy.n_told, 1);
	ck_assert_uint_eq(totals()->recording + totals()->queued_bytes, 0);
	ck_assert_ptr_ne(submit((struct task_spec){ .key = "k", .key_length = 1 }), NULL);
}
END_TEST

/* _i: which of them is refused first */
START_TEST(batch_that_is_refused_ends_with_that_kind_whoever_waits_for_whom)
{
	const struct task_ref ref = { .index = 0 };
	const struct task_spec specs[] = {
		{ .type = toy.type, .queue = toy.queue, .durable = true },
		{ .type = toy.type, .queue = toy.queue, .durable = true, .after = &ref, .n_after = 1 },
	};
	struct task *out[2];
	size_t culprit;
	uint64_t id;

	ck_assert_int_eq(core_submit_batch(toy.core, specs, 2, out, &culprit, &id), CORE_OK);
	core_refused(toy.core, out[_i]->id, "store_full", "no");
	core_refused(toy.core, out[!_i]->id, "store_full", "no");
	for (int i = 0; i < 2; i++)
		ck_assert_str_eq(out[i]->outcome->kind, "store_full");
	ck_assert_int_eq(toy.n_ended, 2);
	toy_turn(&toy);
	ck_assert_uint_eq(totals()->kept, 0);
}
END_TEST

START_TEST(batch_is_one_chain_in_the_order_of_its_ids)
{
	const struct task_ref ref = { .index = 3 };
	const struct task_spec plain = { .type = toy.type, .queue = toy.queue };
	struct task_spec specs[5] = { plain, plain, plain, plain, plain };
	struct task *out[5];
	size_t culprit;
	uint64_t id;

	for (int i = 0; i < 4; i++)
		specs[i].durable = i != 1;
	specs[0].after = &ref;
	specs[0].n_after = 1;
	ck_assert_int_eq(core_submit_batch(toy.core, specs, 5, out, &culprit, &id), CORE_OK);
	ck_assert_int_eq(toy.n_told, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(toy.told[i].id, out[i ? i + 1 : 0]->id);
		ck_assert_int_eq(toy.told[i].what, RECORD_SUBMITTED);
		ck_assert_int_eq(toy.told[i].more, i < 2);
	}
	expect_state(out[1], TASK_QUEUED);
}
END_TEST

/* --- keys --- */

START_TEST(key_is_kept_until_the_end_is_on_disk)
{
	struct task_spec spec = { .key = "k", .key_length = 1, .durable = true };
	struct task *task = submit(spec), *out;

	ck_assert_int_eq(toy_try(&toy, spec, &out), CORE_DUPLICATE);
	recorded(task);
	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED);
	ck_assert_int_eq(toy_try(&toy, spec, &out), CORE_DUPLICATE);
	spec.key_mode = KEY_ATTACH;
	ck_assert_int_eq(toy_try(&toy, spec, &out), CORE_ATTACHED);
	ck_assert_ptr_eq(out, task);
	recorded(task);
	ck_assert_int_eq(toy_try(&toy, spec, &out), CORE_OK);
}
END_TEST

START_TEST(what_is_replaced_while_it_comes_in_makes_room_and_ends_when_it_has)
{
	struct core_queue *small = toy_queue_new(&toy, "small", 1, 0);
	struct task_spec spec = { .queue = small, .key = "k", .key_length = 1, .key_mode = KEY_REPLACE };
	struct task *old = submit(spec), *new = submit(spec);

	expect(2, new, RECORD_SUBMITTED);
	recorded(old);
	expect_state(old, TASK_QUEUED);
	recorded(new);
	recorded(old);
	expect_state(old, TASK_CANCELLED);
	expect_state(new, TASK_QUEUED);
	ck_assert_ptr_eq(unique_find(toy.core, 0, "k", 1), new);
}
END_TEST

static const struct task_spec replacing = { .key = "k", .key_length = 1, .key_mode = KEY_REPLACE };

static struct task *holder(void)
{
	return unique_find(toy.core, 0, "k", 1);
}

/* _i: whether that is durable itself */
START_TEST(what_is_to_be_replaced_goes_on_and_has_its_key_where_its_successor_is_refused)
{
	struct task *old = _i ? submit(replacing) : toy_submit_spec(&toy, replacing);

	recorded(old);
	for (int again = 0; again < 2; again++) {
		struct task *new = submit(replacing);
		ck_assert_ptr_eq(holder(), new);
		core_refused(toy.core, new->id, "store_full", "no");
		ck_assert_ptr_eq(holder(), old);
		expect_state(old, TASK_QUEUED);
		toy_turn(&toy);
	}
	ck_assert_ptr_nonnull(old->slot);
	toy_finish(slot, TASK_SUCCEEDED);
}
END_TEST

/* _i: which of the two is refused first */
START_TEST(what_was_to_be_replaced_twice_has_its_key_again)
{
	struct task *old = toy_submit_spec(&toy, replacing), *first = submit(replacing), *second = submit(replacing);

	core_refused(toy.core, _i ? second->id : first->id, "store_full", "no");
	ck_assert_ptr_eq(holder(), _i ? first : second);
	core_refused(toy.core, _i ? first->id : second->id, "store_full", "no");
	ck_assert_ptr_eq(holder(), old);
	expect_state(old, TASK_QUEUED);
}
END_TEST

START_TEST(what_is_replaced_twice_is_cancelled_by_the_first_that_is_on_disk)
{
	struct task *old = toy_submit_spec(&toy, replacing), *first = submit(replacing), *second = submit(replacing);

	ck_assert_uint_eq(first->extra->replaces, old->id);
	ck_assert_uint_eq(second->extra->replaces, first->id);
	recorded(first);
	expect_state(old, TASK_CANCELLED);
	expect_state(first, TASK_QUEUED);
	recorded(second);
	recorded(first);
	expect_state(first, TASK_CANCELLED);
	ck_assert_ptr_eq(holder(), second);
}
END_TEST

/* _i: whether it is durable */
START_TEST(batch_replaces_when_it_is_on_disk)
{
	struct task *old = toy_submit_spec(&toy, replacing), *out[2];
	struct task_spec specs[2] = { { .type = toy.type, .queue = toy.queue }, replacing };
	size_t culprit;
	uint64_t id;

	specs[1].type = toy.type;
	specs[1].queue = toy.queue;
	specs[0].durable = specs[1].durable = _i;
	ck_assert_int_eq(core_submit_batch(toy.core, specs, 2, out, &culprit, &id), CORE_OK);
	expect_state(old, _i ? TASK_QUEUED : TASK_CANCELLED);
	recorded(out[0]);
	recorded(out[1]);
	expect_state(old, TASK_CANCELLED);
}
END_TEST

START_TEST(what_is_about_to_end_makes_no_room_for_who_replaces_it)
{
	struct core_queue *small = toy_queue_new(&toy, "small", 1, 0);
	struct task_spec spec = { .queue = small, .key = "k", .key_length = 1, .key_mode = KEY_REPLACE };
	struct task *old = submit(spec), *out;

	core_queue_pause(small);
	recorded(old);
	core_cancel(old);
	toy_submit_spec(&toy, (struct task_spec){ .queue = small });
	ck_assert_int_eq(toy_try(&toy, spec, &out), CORE_QUEUE_FULL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("core: durable tasks that are refused");
	TCase *tcase = tcase_create("refused");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, what_is_refused_never_was);
	tcase_add_loop_test(tcase, batch_that_is_refused_ends_with_that_kind_whoever_waits_for_whom, 0, 2);
	tcase_add_test(tcase, batch_is_one_chain_in_the_order_of_its_ids);
	tcase_add_test(tcase, key_is_kept_until_the_end_is_on_disk);
	tcase_add_test(tcase, what_is_replaced_while_it_comes_in_makes_room_and_ends_when_it_has);
	tcase_add_loop_test(tcase, what_is_to_be_replaced_goes_on_and_has_its_key_where_its_successor_is_refused, 0, 2);
	tcase_add_loop_test(tcase, what_was_to_be_replaced_twice_has_its_key_again, 0, 2);
	tcase_add_test(tcase, what_is_replaced_twice_is_cancelled_by_the_first_that_is_on_disk);
	tcase_add_loop_test(tcase, batch_replaces_when_it_is_on_disk, 0, 2);
	tcase_add_test(tcase, what_is_about_to_end_makes_no_room_for_who_replaces_it);
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
