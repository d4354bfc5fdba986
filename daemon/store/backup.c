/* A copy of one moment of the whole while the writer goes on: page by page, which costs as much as reading the file does,
 * from a snapshot, so that nothing is begun anew by what is written meanwhile. (The log cannot be cut as long as that
 * lasts.) It is made under another name, so that whatever has the name that was asked for is whole. */
#include "store/query.h"

#include "base/clock.h"
#include "base/xmalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP_PAGES 1024 /* between two looks at whether it is time to leave */

struct backup {
	char *path;
	char *part; /* the name meanwhile */
	struct db copy;
};

/* By errno. */
static bool sorry(struct reply *reply, const char *what, const char *path)
{
	return reply_sorry(reply, "cannot %s %s: %s", what, path, strerror(errno));
}

static bool part_open(struct backup *backup, struct reply *reply)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	return sqlite3_open_v2(backup->part, &backup->copy.handle, flags, NULL) == SQLITE_OK ||
		reply_error(reply, &backup->copy, "open the copy");
}

static bool copy_pages(struct reader *reader, struct backup *backup, struct reply *reply)
{
	sqlite3_backup *pages = sqlite3_backup_init(backup->copy.handle, "main", reader->db.handle, "main");
	int rc = SQLITE_OK;

	if (!pages)
		return reply_error(reply, &backup->copy, "begin the copy");
	while (rc == SQLITE_OK && !reader_leaves(reader))
		rc = sqlite3_backup_step(pages, STEP_PAGES);
	/* What went wrong is the copy's error afterwards, also where it was in reading. */
	sqlite3_backup_finish(pages);
	if (rc == SQLITE_OK)
		return reply_sorry(reply, "the store is being stopped");
	return rc == SQLITE_DONE ||
		reply_sorry(reply, "cannot copy the store to %s: %s", backup->part,
			(rc & 0xff) == SQLITE_FULL ? "the disk is full there" : sqlite3_errstr(rc));
}

/* Page by page it is a file with a log, which a reader who may not write could not open. */
static bool copy_finish(struct backup *backup, struct reply *reply)
{
	return db_exec(&backup->copy, "PRAGMA journal_mode = DELETE") == DB_OK ||
		reply_error(reply, &backup->copy, "finish the copy");
}

static bool copy_all(struct reader *reader, struct backup *backup, struct reply *reply)
{
	bool ok;

	/* The snapshot; it is taken by the first that reads. */
	if (db_exec(&reader->db, "BEGIN; SELECT count(*) FROM meta") != DB_OK)
		ok = reply_error(reply, &reader->db, "read the store");
	else
		/* It is synced once, as a whole. */
		ok = db_exec(&backup->copy, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF") == DB_OK
			? copy_pages(reader, backup, reply)
			: reply_error(reply, &backup->copy, "write the copy");
	sqlite3_exec(reader->db.handle, "ROLLBACK", NULL, NULL, NULL);
	return ok && copy_finish(backup, reply);
}

static bool sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	int reason = errno;

	if (fd >= 0)
		close(fd);
	errno = reason;
	return ok;
}

static int rename_if_free(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	/* A filesystem that does not know that may know this, which does not replace anything either. */
	return link(from, to) < 0 ? -1 : unlink(from);
}

static bool put_in_place(const struct backup *backup, struct reply *reply)
{
	char *slash = strrchr(backup->path, '/');
	char *directory = slash == backup->path ? xstrdup("/") : xstrndup(backup->path, (size_t)(slash - backup->path));
	bool ok = true;

	if (!sync_path(backup->part, O_RDONLY))
		ok = sorry(reply, "sync", backup->part);
	else if (rename_if_free(backup->part, backup->path) < 0)
		ok = sorry(reply, "make", backup->path);
	else if (!sync_path(directory, O_RDONLY | O_DIRECTORY)) {
		ok = sorry(reply, "sync", directory);
		unlink(backup->path);
	}
	free(directory);
	return ok;
}

static void part_remove(const struct backup *backup)
{
	static const char *const parts[] = { "", "-journal", "-wal", "-shm" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *path = xasprintf("%s%s", backup->part, parts[i]);

		unlink(path);
		free(path);
	}
}

static void say_done(const struct backup *backup, int64_t began_ns, struct reply *reply)
{
	struct stat info;

	if (stat(backup->path, &info) < 0)
		info.st_size = 0;
	sqlite3_str_appendall(reply->said, "{\"path\":");
	reply_string(reply, backup->path);
	sqlite3_str_appendf(reply->said, ",\"bytes\":%lld,\"seconds\":%.3f}", (long long)info.st_size,
		(double)(clock_mono_ns() - began_ns) / (double)NS_PER_S);
}

/* Whether nothing but the name speaks against it. */
static bool may_be_made(const struct reader *reader, const struct backup *backup, struct reply *reply)
{
	char *own = xasprintf("%.*s/%s", (int)reader->directory.length, reader->directory.data, STORE_FILE);
	bool is_own = strncmp(backup->path, own, strlen(own)) == 0;
	struct stat info;

	free(own);
	if (is_own)
		return reply_sorry(
			reply, "%s is a name that SQLite may take for one of the store's own files", backup->path);
	if (lstat(backup->path, &info) == 0)
		return reply_sorry(reply, "%s is there already: a backup does not replace anything", backup->path);
	return errno == ENOENT || sorry(reply, "make", backup->path);
}

static bool make(struct reader *reader, struct backup *backup, struct reply *reply)
{
	int fd = open(backup->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0)
		return sorry(reply, "make", backup->part);
	close(fd);
	ok = part_open(backup, reply) && copy_all(reader, backup, reply);
	db_close(&backup->copy);
	ok = ok && put_in_place(backup, reply);
	if (!ok)
		part_remove(backup);
	return ok;
}

bool backup_reply(struct reader *reader, const struct store_text *path, struct reply *reply)
{
	struct backup backup = { 0 };
	int64_t began_ns = clock_mono_ns();
	bool ok;

	if (path->length == 0 || path->data[0] != '/' || memchr(path->data, 0, path->length))
		return reply_sorry(reply, "a backup needs an absolute path");
	backup.path = xstrndup(path->data, path->length);
	backup.part = xasprintf("%s.part-%d", backup.path, (int)getpid());
	ok = may_be_made(reader, &backup, reply) && make(reader, &backup, reply);
	if (ok)
		say_done(&backup, began_ns, reply);
	free(backup.path);
	free(backup.part);
	return ok;
}
