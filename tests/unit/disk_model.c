/* Rows and a log: see disk_model.h. */
#include "disk_model.h"

#include <check.h>

#include "base/xmalloc.h"

void disk_init(struct disk *disk)
{
	*disk = (struct disk){ 0 };
	disk->there = xcalloc(DISK_TASKS, sizeof(*disk->there));
	disk->planned = xcalloc(DISK_TASKS, sizeof(*disk->planned));
	disk->log = xcalloc(DISK_LOG, sizeof(*disk->log));
}

void disk_fini(struct disk *disk)
{
	free(disk->there);
	free(disk->planned);
	free(disk->log);
}

static void change(struct row *row, const struct row *to)
{
	if (row->over)
		ck_abort_msg("what has ended waits again");
	row->state = to->state;
	row->place = to->place;
	row->attempt = to->attempt;
	row->crashes = to->crashes;
	row->tried = to->tried;
	row->final = to->final;
	row->due_ns = to->due_ns;
}

static void apply(struct row *rows, const struct entry *entry)
{
	struct row *row = &rows[entry->id];

	if (!row->exists != (entry->what == RECORD_SUBMITTED))
		ck_abort_msg("%llu: record %d of a task that is%s there", (unsigned long long)entry->id, entry->what,
			row->exists ? "" : " not");
	switch (entry->what) {
	case RECORD_SUBMITTED:
		*row = entry->row;
		row->exists = true;
		break;
	case RECORD_STARTED:
		row->state = TASK_RUNNING;
		row->tried = true;
		break;
	case RECORD_STATE:
	case RECORD_ATTEMPT:
		change(row, &entry->row);
		if (entry->what == RECORD_ATTEMPT && row->attempt - 2 < DISK_ATTEMPTS)
			row->attempts[row->attempt - 2] = entry->row.attempts[row->attempt - 2];
		break;
	case RECORD_ENDED:
		change(row, &entry->row);
		row->ended_ns = entry->row.ended_ns;
		row->over = true;
		row->n_ends++;
		break;
	case RECORD_FORGOTTEN:
		row->exists = false;
		row->forgotten = true;
		break;
	}
}

void disk_put(struct disk *disk, const struct task *task, enum core_record what, bool more, const struct row *row)
{
	struct entry *entry = &disk->log[disk->n++];

	if (disk->n == DISK_LOG || task->id >= DISK_TASKS)
		ck_abort_msg("too much");
	*entry = (struct entry){ .id = task->id, .what = what, .more = more, .row = *row };
	apply(disk->planned, entry);
	if (disk->next_place <= task->place) /* ahead of what is recorded */
		disk->next_place = task->place + 1000000;
}

size_t disk_commit(struct disk *disk, size_t n, uint64_t *ids)
{
	size_t i, n_ids = 0;

	for (i = 0; i < disk->n && (i < n || (i && disk->log[i - 1].more)); i++) {
		const struct entry *entry = &disk->log[i];

		apply(disk->there, entry);
		if (entry->what == RECORD_SUBMITTED || entry->what == RECORD_ENDED)
			ids[n_ids++] = entry->id;
	}
	disk->n -= i;
	memmove(disk->log, disk->log + i, disk->n * sizeof(*disk->log));
	return n_ids;
}

size_t disk_refuse(struct disk *disk, uint64_t *ids)
{
	size_t n = 0, left = 0;

	for (size_t i = 0; i < disk->n; i++)
		if (disk->log[i].what == RECORD_SUBMITTED) {
			ids[n++] = disk->log[i].id;
			disk->planned[disk->log[i].id] = (struct row){ .forgotten = true };
		} else if (disk->there[disk->log[i].id].exists) {
			disk->log[left++] = disk->log[i];
		}
	disk->n = left;
	return n;
}

void disk_crash(struct disk *disk)
{
	memcpy(disk->planned, disk->there, DISK_TASKS * sizeof(*disk->planned));
	disk->n = 0;
}
