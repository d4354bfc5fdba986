/* What of a task's record is shown, and as what. The order is that of interest; what is missing in all is left out. */
#include "client/taskctl/records.h"

const struct field record_columns[] = {
	{ .title = "ID", .path = "id", .cell = CELL_NUMBER },
	{ .title = "TASK", .path = "task", .cell = CELL_TEXT },
	{ .title = "STATE", .path = "state", .cell = CELL_STATE },
	{ .title = "QUEUE", .path = "queue", .cell = CELL_TEXT },
	{ .title = "PRIO", .path = "priority", .cell = CELL_NUMBER },
	{ .title = "SUBMITTED", .path = "submitted_at", .cell = CELL_AGO },
	{ .title = "RAN", .path = "started_at", .cell = CELL_ELAPSED },
	{ .title = "DONE", .path = "progress.fraction", .cell = CELL_FRACTION, .optional = true },
	{ .title = "TAG", .path = "tag", .cell = CELL_TEXT, .shrinks = true, .optional = true },
	{ .title = "ERROR", .path = "error.message", .cell = CELL_TEXT, .shrinks = true, .optional = true },
	{ .title = NULL },
};

const struct field record_fields[] = {
	{ .title = "id", .path = "id", .cell = CELL_TEXT },
	{ .title = "task", .path = "task", .cell = CELL_TEXT },
	{ .title = "state", .path = "state", .cell = CELL_STATE },
	{ .title = "queue", .path = "queue", .cell = CELL_TEXT },
	{ .title = "priority", .path = "priority", .cell = CELL_TEXT },
	{ .title = "tag", .path = "tag", .cell = CELL_TEXT },
	{ .title = "owner", .path = "owner", .cell = CELL_TEXT },
	{ .title = "attempt", .path = "attempt", .cell = CELL_TEXT },
	{ .title = "items", .path = "items", .cell = CELL_TEXT },
	{ .title = "time limit", .path = "timeout", .cell = CELL_SECONDS },
	{ .title = "submitted", .path = "submitted_at", .cell = CELL_AGO },
	{ .title = "started", .path = "started_at", .cell = CELL_AGO },
	{ .title = "ended", .path = "ended_at", .cell = CELL_AGO },
	{ .title = "ran", .path = "started_at", .cell = CELL_ELAPSED },
	{ .title = "progress", .path = "progress.fraction", .cell = CELL_FRACTION },
	{ .title = "doing", .path = "progress.text", .cell = CELL_TEXT },
	{ .title = "worker", .path = "worker.pid", .cell = CELL_TEXT },
	{ .title = "pool", .path = "worker.pool", .cell = CELL_TEXT },
	{ .title = "slot", .path = "worker.slot", .cell = CELL_TEXT },
	{ .title = "error", .path = "error.message", .cell = CELL_TEXT },
	{ .title = "kind", .path = "error.data.kind", .cell = CELL_TEXT },
	{ .title = "hint", .path = "error.data.hint", .cell = CELL_TEXT },
	{ .title = NULL },
};
