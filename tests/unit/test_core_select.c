/* Walks over tasks: everything that matches is found once, in order, however the walk is cut into pieces and whatever
 * happens between them, and few others are looked at. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "toy.h"

static struct toy toy;
static struct toy_slot *slots[2];

static void fresh(void)
{
	toy_init(&toy);
	for (int i = 0; i < 2; i++)
		slots[i] = toy_slot_new(&toy);
}

static void finish(void)
{
	toy_fini(&toy);
	for (int i = 0; i < 2; i++)
		free(slots[i]);
}

/* --- the definition --- */

static bool fits(const struct task_filter *filter, struct task *task)
{
	if (task->slot)
		core_task_look(task);
	return (!filter->states || filter->states >> task->state & 1) && (!filter->queue || filter->queue == task->queue) &&
		(!filter->type || filter->type == task->type) && (!filter->by_owner || filter->owner == task->owner->uid) &&
		(!filter->tag || !strcmp(filter->tag, task_tag(task))) && task->submitted_ns >= filter->since_ns;
}

static struct task *ends(bool oldest_first)
{
	return oldest_first ? TAILQ_FIRST(&toy.core->all) : TAILQ_LAST(&toy.core->all, task_list);
}

static struct task *behind(struct task *task, bool oldest_first)
{
	return oldest_first ? TAILQ_NEXT(task, all) : TAILQ_PREV(task, task_list, all);
}

/* --- a world --- */

#define N_QUEUES 3
#define N_TYPES 3
#define N_TAGS 4
#define N_OWNERS 3

static struct core_queue *queues[N_QUEUES];
static struct task_type *types[N_TYPES];
static const char *const tags[N_TAGS] = { NULL, "red", "green", "blue" };

static void make_world(void)
{
	for (int i = 0; i < N_QUEUES; i++)
		queues[i] = toy_queue_new(&toy, (char[]){ (char)('a' + i), 0 }, 0, 0);
	for (int i = 0; i < N_TYPES; i++)
		types[i] = core_type(toy.core, (char[]){ (char)('A' + i), 0 }, 1);
	core_queue_pause(queues[2]);
}

static struct task *any_task(void)
{
	struct task *task = NULL;

	for (int tries = 0; tries < 100 && !task && toy.core->next_id > 1; tries++)
		core_find(toy.core, 1 + (uint64_t)rand() % (toy.core->next_id - 1), &task);
	return task;
}

static void submit_one(void)
{
	const char *tag = tags[rand() % N_TAGS];
	struct task_spec spec = {
		.type = types[rand() % N_TYPES],
		.queue = queues[rand() % N_QUEUES],
		.priority = rand() % 5,
		.owner = (uint32_t)rand() % N_OWNERS,
		.tag = tag,
		.tag_length = tag ? strlen(tag) : 0,
	};
	struct task *other = any_task();
	struct task_ref after = { 0 };
	struct task *task;

	if (rand() % 6 == 0) {
		spec.due_ns = toy.now_ns + rand() % 1000 * NS_PER_US;
	} else if (other && rand() % 5 == 0) {
		after.id = other->id;
		spec.after_any = &after;
		spec.n_after_any = 1;
	}
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
}

static void happen(void)
{
	struct toy_slot *slot = slots[rand() % 2];
	struct task *task = any_task();

	switch (rand() % 12) {
	case 0: case 1: case 2: case 3:
		submit_one();
		break;
	case 4:
		toy_take(slot);
		break;
	case 5: case 6:
		if (slot->count)
			toy_finish(slot, rand() % 2 ? TASK_SUCCEEDED : TASK_FAILED);
		break;
	case 7:
		if (task && !task->slot)
			core_cancel(task);
		break;
	case 8:
		if (task)
			core_forget(task);
		break;
	case 9:
		if (task && task_state_is_terminal(task->state))
			core_task_fetched(task);
		break;
	default:
		toy_advance(&toy, rand() % 50 * NS_PER_US);
	}
}

static struct task_filter any_filter(void)
{
	struct task_filter filter = { 0 };
	int what = rand();

	if (what & 1)
		filter.states = (unsigned)rand() & (unsigned)rand() & (TASK_STATE_BIT(TASK_N_STATES) - 1);
	if ((what & 6) == 2)
		filter.queue = queues[rand() % N_QUEUES];
	if ((what & 24) == 8)
		filter.type = types[rand() % N_TYPES];
	if ((what & 96) == 32)
		filter.by_owner = true, filter.owner = (uint32_t)rand() % (N_OWNERS + 1);
	if ((what & 384) == 128)
		filter.tag = rand() % 5 ? tags[1 + rand() % (N_TAGS - 1)] : "nobody's";
	filter.tag_length = filter.tag ? strlen(filter.tag) : 0;
	if ((what & 1536) == 512)
		filter.since_ns = TOY_START + rand() % (toy.now_ns - TOY_START + 1);
	return filter;
}

/* --- random walks --- */

#define MOST 4000

START_TEST(standing_world_is_told_as_it_is)
{
	static struct task *out[MOST];

	srand((unsigned)_i);
	make_world();
	for (int i = rand() % 600; i > 0; i--)
		happen();
	for (int round = 0; round < 40; round++) {
		struct task_filter filter = any_filter();
		struct task_walk walk = { .oldest_first = rand() % 2 };
		struct task *expected = ends(walk.oldest_first);

		while (!walk.over) {
			size_t room = 1 + (size_t)rand() % 50;
			size_t n = core_select(toy.core, &filter, &walk, (size_t)rand() % 60, out, room);

			ck_assert_uint_le(n, room);
			for (size_t i = 0; i < n; i++) {
				while (expected && !fits(&filter, expected))
					expected = behind(expected, walk.oldest_first);
				ck_assert_ptr_eq(out[i], expected);
				expected = behind(expected, walk.oldest_first);
			}
		}
		while (expected && !fits(&filter, expected))
			expected = behind(expected, walk.oldest_first);
		ck_assert_ptr_null(expected);
		ck_assert_uint_eq(core_select(toy.core, &filter, &walk, 100, out, 100), 0);
	}
}
END_TEST

/* Which ids matched at each look so far, and which have been told. */
struct witness {
	bool always[MOST];
	bool told[MOST];
};

static void look(struct witness *witness, const struct task_filter *filter)
{
	for (uint64_t id = 1; id < MOST; id++) {
		struct task *task;

		witness->always[id] = witness->always[id] && core_find(toy.core, id, &task) == CORE_FOUND && fits(filter, task);
	}
}

START_TEST(changing_world_is_told_without_gaps_or_repetitions)
{
	static struct witness witness;
	static struct task *out[MOST];

	srand((unsigned)_i);
	make_world();
	for (int i = 100 + rand() % 500; i > 0; i--)
		happen();
	for (int round = 0; round < 10; round++) {
		struct task_filter filter = any_filter();
		struct task_walk walk = { .oldest_first = rand() % 2 };
		uint64_t last = 0;

		memset(&witness, 0, sizeof(witness));
		memset(witness.always, true, sizeof(witness.always));
		while (!walk.over && toy.core->next_id < MOST) {
			look(&witness, &filter);
			size_t n = core_select(toy.core, &filter, &walk, 1 + (size_t)rand() % 40, out, 1 + (size_t)rand() % 20);

			for (size_t i = 0; i < n; i++) {
				ck_assert(last == 0 || (walk.oldest_first ? out[i]->id > last : out[i]->id < last));
				ck_assert(fits(&filter, out[i]));
				last = out[i]->id;
				witness.told[last] = true;
			}
			for (int i = rand() % 8; i > 0 && !walk.over; i--)
				happen();
		}
		if (walk.over)
			for (uint64_t id = 1; id < MOST; id++)
				ck_assert(!witness.always[id] || witness.told[id]);
	}
}
END_TEST

/* --- pages --- */

static uint64_t next_of(uint64_t id, bool oldest_first, const struct task_filter *filter)
{
	struct task_walk walk = { .oldest_first = oldest_first, .id = id };
	struct task *task;

	while (!walk.over)
		if (core_select(toy.core, filter, &walk, 10, &task, 1))
			return task->id;
	return 0;
}

#define LARGE 30000

START_TEST(page_begins_behind_an_id_whether_or_not_it_is_there)
{
	static struct task *tasks[LARGE + 1];
	const struct task_filter all = { 0 }, by_type = { .type = toy.type };
	struct core_queue *few = toy_queue_new(&toy, "few", 0, 0);
	struct core_queue *many = toy.queue;
	const struct task_filter by_queue = { .queue = few };

	ck_assert_uint_eq(next_of(5, false, &all), 0);
	for (int i = 1; i <= LARGE; i++) {
		toy.queue = i % 1000 == 1 ? few : many;
		tasks[i] = toy_submit(&toy, i % 5);
	}
	ck_assert_uint_eq(next_of(UINT64_MAX, false, &all), LARGE);
	ck_assert_uint_eq(next_of(UINT64_MAX, true, &all), 0);
	ck_assert_uint_eq(next_of(500, false, &all), 499);
	ck_assert_uint_eq(next_of(500, true, &all), 501);
	ck_assert_uint_eq(next_of(500, true, &by_queue), 1001);
	ck_assert_uint_eq(next_of(500, false, &by_queue), 1);
	ck_assert_uint_eq(next_of(1, false, &all), 0);
	ck_assert_uint_eq(next_of(LARGE, true, &all), 0);
	for (int i = 3; i < LARGE - 1500; i++) {
		core_cancel(tasks[i]);
		core_forget(tasks[i]);
	}
	const uint64_t holes[] = { 3, 50, 5000, 15000, LARGE - 5000, LARGE - 1501 };
	for (size_t i = 0; i < sizeof(holes) / sizeof(*holes); i++) {
		ck_assert_uint_eq(next_of(holes[i], false, &all), 2);
		ck_assert_uint_eq(next_of(holes[i], true, &all), LARGE - 1500);
		ck_assert_uint_eq(next_of(holes[i], true, &by_type), LARGE - 1500);
		ck_assert_uint_eq(next_of(holes[i], false, &by_queue), 1);
		ck_assert_uint_eq(next_of(holes[i], true, &by_queue), LARGE - 999);
	}
}
END_TEST

/* --- how much is looked at --- */

static size_t visits(const struct task_filter *filter, bool oldest_first, size_t room, size_t expected)
{
	static struct task *out[LARGE];
	struct task_walk walk = { .oldest_first = oldest_first };
	size_t n = 0;

	while (!walk.over && n < room)
		n += core_select(toy.core, filter, &walk, 1000, out, room - n);
	ck_assert_uint_eq(n, expected);
	return walk.visited;
}

START_TEST(few_are_looked_at_to_find_few)
{
	struct core_queue *many = toy.queue, *few = toy_queue_new(&toy, "few", 0, 0);
	struct task_spec spec = { .type = core_type(toy.core, "rare", 4), .queue = many, .owner = 1 };
	struct task_filter filter = { 0 };
	struct task *task;

	toy.queue = few;
	for (int i = 0; i < 5; i++)
		toy_submit(&toy, 9);
	toy.queue = many;
	for (int i = 0; i < 20; i++)
		core_cancel(toy_submit(&toy, 0));
	spec.tag = "group", spec.tag_length = 5;
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	core_set_now(toy.core, ++toy.now_ns);
	for (int i = 0; i < LARGE - 100; i++)
		toy_submit(&toy, 0);
	core_set_now(toy.core, ++toy.now_ns);
	for (int i = 0; i < 3; i++)
		toy_submit(&toy, 0);

	for (int oldest_first = 0; oldest_first < 2; oldest_first++) {
		filter = (struct task_filter){ .queue = few };
		ck_assert_uint_eq(visits(&filter, oldest_first, 100, 5), 5);
		filter = (struct task_filter){ .states = TASK_STATE_BIT(TASK_CANCELLED) };
		ck_assert_uint_eq(visits(&filter, oldest_first, 100, 20), 20);
		filter = (struct task_filter){ .tag = "group", .tag_length = 5 };
		ck_assert_uint_eq(visits(&filter, oldest_first, 100, 7), 7);
		filter = (struct task_filter){ .type = spec.type, .queue = many };
		ck_assert_uint_eq(visits(&filter, oldest_first, 100, 7), 7);
		filter = (struct task_filter){ .by_owner = true, .owner = 1, .states = TASK_STATE_BIT(TASK_QUEUED) };
		ck_assert_uint_eq(visits(&filter, oldest_first, 100, 7), 7);
		filter = (struct task_filter){ .by_owner = true, .owner = 2 };
		ck_assert_uint_eq(visits(&filter, oldest_first, 100, 0), 0);
		filter = (struct task_filter){ .tag = "nobody's", .tag_length = 8 };
		ck_assert_uint_eq(visits(&filter, oldest_first, 100, 0), 0);
		filter = (struct task_filter){ .states = TASK_STATE_BIT(TASK_RUNNING) };
		ck_assert_uint_eq(visits(&filter, oldest_first, 100, 0), 0);
		filter = (struct task_filter){ .states = TASK_STATE_BIT(TASK_QUEUED) };
		ck_assert_uint_le(visits(&filter, oldest_first, 100, 100), 130);
	}
	filter = (struct task_filter){ .since_ns = toy.now_ns };
	ck_assert_uint_eq(visits(&filter, false, 100, 3), 4);
}
END_TEST

/* A walk along a short list goes on there, whatever was dropped. */
START_TEST(going_on_costs_no_more_than_beginning)
{
	static struct task *out[10];
	struct core_queue *many = toy.queue, *some = toy_queue_new(&toy, "some", 0, 0);
	struct task_filter filter = { .queue = some };
	struct task_walk walk = { .oldest_first = true };
	size_t n = 0;

	for (int i = 0; i < LARGE; i++) {
		toy.queue = i % 10 ? many : some;
		toy_submit(&toy, 0);
	}
	while (!walk.over) {
		size_t found = core_select(toy.core, &filter, &walk, 1000, out, 10);

		if (found && n % 3 == 0) { /* the one where the walk stands is gone */
			core_cancel(out[found - 1]);
			core_forget(out[found - 1]);
		}
		n += found;
	}
	ck_assert_uint_eq(n, LARGE / 10);
	ck_assert_uint_le(walk.visited, LARGE / 10 + LARGE / 100 * 9); /* at most to the next one, along all */
}
END_TEST

START_TEST(every_state_is_found_where_its_tasks_are)
{
	struct task *found[4];
	struct task_spec spec = { .type = toy.type, .queue = toy.queue, .due_ns = toy.now_ns + NS_PER_S };
	struct task *scheduled, *wall, *blocked;

	ck_assert_int_eq(core_submit(toy.core, &spec, &scheduled), CORE_OK);
	spec.wall = true;
	spec.due_ns = core_wall(toy.core) + NS_PER_S;
	ck_assert_int_eq(core_submit(toy.core, &spec, &wall), CORE_OK);
	const struct task_ref after = { .id = scheduled->id };
	spec = (struct task_spec){ .type = toy.type, .queue = toy.queue, .after = &after, .n_after = 1 };
	ck_assert_int_eq(core_submit(toy.core, &spec, &blocked), CORE_OK);
	toy_teach(&toy, 300 * NS_PER_US);
	for (int i = 0; i < 10; i++)
		toy_submit(&toy, 0);
	toy_turn(&toy);
	struct task *running = toy_take(slots[0]), *cancelling = toy_take(slots[1]);
	core_cancel(cancelling);
	struct task *ended[TASK_N_STATES] = { 0 };
	core_cancel(ended[TASK_CANCELLED] = toy_submit(&toy, -1));
	core_task_fetched(ended[TASK_CANCELLED]);

	for (int state = 0; state < TASK_N_STATES; state++) {
		const struct task_filter filter = { .states = TASK_STATE_BIT(state) };
		struct task_walk walk = { .oldest_first = true };
		size_t n = core_select(toy.core, &filter, &walk, 1000, found, 4);

		for (size_t i = 0; i < n; i++)
			ck_assert_int_eq(found[i]->state, state);
		if (state == TASK_SCHEDULED) {
			ck_assert_uint_eq(n, 2);
			ck_assert_ptr_eq(found[1], wall);
		} else if (state == TASK_QUEUED) {
			ck_assert_uint_eq(n, 4);
			ck_assert(!walk.over);
			ck_assert_uint_eq(core_select(toy.core, &filter, &walk, 1000, found, 4), 4);
			ck_assert(walk.over);
		} else {
			struct task *one = state == TASK_BLOCKED ? blocked : state == TASK_RUNNING ? running :
				state == TASK_CANCELLING ? cancelling : ended[state];

			ck_assert_uint_eq(n, one != NULL);
			ck_assert(!one || found[0] == one);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: selections");
	TCase *tcase = tcase_create("random");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_loop_test(tcase, standing_world_is_told_as_it_is, 0, 60);
	tcase_add_loop_test(tcase, changing_world_is_told_without_gaps_or_repetitions, 0, 60);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("pages");
	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, page_begins_behind_an_id_whether_or_not_it_is_there);
	tcase_add_test(tcase, few_are_looked_at_to_find_few);
	tcase_add_test(tcase, going_on_costs_no_more_than_beginning);
	tcase_add_test(tcase, every_state_is_found_where_its_tasks_are);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
