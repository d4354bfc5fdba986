/* Recurring tasks: each is put down when it is made, and its figures at each run; by the core's key for it, and with the
 * groups of its owner, which nobody else can tell as long as he is not connected. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/users.h"
#include "base/xmalloc.h"
#include "core/cron.h"
#include "durable/internal.h"

/* --- recording --- */

/* In the store 0 is "never"; a schedule always has a time otherwise. */
static int64_t next_of(const struct durable *durable, const struct core_schedule *schedule)
{
	int64_t next_ns = schedule->cron ? schedule->next_ns : durable_wall(durable, schedule->next_ns);
	return next_ns == CLOCK_NEVER ? 0 : next_ns;
}

/* "1000 1000 27"; malloc'ed. */
static char *groups_text(const struct core_schedule *schedule)
{
	size_t room = schedule->n_groups * sizeof("4294967295") + 1, used = 0;
	char *text = xmalloc(room);
	text[0] = '\0';
	for (size_t i = 0; i < schedule->n_groups; i++)
		used += (size_t)snprintf(text + used, room - used, "%s%" PRIu32, i ? " " : "", schedule->groups[i]);
	return text;
}

static void put(struct durable *durable, const struct core_schedule *schedule)
{
	const struct task_spec *task = &schedule->task;
	char *groups = groups_text(schedule);
	struct store_schedule out = {
		.name = text_of(schedule->key),
		.groups = text_of(groups),
		.text = text_of(schedule->text),
		.is_cron = schedule->cron != NULL,
		.every_ns = schedule->every_ns,
		.expires_ns = schedule->expires_ns,
		.catch_up = schedule->catch_up,
		.overlap = schedule->overlap,
		.next_ns = next_of(durable, schedule),
		.runs = schedule->runs,
		.skipped = schedule->skipped,
		.last_id = schedule->last_id,
		.owed = schedule->owed,
		.durable = task->durable,
		.task = {
			.type = store_text_of(task->type->name, task->type->name_length),
			.queue = text_of(core_queue_name(task->queue)),
			.owner = task->owner,
			.items = task->items,
			.priority = task->priority,
			.command = task->type->command,
			.detached = task->detached,
			.on_interrupt_crash = task->on_interrupt_crash,
			.timeout_ns = task->timeout_ns,
			.tag = task->tag ? store_text_of(task->tag, task->tag_length) : STORE_TEXT_NONE,
			.args = task->args ? store_text_of(task->args->data, task->args->size) : STORE_TEXT_NONE,
			.n_claims = (uint32_t)task->n_claims,
		},
	};
	write_retry(&out.task, &schedule->retry);
	out.task.claims = write_claims(task->claims, task->n_claims);
	durable_put(durable, STORE_SCHEDULE_PUT, 0, &out, false);
	free(out.task.claims);
	free(groups);
}

void durable_schedule_changed(struct durable *durable, const struct core_schedule *schedule, bool run, bool gone)
{
	if (durable->restoring)
		return;
	if (gone) {
		durable_put(durable, STORE_SCHEDULE_DROP, 0, &(struct store_name){ text_of(schedule->key) }, false);
	} else if (run) {
		const struct store_schedule_ran ran = {
			.name = text_of(schedule->key),
			.next_ns = next_of(durable, schedule),
			.runs = schedule->runs,
			.skipped = schedule->skipped,
			.last_id = schedule->last_id,
			.owed = schedule->owed,
		};
		durable_put(durable, STORE_SCHEDULE_RAN, 0, &ran, false);
	} else {
		put(durable, schedule);
	}
}

/* --- after a restart --- */

/* Its queue may have gone from the configuration: its runs go where those of its task go. */
static struct core_queue *queue_for(const struct durable *durable, const struct task_spec *spec)
{
	struct core_queue *queue = spec->queue ? spec->queue : spec->type->queue;
	if (!queue)
		queue = core_queue_find(durable->host.core, "default");
	return queue ? queue : core_queue_next(durable->host.core, NULL);
}

/* malloc'ed. Of one that an older taskd has made nothing is said: then as the files have them, and where they do not know
 * him he is in none. */
static uint32_t *read_groups(const struct store_schedule *row, size_t *n)
{
	char *text = vocabulary_copy(&row->groups), *next = text, *end, owner[16];
	uint32_t *groups = xreallocarray(NULL, row->groups.length / 2 + 1, sizeof(groups[0]));
	struct user_identity identity;
	for (*n = 0; next && *next; next = end + (*end == ' ')) {
		groups[*n] = (uint32_t)strtoul(next, &end, 10);
		if (end == next)
			break;
		++*n;
	}
	free(text);
	snprintf(owner, sizeof(owner), "%" PRIu32, row->task.owner);
	if (*n || user_identity(owner, &identity) < 0)
		return groups;
	*n = identity.n_groups;
	groups = xreallocarray(groups, *n, sizeof(groups[0]));
	for (size_t i = 0; i < *n; i++)
		groups[i] = identity.groups[i];
	user_identity_free(&identity);
	return groups;
}

static const char *add(struct durable *durable, const struct store_schedule *row, struct core_schedule_spec *spec)
{
	struct core_schedule *schedule;
	struct cron cron;
	static char problem[256];
	if (row->is_cron && cron_parse(spec->text ? spec->text : "", &cron, problem, sizeof(problem)) < 0)
		return problem;
	if (!row->is_cron && row->every_ns <= 0)
		return "it has no times";
	spec->cron = row->is_cron ? &cron : NULL;
	spec->task.queue = queue_for(durable, &spec->task);
	if (!spec->task.queue || !spec->task.args)
		return "its task is not there";
	return core_schedule_add(durable->host.core, spec, &schedule) < 0 ? "it was refused" : NULL;
}

void schedules_read(struct durable *durable, const struct store_schedule *row)
{
	struct task_retry retry;
	char *key = vocabulary_copy(&row->name), *text = vocabulary_copy(&row->text), *slash = key ? strchr(key, '/') : NULL;
	const char *name = slash ? slash + 1 : key;
	size_t n_groups;
	uint32_t *groups = read_groups(row, &n_groups);
	struct core_schedule_spec spec = {
		.name = name,
		.groups = groups,
		.n_groups = n_groups,
		.text = text,
		.expires_ns = row->expires_ns,
		.every_ns = row->is_cron ? 0 : row->every_ns,
		.next_ns = row->is_cron ? row->next_ns : durable_mono(durable, row->next_ns),
		.runs = row->runs,
		.skipped = row->skipped,
		.last_id = row->last_id,
		.owed = row->owed,
		.catch_up = row->catch_up,
		.overlap = row->overlap,
	};
	const char *problem = "it has no task";
	if (name && read_spec(durable, &row->task, &spec.task, &retry)) {
		spec.task.durable = row->durable != 0;
		spec.task.detached = row->task.detached;
		durable->restoring = true;
		problem = add(durable, row, &spec);
		durable->restoring = false;
		read_spec_free(&spec.task);
	}
	if (problem)
		log_error("schedule %s is not there again: %s", name ? name : "without a name", problem);
	free(key);
	free(text);
	free(groups);
}
