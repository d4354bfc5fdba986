/* Many who wait for one end: those whose next step it is are told at once, the others a few in each turn. */
#include <check.h>
#include <stdlib.h>

#include "core/internal.h"
#include "toy.h"

#define MANY 100
#define AT_ONCE 16

static struct toy toy;
static struct toy_slot *slot;
static struct task *task;
static struct task_waiter waiters[MANY], hasty[MANY];
static int told, told_hasty;

static void ended(struct task_waiter *waiter, struct task *of)
{
	if (waiter >= hasty && waiter < hasty + MANY)
		told_hasty++;
	else
		told++;
	ck_assert_ptr_eq(of, task);
	ck_assert_int_eq(of->outcome->state, TASK_SUCCEEDED);
}

static void set_up(void)
{
	toy_init(&toy);
	slot = toy_slot_new(&toy);
	toy_teach(&toy, NS_PER_S);
	task = toy_submit(&toy, 0);
	toy_turn(&toy);
	ck_assert_ptr_eq(toy_take(slot), task);
	told = told_hasty = 0;
	for (int i = 0; i < MANY; i++) {
		waiters[i].ended = hasty[i].ended = ended;
		task_wait_patiently(task, &waiters[i]);
		task_wait(task, &hasty[i]);
	}
}

static void tear_down(void)
{
	toy_fini(&toy);
	free(slot);
}

START_TEST(the_patient_are_told_over_several_turns)
{
	toy_finish(slot, TASK_SUCCEEDED);
	ck_assert_int_eq(told_hasty, MANY);
	ck_assert_int_eq(told, AT_ONCE);
	for (int turns = 1; told < MANY; turns++) {
		ck_assert(core_is_due(toy.core));
		toy_turn(&toy);
		ck_assert_int_eq(told, (turns + 1) * AT_ONCE < MANY ? (turns + 1) * AT_ONCE : MANY);
	}
	ck_assert(!core_is_due(toy.core));
}
END_TEST

START_TEST(what_is_forgotten_meanwhile_is_there_for_them)
{
	struct task *found;
	uint64_t id = task->id;
	toy_finish(slot, TASK_SUCCEEDED);
	ck_assert(core_forget(task));
	toy_turn(&toy);
	ck_assert_int_eq(core_find(toy.core, id, &found), CORE_FORGOTTEN);
	for (int turns = 0; told < MANY && turns < MANY; turns++)
		toy_turn(&toy);
	ck_assert_int_eq(told, MANY);
	toy_turn(&toy);
	ck_assert(TAILQ_EMPTY(&toy.core->graveyard));
}
END_TEST

START_TEST(who_stops_waiting_meanwhile_is_not_told)
{
	struct task_waiter *waiter;
	toy_finish(slot, TASK_SUCCEEDED);
	ck_assert(core_forget(task));
	while ((waiter = LIST_FIRST(&task->patient)))
		task_unwait(waiter);
	toy_turn(&toy);
	ck_assert_int_eq(told, AT_ONCE);
	ck_assert(TAILQ_EMPTY(&toy.core->graveyard));
	ck_assert(!core_is_due(toy.core));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: telling");
	TCase *tests = tcase_create("tell");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, the_patient_are_told_over_several_turns);
	tcase_add_test(tests, what_is_forgotten_meanwhile_is_there_for_them);
	tcase_add_test(tests, who_stops_waiting_meanwhile_is_not_told);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
