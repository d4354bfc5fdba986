/* A disk for test_core_durable_model: what the core tells to be recorded, in its order; how much of that is there; and
 * what a daemon that is started after a crash finds. The plainest that can be. */
#ifndef TESTS_DISK_MODEL_H
#define TESTS_DISK_MODEL_H

#include "toy.h"

#define DISK_TASKS 20000 /* ids */
#define DISK_LOG 20000   /* what waits for the disk at a time */
#define DISK_REFS 2
#define DISK_ATTEMPTS 16

/* What is known of a task. Times are of a clock that goes on over restarts, 0: none. */
struct row {
	bool exists, over, forgotten;
	enum task_state state;
	struct task_spec spec; /* its numbers; the pointers are the driver's own */
	uint64_t place, retry_of;
	uint16_t attempt;
	uint8_t crashes;
	bool tried, final;
	int64_t submitted_ns, due_ns, expires_ns, ended_ns;
	struct core_restored_link links[DISK_REFS];
	size_t n_links;
	int key;
	enum task_state attempts[DISK_ATTEMPTS];
	int n_ends; /* outcomes that were recorded */
};

struct disk {
	struct row *there;   /* by id: what is on the disk */
	struct row *planned; /* … and will be when all that waits has come there, too */
	struct entry {
		uint64_t id;
		enum core_record what;
		bool more;
		struct row row;
	} *log;
	size_t n;
	uint64_t next_place; /* as reserved */
};

void disk_init(struct disk *disk);
void disk_fini(struct disk *disk);
void disk_put(struct disk *disk, const struct task *task, enum core_record what, bool more, const struct row *row);
/* The first N of what waits are on the disk; more where a chain goes on. Who waits for that: their ids; how many. */
size_t disk_commit(struct disk *disk, size_t n, uint64_t *ids);
/* The disk is full: what would be new is dropped, with all that belongs to it. Their ids; how many. */
size_t disk_refuse(struct disk *disk, uint64_t *ids);
/* What waits is lost. */
void disk_crash(struct disk *disk);

#endif
