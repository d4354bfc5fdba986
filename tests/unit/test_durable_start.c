/* Tasks that must not run twice start only when that is on disk; what becomes of those whose start is on its way. */
#include <stdlib.h>

#include "durable_world.h"
#include "object/object.h"

static struct task_spec once_spec(void)
{
	struct task_spec spec = world_spec();
	spec.on_interrupt_crash = true;
	return spec;
}

/* It lies in a slot's lane as far as the core knows, and what says so is not on disk. */
static uint64_t submit_until_held(const struct task_spec *spec)
{
	uint64_t id = world_submit(spec)->id;
	while (!durable_is_held(world.durable, world_find(id)))
		world_turn();
	return id;
}

static bool has_started(const void *user)
{
	uint64_t id = *(const uint64_t *)user;
	for (int i = 0; i < world.n_started; i++)
		if (world.started[i] == id)
			return true;
	return false;
}

START_TEST(its_start_waits_for_the_disk)
{
	world_load();
	struct world_slot *slot = world_slot();
	const struct task_spec spec = once_spec();
	uint64_t id = submit_until_held(&spec);
	ck_assert_ptr_eq(core_slot_task_next(slot->slot, NULL), world_find(id));
	ck_assert_int_eq(world.n_started, 0);
	world_until(has_started, &id);
	ck_assert(!durable_is_held(world.durable, world_find(id)));
	world_take(slot);
	world_done(slot, TASK_SUCCEEDED, "1");
	world_until_state(id, TASK_SUCCEEDED);
	ck_assert_int_eq(world.n_started, 1);
}
END_TEST

START_TEST(a_crash_right_after_the_start_is_the_tasks_end)
{
	world_load();
	world_slot();
	const struct task_spec spec = once_spec();
	uint64_t id = submit_until_held(&spec);
	world_until(has_started, &id); /* and nobody has said that it runs */
	world_crash();
	world_load();
	world_settle();
	ck_assert_int_eq(world_find(id)->state, TASK_CRASHED);
}
END_TEST

START_TEST(what_lies_behind_it_waits_with_it)
{
	world_load();
	struct world_slot *slot = world_slot();
	struct task_spec spec = once_spec();
	world.type->mean_run_ns = 1000; /* several of them fit into a lane */
	uint64_t first = submit_until_held(&spec);
	spec.on_interrupt_crash = spec.durable = false;
	uint64_t second = world_submit(&spec)->id;
	core_turn(world.core);
	ck_assert_uint_eq(core_slot_in_flight(slot->slot), 2);
	ck_assert(durable_is_held(world.durable, world_find(second)));
	world_until(has_started, &second);
	ck_assert_uint_eq(world.started[0], first);
	ck_assert_uint_eq(world.started[1], second);
}
END_TEST

START_TEST(what_is_cancelled_meanwhile_never_starts)
{
	world_load();
	world_slot();
	const struct task_spec spec = once_spec();
	uint64_t id = submit_until_held(&spec);
	core_cancel(world_find(id));
	world_until_state(id, TASK_CANCELLED);
	world_settle();
	ck_assert_int_eq(world.n_started, 0);
	world_crash();
	world_load();
	ck_assert_int_eq(world_find(id)->state, TASK_CANCELLED);
}
END_TEST

/* It goes to another slot, once. */
START_TEST(a_slot_that_is_lost_meanwhile_gets_nothing)
{
	world_load();
	struct world_slot *first = world_slot(), *second = world_slot();
	const struct task_spec spec = once_spec();
	uint64_t id = submit_until_held(&spec);
	struct world_slot *lost = world_find(id)->slot == first->slot ? first : second;
	struct world_slot *other = lost == first ? second : first;
	core_slot_lost(lost->slot, &(struct task_obituary){ .pid = 1 });
	world_until(has_started, &id);
	ck_assert_ptr_eq(world_find(id)->slot, other->slot);
	ck_assert_int_eq(world_find(id)->attempt, 1);
	world_take(other);
	world_done(other, TASK_SUCCEEDED, "1");
	world_until_state(id, TASK_SUCCEEDED);
	ck_assert_int_eq(world.n_started, 1);
}
END_TEST

START_TEST(what_went_back_to_its_queue_has_not_started_after_a_crash_either)
{
	world_load();
	struct world_slot *slot = world_slot();
	const struct task_spec spec = once_spec();
	uint64_t id = submit_until_held(&spec);
	world_until(has_started, &id);
	core_slot_retire(slot->slot); /* it had not taken it */
	ck_assert_ptr_null(world_find(id)->slot);
	world_settle();
	world_crash();
	world_load();
	world_settle();
	ck_assert_int_eq(world_find(id)->state, TASK_QUEUED);
	ck_assert_int_eq(world_find(id)->attempt, 1);
}
END_TEST

START_TEST(a_lane_without_room_sends_it_back)
{
	world_load();
	world_slot();
	const struct task_spec spec = once_spec();
	world.lanes_are_full = true;
	uint64_t id = submit_until_held(&spec);
	while (durable_is_held(world.durable, world_find(id)))
		world_turn();
	world_settle();
	ck_assert_int_eq(world.n_started, 0);
	ck_assert_ptr_null(world_find(id)->slot);
	world.lanes_are_full = false;
	world_pass(NS_PER_S);
	world_until(has_started, &id);
}
END_TEST

/* The core gives what a slot does not take for long to another one, again and again; its start is not put off by that. */
START_TEST(who_is_moved_from_slot_to_slot_waits_no_longer_for_it)
{
	world_load();
	struct world_slot *first = world_slot();
	const struct task_spec spec = once_spec();
	uint64_t id = submit_until_held(&spec);
	world_slot();
	struct durable_figures before, after;
	durable_figures(world.durable, &before);
	for (int i = 0; i < 10; i++) {
		const struct core_slot *slot = world_find(id)->slot;
		world_pass(NS_PER_S / 5);
		core_turn(world.core);
		ck_assert_ptr_ne(world_find(id)->slot, slot);
		ck_assert(durable_is_held(world.durable, world_find(id)));
	}
	durable_figures(world.durable, &after);
	ck_assert_uint_eq(after.backlog, before.backlog);
	world_until(has_started, &id);
	ck_assert_int_eq(world.n_started, 1);
	(void)first;
}
END_TEST

START_TEST(a_daemon_that_stops_starts_no_more_of_them)
{
	world_load();
	world_slot();
	const struct task_spec spec = once_spec();
	uint64_t id = submit_until_held(&spec);
	durable_drain(world.durable);
	world_commit();
	ck_assert_int_eq(world.n_started, 0);
	world_end();
	world_load();
	ck_assert_int_eq(world_find(id)->state, TASK_QUEUED);
	ck_assert_int_eq(world_find(id)->attempt, 1);
	world_slot();
	world_until(has_started, &id);
}
END_TEST

/* The others are not put down as started before it is known that they run, and wait for nothing. */
START_TEST(what_may_run_twice_starts_at_once)
{
	world_load();
	struct world_slot *slot = world_slot();
	const struct task_spec spec = world_spec();
	uint64_t id = world_submit(&spec)->id;
	while (!core_slot_in_flight(slot->slot))
		world_turn();
	ck_assert_int_eq(world.n_started, 1);
	world_settle();
	world_crash();
	world_load();
	ck_assert_int_eq(world_find(id)->state, TASK_QUEUED);
	ck_assert_int_eq(world_find(id)->attempt, 1);
}
END_TEST

/* It goes back to its place when it may, and keeps that over a restart. */
START_TEST(what_comes_to_be_blocked_by_a_lock_meanwhile_has_its_place_still)
{
	const struct object_claim lock = { .kind = OBJECT_LOCK, .name = { "lock", 4 } };
	world_load();
	world_slot();
	struct task_spec spec = once_spec(), other = world_spec();
	spec.claims = other.claims = &lock;
	spec.n_claims = other.n_claims = 1;
	other.priority = 1;
	other.durable = false;
	uint64_t id = submit_until_held(&spec);
	uint64_t place = world_find(id)->place;
	world_slot();
	core_queue_pause(world.queue);
	world_submit(&other);
	core_queue_resume(world.queue);
	core_turn(world.core);
	ck_assert_ptr_nonnull(core_waits_for(world_find(id)));
	world_commit();
	world_crash();
	world_load();
	ck_assert_int_eq(world_find(id)->state, TASK_QUEUED);
	ck_assert_uint_eq(world_find(id)->place, place);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("durable_start");
	TCase *tc = tcase_create("durable_start");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, world_make, world_remove);
	tcase_add_test(tc, its_start_waits_for_the_disk);
	tcase_add_test(tc, a_crash_right_after_the_start_is_the_tasks_end);
	tcase_add_test(tc, what_lies_behind_it_waits_with_it);
	tcase_add_test(tc, what_is_cancelled_meanwhile_never_starts);
	tcase_add_test(tc, a_slot_that_is_lost_meanwhile_gets_nothing);
	tcase_add_test(tc, what_went_back_to_its_queue_has_not_started_after_a_crash_either);
	tcase_add_test(tc, a_lane_without_room_sends_it_back);
	tcase_add_test(tc, who_is_moved_from_slot_to_slot_waits_no_longer_for_it);
	tcase_add_test(tc, a_daemon_that_stops_starts_no_more_of_them);
	tcase_add_test(tc, what_may_run_twice_starts_at_once);
	tcase_add_test(tc, what_comes_to_be_blocked_by_a_lock_meanwhile_has_its_place_still);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	setenv("TASKD_STORE", "./taskd-store", 0);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
