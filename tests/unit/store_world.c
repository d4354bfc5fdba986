/* See store_world.h. */
#include "store_world.h"

#include "base/xmalloc.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_NS INT64_C(1795000000000000000)

void world_init(struct world *world)
{
	*world = (struct world){ 0 };
	snprintf(world->directory, sizeof(world->directory), "%s/store-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(world->directory));
	snprintf(world->file, sizeof(world->file), "%s/%s", world->directory, STORE_FILE);
}

void world_fini(struct world *world)
{
	char *name = NULL;

	world_close(world);
	while (world_files(world, "", &name)) {
		if (unlink(name) < 0)
			ck_assert_int_eq(rmdir(name), 0);
		free(name);
	}
	ck_assert_int_eq(rmdir(world->directory), 0);
	free(world->text);
}

enum store_opening world_open(struct world *world, bool put_aside)
{
	struct store_open open = { .directory = text(world->directory), .put_aside = put_aside };

	free(world->text);
	return open_writer(&world->db, &open, &world->text);
}

void world_close(struct world *world)
{
	db_close(&world->db);
}

int64_t world_sql(const struct world *world, const char *sql)
{
	struct db db = { 0 };
	int64_t number = 0;

	ck_assert_int_eq(sqlite3_open_v2(world->file, &db.handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	if (db_number(&db, sql, &number) != DB_OK)
		ck_abort_msg("%s: %s", sql, db_message(&db));
	db_close(&db);
	return number;
}

/* --- operations --- */
struct store_task world_task(uint64_t id)
{
	return (struct store_task){
		.id = id,
		.place = id,
		.type = text("fib"),
		.queue = text("default"),
		.state = text("queued"),
		.owner = 1000,
		.attempt = 1,
		.detached = true,
		.submitted_ns = NOW_NS + (int64_t)id,
		.args = text("[30]"),
	};
}

void world_apply(struct world *world, enum store_message message, uint64_t id, const void *body)
{
	struct store_header header = { .message = (uint16_t)message, .id = id };
	struct apply apply;

	ck_assert_int_eq(apply_init(&apply, &world->db), DB_OK);
	ck_assert_int_eq(db_exec(&world->db, "BEGIN IMMEDIATE"), DB_OK);
	ck_assert_int_eq(apply_operation(&apply, &header, body), DB_OK);
	ck_assert_int_eq(db_exec(&world->db, "COMMIT"), DB_OK);
	apply_fini(&apply);
}

void world_put(struct world *world, uint64_t id)
{
	struct store_task task = world_task(id);

	world_apply(world, STORE_TASK_PUT, id, &task);
}

void world_end(struct world *world, uint64_t id, const char *state)
{
	bool fine = strcmp(state, "succeeded") == 0;
	struct store_task_end end = {
		.state = text(state),
		.attempt = 1,
		.started_ns = NOW_NS + (int64_t)id + 1,
		.ended_ns = NOW_NS + (int64_t)id + 2,
		.outcome = { .result = fine ? text("832040") : STORE_TEXT_NONE,
			.message = fine ? STORE_TEXT_NONE : text("no") },
	};

	world_apply(world, STORE_TASK_END, id, &end);
}

/* --- files --- */
char *world_read(const char *path, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat info;
	char *data;

	*length = 0;
	if (fd < 0)
		return NULL;
	ck_assert_int_eq(fstat(fd, &info), 0);
	data = xmalloc((size_t)info.st_size + 1);
	ck_assert_int_eq(read(fd, data, (size_t)info.st_size), info.st_size);
	close(fd);
	*length = (size_t)info.st_size;
	return data;
}

void world_write(const char *path, const char *data, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, length), (ssize_t)length);
	close(fd);
}

int world_files(const struct world *world, const char *begin, char **name)
{
	DIR *directory = opendir(world->directory);
	struct dirent *entry;
	int count = 0;

	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.' || strncmp(entry->d_name, begin, strlen(begin)) != 0)
			continue;
		if (name && count > 0)
			free(*name);
		if (name)
			*name = xasprintf("%s/%s", world->directory, entry->d_name);
		count++;
	}
	closedir(directory);
	return count;
}
