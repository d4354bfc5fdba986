/* Slots that die, retire or are not ready yet, and a core that is closed. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "toy.h"

static struct toy toy;
static struct toy_slot *a;

static void fresh(void)
{
	toy_init(&toy);
	a = toy_slot_new(&toy);
}

static void finish(void)
{
	toy_fini(&toy);
	free(a);
}

static void submit_many(int n)
{
	while (n-- > 0)
		toy_submit(&toy, 0);
}

static size_t in_flight(const struct toy_slot *slot)
{
	return core_slot_in_flight(slot->slot);
}

START_TEST(lost_slot_fails_what_it_had_taken_and_gives_the_rest_back)
{
	toy_teach(&toy, 100 * NS_PER_US);
	submit_many(5);
	toy_turn(&toy);
	struct task *culprit = toy_take(a);
	toy_die(a, SIGKILL);
	ck_assert_int_eq(culprit->state, TASK_CRASHED);
	ck_assert_int_eq(culprit->started_ns, toy.now_ns);
	ck_assert_int_eq(culprit->outcome->obituary->pid, 4711);
	ck_assert_int_eq(culprit->outcome->obituary->wait_status, SIGKILL);
	ck_assert_str_eq(culprit->outcome->message, "its worker (pid 4711) was killed by SIGKILL");
	ck_assert_int_eq(toy.n_ended, 1);
	ck_assert_uint_eq(core_totals(toy.core)->waiting, 4);
	ck_assert_uint_eq(in_flight(a), 0);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 5); /* it is not ready */
	core_slot_ready(a->slot);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 9);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(toy.given[5 + i], (uint64_t)i + 2);
}
END_TEST

START_TEST(obituary_says_how_and_why)
{
	char reason[] = "it broke its lane";
	const struct task_obituary obituary = { .pid = 7, .wait_status = 3 << 8, .reason = reason };

	submit_many(1);
	toy_turn(&toy);
	struct task *task = toy_take(a);
	core_slot_lost(a->slot, &obituary);
	memset(reason, 'x', sizeof(reason) - 1);
	ck_assert_str_eq(task->outcome->message, "its worker (pid 7) exited with status 3: it broke its lane");
	ck_assert_str_eq(task->outcome->obituary->reason, "it broke its lane");
}
END_TEST

START_TEST(retired_slot_keeps_what_it_runs_and_nothing_else)
{
	toy_teach(&toy, 100 * NS_PER_US);
	submit_many(5);
	toy_turn(&toy);
	struct task *running = toy_take(a);
	core_slot_retire(a->slot);
	ck_assert_uint_eq(in_flight(a), 1);
	ck_assert_ptr_eq(core_slot_running(a->slot), running);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 1);
	toy_finish(a, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 0);
	ck_assert_uint_eq(core_totals(toy.core)->waiting, 4);
	toy_slot_free(a);
	a = toy_slot_new(&toy);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 4);
}
END_TEST

/* Its worker may be stopped, or get no CPU: nothing is to wait for that while another slot is free. */
START_TEST(what_a_slot_does_not_take_goes_to_another)
{
	toy_teach(&toy, 100 * NS_PER_MS);
	submit_many(2);
	struct toy_slot *b = toy_slot_new(&toy);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 1);
	ck_assert_uint_eq(in_flight(b), 1);
	for (int i = 0; i < 10; i++)
		toy_advance(&toy, 100 * NS_PER_MS);
	ck_assert_int_eq(toy.n_revoked, 0); /* nobody else is free */
	struct task *taken = toy_take(b);
	toy_finish(b, TASK_SUCCEEDED);
	toy_advance(&toy, 100 * NS_PER_MS);
	ck_assert_uint_eq(in_flight(a), 0);
	ck_assert_uint_eq(in_flight(b), 1);
	struct task *other = toy_take(b);
	ck_assert_ptr_ne(other, taken);
	toy_finish(b, TASK_SUCCEEDED);
	submit_many(1);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(b), 1); /* which is preferred now */
	toy_finish(b, TASK_SUCCEEDED);
	toy_slot_free(b);
}
END_TEST

START_TEST(slot_that_is_not_ready_gets_nothing)
{
	struct core_slot *slot = core_slot_new(toy.pool, NULL);

	core_slot_retire(a->slot);
	submit_many(1);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 0);
	core_slot_free(slot);
}
END_TEST

START_TEST(closed_core_takes_nothing_and_starts_what_it_may)
{
	struct task *task;
	const struct task_spec spec = { .type = toy.type, .queue = toy.queue };

	submit_many(2);
	toy_turn(&toy);
	toy_take(a);
	core_close(toy.core, true);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_CLOSED);
	ck_assert_ptr_null(task);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 1);
	core_close(toy.core, false);
	toy_finish(a, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 1);
	ck_assert_uint_eq(core_totals(toy.core)->waiting, 1);
}
END_TEST

START_TEST(core_that_starts_nothing_takes_back_what_slots_have_not_begun)
{
	toy_teach(&toy, NS_PER_US);
	submit_many(5);
	toy_turn(&toy);
	toy_take(a);
	core_close(toy.core, false);
	ck_assert_uint_eq(in_flight(a), 1);
	ck_assert_uint_eq(core_totals(toy.core)->waiting, 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: slots");
	TCase *tcase = tcase_create("slots");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, lost_slot_fails_what_it_had_taken_and_gives_the_rest_back);
	tcase_add_test(tcase, obituary_says_how_and_why);
	tcase_add_test(tcase, retired_slot_keeps_what_it_runs_and_nothing_else);
	tcase_add_test(tcase, what_a_slot_does_not_take_goes_to_another);
	tcase_add_test(tcase, slot_that_is_not_ready_gets_nothing);
	tcase_add_test(tcase, closed_core_takes_nothing_and_starts_what_it_may);
	tcase_add_test(tcase, core_that_starts_nothing_takes_back_what_slots_have_not_begun);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
