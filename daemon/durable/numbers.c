/* What was given out must never be given out again, also where the machine stops a moment later: so a range is reserved
 * on disk ahead, and the next one is asked for when half of that is used. A stop in order puts down where it ended.
 *
 * Nobody outside is told places, but those that are on disk must be below all that are given out after a restart. They
 * follow the clock, so they are reserved by time, and only where one of them is put down. */
#include "durable/internal.h"

#define STEP_LEAST 10000
#define STEP_PLACES ((uint64_t)(10 * NS_PER_S))
#define RATE_NS NS_PER_S
#define HOLD_NS NS_PER_S /* a disk that takes longer than that is not waited for by those who want nothing of it */

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t step(uint64_t rate)
{
	return larger(rate, STEP_LEAST);
}

static void put(struct durable *durable, const struct core_numbers *numbers)
{
	const struct store_ids ids = { numbers->id, numbers->place, numbers->fence };
	uint64_t seq = durable_put(durable, STORE_IDS, 0, &ids, false);
	if (!seq)
		return;
	durable->numbers.asked = *numbers;
	durable->numbers.seq = seq;
}

static void ask(struct durable *durable, const struct core_numbers *now)
{
	const struct numbers *numbers = &durable->numbers;
	put(durable, &(struct core_numbers){
		.id = larger(numbers->asked.id, now->id + step(numbers->rate.id)),
		.place = larger(numbers->asked.place, now->place + STEP_PLACES),
		.fence = larger(numbers->asked.fence, now->fence + step(numbers->rate.fence)),
	});
}

void numbers_open(struct durable *durable, const struct store_opened *opened)
{
	struct core_numbers now = { opened->next_id, opened->next_place, opened->next_fence };
	core_set_numbers(durable->host.core, &now);
	core_numbers(durable->host.core, &now);
	durable->numbers.taken = now;
	durable->numbers.taken_ns = core_now(durable->host.core);
	ask(durable, &now);
}

/* What a second has taken: as fast as that grows, and slower where it falls. */
static uint64_t rate_of(uint64_t before, uint64_t now, uint64_t rate, int64_t span_ns)
{
	double seconds = (double)span_ns / (double)NS_PER_S;
	return larger((uint64_t)((double)(now - before) / seconds), rate / 2);
}

static void measure(struct durable *durable, const struct core_numbers *now)
{
	struct numbers *numbers = &durable->numbers;
	int64_t now_ns = core_now(durable->host.core), span_ns = now_ns - numbers->taken_ns;
	if (span_ns < RATE_NS)
		return;
	numbers->rate.id = rate_of(numbers->taken.id, now->id, numbers->rate.id, span_ns);
	numbers->rate.fence = rate_of(numbers->taken.fence, now->fence, numbers->rate.fence, span_ns);
	numbers->taken = *now;
	numbers->taken_ns = now_ns;
}

static bool is_low(uint64_t asked, uint64_t now, uint64_t rate)
{
	return now + step(rate) / 2 >= asked;
}

static bool are_below(const struct core_numbers *a, const struct core_numbers *b)
{
	return a->id <= b->id && a->fence <= b->fence;
}

void numbers_turn(struct durable *durable)
{
	const struct numbers *numbers = &durable->numbers;
	struct core_numbers now;
	if (!durable->opened || durable->stopped)
		return;
	core_numbers(durable->host.core, &now);
	measure(durable, &now);
	/* One request at a time, or, where more was given out than that would cover, another. */
	if (numbers->seq && are_below(&now, &numbers->asked))
		return;
	if (is_low(numbers->asked.id, now.id, numbers->rate.id) ||
		is_low(numbers->asked.fence, now.fence, numbers->rate.fence))
		ask(durable, &now);
}

void numbers_cover(struct durable *durable)
{
	struct core_numbers now;
	core_numbers(durable->host.core, &now);
	if (!are_below(&now, &durable->numbers.asked) || now.place > durable->numbers.asked.place)
		ask(durable, &now);
}

void numbers_confirmed(struct durable *durable, uint64_t seq)
{
	struct numbers *numbers = &durable->numbers;
	if (!numbers->seq || seq < numbers->seq)
		return;
	numbers->sure = numbers->asked;
	numbers->seq = 0;
}

bool numbers_are_sure(const struct durable *durable)
{
	struct core_numbers now;
	core_numbers(durable->host.core, &now);
	return are_below(&now, &durable->numbers.sure);
}

void numbers_write(struct durable *durable)
{
	struct core_numbers now;
	core_numbers(durable->host.core, &now);
	put(durable, &now);
}

bool numbers_hold(struct durable *durable)
{
	struct numbers *numbers = &durable->numbers;
	int64_t now_ns = core_now(durable->host.core);
	if (numbers_are_sure(durable))
		numbers->unsure_ns = 0;
	else if (!numbers->unsure_ns)
		numbers->unsure_ns = now_ns;
	return numbers->unsure_ns && now_ns - numbers->unsure_ns < HOLD_NS;
}

int64_t numbers_next_ns(const struct durable *durable)
{
	int64_t unsure_ns = durable->numbers.unsure_ns;
	return unsure_ns && core_now(durable->host.core) - unsure_ns < HOLD_NS ? unsure_ns + HOLD_NS : CLOCK_NEVER;
}
