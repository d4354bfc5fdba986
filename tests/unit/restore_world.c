/* A core to which tasks come back: see restore_world.h. */
#include "restore_world.h"

struct toy toy;
struct toy_slot *slot;

void restore_begin(void)
{
	toy_init(&toy);
	slot = toy_slot_new(&toy);
	core_set_numbers(toy.core, &(struct core_numbers){ .id = FIRST_NEW, .place = 1000, .fence = 77 });
}

void restore_end(void)
{
	toy_fini(&toy);
	free(slot);
}

struct core_restored waiting(uint64_t id, enum task_state state)
{
	return (struct core_restored){
		.id = id,
		.place = id,
		.spec = { .type = toy.type, .queue = toy.queue },
		.state = state,
		.attempt = 1,
		.submitted_ns = LONG_AGO,
	};
}

struct core_restored ended(uint64_t id, enum task_state state, int64_t ended_ns)
{
	struct core_restored restored = waiting(id, state);

	restored.started_ns = restored.ended_ns = ended_ns;
	restored.tried = true;
	restored.outcome = calloc(1, sizeof(*restored.outcome));
	restored.outcome->state = state;
	return restored;
}

struct task *restore(struct core_restored restored)
{
	struct task *task;

	ck_assert(core_restore(toy.core, &restored));
	ck_assert_int_eq(core_find(toy.core, restored.id, &task), CORE_FOUND);
	ck_assert(task->recovered && task->durable && task->on_disk);
	return task;
}

struct task *find(uint64_t id)
{
	struct task *task;

	ck_assert_int_eq(core_find(toy.core, id, &task), CORE_FOUND);
	return task;
}

void restore_done(void)
{
	core_restore_done(toy.core);
	toy_turn(&toy);
}

void expect_state(const struct task *task, enum task_state state)
{
	ck_assert_str_eq(task_state_name(task->state), task_state_name(state));
}

void expect_told(int n, const struct task *task, enum core_record what)
{
	ck_assert_int_eq(toy.n_told, n);
	ck_assert_uint_eq(toy.told[n - 1].id, task->id);
	ck_assert_int_eq(toy.told[n - 1].what, what);
}
