/* The whole: what the core tells goes to the store, and what the store says of it back to the core. Nothing here waits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "config/config.h"
#include "durable/internal.h"

#define DRIFT_NS (100 * NS_PER_US)

/* How far the wall clock is before the other. That changes only when it is set: as it is measured, it is less by what
 * passes between the two looks, which may be a millisecond where a processor is shared, and then what was put down in two
 * turns would seem to have happened in the other order. */
void durable_take_time(struct durable *durable)
{
	int64_t least_ns = INT64_MAX, lead_ns = 0;
	for (int i = 0; i < 5; i++) {
		int64_t before_ns = clock_mono_ns(), wall_ns = clock_wall_ns(), after_ns = clock_mono_ns();
		if (durable->lead_ns >= wall_ns - after_ns - DRIFT_NS && durable->lead_ns <= wall_ns - before_ns + DRIFT_NS)
			return;
		if (after_ns - before_ns >= least_ns)
			continue;
		least_ns = after_ns - before_ns;
		lead_ns = wall_ns - before_ns - least_ns / 2;
	}
	durable->lead_ns = lead_ns;
}

uint64_t durable_put(struct durable *durable, enum store_message message, uint64_t id, const void *body, bool chained)
{
	return durable->stopped || !durable->client ? 0 : store_client_put(durable->client, message, id, body, chained);
}

/* --- what the core tells --- */

static void wait_for(struct durable *durable, const struct task *task, uint64_t seq)
{
	if (seq)
		confirms_add(&durable->confirms, (struct confirm){ .seq = seq, .id = task->id });
}

/* A run of a schedule and the schedule's figures, which follow at once, are one: else it might be made again. */
static bool is_run(const struct task *task)
{
	return task->extra && task->extra->schedule;
}

void durable_record(struct durable *durable, struct task *task, enum core_record what, bool more)
{
	uint64_t seq;
	if (what != RECORD_FORGOTTEN && what != RECORD_ENDED)
		numbers_cover(durable);
	if (what == RECORD_STATE && starts_put_off(durable, task))
		return;
	starts_forget(durable, task->id);
	switch (what) {
	case RECORD_SUBMITTED:
		seq = write_task(durable, task, more || is_run(task));
		wait_for(durable, task, seq);
		if (!seq)
			ids_add(&durable->refused, task->id);
		break;
	case RECORD_STARTED:
		if (!task->on_interrupt_crash) /* else that was put down before */
			write_start(durable, task);
		break;
	case RECORD_STATE:
		write_state(durable, task, false);
		break;
	case RECORD_ATTEMPT:
		write_state(durable, task, true);
		break;
	case RECORD_ENDED:
		wait_for(durable, task, write_end(durable, task));
		break;
	case RECORD_FORGOTTEN:
		durable_put(durable, STORE_TASK_FORGET, task->id, NULL, false);
		break;
	}
}

/* --- life --- */

static uint64_t random_number(void)
{
	uint64_t number;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number) || number == 0)
		number = (uint64_t)clock_wall_ns();
	return number;
}

static struct store_limits limits_of(const struct config *config)
{
	return (struct store_limits){
		.history_ttl_ns = config->history_ttl,
		.history_count = (uint64_t)config->history_count,
	};
}

static struct store_open open_of(const struct durable *durable)
{
	const struct config *config = durable->config;
	int64_t now_ns = clock_wall_ns();
	return (struct store_open){
		.directory = text_of(durable->directory),
		.session = random_number(),
		.put_aside = config->store_damaged != 0,
		.limits = limits_of(config),
		.keep = {
			.success_after_ns = now_ns - config->result_ttl,
			.failure_after_ns = now_ns - config->failure_ttl,
			.count = (uint64_t)config->result_count,
			.bytes = (uint64_t)config->result_bytes,
		},
	};
}

struct durable *durable_new(const struct durable_host *host, const struct durable_options *options,
	const struct config *config)
{
	struct durable *durable = xcalloc(1, sizeof(*durable));
	durable->host = *host;
	durable->config = config;
	durable->directory = xstrdup(options->directory);
	durable->program = options->program ? xstrdup(options->program) : NULL;
	starts_init(&durable->starts);
	queues_init(durable);
	vocabulary_init(&durable->words);
	read_init(durable);
	durable_take_time(durable);
	return durable;
}

int durable_open(struct durable *durable, int alive_fd, char **error)
{
	struct store_events events;
	hear_fill(&events, durable);
	const struct store_client_options client = {
		.program = durable->program,
		.open = open_of(durable),
		.alive_fd = alive_fd,
		.core_dumps = durable->config->core_dumps,
		.backlog_limit = SIZE_MAX, /* durable_may_submit looks at it: a reload may change it */
	};
	if (mkdir(durable->directory, 0700) < 0 && errno != EEXIST) {
		*error = xasprintf("the state directory %s cannot be made: %s", durable->directory, strerror(errno));
		return -1;
	}
	durable->client = store_client_new(&client, &events);
	if (durable->client)
		return 0;
	*error = xasprintf("the store cannot be started: %s", strerror(errno));
	return -1;
}

void durable_free(struct durable *durable)
{
	if (!durable)
		return;
	if (durable->client)
		store_client_free(durable->client);
	starts_free(&durable->starts);
	queues_free(durable);
	confirms_free(&durable->confirms);
	vocabulary_free(&durable->words);
	read_finish(durable);
	free(durable->refused.list);
	free(durable->directory);
	free(durable->program);
	free(durable->failure);
	free(durable->text);
	free(durable);
}

bool durable_is_open(const struct durable *durable)
{
	return durable->opened && durable->knows_queues && numbers_are_sure(durable);
}

const char *durable_failure(const struct durable *durable)
{
	return durable->failure;
}

bool durable_is_loading(const struct durable *durable)
{
	return durable->loading;
}

void durable_configure(struct durable *durable, const struct config *config)
{
	const struct store_limits limits = limits_of(config);
	durable->config = config;
	queues_configure(durable);
	if (durable->client)
		store_client_set_limits(durable->client, &limits);
}

void durable_drain(struct durable *durable)
{
	durable->draining = true;
	core_hold(durable->host.core, true);
}

void durable_stop(struct durable *durable)
{
	if (durable->stopped)
		return;
	if (durable->opened)
		numbers_write(durable);
	durable->stopped = true;
	if (durable->client)
		store_client_stop(durable->client);
}

bool durable_is_gone(const struct durable *durable)
{
	return durable->stopped && (!durable->client || store_client_state(durable->client) == STORE_CLOSED);
}

/* --- questions --- */

bool durable_wanted(const struct durable *durable, const struct core_queue *queue, int said, bool submit)
{
	if (!durable)
		return false;
	if (said < 0)
		said = durable_queue_get(durable, queue);
	return said < 0 ? submit : said > 0;
}

static bool has_room(const struct durable *durable, size_t bytes)
{
	size_t limit = (size_t)durable->config->store_backlog, waits = store_client_backlog(durable->client);
	return waits == 0 || (waits <= limit && bytes <= (limit - waits) / 2);
}

enum durable_answer durable_may_submit(const struct durable *durable, size_t bytes)
{
	switch (store_client_state(durable->client)) {
	case STORE_FULL:
		return DURABLE_STORE_FULL;
	case STORE_BROKEN:
		return DURABLE_STORE_FAILED;
	case STORE_OPENING:
	case STORE_WORKING:
		return has_room(durable, bytes) ? DURABLE_YES : DURABLE_STORE_BEHIND;
	case STORE_STOPPING: /* the core takes nothing in any more, and says so */
	case STORE_CLOSED:
		break;
	}
	return DURABLE_YES;
}

uint64_t durable_ask(struct durable *durable, const struct store_query *query, store_found *found, store_answered *answered,
	void *user)
{
	return store_client_ask(durable->client, query, found, answered, user);
}

void durable_unask(struct durable *durable, uint64_t number)
{
	store_client_unask(durable->client, number);
}

void durable_figures(const struct durable *durable, struct durable_figures *out)
{
	const struct store_client *client = durable->client;
	if (!client) {
		*out = (struct durable_figures){ .state = STORE_OPENING, .directory = durable->directory };
		return;
	}
	*out = (struct durable_figures){
		.state = store_client_state(client),
		.text = durable->text,
		.directory = durable->directory,
		.loading = durable->loading,
		.loaded = durable->recovered,
		.to_load = durable->to_load,
		.recovered = durable->recovered,
		.interrupted = durable->interrupted,
		.backlog = store_client_backlog(client),
		.committed = store_client_committed(client),
		.respawns = store_client_respawns(client),
		.pid = store_client_pid(client),
	};
}

bool durable_holds_answers(struct durable *durable)
{
	return durable->opened && !durable->stopped && store_client_state(durable->client) == STORE_WORKING &&
		numbers_hold(durable);
}

/* --- the loop --- */

/* Those that were submitted when nothing could be recorded any more, by whoever does not ask before. */
static void refuse_late(struct durable *durable)
{
	for (size_t i = 0; i < durable->refused.count; i++)
		hear_refuse(durable, durable->refused.list[i], STORE_BROKEN);
	durable->heard |= durable->refused.count > 0;
	durable->refused.count = 0;
}

/* Readings of two clocks in every turn would cost those who want nothing of the store. */
static void look_at_clocks(struct durable *durable)
{
	int64_t now_ns = core_now(durable->host.core);
	if (now_ns - durable->clocks_ns < NS_PER_MS)
		return;
	durable->clocks_ns = now_ns;
	durable_take_time(durable);
}

bool durable_turn(struct durable *durable)
{
	durable->heard = false;
	look_at_clocks(durable);
	if (durable->opened && !durable->load_began_ns) {
		durable->load_began_ns = clock_mono_ns();
		durable->loading = true;
		store_client_load(durable->client);
	}
	refuse_late(durable);
	starts_turn(durable);
	numbers_turn(durable);
	bool more = store_client_turn(durable->client);
	return more || durable->heard;
}

int64_t durable_next_ns(const struct durable *durable)
{
	int64_t next_ns = store_client_next_ns(durable->client), hold_ns = numbers_next_ns(durable);
	return next_ns < hold_ns ? next_ns : hold_ns;
}

int durable_doorbell_fd(const struct durable *durable)
{
	return store_client_doorbell_fd(durable->client);
}

int durable_process_fd(const struct durable *durable)
{
	return store_client_process_fd(durable->client);
}

int durable_process_pid(const struct durable *durable)
{
	return store_client_pid(durable->client);
}

bool durable_sleep(struct durable *durable)
{
	return store_client_sleep(durable->client);
}

void durable_wake(struct durable *durable)
{
	store_client_wake(durable->client);
}
