/* taskd_map: many items through one task, a bounded number of requests on their way at once. A request is an item, or a
 * chunk of them that travels and runs together, so that the cost of a task is shared. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"

#define IN_FLIGHT 1024
#define CHUNKS_IN_FLIGHT 16

/* A request on its way. */
struct slot {
	struct watch watch; /* unordered: its end puts it into the map's group */
	struct slot *next;  /* among the free ones, or in the order of submission */
	struct taskd_future *future;
	size_t index; /* of its first item */
	size_t count;
};

struct map {
	struct taskd *connection;
	taskd_map_next *next;
	taskd_map_result *result;
	void *user;
	bool unordered;
	bool exhausted; /* `next` has no more */
	bool stopped;   /* `result` wants no more */
	size_t chunk;
	size_t n_items;  /* taken so far */
	size_t n_flying; /* requests */
	struct slot *slots;
	size_t n_slots;
	struct slot *unused;
	struct slot *first; /* the oldest on its way, where the order matters */
	struct slot **last;
	struct group group;
	/* A request, but for its id: front, items, back. */
	struct strbuf front, items, back;
};

/* --- sending --- */

/* What stays the same in all requests. One item a request: as taskd_submit has it. */
static bool make_frame(struct map *map, const char *task, const struct taskd_options *options)
{
	struct strbuf *front = &map->front, *back = &map->back;
	struct strbuf given = STRBUF_INIT;

	options_write(&given, options);
	if (map->chunk == 1 && given.length == 0 && !strbuf_failed(&given) && request_is_task_name(task)) {
		strbuf_puts(front, task);
		strbuf_puts(front, "\",\"params\":[");
		strbuf_puts(back, "]");
	} else {
		strbuf_puts(front, map->chunk == 1 ? "task.call" : "task.map");
		strbuf_puts(front, "\",\"params\":{\"task\":");
		strbuf_json_string(front, task, strlen(task));
		strbuf_puts(front, map->chunk == 1 ? ",\"args\":[" : ",\"items\":[");
		strbuf_puts(back, "]");
		if (map->chunk > 1)
			strbuf_printf(back, ",\"chunk\":%zu,\"return_exceptions\":true", map->chunk);
		strbuf_add(back, given.data, given.length);
		strbuf_puts(back, "}");
	}
	bool fine = !strbuf_failed(front) && !strbuf_failed(back) && !strbuf_failed(&given);
	strbuf_free(&given);
	return fine;
}

/* Up to a chunk of items into `items`. */
static enum taskd_error gather(struct map *map, size_t *count, bool *newlines)
{
	*count = 0;
	*newlines = false;
	strbuf_reset(&map->items);
	while (*count < map->chunk) {
		size_t length = SIZE_MAX;
		bool some = false;
		const char *item = map->next(map->user, &length);
		if (!item) {
			map->exhausted = true;
			break;
		}
		if (length == SIZE_MAX)
			length = strlen(item);
		struct json_span value;
		struct json_error error;
		if (json_scan(item, length, &value, &some, &error) < 0)
			return error_set(TASKD_E_INVALID, "item %zu: not JSON: %s at byte %zu", map->n_items + *count,
				error.reason, error.offset);
		*newlines |= some;
		if (*count > 0)
			strbuf_add(&map->items, ",", 1);
		strbuf_add(&map->items, value.text, value.length);
		++*count;
	}
	return strbuf_failed(&map->items) ? error_set(TASKD_E_MEMORY, NULL) : TASKD_OK;
}

/* One request more, unless there are no items left. */
static enum taskd_error send_one(struct map *map)
{
	struct taskd *c = map->connection;
	size_t count;
	bool newlines;
	enum taskd_error error = gather(map, &count, &newlines);

	if (error != TASKD_OK || count == 0)
		return error;
	struct piece pieces[] = {
		{ map->front.data, map->front.length },
		{ map->items.data, map->items.length },
		{ map->back.data, map->back.length },
	};
	connection_lock(c);
	struct taskd_future *f = request_add(c, FUTURE_CALL, pieces, 3, newlines);
	if (f) {
		f->brief = true; /* the map ends with the first item that is lost: the others are not wanted then */
		struct slot *slot = map->unused;
		map->unused = slot->next;
		slot->next = NULL;
		slot->future = f;
		slot->index = map->n_items;
		slot->count = count;
		map->n_items += count;
		map->n_flying++;
		if (map->unordered) {
			watch_begin(&slot->watch, f, &map->group, (size_t)(slot - map->slots));
		} else {
			*map->last = slot;
			map->last = &slot->next;
		}
	}
	connection_unlock(c);
	return f ? TASKD_OK : error_failure()->error;
}

/* --- receiving --- */

static bool some_has_ended(void *arg)
{
	const struct map *map = arg;

	return map->unordered ? map->group.first != NULL : map->first->future->done;
}

/* Waits for the next slot that is to be told. */
static enum taskd_error take_one(struct map *map, int64_t deadline, struct slot **taken)
{
	struct taskd *c = map->connection;

	connection_lock(c);
	enum taskd_error error = reader_wait(c, some_has_ended, map, deadline);
	if (error != TASKD_OK) {
		error_set(error, error == c->error ? "%s" : NULL, c->reason);
	} else if (map->unordered) {
		*taken = &map->slots[group_take(&map->group)->index];
	} else {
		*taken = map->first;
		map->first = map->first->next;
		if (!map->first)
			map->last = &map->first;
	}
	const struct taskd_failure *failure = error ? NULL : (*taken)->future->failure;
	if (failure && (failure == &c->ended || failure_is_lost(failure))) /* the connection's end, no item's outcome */
		error = error_set_failure(failure);
	connection_unlock(c);
	return error;
}

static void tell(struct map *map, size_t index, const char *text, size_t length, const struct taskd_failure *failure)
{
	if (!map->stopped && !map->result(map->user, index, text, length, failure))
		map->stopped = true;
}

static enum taskd_error nonsense(const char *what)
{
	return error_set(TASKD_E_PROTOCOL, "the daemon sent nonsense: a chunk's answer %s", what);
}

/* One element of a chunk's answer: {"result":…} or {"error":{…}}. The text is the future's own, so the result can be
 * terminated in its place for as long as it is shown. */
static enum taskd_error tell_element(struct map *map, size_t index, const struct json_span *element)
{
	struct json_span name, value;
	size_t cursor = 0;

	if (element->kind != JSON_SPAN_OBJECT || !json_next(element, &cursor, &name, &value))
		return nonsense("with something that is no outcome");
	if (json_string_is(&name, "result")) {
		char *end = (char *)value.text + value.length, kept = *end;
		*end = '\0';
		tell(map, index, value.text, value.length, NULL);
		*end = kept;
		return TASKD_OK;
	}
	if (!json_string_is(&name, "error"))
		return nonsense("with something that is no outcome");
	struct failure *failure = failure_read(&value);
	tell(map, index, NULL, 0, failure ? &failure->told : &failure_memory);
	failure_free(failure);
	return TASKD_OK;
}

static enum taskd_error tell_chunk(struct map *map, const struct slot *slot)
{
	const struct json_span list = { slot->future->text, slot->future->length, JSON_SPAN_ARRAY };
	struct json_span element;
	enum taskd_error error = TASKD_OK;
	size_t cursor = 0, i = 0;

	if (list.text[0] != '[')
		return nonsense("that is no array");
	for (; error == TASKD_OK && !map->stopped && json_next(&list, &cursor, NULL, &element); i++) {
		if (i == slot->count)
			return nonsense("with too many outcomes");
		error = tell_element(map, slot->index + i, &element);
	}
	if (error == TASKD_OK && !map->stopped && i < slot->count)
		return nonsense("with too few outcomes");
	return error;
}

/* It is done, and nobody else has it: so it can be read without the mutex. */
static enum taskd_error tell_slot(struct map *map, const struct slot *slot)
{
	const struct taskd_future *f = slot->future;

	if (!f->failure && map->chunk > 1)
		return tell_chunk(map, slot);
	if (!f->failure)
		tell(map, slot->index, f->text, f->length, NULL);
	for (size_t i = 0; f->failure && i < slot->count && !map->stopped; i++)
		tell(map, slot->index + i, NULL, 0, f->failure);
	return TASKD_OK;
}

static void free_slot(struct map *map, struct slot *slot)
{
	connection_lock(map->connection);
	future_drop(slot->future);
	connection_unlock(map->connection);
	slot->future = NULL;
	slot->next = map->unused;
	map->unused = slot;
	map->n_flying--;
}

/* --- the map --- */

static enum taskd_error run(struct map *map, int64_t deadline)
{
	enum taskd_error error = TASKD_OK;
	struct slot *slot;

	while (error == TASKD_OK && !map->stopped) {
		while (error == TASKD_OK && map->unused && !map->exhausted)
			error = send_one(map);
		if (error != TASKD_OK || map->n_flying == 0)
			break;
		error = take_one(map, deadline, &slot);
		if (error == TASKD_OK) {
			error = tell_slot(map, slot);
			free_slot(map, slot);
		}
	}
	return error;
}

static bool make_slots(struct map *map, const struct taskd_map_options *options)
{
	size_t items = options->in_flight ? options->in_flight : IN_FLIGHT;

	map->chunk = options->chunk ? options->chunk : 1;
	if (options->in_flight && map->chunk > items)
		map->chunk = items;
	map->n_slots = items / map->chunk;
	if (!options->in_flight && map->n_slots < CHUNKS_IN_FLIGHT)
		map->n_slots = CHUNKS_IN_FLIGHT;
	map->slots = calloc(map->n_slots, sizeof(*map->slots));
	if (!map->slots)
		return false;
	for (size_t i = map->n_slots; i-- > 0;) {
		map->slots[i].next = map->unused;
		map->unused = &map->slots[i];
	}
	return true;
}

/* What is still on its way is cancelled. */
static void end(struct map *map)
{
	struct taskd *c = map->connection;

	if (map->slots) {
		connection_lock(c);
		for (size_t i = 0; i < map->n_slots; i++)
			if (map->slots[i].future)
				future_drop(map->slots[i].future);
		if (map->n_flying > 0)
			output_write(c);
		connection_unlock(c);
		free(map->slots);
	}
	strbuf_free(&map->front);
	strbuf_free(&map->items);
	strbuf_free(&map->back);
}

enum taskd_error taskd_map(struct taskd *c, const char *task, taskd_map_next *next, taskd_map_result *result,
	void *user, const struct taskd_map_options *options, int64_t timeout_ns)
{
	static const struct taskd_map_options none;
	int64_t deadline = deadline_after(timeout_ns);
	enum taskd_error error;

	if (!c)
		return error_of_null("connection");
	if (!connection_usable(c) || !connection_may_wait(c))
		return error_failure()->error;
	if (!task || !task[0] || !next || !result)
		return error_set(TASKD_E_INVALID, "taskd_map needs a task and two functions");
	if (!options)
		options = &none;
	if ((error = options_check_map(&options->task)))
		return error;
	struct map map = {
		.connection = c,
		.next = next,
		.result = result,
		.user = user,
		.unordered = options->unordered,
	};
	map.last = &map.first;
	group_init(&map.group);
	if (make_slots(&map, options) && make_frame(&map, task, &options->task))
		error = run(&map, deadline);
	else
		error = error_set(TASKD_E_MEMORY, NULL);
	end(&map);
	return error;
}
