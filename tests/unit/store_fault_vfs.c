/* Faults are made below SQLite and above the system, since only there every single call can be met, and the same one in
 * every run. A power cut is made from what was written since the last sync of each file: taken back, all or every second
 * piece of it, before the process ends. */
#include "store_fault_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A write that is not synced yet, or a truncation (no new bytes). */
struct change {
	struct change *older;
	sqlite3_int64 offset;
	sqlite3_int64 size_before; /* the file's */
	int length, had;           /* of what was there before, HAD bytes */
	char bytes[];              /* `had` old ones, then `length` new ones */
};
struct fault_path {
	char *path;
	struct change *latest;
};
struct fault_file {
	sqlite3_file base;
	struct fault_path *path; /* NULL: a temporary file */
	sqlite3_file real[];
};

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	sqlite3_mem_methods memory;
	struct fault_plan plan;
	uint64_t counts[FAULT_N_CALLS];
	bool struck;
	struct fault_path paths[16];
} fault;

static struct fault_file *fault_file(sqlite3_file *file)
{
	return (struct fault_file *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
	return fault_file(file)->real;
}

/* What was not synced goes, sooner or later. */
static bool loses_power(void)
{
	return fault.plan.effect == FAULT_POWER || fault.plan.effect == FAULT_JUMBLE || fault.plan.call == FAULT_SYNC;
}

/* Whether the call that is the one fails, and goes on. */
static bool fails(void)
{
	if (fault.plan.effect != FAULT_FULL && fault.plan.effect != FAULT_EIO)
		return false;
	errno = fault.plan.effect == FAULT_FULL ? ENOSPC : EIO;
	return true;
}

/* Whether this call is the one. */
static bool strikes(enum fault_call call)
{
	uint64_t count = __atomic_add_fetch(&fault.counts[call], 1, __ATOMIC_RELAXED);

	if (fault.plan.effect == FAULT_NONE || fault.plan.call != call || count != fault.plan.nth)
		return false;
	fault.struck = true;
	return true;
}

/* --- what a power cut takes --- */
static void change_redo(int fd, const struct change *change, bool *keeps)
{
	if (!change)
		return;
	change_redo(fd, change->older, keeps);
	if (*keeps && change->length)
		(void)!pwrite(fd, change->bytes + change->had, (size_t)change->length, change->offset);
	*keeps = !*keeps;
}

static void power_cut_file(const struct fault_path *path)
{
	bool keeps = true;
	int fd = open(path->path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	for (const struct change *change = path->latest; change; change = change->older) {
		(void)!pwrite(fd, change->bytes, (size_t)change->had, change->offset);
		(void)!ftruncate(fd, change->size_before);
	}
	if (fault.plan.effect == FAULT_JUMBLE)
		change_redo(fd, path->latest, &keeps);
	close(fd);
}

static void power_cut(void)
{
	for (size_t i = 0; i < sizeof fault.paths / sizeof fault.paths[0]; i++) {
		if (fault.paths[i].path)
			power_cut_file(&fault.paths[i]);
	}
}

static _Noreturn void process_ends(void)
{
	if (fault.plan.effect == FAULT_POWER || fault.plan.effect == FAULT_JUMBLE)
		power_cut();
	_exit(FAULT_EXIT);
}

void fault_settle(void)
{
	if (fault.struck && fault.plan.call == FAULT_SYNC)
		power_cut();
}

static void changes_forget(struct fault_path *path)
{
	while (path && path->latest) {
		struct change *change = path->latest;

		path->latest = change->older;
		free(change);
	}
}

static void change_note(struct fault_file *file, const void *data, int length, sqlite3_int64 offset)
{
	struct change *change;
	sqlite3_int64 size = 0;
	sqlite3_int64 had;

	if (!file->path || !loses_power())
		return;
	file->real->pMethods->xFileSize(file->real, &size);
	/* A write can change what lies below it; a truncation takes all that lies behind it. */
	had = size <= offset ? 0 : data && size - offset > length ? length : size - offset;
	change = malloc(sizeof *change + (size_t)had + (size_t)length);
	if (!change)
		abort();
	*change = (struct change){ file->path->latest, offset, size, length, (int)had };
	if (had)
		file->real->pMethods->xRead(file->real, change->bytes, (int)had, offset);
	if (length)
		memcpy(change->bytes + had, data, (size_t)length);
	file->path->latest = change;
}

static struct fault_path *path_of(const char *name)
{
	for (size_t i = 0; name && i < sizeof fault.paths / sizeof fault.paths[0]; i++) {
		if (!fault.paths[i].path)
			fault.paths[i].path = strdup(name);
		if (strcmp(fault.paths[i].path, name) == 0)
			return &fault.paths[i];
	}
	return NULL;
}

/* --- the files --- */
static int file_close(sqlite3_file *file)
{
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset)
{
	return real_of(file)->pMethods->xRead(real_of(file), data, length, offset);
}

static int file_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
	sqlite3_file *real = real_of(file);

	if (!strikes(FAULT_WRITE)) {
		change_note(fault_file(file), data, length, offset);
		return real->pMethods->xWrite(real, data, length, offset);
	}
	if (fault.plan.effect == FAULT_FULL) /* what there was room for is there */
		real->pMethods->xWrite(real, data, length / 2, offset);
	if (fails())
		return fault.plan.effect == FAULT_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	change_note(fault_file(file), data, length / 2, offset);
	real->pMethods->xWrite(real, data, length / 2, offset);
	process_ends();
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	if (strikes(FAULT_TRUNCATE)) {
		if (fails())
			return SQLITE_IOERR_TRUNCATE;
		process_ends();
	}
	change_note(fault_file(file), NULL, 0, size);
	return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
	if (strikes(FAULT_SYNC)) {
		if (fails())
			return SQLITE_IOERR_FSYNC;
		process_ends();
	}
	if (fault.struck && fault.plan.then_sync_fails) {
		fault.plan.then_sync_fails = false;
		errno = EIO;
		return SQLITE_IOERR_FSYNC;
	}
	changes_forget(fault_file(file)->path);
	return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int how)
{
	return real_of(file)->pMethods->xLock(real_of(file), how);
}

static int file_unlock(sqlite3_file *file, int how)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), how);
}

static int file_check_lock(sqlite3_file *file, int *out)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int file_control(sqlite3_file *file, int what, void *argument)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}

static int file_sector_size(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_characteristics(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
	/* Every call may make it larger; those that do not are few. */
	if (extend && strikes(FAULT_WRITE)) {
		if (fails())
			return *out = NULL, SQLITE_IOERR_SHMSIZE;
		process_ends();
	}
	return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int deletes)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), deletes);
}

static const sqlite3_io_methods file_methods = {
	.iVersion = 2, /* no mapped reads */
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static int fault_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out_flags)
{
	int status;

	(void)vfs;
	file->pMethods = NULL;
	if (strikes(FAULT_OPEN)) {
		if (fails())
			return SQLITE_CANTOPEN;
		process_ends();
	}
	status = fault.real->xOpen(fault.real, name, real_of(file), flags, out_flags);
	if (status != SQLITE_OK)
		return status;
	fault_file(file)->path = path_of(name);
	file->pMethods = &file_methods;
	return SQLITE_OK;
}

static int fault_delete(sqlite3_vfs *vfs, const char *name, int syncs)
{
	(void)vfs;
	if (strikes(FAULT_DELETE)) {
		if (fails())
			return SQLITE_IOERR_DELETE;
		process_ends();
	}
	changes_forget(path_of(name));
	return fault.real->xDelete(fault.real, name, syncs);
}

/* --- memory --- */
static bool allocation_fails(void)
{
	bool strikes_now = strikes(FAULT_ALLOCATION);

	if (strikes_now && fault.plan.effect >= FAULT_DEATH)
		process_ends();
	return strikes_now || (fault.struck && fault.plan.call == FAULT_ALLOCATION && fault.plan.effect == FAULT_EIO);
}

static void *memory_allocate(int size)
{
	return allocation_fails() ? NULL : fault.memory.xMalloc(size);
}

static void *memory_resize(void *memory, int size)
{
	return allocation_fails() ? NULL : fault.memory.xRealloc(memory, size);
}

void fault_install(void)
{
	sqlite3_mem_methods methods;

	if (fault.real)
		return;
	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &fault.memory);
	methods = fault.memory;
	methods.xMalloc = memory_allocate;
	methods.xRealloc = memory_resize;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
	sqlite3_initialize();
	fault.real = sqlite3_vfs_find(NULL);
	fault.vfs = *fault.real;
	fault.vfs.zName = "fault";
	fault.vfs.pNext = NULL;
	fault.vfs.szOsFile = (int)sizeof(struct fault_file) + fault.real->szOsFile;
	fault.vfs.xOpen = fault_open;
	fault.vfs.xDelete = fault_delete;
	sqlite3_vfs_register(&fault.vfs, 1);
}

void fault_arm(const struct fault_plan *plan)
{
	for (size_t i = 0; i < sizeof fault.paths / sizeof fault.paths[0]; i++)
		changes_forget(&fault.paths[i]);
	memset(fault.counts, 0, sizeof fault.counts);
	fault.struck = false;
	fault.plan = *plan;
}

bool fault_struck(void)
{
	return fault.struck;
}

uint64_t fault_count(enum fault_call call)
{
	return fault.counts[call];
}
