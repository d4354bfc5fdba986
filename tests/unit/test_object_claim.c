/* What tasks must have before they start: all or nothing, by rank among themselves, by who came first between them and others. */
#include "object_world.h"

#define TASKS 8

static struct task {
	struct object_owner owner; /* id 100… */
	struct object_ticket ticket;
	int ready; /* how often it was called */
} tasks[TASKS];

static void ready(struct object_ticket *ticket)
{
	((struct task *)((char *)ticket - offsetof(struct task, ticket)))->ready++;
}

static void begin(void)
{
	world_begin();
	memset(tasks, 0, sizeof(tasks));
	for (int i = 0; i < TASKS; i++) {
		object_owner_begin(world.objects, &tasks[i].owner, OWNER_TASK, 100 + (uint64_t)i, 1000, 0);
		tasks[i].ticket = (struct object_ticket){ .ready = ready, .place = (uint64_t)i };
	}
}

static void end(void)
{
	assert_sound();
	for (int i = 0; i < TASKS; i++) {
		object_ticket_drop(&tasks[i].ticket);
		object_owner_end(&tasks[i].owner);
	}
	world_end();
}

/* "a" a lock; "a+" one to be shared; "a*2" a semaphore of any size; "a*2/3" one of three. Words, one claim each. */
static size_t parse(const char *text, struct object_claim *claims, char *names)
{
	size_t n = 0;
	char *save, *word, *mark;

	strcpy(names, text);
	for (word = strtok_r(names, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		struct object_claim *claim = &claims[n++];

		*claim = (struct object_claim){ .kind = OBJECT_LOCK, .count = 1, .slots = -1 };
		if ((mark = strchr(word, '*'))) {
			claim->kind = OBJECT_SEMAPHORE;
			sscanf(mark + 1, "%ld/%ld", &claim->count, &claim->slots);
		} else if ((mark = strchr(word, '+'))) {
			claim->shared = true;
		}
		claim->name = (struct object_name){ word, mark ? (size_t)(mark - word) : strlen(word) };
	}
	return n;
}

static int take(int task, const char *text)
{
	struct object_claim claims[8];
	char names[200];
	size_t n = parse(text, claims, names);

	return claims_take(world.objects, &tasks[task].owner, claims, n, &tasks[task].ticket, &world.problem);
}

static void release(int task, const char *text)
{
	struct object_claim claims[8];
	char names[200];
	size_t n = parse(text, claims, names);

	claims_release(world.objects, &tasks[task].owner, claims, n);
}

static int check(const char *text)
{
	struct object_claim claims[8];
	char names[200];
	size_t n = parse(text, claims, names);

	return claims_check(world.objects, claims, n, &world.problem);
}

/* Nobody starts anything: how many became ready, and the waits have what was left. */
static int turn(void)
{
	int before = 0, after = 0;

	for (int i = 0; i < TASKS; i++)
		before += tasks[i].ready;
	do
		while (objects_turn(world.objects))
			;
	while (objects_settle(world.objects));
	for (int i = 0; i < TASKS; i++)
		after += tasks[i].ready;
	return after - before;
}

/* TASK was called once since the last question. */
static void assert_ready(int task)
{
	ck_assert_int_eq(tasks[task].ready, 1);
	ck_assert_ptr_null(tasks[task].ticket.object);
	tasks[task].ready = 0;
}

#define LOCK(name) parties_of(OBJECT_LOCK, name)
#define SEMAPHORE(name) parties_of(OBJECT_SEMAPHORE, name)

START_TEST(a_task_has_all_that_it_claims)
{
	ck_assert_int_eq(take(0, "a b+ s*2/3"), OBJECT_DONE);
	ck_assert_str_eq(LOCK("a"), "t100");
	ck_assert_str_eq(LOCK("b"), "t100s");
	ck_assert_str_eq(SEMAPHORE("s"), "t100*2");
	ck_assert_int_eq(object_view_of(OBJECT_SEMAPHORE, "s").slots, 3);
	ck_assert_uint_eq(tasks[0].ticket.fence, WORLD_FENCE + 2);
	ck_assert(!tasks[0].ticket.holder_died);
	assert_sound();
	release(0, "a b+ s*2/3");
	ck_assert(!object_is_there(OBJECT_LOCK, "a"));
	ck_assert(!object_is_there(OBJECT_SEMAPHORE, "s"));
}
END_TEST

START_TEST(a_task_that_lacks_something_holds_nothing)
{
	ck_assert_int_eq(lock_take(0, NULL, "b", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(take(0, "a b s*1"), OBJECT_WAITING);
	ck_assert(!object_is_there(OBJECT_LOCK, "a"));
	ck_assert_str_eq(LOCK("b"), "1 | t100");
	ck_assert_uint_eq(object_view_of(OBJECT_LOCK, "b").claims, 1);
	ck_assert_uint_eq(object_view_of(OBJECT_LOCK, "b").waits, 0);
	ck_assert(object_owner_is_idle(&tasks[0].owner));
	ck_assert_int_eq(turn(), 0);
	ck_assert_int_eq(lock_give(0, NULL, "b"), OBJECT_DONE);
	ck_assert(objects_turn(world.objects));
	assert_ready(0);
	ck_assert_int_eq(take(0, "a b s*1"), OBJECT_DONE);
	ck_assert(!objects_turn(world.objects));
	ck_assert(!objects_settle(world.objects));
	ck_assert_str_eq(LOCK("b"), "t100");
}
END_TEST

START_TEST(who_came_first_goes_first_a_task_or_another)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, 1), OBJECT_WAITING);
	ck_assert_int_eq(take(0, "a"), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "a", EXCLUSIVE, 2), OBJECT_WAITING);
	ck_assert_str_eq(LOCK("a"), "1 | 2 t100 3");
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	assert_told(1, OBJECT_DONE); /* at once: no task before it */
	ck_assert_int_eq(lock_give(1, NULL, "a"), OBJECT_DONE);
	assert_not_told(2); /* held back for the task */
	ck_assert_int_eq(lock_take(3, NULL, "a", EXCLUSIVE, NONE), OBJECT_WOULD_WAIT);
	ck_assert(objects_turn(world.objects));
	assert_ready(0);
	ck_assert_int_eq(take(0, "a"), OBJECT_DONE);
	ck_assert(!objects_settle(world.objects));
	assert_not_told(2);
	release(0, "a");
	assert_told(2, OBJECT_DONE);
	ck_assert(!world.waits[2].grant.holder_died);
}
END_TEST

START_TEST(a_task_that_nobody_starts_keeps_nobody_waiting)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(take(0, "a"), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "a", EXCLUSIVE, 2), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert_int_eq(turn(), 1);
	assert_told(2, OBJECT_DONE);
	/* It keeps its place, though: before those who come now. */
	ck_assert_int_eq(lock_take(3, NULL, "a", EXCLUSIVE, 3), OBJECT_WAITING);
	ck_assert_int_eq(take(0, "a"), OBJECT_WAITING);
	ck_assert_str_eq(LOCK("a"), "3 | t100 4");
	ck_assert_int_eq(lock_give(2, NULL, "a"), OBJECT_DONE);
	assert_not_told(3);
	ck_assert_int_eq(turn(), 1);
	assert_told(3, OBJECT_DONE);
}
END_TEST

START_TEST(a_task_that_came_first_takes_it_though_another_waits_by_now)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", SHARED, NONE), OBJECT_DONE);
	ck_assert_int_eq(take(0, "a b"), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(1, NULL, "b", SHARED, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(2, NULL, "b", EXCLUSIVE, 2), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(0, NULL, "b", SHARED, 3), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert(objects_turn(world.objects));
	ck_assert_int_eq(take(0, "a b+"), OBJECT_DONE);  /* it came before 2 */
	ck_assert_int_eq(take(1, "b+"), OBJECT_WAITING); /* he did not */
	objects_settle(world.objects);
	ck_assert_str_eq(LOCK("b"), "2s t100s | 3 1s t101s");
}
END_TEST

START_TEST(the_first_by_rank_goes_first_among_tasks)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	tasks[1].ticket.level = 1;
	tasks[2].ticket.level = 5;
	tasks[3].ticket.level = 5;
	tasks[4].ticket.level = -1;
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(take(i, "a"), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	static const int order[] = { 2, 3, 1, 0, 4 };
	for (int i = 0; i < 5; i++) {
		ck_assert(objects_turn(world.objects));
		assert_ready(order[i]);
		ck_assert_int_eq(take(order[i], "a"), OBJECT_DONE);
		ck_assert(!objects_turn(world.objects));
		ck_assert(!objects_settle(world.objects));
		release(order[i], "a");
	}
}
END_TEST

START_TEST(an_urgent_task_has_the_place_of_another_and_nobody_elses)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(take(0, "a"), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, 1), OBJECT_WAITING);
	tasks[1].ticket.level = 9;
	ck_assert_int_eq(take(1, "a"), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert(objects_turn(world.objects));
	assert_ready(1);
	ck_assert_int_eq(take(1, "a"), OBJECT_DONE);
	objects_settle(world.objects);
	assert_not_told(1);
	ck_assert_str_eq(LOCK("a"), "t101 | 2 t100"); /* 0 has the place that 1 had */
	release(1, "a");
	assert_told(1, OBJECT_DONE);
	ck_assert_int_eq(turn(), 0);
}
END_TEST

START_TEST(a_task_does_not_overtake_one_of_higher_rank_who_waits)
{
	ck_assert_int_eq(semaphore_take(0, "s", 4, 3, NONE), OBJECT_DONE);
	ck_assert_int_eq(take(0, "s*2"), OBJECT_WAITING);
	ck_assert_int_eq(take(1, "s*1"), OBJECT_WAITING); /* one is free, but not for him */
	tasks[2].ticket.level = 1;
	ck_assert_int_eq(take(2, "s*1"), OBJECT_DONE);
	ck_assert_int_eq(turn(), 0);
	ck_assert_int_eq(semaphore_give(0, "s", 3), OBJECT_DONE);
	ck_assert_int_eq(turn(), 2); /* both have room */
}
END_TEST

START_TEST(tasks_that_fit_together_are_called_together)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(take(0, "a+"), OBJECT_WAITING);
	ck_assert_int_eq(take(1, "a+"), OBJECT_WAITING);
	ck_assert_int_eq(take(2, "a"), OBJECT_WAITING);
	ck_assert_int_eq(take(3, "a+"), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert(objects_turn(world.objects));
	assert_ready(0);
	assert_ready(1);
	ck_assert_int_eq(tasks[2].ready + tasks[3].ready, 0);
	ck_assert_int_eq(take(0, "a+"), OBJECT_DONE);
	ck_assert_int_eq(take(1, "a+"), OBJECT_DONE);
	ck_assert(!objects_turn(world.objects));
	objects_settle(world.objects);
	release(0, "a+");
	ck_assert_int_eq(turn(), 0);
	release(1, "a+");
	ck_assert(objects_turn(world.objects));
	assert_ready(2);
	ck_assert_int_eq(tasks[3].ready, 0);
}
END_TEST

START_TEST(what_a_called_task_does_not_take_is_offered_to_the_next)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "b", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(take(0, "a b"), OBJECT_WAITING);
	ck_assert_int_eq(take(1, "a"), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "a", EXCLUSIVE, 2), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert(objects_turn(world.objects));
	assert_ready(0);
	ck_assert_int_eq(take(0, "a b"), OBJECT_WAITING);
	ck_assert_str_eq(LOCK("b"), "2 | t100");
	ck_assert(objects_turn(world.objects));
	assert_ready(1);
	ck_assert(!objects_turn(world.objects)); /* nobody starts him */
	ck_assert(!objects_settle(world.objects));
	assert_told(2, OBJECT_DONE);
}
END_TEST

START_TEST(behind_those_who_were_served_there_may_be_something_for_tasks)
{
	ck_assert_int_eq(semaphore_take(0, "s", 2, 2, NONE), OBJECT_DONE);
	ck_assert_int_eq(take(0, "s*2"), OBJECT_WAITING);
	ck_assert_int_eq(semaphore_take(1, "s", 2, 1, 1), OBJECT_WAITING);
	ck_assert_int_eq(take(1, "s*1"), OBJECT_WAITING);
	ck_assert_int_eq(semaphore_give(0, "s", 2), OBJECT_DONE);
	ck_assert(objects_turn(world.objects));
	assert_ready(0);
	ck_assert(!objects_turn(world.objects));
	assert_not_told(1);
	ck_assert(objects_settle(world.objects));
	assert_told(1, OBJECT_DONE);
	ck_assert(objects_turn(world.objects));
	assert_ready(1);
}
END_TEST

START_TEST(the_death_of_a_task_is_told_and_its_orderly_end_is_not)
{
	ck_assert_int_eq(take(0, "a s*1"), OBJECT_DONE);
	object_owner_end(&tasks[0].owner);
	ck_assert_int_eq(take(1, "s*1 a"), OBJECT_DONE);
	ck_assert(tasks[1].ticket.holder_died);
	release(1, "s*1 a");
	ck_assert_int_eq(take(2, "a s*1"), OBJECT_DONE);
	ck_assert(!tasks[2].ticket.holder_died);
}
END_TEST

START_TEST(a_task_that_had_its_claims_is_the_last_again)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(take(0, "a"), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert(objects_turn(world.objects));
	ck_assert_int_eq(take(0, "a"), OBJECT_DONE);
	objects_settle(world.objects);
	ck_assert_int_eq(lock_take(1, NULL, "a", SHARED, 1), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "a", EXCLUSIVE, 2), OBJECT_WAITING);
	release(0, "a"); /* and it is tried once more */
	assert_told(1, OBJECT_DONE);
	ck_assert_int_eq(take(0, "a+"), OBJECT_WAITING);
	ck_assert_str_eq(LOCK("a"), "2s | 3 t100s");
}
END_TEST

START_TEST(a_ticket_that_is_dropped_lets_the_others_pass)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", SHARED, NONE), OBJECT_DONE);
	ck_assert_int_eq(take(0, "a"), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(1, NULL, "a", SHARED, 1), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "a", SHARED, NONE), OBJECT_WOULD_WAIT);
	object_ticket_drop(&tasks[0].ticket);
	assert_told(1, OBJECT_DONE);
	object_ticket_drop(&tasks[0].ticket); /* again: nothing */
	/* And while it is being offered something. */
	ck_assert_int_eq(take(0, "a"), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "a", SHARED, 2), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert_int_eq(lock_give(1, NULL, "a"), OBJECT_DONE);
	object_ticket_drop(&tasks[0].ticket);
	assert_told(2, OBJECT_DONE);
	ck_assert_int_eq(turn(), 0);
}
END_TEST

START_TEST(a_new_attempt_takes_the_ticket_off_where_it_was)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(take(0, "a"), OBJECT_WAITING);
	ck_assert_int_eq(take(0, "a"), OBJECT_WAITING);
	ck_assert_uint_eq(object_view_of(OBJECT_LOCK, "a").claims, 1);
	ck_assert_int_eq(take(0, "b"), OBJECT_DONE);
	ck_assert_uint_eq(object_view_of(OBJECT_LOCK, "a").claims, 0);
}
END_TEST

START_TEST(what_can_never_be_had_is_said_when_it_is_checked)
{
	ck_assert_int_eq(check("a b+ s*1 t*3/3"), OBJECT_DONE);
	ck_assert_int_eq(check("s*2"), OBJECT_MISMATCH); /* made now, it has one */
	ck_assert_int_eq(check("s*4/3"), OBJECT_MISMATCH);
	ck_assert_int_eq(check("a b a+"), OBJECT_MISMATCH);
	ck_assert_ptr_nonnull(strstr(world.problem.text, "twice"));
	ck_assert_int_eq(check("a a*1"), OBJECT_DONE); /* a lock and a semaphore */
	semaphore_configure(world.objects, "gpu", 4);
	ck_assert_int_eq(check("gpu*4"), OBJECT_DONE);
	ck_assert_int_eq(check("gpu*5"), OBJECT_MISMATCH);
	ck_assert_int_eq(check("gpu*1/3"), OBJECT_MISMATCH);
	semaphore_configure(world.objects, "gpu", 0);
}
END_TEST

START_TEST(what_was_possible_may_no_longer_be_when_it_is_taken)
{
	semaphore_configure(world.objects, "gpu", 4);
	ck_assert_int_eq(take(0, "a gpu*4"), OBJECT_DONE);
	ck_assert_int_eq(take(1, "b gpu*4"), OBJECT_WAITING);
	semaphore_configure(world.objects, "gpu", 2);
	ck_assert_int_eq(take(1, "b gpu*4"), OBJECT_MISMATCH);
	ck_assert_str_ne(world.problem.text, "");
	ck_assert(!object_is_there(OBJECT_LOCK, "b"));
	ck_assert_ptr_null(tasks[1].ticket.object);
	semaphore_configure(world.objects, "gpu", 0);
}
END_TEST

START_TEST(all_new_objects_have_room_or_none_is_made)
{
	objects_set_limits(world.objects, &(struct object_limits){ .objects = 3 });
	ck_assert_int_eq(take(0, "a"), OBJECT_DONE);
	ck_assert_int_eq(take(1, "b c s*1"), OBJECT_TOO_MANY);
	ck_assert_ptr_nonnull(strstr(world.problem.text, "limit"));
	ck_assert_uint_eq(objects_count(world.objects, OBJECT_LOCK), 1);
	ck_assert_ptr_null(tasks[1].ticket.object);
	ck_assert_int_eq(take(1, "b c"), OBJECT_DONE);
}
END_TEST

START_TEST(room_is_not_made_of_what_is_claimed_itself)
{
	objects_set_limits(world.objects, &(struct object_limits){ .objects = 2 });
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(0, NULL, "b", EXCLUSIVE, NONE), OBJECT_DONE);
	object_owner_end(&world.owners[0]); /* two marks */
	ck_assert_int_eq(take(0, "c a d"), OBJECT_TOO_MANY);
	ck_assert(object_is_there(OBJECT_LOCK, "b"));
	ck_assert_int_eq(take(0, "c a"), OBJECT_DONE);
	ck_assert(tasks[0].ticket.holder_died);
	ck_assert(!object_is_there(OBJECT_LOCK, "b"));
	assert_sound();
}
END_TEST

START_TEST(a_task_that_has_taken_a_lock_again_gives_back_as_often_as_it_claimed)
{
	struct lock_request request = {
		.name = name_of("a"), .holder = { .owner = &tasks[0].owner }, .reentrant = true
	};

	ck_assert_int_eq(take(0, "a"), OBJECT_DONE);
	ck_assert_int_eq(lock_acquire(world.objects, &request, NULL, &world.grant, &world.problem), OBJECT_DONE);
	ck_assert_int_eq(world.grant.depth, 2);
	release(0, "a");
	ck_assert_str_eq(LOCK("a"), "t100");
	release(0, "a");
	release(0, "a");
	ck_assert(!object_is_there(OBJECT_LOCK, "a"));
}
END_TEST

#define MANY 20000

START_TEST(very_many_tasks_may_wait_for_one_lock)
{
	struct task *many = calloc(MANY, sizeof(*many));
	struct object_claim claim = { .kind = OBJECT_LOCK, .name = name_of("a"), .count = 1, .slots = -1 };
	int bad = 0;

	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	for (int i = 0; i < MANY; i++) {
		object_owner_begin(world.objects, &many[i].owner, OWNER_TASK, 1000 + (uint64_t)i, 1000, 0);
		many[i].ticket = (struct object_ticket){ .ready = ready, .level = i % 7, .place = (uint64_t)i };
		bad += claims_take(world.objects, &many[i].owner, &claim, 1, &many[i].ticket, &world.problem) !=
			OBJECT_WAITING;
	}
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	for (int level = 6; level >= 0; level--)
		for (int i = level; i < MANY; i += 7) {
			bad += !objects_turn(world.objects) || many[i].ready != 1;
			bad += claims_take(world.objects, &many[i].owner, &claim, 1, &many[i].ticket, &world.problem) !=
				OBJECT_DONE;
			bad += objects_turn(world.objects) || objects_settle(world.objects);
			object_owner_end(&many[i].owner);
		}
	ck_assert_int_eq(bad, 0);
	free(many);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("object_claim");
	TCase *tcase = tcase_create("claim");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_task_has_all_that_it_claims);
	tcase_add_test(tcase, a_task_that_lacks_something_holds_nothing);
	tcase_add_test(tcase, who_came_first_goes_first_a_task_or_another);
	tcase_add_test(tcase, a_task_that_nobody_starts_keeps_nobody_waiting);
	tcase_add_test(tcase, a_task_that_came_first_takes_it_though_another_waits_by_now);
	tcase_add_test(tcase, the_first_by_rank_goes_first_among_tasks);
	tcase_add_test(tcase, an_urgent_task_has_the_place_of_another_and_nobody_elses);
	tcase_add_test(tcase, a_task_does_not_overtake_one_of_higher_rank_who_waits);
	tcase_add_test(tcase, tasks_that_fit_together_are_called_together);
	tcase_add_test(tcase, what_a_called_task_does_not_take_is_offered_to_the_next);
	tcase_add_test(tcase, behind_those_who_were_served_there_may_be_something_for_tasks);
	tcase_add_test(tcase, the_death_of_a_task_is_told_and_its_orderly_end_is_not);
	tcase_add_test(tcase, a_task_that_had_its_claims_is_the_last_again);
	tcase_add_test(tcase, a_ticket_that_is_dropped_lets_the_others_pass);
	tcase_add_test(tcase, a_new_attempt_takes_the_ticket_off_where_it_was);
	tcase_add_test(tcase, what_can_never_be_had_is_said_when_it_is_checked);
	tcase_add_test(tcase, what_was_possible_may_no_longer_be_when_it_is_taken);
	tcase_add_test(tcase, all_new_objects_have_room_or_none_is_made);
	tcase_add_test(tcase, room_is_not_made_of_what_is_claimed_itself);
	tcase_add_test(tcase, a_task_that_has_taken_a_lock_again_gives_back_as_often_as_it_claimed);
	tcase_add_test(tcase, very_many_tasks_may_wait_for_one_lock);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
