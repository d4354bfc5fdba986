/* Events and barriers: every transition, what threading's own tests ask, and random operations beside a model. */
#include <check.h>
#include <string.h>

#include "object_cast.h"

static struct object_grant grant;
static struct waiter waiters[CAST];
static const struct object_name e = { "e", 1 }, b = { "b", 1 };

/* --- events --- */
static int wait_for_event(int owner, bool wait)
{
	struct object_holder holder = who(owner, NULL);

	return event_wait(all, &e, &holder, wait ? waiter_set(&waiters[owner]) : NULL, &problem);
}

static int set_event(int owner)
{
	return event_raise(all, &e, &owners[owner], &problem);
}

START_TEST(an_event_is_set_until_it_is_cleared)
{
	struct object_view view;

	ck_assert(!event_is_set(all, &e));
	event_clear(all, &e);
	ck_assert_int_eq(set_event(0), OBJECT_DONE);
	ck_assert_int_eq(set_event(1), OBJECT_DONE);
	ck_assert(event_is_set(all, &e));
	ck_assert(look_at(OBJECT_EVENT, "e", &view) && view.set && view.maker == 1);
	cast_kill(0);
	ck_assert(event_is_set(all, &e));
	ck_assert_int_eq(wait_for_event(2, false), OBJECT_DONE);
	ck_assert_int_eq(wait_for_event(2, true), OBJECT_DONE);
	ck_assert(!object_wait_is_on(&waiters[2].wait));
	event_clear(all, &e);
	ck_assert(!event_is_set(all, &e));
	ck_assert_int_eq(objects_count(all, OBJECT_EVENT), 0);
}
END_TEST

START_TEST(a_set_event_wakes_all_who_wait_also_when_it_is_cleared_at_once)
{
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(wait_for_event(i, true), OBJECT_WAITING);
	ck_assert_str_eq(parties_at(OBJECT_EVENT, "e"), "| 0 1 2 3 4");
	event_clear(all, &e);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(waiters[i].told, 0);
	ck_assert_int_eq(set_event(7), OBJECT_DONE);
	event_clear(all, &e);
	for (int i = 0; i < 5; i++)
		ck_assert(waiter_got(&waiters[i], OBJECT_DONE));
	ck_assert_int_eq(objects_count(all, OBJECT_EVENT), 0);
}
END_TEST

START_TEST(who_stops_waiting_for_an_event_leaves_nothing)
{
	ck_assert_int_eq(wait_for_event(0, false), OBJECT_WOULD_WAIT);
	ck_assert_int_eq(objects_count(all, OBJECT_EVENT), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(wait_for_event(i, true), OBJECT_WAITING);
	object_wait_drop(&waiters[0].wait);
	ck_assert(object_wait_expire(&waiters[1].wait));
	ck_assert_int_eq(objects_count(all, OBJECT_EVENT), 1);
	cast_kill(2);
	ck_assert_int_eq(objects_count(all, OBJECT_EVENT), 0);
	ck_assert_int_eq(waiters[0].told + waiters[1].told + waiters[2].told, 0);
}
END_TEST

START_TEST(events_count_for_their_makers)
{
	objects_set_limits(all, &(struct object_limits){ .objects = 1, .waits = 1 });
	ck_assert_int_eq(wait_for_event(0, true), OBJECT_WAITING);
	ck_assert_int_eq(wait_for_event(1, true), OBJECT_TOO_MANY);
	ck_assert_int_eq(event_raise(all, &b, &owners[0], &problem), OBJECT_TOO_MANY);
	ck_assert_int_eq(set_event(4), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[0], OBJECT_DONE));
}
END_TEST

/* --- barriers --- */
static int come(int owner, int64_t parties, bool wait)
{
	struct object_holder holder = who(owner, NULL);

	return barrier_wait(all, &b, parties, &holder, wait ? waiter_set(&waiters[owner]) : NULL, &grant, &problem);
}

START_TEST(all_pass_when_the_last_one_comes_each_with_its_index)
{
	struct object_view view;

	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(come(i, i % 2 ? 5 : i ? 0 : 5, true), OBJECT_WAITING);
		ck_assert(look_at(OBJECT_BARRIER, "b", &view) && view.slots == 5 && view.waits == 4 && !view.set);
		ck_assert_str_eq(parties_at(OBJECT_BARRIER, "b"), "| 0 1 2 3");
		ck_assert_int_eq(come(4, 0, round % 2), OBJECT_DONE);
		ck_assert_int_eq(grant.index, 4);
		for (int i = 0; i < 4; i++) {
			ck_assert(waiter_got(&waiters[i], OBJECT_DONE));
			ck_assert_int_eq(waiters[i].grant.index, i);
		}
		ck_assert_int_eq(objects_count(all, OBJECT_BARRIER), 0);
	}
}
END_TEST

START_TEST(one_party_passes_alone)
{
	ck_assert_int_eq(come(0, 1, false), OBJECT_DONE);
	ck_assert_int_eq(grant.index, 0);
	ck_assert_int_eq(come(0, 1, true), OBJECT_DONE);
	ck_assert_int_eq(objects_count(all, OBJECT_BARRIER), 0);
}
END_TEST

START_TEST(what_does_not_suit_changes_nothing)
{
	ck_assert_int_eq(come(0, 0, true), OBJECT_NOT_FOUND);
	ck_assert_int_eq(come(0, 3, false), OBJECT_WOULD_WAIT);
	ck_assert_int_eq(objects_count(all, OBJECT_BARRIER), 0);
	ck_assert_int_eq(come(0, 3, true), OBJECT_WAITING);
	ck_assert_int_eq(come(1, 2, true), OBJECT_MISMATCH);
	ck_assert_str_eq(problem.text, "barrier \"b\" has 3 parties, not 2");
	ck_assert_int_eq(come(1, 1, true), OBJECT_MISMATCH);
	ck_assert_int_eq(come(1, 3, false), OBJECT_WOULD_WAIT);
	ck_assert_str_eq(parties_at(OBJECT_BARRIER, "b"), "| 0");
	ck_assert_int_eq(waiters[0].told, 0);
}
END_TEST

static void leave_by_drop(void)
{
	object_wait_drop(&waiters[1].wait);
}

static void leave_by_expiry(void)
{
	ck_assert(object_wait_expire(&waiters[1].wait));
}

static void leave_by_death(void)
{
	cast_kill(1);
}

static void leave_by_abort(void)
{
	ck_assert_int_eq(barrier_abort(all, &b, &owners[7], &problem), OBJECT_DONE);
}

START_TEST(one_that_leaves_breaks_it_for_all_until_it_is_reset)
{
	static void (*const ways[])(void) = { leave_by_drop, leave_by_expiry, leave_by_death, leave_by_abort };
	struct object_view view;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(come(i, 4, true), OBJECT_WAITING);
	ways[_i]();
	ck_assert(waiter_got(&waiters[0], OBJECT_BROKEN));
	ck_assert(waiter_got(&waiters[2], OBJECT_BROKEN));
	ck_assert_int_eq(waiters[1].told, _i == 3);
	ck_assert(look_at(OBJECT_BARRIER, "b", &view) && view.set && view.waits == 0);
	ck_assert_int_eq(come(0, 4, true), OBJECT_BROKEN);
	ck_assert_int_eq(come(0, 9, false), OBJECT_BROKEN);
	ck_assert_int_eq(come(0, 1, true), OBJECT_BROKEN);
	ck_assert_int_eq(come(0, 0, true), OBJECT_BROKEN);
	barrier_reset(all, &b);
	ck_assert_int_eq(objects_count(all, OBJECT_BARRIER), 0);
	ck_assert_int_eq(come(0, 2, true), OBJECT_WAITING);
	ck_assert_int_eq(come(1, 2, true), OBJECT_DONE);
}
END_TEST

START_TEST(a_reset_sends_those_away_who_wait_and_leaves_it_as_new)
{
	barrier_reset(all, &b);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(come(i, 4, true), OBJECT_WAITING);
	barrier_reset(all, &b);
	for (int i = 0; i < 3; i++)
		ck_assert(waiter_got(&waiters[i], OBJECT_BROKEN));
	ck_assert_int_eq(come(3, 2, true), OBJECT_WAITING);
	ck_assert_int_eq(come(4, 2, true), OBJECT_DONE);
	ck_assert_int_eq(grant.index, 1);
	ck_assert(waiter_got(&waiters[3], OBJECT_DONE));
}
END_TEST

START_TEST(an_abort_makes_one_that_is_broken)
{
	ck_assert_int_eq(barrier_abort(all, &b, &owners[0], &problem), OBJECT_DONE);
	ck_assert_int_eq(come(1, 3, true), OBJECT_BROKEN);
	cast_kill(0);
	ck_assert_int_eq(come(1, 0, true), OBJECT_BROKEN);
	ck_assert_ptr_null(cast_broken());
}
END_TEST

START_TEST(a_broken_one_goes_when_its_maker_needs_room)
{
	struct object_name c = { "c", 1 };

	objects_set_limits(all, &(struct object_limits){ .objects = 1 });
	ck_assert_int_eq(barrier_abort(all, &b, &owners[0], &problem), OBJECT_DONE);
	ck_assert_int_eq(barrier_abort(all, &c, &owners[1], &problem), OBJECT_DONE);
	ck_assert_int_eq(objects_count(all, OBJECT_BARRIER), 1);
	ck_assert_str_eq(parties_at(OBJECT_BARRIER, "b"), "-");
	ck_assert_int_eq(set_event(0), OBJECT_DONE);
	ck_assert_int_eq(come(0, 2, true), OBJECT_TOO_MANY);
	ck_assert_int_eq(barrier_abort(all, &b, &owners[0], &problem), OBJECT_TOO_MANY);
}
END_TEST

/* --- random operations beside a model --- */
static struct {
	bool set, broken, at_event[CAST], at_barrier[CAST];
	int64_t parties;
	int n_waiting, index[CAST];
} model;

static bool break_barrier(bool broken)
{
	bool right = true;

	for (int i = 0; i < CAST; i++) {
		if (model.at_barrier[i])
			right = right && waiter_got(&waiters[i], OBJECT_BROKEN);
		model.at_barrier[i] = false;
	}
	model.broken = broken;
	model.n_waiting = 0;
	model.parties = 0;
	return right;
}

static bool random_come(uint64_t *seed, int owner)
{
	int64_t parties = random_below(seed, 5), in_force = model.parties ? model.parties : parties;
	bool wait = random_below(seed, 5) && !model.at_event[owner] && !model.at_barrier[owner], right = true;
	int status = come(owner, parties, wait);

	if (model.broken)
		return status == OBJECT_BROKEN;
	if (in_force == 0)
		return status == OBJECT_NOT_FOUND;
	if (parties && parties != in_force)
		return status == OBJECT_MISMATCH;
	if (model.n_waiting + 1 < in_force) {
		if (wait) {
			model.parties = in_force;
			model.index[owner] = model.n_waiting++;
			model.at_barrier[owner] = true;
		}
		return status == (wait ? OBJECT_WAITING : OBJECT_WOULD_WAIT);
	}
	right = status == OBJECT_DONE && grant.index == model.n_waiting;
	for (int i = 0; i < CAST; i++) {
		if (model.at_barrier[i])
			right = right && waiter_got(&waiters[i], OBJECT_DONE) &&
				waiters[i].grant.index == model.index[i];
		model.at_barrier[i] = false;
	}
	model.n_waiting = 0;
	model.parties = 0;
	return right;
}

static bool random_event(uint64_t *seed, int owner)
{
	bool wait = random_below(seed, 4) && !model.at_event[owner] && !model.at_barrier[owner], right = true;

	switch (random_below(seed, 4)) {
	case 0:
		event_clear(all, &e);
		model.set = false;
		return true;
	case 1:
		right = set_event(owner) == OBJECT_DONE;
		model.set = true;
		for (int i = 0; i < CAST; i++) {
			right = right && (!model.at_event[i] || waiter_got(&waiters[i], OBJECT_DONE));
			model.at_event[i] = false;
		}
		return right;
	}
	if (model.set)
		return wait_for_event(owner, wait) == OBJECT_DONE;
	model.at_event[owner] |= wait;
	return wait_for_event(owner, wait) == (wait ? OBJECT_WAITING : OBJECT_WOULD_WAIT);
}

static bool random_leave(uint64_t *seed, int owner)
{
	bool broke = model.at_barrier[owner], right = true;
	uint32_t how = random_below(seed, 3);

	if (how < 2 && !broke && !model.at_event[owner])
		return true;
	if (how == 0)
		object_wait_drop(&waiters[owner].wait);
	else if (how == 1)
		right = object_wait_expire(&waiters[owner].wait);
	else
		cast_kill(owner);
	model.at_event[owner] = model.at_barrier[owner] = false;
	return right && waiters[owner].told == 0 && (!broke || break_barrier(true));
}

static bool random_step(uint64_t *seed)
{
	int owner = (int)random_below(seed, CAST);
	uint32_t what = random_below(seed, 100);

	/* What it was told before is no part of this step. */
	if (!model.at_event[owner] && !model.at_barrier[owner])
		waiter_set(&waiters[owner]);
	if (what < 50)
		return random_come(seed, owner);
	if (what < 85)
		return random_event(seed, owner);
	if (what < 92)
		return random_leave(seed, owner);
	if (what > 94) {
		barrier_reset(all, &b);
		return break_barrier(false);
	}
	return what != 92 || (barrier_abort(all, &b, &owners[owner], &problem) == OBJECT_DONE && break_barrier(true));
}

static bool all_is_as_in_the_model(void)
{
	int waiting = 0;

	for (int i = 0; i < CAST; i++) {
		waiting += model.at_event[i];
		if ((model.at_event[i] || model.at_barrier[i]) != object_wait_is_on(&waiters[i].wait))
			return false;
	}
	return event_is_set(all, &e) == model.set && objects_count(all, OBJECT_EVENT) == (model.set || waiting > 0) &&
		objects_count(all, OBJECT_BARRIER) == (model.broken || model.n_waiting > 0) && !cast_broken();
}

START_TEST(random_operations_go_as_in_the_model)
{
	for (uint64_t start = 0; start < 300; start++) {
		uint64_t seed = start;
		int step = 0;

		memset(&model, 0, sizeof(model));
		cast_close();
		cast_open();
		while (step < 500 && random_step(&seed) && all_is_as_in_the_model())
			step++;
		if (step < 500)
			ck_abort_msg("seed %d, step %d", (int)start, step);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("event and barrier");
	TCase *tcase = tcase_create("event and barrier");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, cast_open, cast_close);
	tcase_add_test(tcase, an_event_is_set_until_it_is_cleared);
	tcase_add_test(tcase, a_set_event_wakes_all_who_wait_also_when_it_is_cleared_at_once);
	tcase_add_test(tcase, who_stops_waiting_for_an_event_leaves_nothing);
	tcase_add_test(tcase, events_count_for_their_makers);
	tcase_add_test(tcase, all_pass_when_the_last_one_comes_each_with_its_index);
	tcase_add_test(tcase, one_party_passes_alone);
	tcase_add_test(tcase, what_does_not_suit_changes_nothing);
	tcase_add_loop_test(tcase, one_that_leaves_breaks_it_for_all_until_it_is_reset, 0, 4);
	tcase_add_test(tcase, a_reset_sends_those_away_who_wait_and_leaves_it_as_new);
	tcase_add_test(tcase, an_abort_makes_one_that_is_broken);
	tcase_add_test(tcase, a_broken_one_goes_when_its_maker_needs_room);
	tcase_add_test(tcase, random_operations_go_as_in_the_model);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
