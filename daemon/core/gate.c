/* Which queue may start something now. A queue is in its pool's heap only while it may: so whoever looks for the next
 * task looks at the top and nowhere else, however many queues are paused, at their limits, or ahead of their rates.
 * Among those that may and whose first tasks have equal priorities, each gets its share by stride scheduling: a start
 * costs a queue so much of its pass as its weight is small, and the lowest pass is next. Each priority has passes of its
 * own, and a clock that stands at the pass of its latest start; so what runs at one priority moves no share at another.
 */
#include "core/internal.h"

#define STRIDE 720720u /* weights up to 16 divide it, so those shares are exact; in 64 bits it lasts for 10^13 starts */
#define LONGEST_NS (INT64_MAX / 4) /* so that sums of some of them do not overflow */

/* --- rates: the generic cell rate algorithm, in which `rate_ns` is the theoretical arrival time --- */

static int64_t interval_ns(const struct core_queue *queue)
{
	double interval = (double)NS_PER_S / queue->figures.options.rate;

	if (interval >= (double)LONGEST_NS)
		return LONGEST_NS;
	int64_t whole_ns = (int64_t)interval;
	return (double)whole_ns < interval ? whole_ns + 1 : whole_ns; /* rather a little slower than too fast */
}

/* How much earlier than at its rate a start may come, because there were fewer before. */
static int64_t tolerance_ns(const struct core_queue *queue, int64_t each_ns)
{
	uint32_t burst = queue->figures.options.burst;
	int64_t tolerance;

	if (burst <= 1)
		return 0;
	if (__builtin_mul_overflow(each_ns, (int64_t)burst - 1, &tolerance) || tolerance > LONGEST_NS)
		return LONGEST_NS;
	return tolerance;
}

/* When its rate allows the next start. */
static int64_t next_start_ns(const struct core_queue *queue)
{
	return queue->rate_ns - tolerance_ns(queue, interval_ns(queue));
}

/* What starts at an older rate have spent is no more than a burst at this one. */
static void rate_limit_debt(struct core_queue *queue)
{
	int64_t each_ns = interval_ns(queue);
	int64_t latest_ns = queue->core->now_ns + tolerance_ns(queue, each_ns) + each_ns;

	if (queue->rate_ns > latest_ns)
		queue->rate_ns = latest_ns;
}

static void rate_spend(struct core_queue *queue)
{
	int64_t from_ns = queue->rate_ns > queue->core->now_ns ? queue->rate_ns : queue->core->now_ns;

	queue->rate_ns = from_ns + interval_ns(queue);
}

/* --- weights --- */

static uint64_t stride(const struct core_queue *queue)
{
	uint32_t weight = queue->figures.options.weight;

	if (weight <= 1)
		return STRIDE;
	return weight < STRIDE ? STRIDE / weight : 1;
}

static uint32_t clock_of(int32_t priority)
{
	return (uint32_t)priority % POOL_CLOCKS;
}

static void weight_spend(struct core_queue *queue)
{
	uint64_t *clock = &queue->pool->clocks[clock_of(queue->level)];
	uint64_t *pass = &queue->passes[clock_of(queue->level)];

	if (*clock < *pass)
		*clock = *pass;
	*pass += stride(queue);
}

static void weight_refund(struct core_queue *queue, int32_t priority)
{
	uint64_t *pass = &queue->passes[clock_of(priority)];
	uint64_t each = stride(queue);

	*pass -= *pass < each ? *pass : each;
}

/* QUEUE's first task is of this priority from now on. Who was away has saved nothing up. */
static void weight_enter(struct core_queue *queue, int32_t priority)
{
	const uint64_t *clock = &queue->pool->clocks[clock_of(priority)];
	uint64_t *pass = &queue->passes[clock_of(priority)];

	queue->level = priority;
	if (*pass < *clock)
		*pass = *clock;
}

/* --- the gate --- */

static void leave(struct heap *heap, struct heap_node *node)
{
	if (heap_has(node))
		heap_remove(heap, node);
}

static bool may_start(const struct core_queue *queue)
{
	const struct core_queue_figures *figures = &queue->figures;
	const struct core_queue_options *options = &figures->options;

	return heap_top(&queue->order) && !figures->paused &&
		(options->limit_running == 0 || figures->running < options->limit_running);
}

static void open_gate(struct core_queue *queue)
{
	int32_t priority = queue_first_level(queue);

	if (!heap_has(&queue->node) || queue->level != priority)
		weight_enter(queue, priority);
	heap_set(&queue->pool->waiting, &queue->node, -(int64_t)priority, queue->passes[clock_of(priority)]);
}

void gate_update(struct core_queue *queue)
{
	struct core *core = queue->core;
	int64_t due_ns;

	if (!may_start(queue)) {
		leave(&core->gates, &queue->timer);
		leave(&queue->pool->waiting, &queue->node);
	} else if (queue->figures.options.rate > 0 && (due_ns = next_start_ns(queue)) > core->now_ns) {
		heap_set(&core->gates, &queue->timer, due_ns, 0);
		leave(&queue->pool->waiting, &queue->node);
	} else {
		leave(&core->gates, &queue->timer);
		open_gate(queue);
	}
}

void gate_set(struct core_queue *queue)
{
	if (queue->figures.options.rate > 0)
		rate_limit_debt(queue);
	gate_update(queue);
}

void gate_start(struct core_queue *queue)
{
	weight_spend(queue);
	if (queue->figures.options.rate > 0)
		rate_spend(queue);
}

void gate_undo(struct core_queue *queue, const struct task *task)
{
	weight_refund(queue, queue_level(queue, task));
	if (queue->figures.options.rate > 0)
		queue->rate_ns -= interval_ns(queue);
	gate_update(queue);
}

void gate_turn(struct core *core)
{
	struct heap_node *top;

	while ((top = heap_top(&core->gates)) && top->key <= core->now_ns)
		gate_update(heap_entry(top, struct core_queue, timer));
}

int64_t gate_next_ns(const struct core *core)
{
	const struct heap_node *top = heap_top(&core->gates);

	return top ? top->key : CLOCK_NEVER;
}
