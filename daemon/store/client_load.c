/* What the store has of before. Where it dies while it tells, it tells all of it again: what is known is not told twice,
 * and neither is what this master has itself put there since. */
#include "store/client_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

/* A queue or a schedule. */
struct loaded_name {
	size_t length;
	char name[]; /* its kind, then its name */
};

static uint64_t name_hash(const void *value)
{
	const struct loaded_name *loaded = value;
	return table_hash(loaded->name, loaded->length);
}

static bool name_equals(const void *value, const char *name, size_t length)
{
	const struct loaded_name *loaded = value;
	return loaded->length == length && memcmp(loaded->name, name, length) == 0;
}

void client_load_init(struct store_client *client)
{
	idmap_init(&client->loaded_tasks);
	names_init(&client->loaded_names, name_hash, name_equals);
}

void client_load_fini(struct store_client *client)
{
	struct loaded_name *loaded;
	size_t cursor = 0;
	while ((loaded = names_next(&client->loaded_names, &cursor)))
		free(loaded);
	names_fini(&client->loaded_names);
	idmap_fini(&client->loaded_tasks);
}

void store_client_load(struct store_client *client)
{
	client->load_wanted = true;
	if (client->opened)
		client_request(client, STORE_LOAD, 0, NULL);
}

void client_load_again(struct store_client *client)
{
	if (client->load_wanted)
		client_request(client, STORE_LOAD, 0, NULL);
}

/* False: it is known. */
static bool is_new_name(struct store_client *client, enum store_row_kind kind, const struct store_text *name)
{
	struct loaded_name *loaded = xmalloc(sizeof *loaded + 1 + name->length);
	loaded->length = 1 + name->length;
	loaded->name[0] = (char)kind;
	memcpy(loaded->name + 1, name->data, name->length);
	if (names_get(&client->loaded_names, loaded->name, loaded->length)) {
		free(loaded);
		return false;
	}
	names_put(&client->loaded_names, loaded);
	return true;
}

static bool is_new_task(struct store_client *client, uint64_t id)
{
	static char there;
	if (id >= client->first_own || idmap_get(&client->loaded_tasks, id))
		return false;
	idmap_put(&client->loaded_tasks, id, &there);
	return true;
}

bool client_row(struct store_client *client, const struct store_row *row)
{
	bool is_new = false;
	if (!client->load_wanted)
		return false;
	switch ((enum store_row_kind)row->kind) {
	case STORE_ROW_QUEUE:
		if (!row->queue.name.length)
			return false;
		is_new = is_new_name(client, STORE_ROW_QUEUE, &row->queue.name);
		break;
	case STORE_ROW_SCHEDULE:
		if (!row->schedule.name.length)
			return false;
		is_new = is_new_name(client, STORE_ROW_SCHEDULE, &row->schedule.name);
		break;
	case STORE_ROW_TASK:
		if (row->task.id == 0)
			return false;
		is_new = is_new_task(client, row->task.id);
		break;
	}
	if (is_new)
		client->events.row(client->events.context, row);
	return true;
}

bool client_loaded(struct store_client *client)
{
	if (!client->load_wanted)
		return false;
	client->load_wanted = false;
	client_load_fini(client);
	client_load_init(client);
	client->events.loaded(client->events.context);
	return true;
}
