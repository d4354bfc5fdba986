/* Trouble for SQLite, to be had at a chosen moment: a VFS over the system's own in which the n-th call of a kind fails or
 * is the last thing that the process does, and an allocator whose n-th allocation fails. For tests, in a process of their
 * own: what was installed stays. */
#ifndef STORE_FAULT_VFS_H
#define STORE_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum fault_call {
	FAULT_OPEN,
	FAULT_WRITE, /* also what makes the WAL's index larger */
	FAULT_SYNC,
	FAULT_TRUNCATE,
	FAULT_DELETE,
	FAULT_ALLOCATION,
	FAULT_N_CALLS,
};
enum fault_effect {
	FAULT_NONE,   /* calls are only counted */
	FAULT_FULL,   /* ENOSPC; of an allocation: no memory */
	FAULT_EIO,    /* an I/O error; of an allocation: no memory, and from then on there never is */
	FAULT_DEATH,  /* the process ends there; a write is half done by then */
	FAULT_POWER,  /* the same, and whatever was not synced never came to the disk */
	FAULT_JUMBLE, /* the same, but every second of those writes did */
};
#define FAULT_EXIT 77 /* the status of a process that ended so */

struct fault_plan {
	enum fault_call call;
	enum fault_effect effect;
	uint64_t nth;         /* from 1, since fault_arm */
	bool then_sync_fails; /* the next one after it, once */
};

/* Before anything else of SQLite's is called. */
void fault_install(void);
/* Calls are counted from here on. */
void fault_arm(const struct fault_plan *plan);
/* All is closed: after a sync that failed, what it should have brought to the disk was never there. */
void fault_settle(void);
/* Whether the plan's call has come. */
bool fault_struck(void);
uint64_t fault_count(enum fault_call call);

#endif
