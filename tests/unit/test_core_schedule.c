/* Recurring tasks, with both clocks moved by hand, together and apart. */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "core/cron.h"
#include "toy.h"

#define S NS_PER_S
#define MINUTE (60 * S)
#define HOUR (60 * MINUTE)
#define MONDAY (INT64_C(1772409600) * S) /* 2 March 2026, 00:00 UTC */

static struct toy toy;
static int64_t wall_ns;

/* The clocks go on by so much each, and a turn is taken. */
static void pass(int64_t mono_delta_ns, int64_t wall_delta_ns)
{
	wall_ns += wall_delta_ns;
	core_set_wall(toy.core, wall_ns);
	toy_advance(&toy, mono_delta_ns);
}

static void both(int64_t delta_ns)
{
	pass(delta_ns, delta_ns);
}

static void setup(void)
{
	setenv("TZ", "UTC0", 1);
	tzset();
	toy_init(&toy);
	wall_ns = MONDAY;
	pass(0, 0);
}

static void teardown(void)
{
	toy_fini(&toy);
}

static struct core_schedule_spec spec_of(const char *name)
{
	return (struct core_schedule_spec){ .name = name, .task = { .type = toy.type, .queue = toy.queue } };
}

static struct core_schedule *add(const struct core_schedule_spec *spec)
{
	struct core_schedule *schedule;

	ck_assert_int_eq(core_schedule_add(toy.core, spec, &schedule), CORE_OK);
	return schedule;
}

static struct core_schedule *every(int64_t interval_ns, bool catch_up, bool overlap)
{
	struct core_schedule_spec spec = spec_of("every");

	spec.every_ns = interval_ns;
	spec.catch_up = catch_up;
	spec.overlap = overlap;
	return add(&spec);
}

static struct core_schedule *by_calendar(const char *name, const char *text, bool catch_up, bool overlap)
{
	struct core_schedule_spec spec = spec_of(name);
	struct cron cron;
	char error[100];

	ck_assert_int_eq(cron_parse(text, &cron, error, sizeof(error)), 0);
	spec.cron = &cron;
	spec.text = text;
	spec.catch_up = catch_up;
	spec.overlap = overlap;
	return add(&spec);
}

static void ck_counts(const struct core_schedule *schedule, uint64_t runs, uint64_t skipped)
{
	ck_assert_uint_eq(schedule->runs, runs);
	ck_assert_uint_eq(schedule->skipped, skipped);
}

/* The last run is over. */
static void end_run(struct core_schedule *schedule)
{
	ck_assert_ptr_nonnull(schedule->running);
	core_cancel(schedule->running);
	ck_assert_ptr_null(schedule->running);
}

/* --- by an interval --- */

START_TEST(an_interval_begins_when_it_is_made_and_keeps_its_grid)
{
	struct core_schedule *schedule = every(10 * S, false, false);

	ck_assert_int_eq(schedule->next_ns, TOY_START + 10 * S);
	both(10 * S - 1);
	ck_counts(schedule, 0, 0);
	ck_assert_int_eq(toy.next_ns, TOY_START + 10 * S);
	both(1);
	ck_counts(schedule, 1, 0);
	ck_assert_uint_eq(schedule->last_id, schedule->running->id);
	ck_assert_ptr_eq(schedule->running->extra->schedule, schedule);
	end_run(schedule);
	both(13 * S); /* late */
	ck_counts(schedule, 2, 0);
	ck_assert_int_eq(schedule->next_ns, TOY_START + 30 * S);
}
END_TEST

START_TEST(missed_intervals_are_skipped)
{
	struct core_schedule *schedule = every(10 * S, false, true);

	both(39 * S);
	ck_counts(schedule, 1, 2);
	ck_assert_int_eq(toy.n_skipped, 0); /* nobody refused them */
	ck_assert_int_eq(toy.next_ns, TOY_START + 40 * S);
}
END_TEST

START_TEST(missed_intervals_are_made_up_for_where_that_is_asked_for)
{
	struct core_schedule *schedule = every(10 * S, true, true);

	both(39 * S);
	ck_counts(schedule, 3, 0);
	ck_assert_int_eq(schedule->next_ns, TOY_START + 40 * S);
}
END_TEST

START_TEST(what_is_made_up_for_does_not_overlap_either)
{
	struct core_schedule *schedule = every(10 * S, true, false);

	both(39 * S);
	for (unsigned run = 1; run < 3; run++) {
		ck_counts(schedule, run, 0);
		both(100);
		ck_counts(schedule, run, 0);
		end_run(schedule);
		toy_turn(&toy);
	}
	ck_counts(schedule, 3, 0);
	end_run(schedule);
	toy_turn(&toy);
	ck_counts(schedule, 3, 0);
	ck_assert_int_eq(toy.next_ns, TOY_START + 40 * S);
}
END_TEST

START_TEST(only_so_many_are_made_up_for)
{
	struct core_schedule *schedule = every(S, true, true);

	both(5000 * S);
	ck_counts(schedule, SCHEDULE_CATCH_UP, 5000 - SCHEDULE_CATCH_UP);
	both(S);
	ck_counts(schedule, SCHEDULE_CATCH_UP + 1, 5000 - SCHEDULE_CATCH_UP);
}
END_TEST

START_TEST(an_interval_beyond_all_time_never_comes)
{
	struct core_schedule *schedule = every(INT64_MAX, false, false);

	both(100 * HOUR);
	ck_counts(schedule, 0, 0);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
}
END_TEST

/* --- by the calendar --- */

START_TEST(the_calendar_goes_by_the_wall_clock)
{
	struct core_schedule *schedule = by_calendar("noon", "0 12 * * *", false, true);

	ck_assert_int_eq(schedule->next_ns, MONDAY + 12 * HOUR);
	ck_assert_str_eq(schedule->text, "0 12 * * *");
	both(0);
	ck_assert_int_eq(toy.next_ns, toy.now_ns + 12 * HOUR);
	both(12 * HOUR - 1);
	ck_counts(schedule, 0, 0);
	both(1);
	ck_counts(schedule, 1, 0);
	ck_assert_int_eq(schedule->next_ns, MONDAY + 36 * HOUR);
	both(25 * HOUR); /* late, and not by a step */
	ck_counts(schedule, 2, 0);
}
END_TEST

START_TEST(what_the_calendar_does_not_have_never_comes)
{
	struct core_schedule *schedule = by_calendar("never", "0 0 30 2 *", true, true);

	both(24 * 365 * HOUR);
	ck_counts(schedule, 0, 0);
	pass(0, -HOUR);
	pass(0, 2 * HOUR);
	ck_counts(schedule, 0, 0);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
}
END_TEST

START_TEST(a_sleep_of_the_daemon_misses_all_but_the_last)
{
	struct core_schedule *skips = by_calendar("skips", "*/10 * * * *", false, true);
	struct core_schedule *makes_up = by_calendar("makes up", "*/10 * * * *", true, true);

	both(35 * MINUTE);
	ck_counts(skips, 1, 2);
	ck_counts(makes_up, 3, 0);
}
END_TEST

START_TEST(a_step_back_moves_the_calendar_and_no_interval)
{
	struct core_schedule *interval = every(HOUR, false, true);
	struct core_schedule *calendar = by_calendar("calendar", "30 * * * *", false, true);

	both(35 * MINUTE); /* 00:35 */
	ck_counts(calendar, 1, 0);
	pass(0, -HOUR); /* 23:35 */
	ck_assert_int_eq(interval->next_ns, TOY_START + HOUR);
	ck_assert_int_eq(calendar->next_ns, MONDAY + 30 * MINUTE);
	both(25 * MINUTE); /* 00:00 */
	ck_counts(interval, 1, 0);
	ck_counts(calendar, 1, 0);
	both(30 * MINUTE);
	ck_counts(interval, 1, 0);
	ck_counts(calendar, 2, 0);
}
END_TEST

START_TEST(a_step_forward_misses_what_it_goes_over)
{
	struct core_schedule *interval = every(HOUR, true, true);
	struct core_schedule *skips = by_calendar("skips", "*/20 * * * *", false, true);
	struct core_schedule *makes_up = by_calendar("makes up", "*/20 * * * *", true, true);

	both(10 * MINUTE); /* 00:10 */
	pass(0, HOUR); /* 01:10 */
	ck_counts(interval, 0, 0);
	ck_assert_int_eq(interval->next_ns, TOY_START + HOUR);
	ck_counts(skips, 0, 3);
	ck_counts(makes_up, 3, 0);
	ck_assert_int_eq(skips->next_ns, MONDAY + 80 * MINUTE);
	ck_assert_int_eq(makes_up->next_ns, MONDAY + 80 * MINUTE);
	both(10 * MINUTE);
	ck_counts(skips, 1, 3);
	ck_counts(makes_up, 4, 0);
	both(40 * MINUTE); /* the interval's hour */
	ck_counts(interval, 1, 0);
}
END_TEST

START_TEST(a_step_over_the_moment_itself_is_only_late)
{
	struct core_schedule *schedule = by_calendar("daily", "0 1 * * *", false, false);

	both(HOUR - S);
	pass(0, 3 * S);
	ck_counts(schedule, 1, 0);
	pass(S, -2 * S); /* 01:00:01 again: it has been */
	ck_counts(schedule, 1, 0);
	ck_assert_int_eq(schedule->next_ns, MONDAY + 25 * HOUR);
}
END_TEST

START_TEST(small_drifts_are_no_steps)
{
	struct core_schedule *schedule = by_calendar("daily", "0 1 * * *", false, true);

	both(HOUR);
	ck_counts(schedule, 1, 0);
	pass(S / 2, -S / 4); /* before its moment again */
	both(S);
	ck_counts(schedule, 1, 0);
	ck_assert_int_eq(schedule->next_ns, MONDAY + 25 * HOUR);
}
END_TEST

START_TEST(a_step_over_years_is_not_counted_to_its_end)
{
	struct core_schedule *skips = by_calendar("skips", "* * * * *", false, true);
	struct core_schedule *makes_up = by_calendar("makes up", "* * * * *", true, true);

	pass(0, 20 * 365 * 24 * HOUR);
	ck_assert_uint_le(skips->runs, 1);
	ck_assert_uint_ge(skips->skipped, SCHEDULE_CATCH_UP);
	ck_assert_uint_eq(makes_up->runs, SCHEDULE_CATCH_UP);
	ck_assert_int_gt(skips->next_ns, wall_ns);
	ck_assert_int_le(skips->next_ns, wall_ns + MINUTE);
	ck_assert_int_eq(makes_up->next_ns, skips->next_ns);
}
END_TEST

/* --- overlap --- */

START_TEST(a_run_that_would_overlap_is_skipped_and_told)
{
	struct core_schedule *schedule = every(10 * S, false, false);

	both(10 * S);
	both(10 * S);
	ck_counts(schedule, 1, 1);
	ck_assert_int_eq(toy.n_skipped, 1);
	ck_assert_int_eq(toy.refusal, CORE_OVERLAP);
	end_run(schedule);
	both(10 * S);
	ck_counts(schedule, 2, 1);
}
END_TEST

START_TEST(runs_may_overlap_where_that_is_asked_for)
{
	struct core_schedule *schedule = every(10 * S, false, true);
	struct task *first;

	both(10 * S);
	first = schedule->running;
	both(10 * S);
	ck_counts(schedule, 2, 0);
	core_cancel(first);
	ck_assert_uint_eq(schedule->running->id, schedule->last_id);
	end_run(schedule);
}
END_TEST

START_TEST(a_run_that_waits_for_its_next_attempt_has_not_ended)
{
	struct toy_slot *slot = toy_slot_new(&toy);
	const struct task_retry retry = { .retries = 1, .on = RETRY_ALL, .backoff_ns = 15 * S, .factor = 1 };
	struct core_schedule_spec spec = spec_of("retried");

	spec.every_ns = 10 * S;
	spec.task.retry = &retry;
	struct core_schedule *schedule = add(&spec);
	both(10 * S);
	toy_take(slot);
	toy_finish(slot, TASK_FAILED);
	both(10 * S);
	ck_counts(schedule, 1, 1);
	both(10 * S);
	ck_counts(schedule, 1, 2);
	toy_finish(slot, TASK_FAILED);
	ck_assert_ptr_null(schedule->running);
	both(10 * S);
	ck_counts(schedule, 2, 2);
	toy_finish(slot, TASK_SUCCEEDED);
	core_schedule_remove(toy.core, schedule);
	toy_turn(&toy);
	toy_slot_free(slot);
}
END_TEST

/* --- refusals --- */

START_TEST(a_run_that_its_queue_refuses_is_counted_and_told)
{
	struct core_schedule_spec spec = spec_of("full");

	spec.task.queue = toy_queue_new(&toy, "small", 1, 0);
	spec.every_ns = 10 * S;
	spec.overlap = true;
	struct core_schedule *schedule = add(&spec);
	both(10 * S);
	both(10 * S);
	ck_counts(schedule, 1, 1);
	ck_assert_int_eq(toy.refusal, CORE_QUEUE_FULL);
	core_queue_drain(spec.task.queue);
	both(10 * S);
	ck_counts(schedule, 1, 2);
	ck_assert_int_eq(toy.refusal, CORE_DRAINING);
	ck_assert_int_eq(toy.n_skipped, 2);
}
END_TEST

START_TEST(what_its_owner_may_not_have_any_more_is_left_out_and_told_once)
{
	struct core_schedule *schedule = every(10 * S, false, true);
	both(10 * S);
	ck_counts(schedule, 1, 0);
	ck_assert_int_eq(schedule->refusal, CORE_OK);
	toy.denied = "no";
	for (int i = 0; i < 3; i++)
		both(10 * S);
	ck_counts(schedule, 1, 3);
	ck_assert_int_eq(toy.refusal, CORE_DENIED);
	ck_assert_int_eq(toy.n_skipped, 1);
	ck_assert_int_eq(schedule->refusal, CORE_DENIED);
	ck_assert_str_eq(core_schedule_refusal(schedule, CORE_DENIED), "no");
	ck_assert_int_eq(schedule->refused_ns, core_wall(toy.core));
	toy.denied = "another reason";
	both(10 * S);
	ck_assert_int_eq(toy.n_skipped, 2);
	toy.denied = NULL;
	both(10 * S);
	ck_counts(schedule, 2, 4);
	ck_assert_int_eq(schedule->refusal, CORE_OK);
	toy.denied = "no";
	both(10 * S);
	ck_assert_int_eq(toy.n_skipped, 3);
}
END_TEST

/* By the store; told each time, as by a queue. */
START_TEST(a_run_that_is_refused_from_without_is_left_out)
{
	struct core_schedule *schedule = every(10 * S, false, false);
	toy.refuses = CORE_STORE_FULL;
	both(10 * S);
	both(10 * S);
	ck_counts(schedule, 0, 2);
	ck_assert_int_eq(toy.refusal, CORE_STORE_FULL);
	ck_assert_int_eq(toy.n_skipped, 2);
	ck_assert_int_eq(schedule->refusal, CORE_STORE_FULL);
	ck_assert_ptr_nonnull(strstr(core_schedule_refusal(schedule, CORE_STORE_FULL), "disk is full"));
	toy.refuses = CORE_OK;
	both(10 * S);
	ck_counts(schedule, 1, 2);
	ck_assert_int_eq(schedule->refusal, CORE_OK);
	toy.refuses = CORE_STORE_BEHIND; /* it runs, and none would have been submitted */
	both(10 * S);
	ck_assert_int_eq(toy.refusal, CORE_OVERLAP);
	ck_assert_int_eq(schedule->refusal, CORE_OK);
	toy.denied = "no"; /* but that is told, whatever runs */
	both(10 * S);
	ck_assert_int_eq(schedule->refusal, CORE_DENIED);
}
END_TEST

START_TEST(a_refusal_ends_the_making_up)
{
	struct core_schedule_spec spec = spec_of("full");

	spec.task.queue = toy_queue_new(&toy, "small", 3, 0);
	spec.every_ns = 10 * S;
	spec.overlap = true;
	spec.catch_up = true;
	struct core_schedule *schedule = add(&spec);
	both(100 * S);
	ck_counts(schedule, 3, 7);
	ck_assert_int_eq(toy.n_skipped, 1);
}
END_TEST

START_TEST(a_queue_may_be_removed_and_made_again)
{
	struct core_schedule_spec spec = spec_of("homeless");
	struct core_queue *queue = toy_queue_new(&toy, "other", 0, 0);

	spec.task.queue = queue;
	spec.every_ns = 10 * S;
	struct core_schedule *schedule = add(&spec);
	core_queue_free(queue);
	both(10 * S);
	ck_counts(schedule, 0, 1);
	ck_assert_int_eq(toy.refusal, CORE_NO_QUEUE);
	queue = toy_queue_new(&toy, "other", 0, 0);
	both(10 * S);
	ck_counts(schedule, 1, 1);
	ck_assert_ptr_eq(schedule->running->queue, queue);
}
END_TEST

START_TEST(nothing_runs_once_the_core_is_closed)
{
	struct core_schedule *schedule = every(10 * S, false, false), *other;
	struct core_schedule_spec spec = spec_of("other");

	spec.every_ns = S;
	core_close(toy.core, true);
	both(10 * S);
	ck_counts(schedule, 0, 0);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
	ck_assert_int_eq(core_schedule_add(toy.core, &spec, &other), CORE_CLOSED);
	ck_assert_ptr_null(other);
}
END_TEST

/* --- what a run is --- */

START_TEST(a_run_is_what_the_schedule_says)
{
	char tag[] = "nightly";
	struct task_retry retry = { .retries = 3, .on = RETRY_FAILED, .backoff_ns = S, .factor = 2 };
	struct core_schedule_spec spec = spec_of("full of options");

	spec.every_ns = 10 * S;
	spec.task.args = bytes_new("[1]", 3);
	spec.task.priority = 7;
	spec.task.owner = 1000;
	spec.task.timeout_ns = 30 * S;
	spec.task.tag = tag;
	spec.task.tag_length = 7;
	spec.task.retry = &retry;
	struct core_schedule *schedule = add(&spec);
	bytes_unref(spec.task.args); /* nothing is borrowed any more */
	tag[0] = 'x';
	retry.retries = 0;
	both(10 * S);
	const struct task *run = schedule->running;
	ck_assert_mem_eq(run->args->data, "[1]", 3);
	ck_assert_int_eq(run->priority, 7);
	ck_assert_uint_eq(run->owner->uid, 1000);
	ck_assert_str_eq(task_tag(run), "nightly");
	ck_assert_int_eq(run->extra->timeout_ns, 30 * S);
	ck_assert_uint_eq(run->extra->retry.retries, 3);
}
END_TEST

START_TEST(a_run_expires_so_long_after_it_was_due)
{
	struct core_schedule_spec spec = spec_of("short");

	spec.every_ns = 100 * S;
	spec.expires_ns = 20 * S;
	struct core_schedule *schedule = add(&spec);
	both(105 * S); /* late */
	ck_assert_ptr_nonnull(schedule->running);
	both(15 * S - 1);
	ck_assert_ptr_nonnull(schedule->running);
	both(1);
	ck_assert_ptr_null(schedule->running);
	ck_assert_uint_eq(core_totals(toy.core)->ended[TASK_EXPIRED], 1);
}
END_TEST

START_TEST(what_is_made_up_for_has_its_time_to_start)
{
	struct core_schedule_spec spec = spec_of("short");

	spec.every_ns = 100 * S;
	spec.expires_ns = 20 * S;
	spec.catch_up = true;
	spec.overlap = true;
	struct core_schedule *schedule = add(&spec);
	both(590 * S);
	ck_counts(schedule, 5, 0);
	both(19 * S);
	ck_assert_uint_eq(core_totals(toy.core)->ended[TASK_EXPIRED], 0);
	both(S);
	ck_assert_uint_eq(core_totals(toy.core)->ended[TASK_EXPIRED], 5);
}
END_TEST

START_TEST(schedules_due_together_run_in_the_order_of_their_making)
{
	struct core_schedule *schedules[20];

	for (int i = 0; i < 20; i++) {
		struct core_schedule_spec spec = spec_of((char[]){ (char)('a' + i), '\0' });

		spec.every_ns = 10 * S;
		schedules[i] = add(&spec);
	}
	both(10 * S);
	for (int i = 0; i < 20; i++)
		ck_assert_uint_eq(schedules[i]->last_id, (uint64_t)i + 1);
}
END_TEST

/* --- making and removing --- */

START_TEST(names_are_unique_and_found)
{
	struct core_schedule *first = every(S, false, false), *second, *twin;
	struct core_schedule_spec spec = spec_of("every");

	spec.every_ns = S;
	ck_assert_int_eq(core_schedule_add(toy.core, &spec, &twin), CORE_EXISTS);
	ck_assert_ptr_null(twin);
	second = by_calendar("calendar", "@daily", false, false);
	ck_assert_ptr_eq(core_schedule_find(toy.core, 0, "every"), first);
	ck_assert_ptr_eq(core_schedule_find(toy.core, 0, "calendar"), second);
	ck_assert_ptr_null(core_schedule_find(toy.core, 0, "none"));
	ck_assert_ptr_eq(core_schedule_next(toy.core, NULL), first);
	ck_assert_ptr_eq(core_schedule_next(toy.core, first), second);
	ck_assert_ptr_null(core_schedule_next(toy.core, second));
	core_schedule_remove(toy.core, first);
	ck_assert_ptr_null(core_schedule_find(toy.core, 0, "every"));
	ck_assert_ptr_eq(core_schedule_next(toy.core, NULL), second);
	every(S, false, false);
}
END_TEST

START_TEST(each_user_has_his_own_names)
{
	struct core_schedule *own = every(S, false, false), *others;
	struct core_schedule_spec spec = spec_of("every");

	spec.every_ns = S;
	spec.task.owner = 7;
	others = add(&spec);
	ck_assert_ptr_eq(core_schedule_find(toy.core, 0, "every"), own);
	ck_assert_ptr_eq(core_schedule_find(toy.core, 7, "every"), others);
	ck_assert_str_eq(others->name, "every");
	ck_assert_ptr_null(core_schedule_find(toy.core, 8, "every"));
	core_schedule_remove(toy.core, own);
	ck_assert_ptr_null(core_schedule_find(toy.core, 0, "every"));
	ck_assert_ptr_eq(core_schedule_find(toy.core, 7, "every"), others);
}
END_TEST

START_TEST(runs_outlive_their_schedule)
{
	struct core_schedule *schedule = every(10 * S, false, true);
	struct task *first, *second;

	both(10 * S);
	first = schedule->running;
	both(10 * S);
	second = schedule->running;
	core_schedule_remove(toy.core, schedule);
	both(100 * S);
	ck_assert_uint_eq(core_totals(toy.core)->submitted, 2);
	ck_assert_str_eq(first->extra->schedule->name, "every");
	core_cancel(second);
	ck_assert_str_eq(second->extra->schedule->name, "every");
	ck_assert(core_forget(second));
	toy_turn(&toy);
	ck_assert_str_eq(first->extra->schedule->name, "every");
}
END_TEST

START_TEST(a_schedule_may_go_while_it_owes_runs)
{
	struct core_schedule *schedule = every(10 * S, true, false);
	struct task *run;

	both(50 * S);
	run = schedule->running;
	core_schedule_remove(toy.core, schedule);
	core_cancel(run);
	both(50 * S);
	ck_assert_uint_eq(core_totals(toy.core)->submitted, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: schedules");
	TCase *tcase = tcase_create("schedules");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_interval_begins_when_it_is_made_and_keeps_its_grid);
	tcase_add_test(tcase, missed_intervals_are_skipped);
	tcase_add_test(tcase, missed_intervals_are_made_up_for_where_that_is_asked_for);
	tcase_add_test(tcase, what_is_made_up_for_does_not_overlap_either);
	tcase_add_test(tcase, only_so_many_are_made_up_for);
	tcase_add_test(tcase, an_interval_beyond_all_time_never_comes);
	tcase_add_test(tcase, the_calendar_goes_by_the_wall_clock);
	tcase_add_test(tcase, what_the_calendar_does_not_have_never_comes);
	tcase_add_test(tcase, a_sleep_of_the_daemon_misses_all_but_the_last);
	tcase_add_test(tcase, a_step_back_moves_the_calendar_and_no_interval);
	tcase_add_test(tcase, a_step_forward_misses_what_it_goes_over);
	tcase_add_test(tcase, a_step_over_the_moment_itself_is_only_late);
	tcase_add_test(tcase, small_drifts_are_no_steps);
	tcase_add_test(tcase, a_step_over_years_is_not_counted_to_its_end);
	tcase_add_test(tcase, a_run_that_would_overlap_is_skipped_and_told);
	tcase_add_test(tcase, runs_may_overlap_where_that_is_asked_for);
	tcase_add_test(tcase, a_run_that_waits_for_its_next_attempt_has_not_ended);
	tcase_add_test(tcase, a_run_that_its_queue_refuses_is_counted_and_told);
	tcase_add_test(tcase, what_its_owner_may_not_have_any_more_is_left_out_and_told_once);
	tcase_add_test(tcase, a_run_that_is_refused_from_without_is_left_out);
	tcase_add_test(tcase, a_refusal_ends_the_making_up);
	tcase_add_test(tcase, a_queue_may_be_removed_and_made_again);
	tcase_add_test(tcase, nothing_runs_once_the_core_is_closed);
	tcase_add_test(tcase, a_run_is_what_the_schedule_says);
	tcase_add_test(tcase, a_run_expires_so_long_after_it_was_due);
	tcase_add_test(tcase, what_is_made_up_for_has_its_time_to_start);
	tcase_add_test(tcase, schedules_due_together_run_in_the_order_of_their_making);
	tcase_add_test(tcase, names_are_unique_and_found);
	tcase_add_test(tcase, each_user_has_his_own_names);
	tcase_add_test(tcase, runs_outlive_their_schedule);
	tcase_add_test(tcase, a_schedule_may_go_while_it_owes_runs);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
