/* The model test: operations on tasks. The model says beforehand what each of them does. */
#include "model_world.h"

#include <stdio.h>
#include <string.h>

#include "object/object.h"

/* The core draws lots for pauses: within what the model allows. */
void follow_retry(uint64_t id)
{
	struct model_task *twin = &model.tasks[id];

	if (twin->state != TASK_SCHEDULED || !twin->latest_ns)
		return;
	int64_t due_ns = find_task(id)->due_ns;
	CHECK(due_ns >= twin->earliest_ns && due_ns <= twin->latest_ns, "%llu is tried again at %lld, not %lld-%lld",
		(unsigned long long)id, (long long)due_ns, (long long)twin->earliest_ns, (long long)twin->latest_ns);
	twin->due_ns = due_ns;
	twin->latest_ns = 0;
	world.n_retried++;
}

uint64_t random_id(void)
{
	return model.n_live ? model.live[pick((long)model.n_live)] : 0;
}

static struct task_ref random_ref(size_t count)
{
	struct task_ref ref = { .id = random_id() };

	if (count && chance(60))
		return (struct task_ref){ .index = (size_t)pick((long)count) };
	if (chance(50) && model.last_id > 30)
		ref.id = model.last_id - (uint64_t)pick(30); /* which may be forgotten */
	if (!ref.id || chance(3))
		ref.id = model.last_id + 1000;
	return ref;
}

static struct task_retry random_retry(void)
{
	static const double factors[] = { 1, 1.5, 2 };
	struct task_retry retry = {
		.retries = 1 + (uint32_t)pick(4), .on = (unsigned)pick(8), .backoff_ns = pick(5000) * NS_PER_US,
		.factor = factors[pick(3)], .jitter = chance(50) ? 0 : (double)pick(101) / 100,
	};

	retry.backoff_max_ns = retry.backoff_ns * (1 + pick(4)) + 1;
	return retry;
}

static void random_claims(uint8_t claims[MODEL_OBJECTS])
{
	do {
		int object = (int)pick(MODEL_OBJECTS);

		claims[object] = object < MODEL_LOCKS ? (chance(40) ? MODEL_SHARED : MODEL_EXCLUSIVE)
						      : (uint8_t)(1 + pick(model_slots(object)));
	} while (chance(35));
}

/* COUNT: of the batch; 0: none. */
static struct model_spec random_spec(size_t count)
{
	struct model_spec spec = {
		.queue = random_queue(), .type = (int)pick(TYPES), .owner = 1000 + (uint32_t)pick(MODEL_OWNERS),
		.priority = (int32_t)pick(4) - 1, .size = chance(40) ? 0 : 1 + (size_t)pick(100),
		.timeout_ns = chance(35) ? (1 + pick(6000)) * NS_PER_US : 0, .tag = chance(20) ? 1 + (int)pick(4) : 0,
	};

	if (chance(15))
		spec.expires_ns = model.now_ns + pick(30) * MS - MS;
	if (chance(20)) {
		spec.wall = chance(30);
		spec.due_ns = (spec.wall ? model.wall_ns : model.now_ns) + pick(30000) * NS_PER_US - 5 * MS;
	}
	if (chance(35))
		spec.retry = random_retry();
	if (chance(15)) {
		spec.key = 1 + (int)pick(6);
		spec.key_mode = (enum key_mode)pick(4);
	}
	if (chance(count ? 50 : 20))
		for (spec.n_after = 0; spec.n_after < MODEL_REFS && (spec.n_after == 0 || chance(40));)
			spec.after[spec.n_after++] = random_ref(count);
	if (chance(10))
		for (spec.n_any = 0; spec.n_any < MODEL_REFS && (spec.n_any == 0 || chance(40));)
			spec.any[spec.n_any++] = random_ref(count);
	spec.pass_results = chance(40);
	if (chance(world.seed % 2 ? 15 : 50))
		random_claims(spec.claims);
	return spec;
}

struct words {
	char key[12], tag[12], names[MODEL_OBJECTS][OBJECT_NAME];
	struct object_claim claims[MODEL_OBJECTS];
};

static size_t core_claims_of(const struct model_spec *spec, struct words *words)
{
	size_t n = 0;

	for (int object = 0; object < MODEL_OBJECTS; object++) {
		bool lock = object < MODEL_LOCKS;

		if (!spec->claims[object])
			continue;
		name_object(words->names[object], object);
		words->claims[n++] = (struct object_claim){
			.kind = lock ? OBJECT_LOCK : OBJECT_SEMAPHORE, .name = { words->names[object], 2 },
			.shared = lock && spec->claims[object] == MODEL_SHARED, .count = lock ? 0 : spec->claims[object],
			.slots = lock ? 0 : model_slots(object),
		};
	}
	return n;
}

/* What the core is told; WORDS live as long as that. */
static struct task_spec core_spec(const struct model_spec *spec, struct words *words)
{
	snprintf(words->key, sizeof(words->key), "k%d", spec->key);
	snprintf(words->tag, sizeof(words->tag), "t%d", spec->tag);
	return (struct task_spec){
		.type = world.types[spec->type], .queue = world.queues[spec->queue], .args = make_bytes(spec->size),
		.priority = spec->priority, .owner = spec->owner, .items = chance(10) ? 5 : 0, .timeout_ns = spec->timeout_ns,
		.expires_ns = spec->expires_ns, .due_ns = spec->due_ns, .wall = spec->wall, .pass_results = spec->pass_results,
		.tag = spec->tag ? words->tag : NULL, .tag_length = strlen(words->tag),
		.key = spec->key ? words->key : NULL, .key_length = strlen(words->key), .key_mode = spec->key_mode,
		.retry = spec->retry.retries ? &spec->retry : NULL,
		.after = spec->after, .n_after = spec->n_after, .after_any = spec->any, .n_after_any = spec->n_any,
		.claims = words->claims, .n_claims = core_claims_of(spec, words),
	};
}

static void say_spec(const struct model_spec *spec, uint64_t id, int status)
{
	char refs[80] = "";

	for (size_t i = 0; i < spec->n_after + spec->n_any; i++) {
		const struct task_ref *ref = i < spec->n_after ? &spec->after[i] : &spec->any[i - spec->n_after];
		size_t length = strlen(refs);

		snprintf(refs + length, sizeof(refs) - length, " %s%s%llu", i < spec->n_after ? "" : "~", ref->id ? "" : "#",
			(unsigned long long)(ref->id ? ref->id : ref->index));
	}
	for (int object = 0; object < MODEL_OBJECTS; object++)
		if (spec->claims[object])
			snprintf(refs + strlen(refs), sizeof(refs) - strlen(refs), " %c%d:%d", object < MODEL_LOCKS ? 'l' : 's', object,
				spec->claims[object]);
	note("submit %llu: %d, queue %d prio %d size %zu key %d/%d due %lld exp %lld after%s", (unsigned long long)id, status,
		spec->queue, spec->priority, spec->size, spec->key, spec->key_mode,
		(long long)(spec->due_ns ? (spec->due_ns - (spec->wall ? model.wall_ns : model.now_ns)) / NS_PER_US : 0),
		(long long)(spec->expires_ns ? (spec->expires_ns - model.now_ns) / NS_PER_US : 0), refs);
}

void do_submit(void)
{
	struct model_spec twin = random_spec(0);
	struct words words;
	struct task_spec spec = core_spec(&twin, &words);
	struct task *task;
	uint64_t id;
	int wanted = model_submit(&model, &twin, &id);

	say_spec(&twin, id, wanted);
	world.last_joined = 0;
	SAME(core_submit(world.core, &spec, &task), wanted, "the answer about", id);
	SAME(task ? task->id : 0, id, "the task of the answer", id);
	bytes_unref(spec.args);
}

static void compare_refusal(const struct model_spec *twins, size_t count, int status, const size_t culprits[2],
	uint64_t missing)
{
	const struct model_spec *twin = &twins[culprits[0]];

	if (status == CORE_CYCLE)
		CHECK(model_in_circle(&model, twins, count, culprits[0]), "%zu is in no circle", culprits[0]);
	else
		SAME(culprits[0], culprits[1], "culprit", 0);
	if (status == CORE_NO_DEPENDENCY || status == CORE_LOST_DEPENDENCY)
		CHECK((depends_on(twin->after, twin->n_after, missing) || depends_on(twin->any, twin->n_any, missing)) &&
			(missing > model.last_id || !model.tasks[missing].exists), "%llu is not missing",
			(unsigned long long)missing);
}

void do_batch(void)
{
	size_t count = 1 + (size_t)pick(6), culprits[2];
	struct model_spec twins[6];
	struct words words[6];
	struct task_spec specs[6];
	struct task *out[6];
	uint64_t ids[6], missing;

	for (size_t i = 0; i < count; i++) {
		twins[i] = random_spec(count);
		specs[i] = core_spec(&twins[i], &words[i]);
	}
	int wanted = model_batch(&model, twins, count, ids, &culprits[1]);
	for (size_t i = 0; i < count; i++)
		say_spec(&twins[i], wanted ? i : ids[i], wanted);
	world.last_joined = 0;
	int status = core_submit_batch(world.core, specs, count, out, &culprits[0], &missing);
	SAME(status, wanted, "the answer about a batch", 0);
	for (size_t i = 0; i < count; i++) {
		if (!status)
			SAME(out[i]->id, ids[i], "the batch's task", ids[i]);
		bytes_unref(specs[i].args);
	}
	if (status)
		compare_refusal(twins, count, status, culprits, missing);
}

void do_retry(uint64_t id)
{
	struct task *task;
	uint64_t twin;
	int wanted = model_retry(&model, id, &twin);

	note("retry %llu: %d, %llu", (unsigned long long)id, wanted, (unsigned long long)twin);
	world.last_joined = 0;
	SAME(core_retry(find_task(id), &task), wanted, "the answer about a retry", id);
	SAME(task ? task->id : 0, twin, "the retry", id);
}

void do_cancel(uint64_t id)
{
	bool wanted = model_cancel(&model, id);

	note("cancel %llu", (unsigned long long)id);
	SAME(core_cancel(find_task(id)), wanted, "the end by cancel", id);
	SAME(core_cancel(find_task(id)), wanted, "the end by a second cancel", id);
}

void do_forget(uint64_t id)
{
	bool over = model_over(&model.tasks[id]);

	note("forget %llu", (unsigned long long)id);
	SAME(core_forget(find_task(id)), over, "the forgetting", id);
	if (over)
		model_drop(&model, id);
	SAME(!find_task(id), over, "the absence", id);
}

void do_fetch(uint64_t id)
{
	struct model_task *twin = &model.tasks[id];

	core_task_fetched(find_task(id));
	if (model_over(twin) && !twin->fetched) {
		twin->fetched = true;
		twin->fetched_ns = model.now_ns;
	}
}
