/* Semaphores: the configuration's, limits, what threading's own tests ask, and random operations beside a model. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "object_cast.h"

static struct object_grant grant;
static struct waiter waiters[20];
static int64_t value;

static int acquire(int owner, const char *token, int64_t slots, int bounded, int64_t count, struct waiter *waiter)
{
	struct semaphore_request request = {
		.name = named("s"), .holder = who(owner, token), .slots = slots, .bounded = bounded, .count = count
	};

	return semaphore_acquire(all, &request, waiter ? waiter_set(waiter) : NULL, &grant, &problem);
}

static int release(int owner, const char *token, int64_t slots, int bounded, int64_t count)
{
	struct semaphore_request request = {
		.name = named("s"), .holder = who(owner, token), .slots = slots, .bounded = bounded, .count = count
	};

	return semaphore_release(all, &request, &value, &problem);
}

/* --- the configuration's --- */
START_TEST(a_configured_one_is_there_though_nobody_uses_it)
{
	struct object_view view;

	semaphore_configure(all, "s", 2);
	ck_assert(look_at(OBJECT_SEMAPHORE, "s", &view) && view.slots == 2 && view.bounded);
	ck_assert_int_eq(acquire(0, NULL, 3, -1, 1, NULL), OBJECT_MISMATCH);
	ck_assert_int_eq(acquire(0, NULL, -1, -1, 2, NULL), OBJECT_DONE);
	ck_assert_int_eq(release(0, NULL, -1, -1, 2), OBJECT_DONE);
	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 1);
	semaphore_configure(all, "s", 0);
	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 0);
	semaphore_configure(all, "s", 0);
	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 0);
}
END_TEST

START_TEST(one_that_grows_lets_in_who_waits)
{
	semaphore_configure(all, "s", 1);
	ck_assert_int_eq(acquire(0, NULL, -1, -1, 1, NULL), OBJECT_DONE);
	ck_assert_int_eq(acquire(1, NULL, -1, -1, 1, &waiters[1]), OBJECT_WAITING);
	semaphore_configure(all, "s", 2);
	ck_assert(waiter_got(&waiters[1], OBJECT_DONE));
	semaphore_configure(all, "s", 0);
	ck_assert_str_eq(parties_at(OBJECT_SEMAPHORE, "s"), "0=1 1=1");
	ck_assert_int_eq(release(0, NULL, 2, -1, 1), OBJECT_DONE);
	ck_assert_int_eq(release(1, NULL, 2, -1, 1), OBJECT_DONE);
	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 0);
}
END_TEST

START_TEST(one_that_shrinks_leaves_them_what_they_hold_and_refuses_who_wants_too_much)
{
	semaphore_configure(all, "s", 4);
	ck_assert_int_eq(acquire(0, NULL, -1, -1, 4, NULL), OBJECT_DONE);
	ck_assert_int_eq(acquire(1, NULL, -1, -1, 3, &waiters[1]), OBJECT_WAITING);
	ck_assert_int_eq(acquire(2, NULL, -1, -1, 2, &waiters[2]), OBJECT_WAITING);
	semaphore_configure(all, "s", 2);
	ck_assert(waiter_got(&waiters[1], OBJECT_MISMATCH));
	ck_assert_str_eq(parties_at(OBJECT_SEMAPHORE, "s"), "0=4 | 2=2");
	ck_assert_int_eq(release(0, NULL, -1, -1, 2), OBJECT_DONE);
	ck_assert_int_eq(value, 0);
	ck_assert_int_eq(waiters[2].told, 0);
	ck_assert_int_eq(release(0, NULL, -1, -1, 2), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[2], OBJECT_DONE));
	semaphore_configure(all, "s", 0);
}
END_TEST

START_TEST(one_that_is_there_becomes_the_configurations)
{
	struct object_view view;

	ck_assert_int_eq(release(0, NULL, 1, 0, 4), OBJECT_DONE);
	ck_assert_int_eq(acquire(1, NULL, -1, 0, 2, NULL), OBJECT_DONE);
	semaphore_configure(all, "s", 3);
	ck_assert(look_at(OBJECT_SEMAPHORE, "s", &view) && view.slots == 3 && view.bounded && view.value == 1);
	ck_assert_int_eq(release(2, NULL, -1, -1, 1), OBJECT_NOT_OWNER);
	semaphore_configure(all, "s", 0);
}
END_TEST

static int ready;

static void ticket_ready(struct object_ticket *ticket)
{
	(void)ticket;
	ready++;
}

START_TEST(tasks_that_want_too_much_of_one_that_shrinks_hear_of_it)
{
	struct object_claim claims[] = {
		{ .kind = OBJECT_SEMAPHORE, .name = named("s"), .count = 3, .slots = -1 },
		{ .kind = OBJECT_SEMAPHORE, .name = named("s"), .count = 2, .slots = -1 },
	};
	struct object_owner tasks[2] = { 0 };
	struct object_ticket tickets[2] = { { .ready = ticket_ready, .place = 1 },
		{ .ready = ticket_ready, .place = 2 } };

	ready = 0;
	semaphore_configure(all, "s", 4);
	ck_assert_int_eq(acquire(0, NULL, -1, -1, 4, NULL), OBJECT_DONE);
	for (uint64_t i = 0; i < 2; i++) {
		object_owner_begin(all, &tasks[i], OWNER_TASK, i + 1, 1, 0);
		ck_assert_int_eq(claims_take(all, &tasks[i], &claims[i], 1, &tickets[i], &problem), OBJECT_WAITING);
	}
	semaphore_configure(all, "s", 2);
	ck_assert(objects_turn(all));
	ck_assert_int_eq(ready, 1);
	ck_assert_int_eq(claims_take(all, &tasks[0], &claims[0], 1, &tickets[0], &problem), OBJECT_MISMATCH);
	ck_assert(!objects_settle(all));
	ck_assert_int_eq(release(0, NULL, -1, -1, 4), OBJECT_DONE);
	ck_assert(objects_turn(all));
	ck_assert_int_eq(claims_take(all, &tasks[1], &claims[1], 1, &tickets[1], &problem), OBJECT_DONE);
	ck_assert(!objects_settle(all));
	ck_assert_ptr_null(cast_broken());
	for (int i = 0; i < 2; i++) {
		object_ticket_drop(&tickets[i]);
		object_owner_end(&tasks[i]);
	}
	semaphore_configure(all, "s", 0);
}
END_TEST

START_TEST(one_whose_holders_all_died_can_be_had_with_another_size)
{
	ck_assert_int_eq(acquire(0, NULL, 3, 1, 2, NULL), OBJECT_DONE);
	cast_kill(0);
	ck_assert_int_eq(acquire(1, NULL, -1, -1, 4, NULL), OBJECT_MISMATCH);
	ck_assert_int_eq(acquire(1, NULL, 5, 0, 4, NULL), OBJECT_DONE);
	ck_assert(grant.holder_died);
	ck_assert_int_eq(acquire(1, NULL, 3, -1, 1, NULL), OBJECT_MISMATCH);
	ck_assert_int_eq(release(1, NULL, 5, 0, 4), OBJECT_DONE);
	ck_assert_int_eq(value, 5);
	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 0);
}
END_TEST

START_TEST(one_that_was_the_configurations_can_be_had_with_another_size_when_its_holder_died)
{
	semaphore_configure(all, "s", 2);
	ck_assert_int_eq(acquire(0, NULL, 2, 1, 1, NULL), OBJECT_DONE);
	cast_kill(0);
	ck_assert_int_eq(acquire(1, NULL, 5, -1, 1, NULL), OBJECT_MISMATCH);
	semaphore_configure(all, "s", 0);
	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 1);
	ck_assert_int_eq(acquire(1, NULL, 5, -1, 4, NULL), OBJECT_DONE);
	ck_assert(grant.holder_died);
	ck_assert_int_eq(release(1, NULL, 5, -1, 4), OBJECT_DONE);
	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 0);
}
END_TEST

START_TEST(limits_are_kept_and_leave_nothing_behind)
{
	objects_set_limits(all, &(struct object_limits){ .objects = 1, .waits = 1 });
	ck_assert_int_eq(event_raise(all, &(struct object_name){ "e", 1 }, &owners[0], &problem), OBJECT_DONE);
	ck_assert_int_eq(acquire(0, NULL, 1, 1, 1, NULL), OBJECT_TOO_MANY);
	ck_assert_int_eq(release(0, NULL, 1, 0, 1), OBJECT_TOO_MANY);
	ck_assert_int_eq(acquire(4, NULL, 1, 1, 1, NULL), OBJECT_DONE);
	ck_assert_int_eq(acquire(0, NULL, 1, 1, 1, &waiters[0]), OBJECT_WAITING);
	ck_assert_int_eq(acquire(1, NULL, 1, 1, 1, &waiters[1]), OBJECT_TOO_MANY);
	ck_assert(!object_wait_is_on(&waiters[1].wait));
	ck_assert_str_eq(parties_at(OBJECT_SEMAPHORE, "s"), "4=1 | 0=1");
}
END_TEST

/* --- threading.Semaphore's and BoundedSemaphore's promises; threads are parts of one owner --- */
static int threads_waiting(int n)
{
	int waiting = 0;

	for (int i = 0; i < n; i++)
		waiting += object_wait_is_on(&waiters[i].wait);
	return waiting;
}

/* Ten threads want two permits each, one by one, of seven, of which one is held by who releases MANY at once. */
static void contend(int many)
{
	int threads[10] = { 0 }, got = 0;
	char token[16];

	ck_assert_int_eq(acquire(0, NULL, 7, 0, 1, NULL), OBJECT_DONE);
	for (int round = 0, left = 14; left >= 0; round++, left -= many) {
		for (int i = 0; i < 10; i++)
			while (threads[i] < 2 && !object_wait_is_on(&waiters[i].wait)) {
				snprintf(token, sizeof(token), "t%d", i);
				if (waiters[i].told) {
					waiters[i].told = 0;
					threads[i]++;
				} else if (!acquire(1, token, 7, 0, 1, &waiters[i])) {
					threads[i]++;
				}
			}
		got = threads[0];
		for (int i = 1; i < 10; i++)
			got += threads[i];
		ck_assert_int_eq(got, 6 + round * many);
		ck_assert_int_eq(acquire(2, NULL, 7, 0, 1, NULL), OBJECT_WOULD_WAIT);
		if (left >= many && many > 1)
			ck_assert_int_eq(release(0, NULL, 7, 0, many), OBJECT_DONE);
		else if (left >= many)
			ck_assert_int_eq(release(0, NULL, -1, -1, 1), OBJECT_DONE);
	}
	ck_assert_int_eq(got, 20);
	ck_assert_int_eq(threads_waiting(10), 0);
}

START_TEST(each_release_of_a_contended_one_lets_one_on)
{
	contend(1);
}
END_TEST

START_TEST(a_release_of_many_lets_as_many_on)
{
	contend(7);
}
END_TEST

START_TEST(no_more_are_granted_without_a_wait_than_there_are)
{
	int granted = 0, tried = 0;
	char token[16];

	ck_assert_int_eq(acquire(0, NULL, 4, 1, 1, NULL), OBJECT_DONE);
	for (int i = 0; i < 10; i++) {
		snprintf(token, sizeof(token), "t%d", i / 2);
		int status = acquire(1, token, 4, 1, 1, NULL);

		granted += status == OBJECT_DONE;
		tried += status == OBJECT_WOULD_WAIT;
	}
	ck_assert_int_eq(granted, 3);
	ck_assert_int_eq(tried, 7);
}
END_TEST

START_TEST(an_unbounded_one_is_raised_by_a_release_and_a_bounded_one_is_not)
{
	ck_assert_int_eq(release(0, NULL, 1, 0, 1), OBJECT_DONE);
	ck_assert_int_eq(acquire(0, NULL, 1, 0, 1, NULL), OBJECT_DONE);
	ck_assert_int_eq(acquire(0, NULL, 1, 0, 1, NULL), OBJECT_DONE);
	ck_assert_int_eq(release(0, NULL, 1, 0, 1), OBJECT_DONE);
	ck_assert_int_eq(value, 1);
	struct semaphore_request bounded = {
		.name = named("b"), .holder = who(0, NULL), .slots = 1, .bounded = 1, .count = 1
	};

	ck_assert_int_eq(semaphore_release(all, &bounded, NULL, &problem), OBJECT_NOT_HELD);
	ck_assert_int_eq(semaphore_acquire(all, &bounded, NULL, &grant, &problem), OBJECT_DONE);
	ck_assert_int_eq(semaphore_release(all, &bounded, NULL, &problem), OBJECT_DONE);
	ck_assert_int_eq(semaphore_release(all, &bounded, NULL, &problem), OBJECT_NOT_HELD);
}
END_TEST

/* --- the model: owners of two parts each, which wait only while they hold nothing (circles are another test's) --- */
enum { PARTS = 12, SLOTS = 5 };
static const char *const tokens[] = { NULL, "t" };
static struct {
	bool bounded, died;
	int64_t value;
	int64_t held[PARTS], wants[PARTS]; /* 0: does not wait */
	int books[PARTS], n_books;         /* who holds, in the order in which they came to it */
	int line[PARTS], n_line;
	uint64_t fence;
} model;

static void list_remove(int *list, int *n, int part)
{
	int i = 0;

	while (list[i] != part)
		i++;
	memmove(list + i, list + i + 1, (size_t)(--*n - i) * sizeof(*list));
}

static void model_take(int part, int64_t count)
{
	if (!model.held[part])
		model.books[model.n_books++] = part;
	model.held[part] += count;
	model.value -= count;
}

static void model_reduce(int part, int64_t count)
{
	model.held[part] -= count;
	if (!model.held[part])
		list_remove(model.books, &model.n_books, part);
}

/* A grant that was told is what the model would give. */
static bool grant_is_right(const struct object_grant *got)
{
	bool right = got->holder_died == model.died && got->fence > model.fence;

	model.fence = got->fence;
	model.died = false;
	return right;
}

static bool serve(void)
{
	bool right = true;

	while (model.n_line && model.wants[model.line[0]] <= model.value) {
		int part = model.line[0];

		list_remove(model.line, &model.n_line, part);
		model_take(part, model.wants[part]);
		model.wants[part] = 0;
		right = right && waiter_got(&waiters[part], OBJECT_DONE) && grant_is_right(&waiters[part].grant);
	}
	return right;
}

static void leave(int part)
{
	if (model.wants[part])
		list_remove(model.line, &model.n_line, part);
	model.wants[part] = 0;
}

static int model_release(int part, int64_t count)
{
	if (!model.bounded) {
		model.value += count;
		for (int64_t own = model.held[part]; count > 0 && (own || model.n_books); own = 0) {
			int from = own ? part : model.books[0];
			int64_t some = count < model.held[from] ? count : model.held[from];

			model_reduce(from, some);
			count -= some;
		}
		return OBJECT_DONE;
	}
	if (!model.held[part])
		return model.n_books ? OBJECT_NOT_OWNER : OBJECT_NOT_HELD;
	if (count > model.held[part])
		return OBJECT_OVER_RELEASED;
	model.value += count;
	model_reduce(part, count);
	return OBJECT_DONE;
}

static bool all_is_as_in_the_model(void)
{
	char text[1000];
	int n = 0;
	struct object_view view;
	bool there = look_at(OBJECT_SEMAPHORE, "s", &view);

	if (!there)
		return !model.n_books && !model.n_line && model.value == SLOTS && !model.died;
	text[0] = '\0';
	for (int i = 0; i < model.n_books + model.n_line; i++) {
		bool waits = i >= model.n_books;
		int part = waits ? model.line[i - model.n_books] : model.books[i];

		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s%d%s=%lld", i ? " " : "",
			i == model.n_books ? "| " : "", part / 2, part % 2 ? "/t" : "",
			(long long)(waits ? model.wants[part] : model.held[part]));
		if (waits && (waiters[part].told || !object_wait_is_on(&waiters[part].wait)))
			return false;
	}
	return !cast_broken() && view.value == model.value && view.holder_died == model.died &&
		!strcmp(text, parties_at(OBJECT_SEMAPHORE, "s"));
}

static bool random_acquire(int part, int64_t count, bool wait)
{
	bool now = !model.n_line && model.value >= count;
	int status;

	if (model.wants[part] || (model.held[part] && !now))
		wait = false; /* it waits already, or would perhaps close a circle */
	status = acquire(part / 2, tokens[part % 2], SLOTS, model.bounded, count, wait ? &waiters[part] : NULL);
	if (now) {
		model_take(part, count);
		return status == OBJECT_DONE && grant_is_right(&grant);
	}
	if (wait) {
		model.wants[part] = count;
		model.line[model.n_line++] = part;
	}
	return status == (wait ? OBJECT_WAITING : OBJECT_WOULD_WAIT);
}

static bool random_step(uint64_t *seed)
{
	int part = (int)random_below(seed, PARTS);
	int64_t count = 1 + random_below(seed, random_below(seed, 2) ? 2 : SLOTS);
	uint32_t what = random_below(seed, 20);
	bool right = true;

	if (what < 10)
		return random_acquire(part, count, random_below(seed, 3));
	if (what < 17) {
		int expected = model_release(part, count);

		return release(part / 2, tokens[part % 2], SLOTS, model.bounded, count) == expected && serve();
	}
	if (what < 19 && model.wants[part]) {
		leave(part);
		if (what == 17)
			object_wait_drop(&waiters[part].wait);
		else
			right = object_wait_expire(&waiters[part].wait);
		return right && serve();
	}
	if (what == 19 && random_below(seed, 3) == 0) {
		cast_kill(part / 2);
		for (int i = part & ~1; i <= (part | 1); i++) {
			leave(i);
			if (model.held[i]) {
				model.died = true;
				model.value += model.held[i];
				model_reduce(i, model.held[i]);
			}
		}
		return serve();
	}
	return true;
}

START_TEST(random_operations_go_as_in_the_model)
{
	for (uint64_t start = 0; start < 300; start++) {
		uint64_t seed = start;
		int step = 0;

		memset(&model, 0, sizeof(model));
		model.bounded = start % 2;
		model.value = SLOTS;
		cast_close();
		cast_open();
		while (step < 600 && random_step(&seed) && all_is_as_in_the_model())
			step++;
		if (step < 600)
			ck_abort_msg("seed %d, step %d: %s", (int)start, step, parties_at(OBJECT_SEMAPHORE, "s"));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("semaphore model");
	TCase *tcase = tcase_create("semaphore model");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, cast_open, cast_close);
	tcase_add_test(tcase, a_configured_one_is_there_though_nobody_uses_it);
	tcase_add_test(tcase, one_that_grows_lets_in_who_waits);
	tcase_add_test(tcase, one_that_shrinks_leaves_them_what_they_hold_and_refuses_who_wants_too_much);
	tcase_add_test(tcase, one_that_is_there_becomes_the_configurations);
	tcase_add_test(tcase, tasks_that_want_too_much_of_one_that_shrinks_hear_of_it);
	tcase_add_test(tcase, one_whose_holders_all_died_can_be_had_with_another_size);
	tcase_add_test(tcase, one_that_was_the_configurations_can_be_had_with_another_size_when_its_holder_died);
	tcase_add_test(tcase, limits_are_kept_and_leave_nothing_behind);
	tcase_add_test(tcase, each_release_of_a_contended_one_lets_one_on);
	tcase_add_test(tcase, a_release_of_many_lets_as_many_on);
	tcase_add_test(tcase, no_more_are_granted_without_a_wait_than_there_are);
	tcase_add_test(tcase, an_unbounded_one_is_raised_by_a_release_and_a_bounded_one_is_not);
	tcase_add_test(tcase, random_operations_go_as_in_the_model);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
