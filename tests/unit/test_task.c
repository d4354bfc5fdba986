/* The state machine, as taskd-protocol(7) tells it: the page's table of states and events is read, and every one of its
 * cells is walked; so is every pair of states, of which those that it does not lead to are refused. Besides: waiters, and
 * what a task costs. */
#include "core/task.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "life_page.h"
#include "object/object.h"
#include "toy.h"

/* --- the world that it is walked in --- */

#define DUE_IN (1000 * NS_PER_S)
#define TIMEOUT (100 * NS_PER_S)
#define DEADLINE (10 * NS_PER_S)
#define PAUSE (100000 * NS_PER_S) /* before another attempt */

static struct toy toy;
static struct toy_slot *slot;
static struct task *dependency;
static struct object_owner other; /* who takes what the task must have */
static const struct object_claim lock = { .kind = OBJECT_LOCK, .name = { "lock", 4 } };

static void fresh(void)
{
	toy_init(&toy);
	slot = toy_slot_new(&toy);
	dependency = NULL;
	object_owner_begin(core_objects(toy.core), &other, OWNER_CONNECTION, 1, 1000, 0);
}

static void finish(void)
{
	object_owner_end(&other);
	toy_fini(&toy);
	free(slot);
}

/* What the walk is about: a task that an event is to happen to. */
struct walk {
	enum event event;
	bool attempts;  /* it has attempts left */
	bool not_yet;   /* blocked: its time is still to come */
	bool in_queue;  /* queued: no slot has it */
};

/* In a queue that nothing is taken from; it ends when it is cancelled. */
static struct task *idle_task(void)
{
	struct core_queue *queue = core_queue_find(toy.core, "idle");

	if (!queue)
		queue = toy_queue_new(&toy, "idle", 0, 0);
	core_queue_pause(queue);
	return toy_submit_spec(&toy, (struct task_spec){ .queue = queue });
}

/* What the event needs it to be, and nothing else, so that nothing else happens. */
static struct task *submit(const struct walk *walk, bool later, bool limited, bool waits)
{
	const struct task_retry retry = { .retries = 5, .on = RETRY_ALL, .backoff_ns = PAUSE, .factor = 1 };

	dependency = idle_task();
	const struct task_ref ref = { .id = dependency->id };
	struct task_spec spec = {
		.due_ns = later || walk->not_yet ? toy.now_ns + DUE_IN : 0,
		.timeout_ns = limited || walk->event == TIME_LIMIT ? TIMEOUT : 0,
		.expires_ns = walk->event == EXPIRES ? toy.now_ns + DEADLINE : 0,
		.retry = walk->attempts ? &retry : NULL,
		.claims = &lock,
		.n_claims = walk->event == MISSING,
	};

	if (waits && walk->event == UNMET) {
		spec.after = &ref;
		spec.n_after = 1;
	} else if (waits) {
		spec.after_any = &ref;
		spec.n_after_any = 1;
	}
	return toy_submit_spec(&toy, spec);
}

static struct task *running(const struct walk *walk, bool limited)
{
	struct task *task = submit(walk, false, limited, false);

	toy_turn(&toy);
	ck_assert_ptr_eq(toy_take(slot), task);
	core_task_look(task);
	return task;
}

static struct task *task_in_column(enum column column, const struct walk *walk)
{
	struct task *task = NULL;

	switch (column) {
	case SCHEDULED:
		task = submit(walk, true, false, false);
		break;
	case BLOCKED:
		task = submit(walk, false, false, true);
		break;
	case QUEUED:
		if (walk->in_queue || walk->event == MISSING)
			core_queue_pause(toy.queue);
		task = submit(walk, false, false, false);
		toy_turn(&toy);
		ck_assert_int_eq(task->slot == NULL, walk->in_queue || walk->event == MISSING);
		break;
	case RUNNING:
		task = running(walk, false);
		break;
	case CANCELLING:
		task = running(walk, false);
		core_cancel(task);
		break;
	case OVERRUN:
		task = running(walk, true);
		toy_advance(&toy, TIMEOUT);
		break;
	case N_COLUMNS:
		break;
	}
	ck_assert_int_eq(task->state, columns[column].state);
	ck_assert_int_eq(task->timed_out, column == OVERRUN);
	return task;
}

/* The slot's word, which it has only of what it has begun. */
static void slot_says(const struct task *task, enum task_state state)
{
	if (slot->count && slot->lane[0].task == task && slot->lane[0].started_ns)
		toy_finish(slot, state);
}

static void miss(void)
{
	const struct lock_request request = { .name = lock.name, .holder.owner = &other };
	struct object_grant grant;
	struct object_problem problem;
	int status = lock_acquire(core_objects(toy.core), &request, NULL, &grant, &problem);

	ck_assert(status == OBJECT_DONE || status == OBJECT_WOULD_WAIT); /* the task has it */
	core_queue_resume(toy.queue);
	toy_turn(&toy);
}

static void happen(enum event event, struct task *task)
{
	switch (event) {
	case DUE:
		toy_advance(&toy, DUE_IN);
		break;
	case READY:
	case UNMET:
		core_cancel(dependency);
		toy_turn(&toy);
		break;
	case MISSING:
		miss();
		break;
	case TAKEN:
		toy_take(slot);
		core_task_look(task);
		break;
	case SUCCEEDS:
		slot_says(task, TASK_SUCCEEDED);
		break;
	case FAILS:
		slot_says(task, TASK_FAILED);
		break;
	case CRASHES:
		toy_die(slot, SIGSEGV);
		break;
	case TIME_LIMIT:
		toy_advance(&toy, TIMEOUT);
		break;
	case CANCEL:
		core_cancel(task);
		break;
	case EXPIRES:
		toy_advance(&toy, DEADLINE);
		break;
	case N_EVENTS:
		break;
	}
}

/* --- walking it --- */

static void walk_cell(enum column column, struct walk walk)
{
	const struct cell *cell = &cells[walk.event][column];
	struct task *task = task_in_column(column, &walk);
	enum task_state expected = cell->to == STAYS ? columns[column].state : cell->to;
	bool overrun = cell->to == STAYS ? column == OVERRUN : cell->overrun;
	int ended = toy.n_ended;

	if ((cell->note == 1 && walk.not_yet) || (cell->note == 2 && walk.attempts))
		expected = TASK_SCHEDULED;
	happen(walk.event, task);
	ck_assert_msg(task->state == expected, "%s, %s%s%s%s: %s instead of %s", columns[column].name,
		event_names[walk.event], walk.attempts ? ", attempts left" : "", walk.not_yet ? ", not yet due" : "",
		walk.in_queue ? ", in no lane" : "", task_state_name(task->state), task_state_name(expected));
	if (!task_state_is_terminal(expected))
		ck_assert_int_eq(task->timed_out, overrun);
	ck_assert_int_eq(task->attempt, cell->note == 2 && walk.attempts ? 2 : 1);
	if (walk.event != READY && walk.event != UNMET) /* there the other one has */
		ck_assert_int_eq(toy.n_ended - ended, task_state_is_terminal(expected));
}

/* _i: event and column */
START_TEST(cell_of_the_page_is_what_happens)
{
	walk_cell((enum column)(_i % N_COLUMNS), (struct walk){ .event = (enum event)(_i / N_COLUMNS) });
}
END_TEST

START_TEST(cell_of_the_page_is_what_happens_with_attempts_left)
{
	walk_cell((enum column)(_i % N_COLUMNS), (struct walk){ .event = (enum event)(_i / N_COLUMNS), .attempts = true });
}
END_TEST

/* _i: event */
START_TEST(queued_in_no_lane_is_queued_too)
{
	if (_i != TAKEN) /* nobody could */
		walk_cell(QUEUED, (struct walk){ .event = (enum event)_i, .in_queue = true });
}
END_TEST

/* _i: event; as its deadline comes before its time, and its time has not come either */
START_TEST(blocked_before_its_time_is_blocked_too)
{
	walk_cell(BLOCKED, (struct walk){ .event = (enum event)_i, .not_yet = true });
}
END_TEST

/* A task that has ended so. */
static struct task *ended_task(enum task_state state, struct walk *walk)
{
	struct task *task;

	if (state == TASK_EXPIRED)
		walk->event = EXPIRES;
	if (state == TASK_CANCELLED || state == TASK_EXPIRED) {
		task = task_in_column(BLOCKED, walk); /* which leaves what it has waited for alive */
		happen(state == TASK_EXPIRED ? EXPIRES : CANCEL, task);
		return task;
	}
	task = task_in_column(state == TASK_TIMED_OUT ? OVERRUN : RUNNING, walk);
	if (state == TASK_CRASHED)
		toy_die(slot, SIGSEGV);
	else
		toy_finish(slot, state);
	return task;
}

/* _i: state and event */
START_TEST(nothing_happens_to_what_has_ended)
{
	enum task_state state = (enum task_state)(TASK_SUCCEEDED + _i / N_EVENTS);
	enum event event = (enum event)(_i % N_EVENTS);
	struct walk walk = { .event = event };
	struct task *task = ended_task(state, &walk);
	int ended = toy.n_ended;

	ck_assert_int_eq(task->state, state);
	happen(event, task);
	ck_assert_int_eq(task->state, state);
	ck_assert_int_eq(toy.n_ended - ended, event == READY || event == UNMET);
	ck_assert_uint_eq(core_totals(toy.core)->ended[state], state == TASK_CANCELLED && toy.n_ended == 2 ? 2 : 1);
}
END_TEST

/* Note 4 of the page. */
START_TEST(cancelled_while_overrun_is_not_tried_again)
{
	struct task *task = task_in_column(OVERRUN, &(struct walk){ .event = FAILS, .attempts = true });

	ck_assert(!core_cancel(task));
	toy_finish(slot, TASK_FAILED);
	ck_assert_int_eq(task->state, TASK_TIMED_OUT);
}
END_TEST

/* --- every pair --- */

/* A task in the state FROM, by the shortest lawful way, to which EVENT may happen. */
static struct task *task_in(enum task_state from, enum event event, bool to_end)
{
	struct walk walk = { .event = event };

	for (int column = 0; column <= CANCELLING; column++)
		if (columns[column].state == from)
			return task_in_column((enum column)column, &walk);
	if (from == TASK_RECORDING) {
		struct task *task = toy_submit_spec(&toy, (struct task_spec){ .durable = true });

		if (to_end) { /* what it waits for may be its outcome, or that it has come in */
			core_recorded(toy.core, task->id);
			core_cancel(task);
		}
		return task;
	}
	return ended_task(from, &walk);
}

START_TEST(table_answers_for_every_pair)
{
	for (int from = 0; from < TASK_N_STATES; from++)
		for (int to = 0; to < TASK_N_STATES; to++)
			ck_assert_msg(task_state_may_become((enum task_state)from, (enum task_state)to) == allowed[from][to],
				"from %s to %s", task_state_name((enum task_state)from), task_state_name((enum task_state)to));
	ck_assert(!task_state_may_become(TASK_N_STATES, TASK_RUNNING));
	ck_assert(!task_state_may_become(TASK_QUEUED, TASK_N_STATES));
}
END_TEST

/* What may be blocked has to wait for something: another one. */
static void come_in_blocked(struct task **task)
{
	dependency = idle_task();
	const struct task_ref ref = { .id = dependency->id };

	*task = toy_submit_spec(&toy, (struct task_spec){ .durable = true, .after = &ref, .n_after = 1 });
	ck_assert_int_eq((*task)->state, TASK_RECORDING);
	task_set_state(*task, TASK_BLOCKED);
}

/* _i: from and to */
START_TEST(allowed_change_is_made_and_another_aborts)
{
	enum task_state from = (enum task_state)(_i / TASK_N_STATES);
	enum task_state to = (enum task_state)(_i % TASK_N_STATES);
	struct task *task = task_in(from, to == TASK_BLOCKED ? MISSING : CANCEL, task_state_is_terminal(to));

	ck_assert_int_eq(task->state, from);
	if (from == TASK_QUEUED && to == TASK_BLOCKED) /* it has to be because of something */
		happen(MISSING, task);
	else if (from == TASK_RECORDING && to == TASK_BLOCKED)
		come_in_blocked(&task);
	else if (task_state_is_terminal(to) && !task->outcome)
		task_end(task, &(struct task_outcome){ .state = to });
	else
		task_set_state(task, to);
	ck_assert_int_eq(task->state, to);
	ck_assert_int_eq(task->ended_ns != 0, task_state_is_terminal(to));
}
END_TEST

/* --- waiters --- */

static int order[4], n_order;

struct listener {
	struct task_waiter waiter;
	int number;
};

static void heard(struct task_waiter *waiter, struct task *task)
{
	ck_assert(task_state_is_terminal(task->state));
	ck_assert_int_eq(toy.n_ended, 1); /* the op comes first */
	order[n_order++] = ((struct listener *)waiter)->number;
}

START_TEST(waiters_hear_once_and_those_taken_off_do_not)
{
	struct task *task = toy_submit(&toy, 0);
	struct listener listeners[3];

	n_order = 0;
	for (int i = 0; i < 3; i++) {
		listeners[i] = (struct listener){ .waiter.ended = heard, .number = i };
		task_wait(task, &listeners[i].waiter);
	}
	task_unwait(&listeners[1].waiter);
	ck_assert(core_cancel(task));
	ck_assert_int_eq(n_order, 2);
	ck_assert_int_eq(order[0] + order[1], 2);
	ck_assert(core_cancel(task));
	ck_assert_int_eq(n_order, 2);
}
END_TEST

static void forget_it(struct task_waiter *waiter, struct task *task)
{
	(void)waiter;
	ck_assert(core_forget(task));
	ck_assert(core_forget(task));
	ck_assert_str_eq(task_state_name(task->state), "cancelled"); /* still there until the turn ends */
}

START_TEST(waiter_may_forget_the_task)
{
	struct task *task = toy_submit(&toy, 0), *found;
	struct task_waiter waiter = { .ended = forget_it };
	uint64_t id = task->id;

	task_wait(task, &waiter);
	core_cancel(task);
	ck_assert_int_eq(core_find(toy.core, id, &found), CORE_FORGOTTEN);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 0);
	toy_turn(&toy);
}
END_TEST

START_TEST(every_state_has_a_name)
{
	for (int state = 0; state < TASK_N_STATES; state++)
		ck_assert_int_gt((int)strlen(task_state_name((enum task_state)state)), 5);
	ck_assert_str_eq(task_state_name(TASK_TIMED_OUT), "timed_out");
	ck_assert_str_eq(task_state_name(TASK_N_STATES), "unknown");
}
END_TEST

START_TEST(bytes_are_counted_and_released_with_the_last_reference)
{
	char *room;
	struct bytes *bytes = bytes_new("abc", 3);

	ck_assert_ptr_eq(bytes_ref(bytes), bytes);
	bytes_unref(bytes);
	ck_assert(!memcmp(bytes->data, "abc", 3));
	ck_assert_uint_eq(bytes_cost(bytes), sizeof(*bytes) + 3);
	bytes_unref(bytes);
	bytes_unref(NULL);
	ck_assert_ptr_null(bytes_ref(NULL));
	ck_assert_ptr_null(bytes_new_room(SIZE_MAX - 8, &room));
	bytes = bytes_new(NULL, 0);
	ck_assert_uint_eq(bytes->size, 0);
	bytes_unref(bytes);
}
END_TEST

static void released(void *owner, const char *data, size_t size)
{
	ck_assert_str_eq(data, "there");
	ck_assert_uint_eq(size, 5);
	++*(int *)owner;
}

START_TEST(foreign_bytes_are_given_back_to_their_owner)
{
	int n = 0;
	struct bytes *bytes = bytes_new_foreign("there", 5, released, &n);

	bytes_ref(bytes);
	bytes_unref(bytes);
	ck_assert_int_eq(n, 0);
	bytes_unref(bytes);
	ck_assert_int_eq(n, 1);
}
END_TEST

static void add_walks(Suite *suite)
{
	TCase *tcase = tcase_create("the page's table");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_loop_test(tcase, cell_of_the_page_is_what_happens, 0, N_EVENTS * N_COLUMNS);
	tcase_add_loop_test(tcase, cell_of_the_page_is_what_happens_with_attempts_left, 0, N_EVENTS * N_COLUMNS);
	tcase_add_loop_test(tcase, queued_in_no_lane_is_queued_too, 0, N_EVENTS);
	tcase_add_loop_test(tcase, blocked_before_its_time_is_blocked_too, 0, N_EVENTS);
	tcase_add_loop_test(tcase, nothing_happens_to_what_has_ended, 0, (TASK_N_STATES - TASK_SUCCEEDED) * N_EVENTS);
	tcase_add_test(tcase, cancelled_while_overrun_is_not_tried_again);
	suite_add_tcase(suite, tcase);
}

static void add_pairs(Suite *suite)
{
	TCase *good = tcase_create("allowed");
	TCase *bad = tcase_create("refused");

	tcase_add_checked_fixture(good, fresh, finish);
	tcase_add_checked_fixture(bad, fresh, finish);
	for (int i = 0; i < TASK_N_STATES * TASK_N_STATES; i++) {
		if (allowed[i / TASK_N_STATES][i % TASK_N_STATES])
			tcase_add_loop_test(good, allowed_change_is_made_and_another_aborts, i, i + 1);
		else
			tcase_add_loop_test_raise_signal(bad, allowed_change_is_made_and_another_aborts, SIGABRT, i, i + 1);
	}
	suite_add_tcase(suite, good);
	suite_add_tcase(suite, bad);
}

/* What the page says in words: durable ones are recording before they come in and before they end; and one that was
 * interrupted goes back to its queue. */
static void allow_durable(void)
{
	for (int state = 0; state < TASK_N_STATES; state++) {
		if (!task_state_is_terminal((enum task_state)state))
			allowed[state][TASK_RECORDING] = true;
		if (state != TASK_RUNNING && state != TASK_CANCELLING)
			allowed[TASK_RECORDING][state] = true;
	}
	allowed[TASK_RUNNING][TASK_QUEUED] = true;
}

int main(void)
{
	life_page_read();
	allow_durable();
	Suite *suite = suite_create("task");
	TCase *tcase = tcase_create("task");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, table_answers_for_every_pair);
	tcase_add_test(tcase, waiters_hear_once_and_those_taken_off_do_not);
	tcase_add_test(tcase, waiter_may_forget_the_task);
	tcase_add_test(tcase, every_state_has_a_name);
	tcase_add_test(tcase, bytes_are_counted_and_released_with_the_last_reference);
	tcase_add_test(tcase, foreign_bytes_are_given_back_to_their_owner);
	suite_add_tcase(suite, tcase);
	add_walks(suite);
	add_pairs(suite);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
