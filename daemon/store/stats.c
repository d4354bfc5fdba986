/* How large the store is, and how old: for an admin who wants to know whether what is configured about history keeps it
 * within bounds. Everything is read from the file's header or an index; nothing is counted row by row. */
#include "store/query.h"

#include "base/clock.h"
#include "base/xmalloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static int64_t file_size(const char *path)
{
	struct stat info;

	return stat(path, &info) < 0 ? 0 : info.st_size;
}

static void say_time(struct reply *reply, const char *name, int64_t wall_ns)
{
	char text[CLOCK_TEXT_SIZE];

	sqlite3_str_appendf(reply->said, ",\"%s\":", name);
	if (wall_ns <= 0) {
		sqlite3_str_appendall(reply->said, "null");
		return;
	}
	clock_format_wall(wall_ns, text);
	reply_string(reply, text);
}

static void say_files(struct reply *reply, const struct store_text *directory)
{
	char *path = xasprintf("%.*s/%s", (int)directory->length, directory->data, STORE_FILE);
	char *log = xasprintf("%s-wal", path);
	struct statvfs disk;

	sqlite3_str_appendall(reply->said, "{\"path\":");
	reply_string(reply, path);
	sqlite3_str_appendf(reply->said, ",\"bytes\":%lld,\"wal_bytes\":%lld", (long long)file_size(path),
		(long long)file_size(log));
	if (statvfs(path, &disk) == 0)
		sqlite3_str_appendf(reply->said, ",\"disk_free_bytes\":%llu",
			(unsigned long long)disk.f_bavail * (unsigned long long)disk.f_frsize);
	free(path);
	free(log);
}

enum figure { PAGE_SIZE, FREE_PAGES, SCHEMA, LIVE, ENDED, QUEUES, SCHEDULES, OLDEST, OLDEST_ENDED, N_FIGURES };
static const char *const figure_sql[N_FIGURES] = {
	[PAGE_SIZE] = "PRAGMA page_size",
	[FREE_PAGES] = "PRAGMA freelist_count",
	[SCHEMA] = "PRAGMA user_version",
	[LIVE] = "SELECT count(*) FROM tasks WHERE ended_ns IS NULL",
	[ENDED] = "SELECT count(*) FROM tasks WHERE ended_ns IS NOT NULL",
	[QUEUES] = "SELECT count(*) FROM queues",
	[SCHEDULES] = "SELECT count(*) FROM schedules",
	[OLDEST] = "SELECT submitted_ns FROM tasks ORDER BY id LIMIT 1",
	[OLDEST_ENDED] = "SELECT min(ended_ns) FROM tasks WHERE ended_ns IS NOT NULL",
};

bool stats_reply(struct reader *reader, struct reply *reply)
{
	int64_t figures[N_FIGURES];
	enum db_code code = db_exec(&reader->db, "BEGIN"); /* all of one moment */

	for (size_t i = 0; code == DB_OK && i < N_FIGURES; i++)
		code = db_number(&reader->db, figure_sql[i], &figures[i]);
	if (code != DB_OK)
		reply_error(reply, &reader->db, "read the store's figures");
	sqlite3_exec(reader->db.handle, "ROLLBACK", NULL, NULL, NULL);
	if (code != DB_OK)
		return false;
	say_files(reply, &reader->directory);
	sqlite3_str_appendf(reply->said, ",\"free_bytes\":%lld,\"page_size\":%lld,\"schema\":%lld",
		(long long)(figures[FREE_PAGES] * figures[PAGE_SIZE]), (long long)figures[PAGE_SIZE],
		(long long)figures[SCHEMA]);
	sqlite3_str_appendf(reply->said,
		",\"tasks\":%lld,\"live\":%lld,\"ended\":%lld,\"queues\":%lld,\"schedules\":%lld",
		(long long)(figures[LIVE] + figures[ENDED]), (long long)figures[LIVE], (long long)figures[ENDED],
		(long long)figures[QUEUES], (long long)figures[SCHEDULES]);
	say_time(reply, "oldest_at", figures[OLDEST]);
	say_time(reply, "oldest_ended_at", figures[OLDEST_ENDED]);
	sqlite3_str_appendall(reply->said, "}");
	return true;
}
