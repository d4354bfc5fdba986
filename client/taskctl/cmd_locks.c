/* locks: all that has a name and is held, waited for or filled, of whatever kind, in one table. */
#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/parties.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/suggest.h"
#include "proto/units.h"

#define HOLDERS_SHOWN 3

struct locks_values {
	const char *name;
	struct option_integer limit;
};

static const char *const kinds[] = { "lock", "semaphore", "event", "condition", "barrier", "mq", NULL };
enum kind { KIND_LOCK, KIND_SEMAPHORE, KIND_EVENT, KIND_CONDITION, KIND_BARRIER, KIND_MQ, N_KINDS };

static enum method list_method(enum kind kind)
{
	switch (kind) {
	case KIND_LOCK:
		return METHOD_LOCK_LIST;
	case KIND_SEMAPHORE:
		return METHOD_SEMAPHORE_LIST;
	case KIND_EVENT:
		return METHOD_EVENT_LIST;
	case KIND_CONDITION:
		return METHOD_CONDITION_LIST;
	case KIND_BARRIER:
		return METHOD_BARRIER_LIST;
	case KIND_MQ:
	case N_KINDS:
		return METHOD_MQ_LIST;
	}
	return METHOD_MQ_LIST;
}

/* --- how each stands --- */

static json_int_t number(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static void put_lock(struct strbuf *out, const json_t *object)
{
	const json_t *first = json_array_get(json_object_get(object, "holders"), 0);

	strbuf_puts(out, !first ? "free" : json_is_true(json_object_get(first, "shared")) ? "shared" : "held");
}

/* One that is made smaller while it is held has less than none. */
static void put_semaphore(struct strbuf *out, const json_t *object)
{
	json_int_t value = number(object, "value");

	strbuf_printf(out, "%lld of %lld free", (long long)(value > 0 ? value : 0), (long long)number(object, "slots"));
	if (value < 0)
		strbuf_printf(out, ", %lld too many held", (long long)-value);
}

static void put_mq(struct strbuf *out, const json_t *object)
{
	char size[UNITS_TEXT_SIZE];

	units_human_size(number(object, "bytes"), size);
	strbuf_printf(out, "%lld message%s, %s", (long long)number(object, "length"),
		number(object, "length") == 1 ? "" : "s", size);
	if (number(object, "unacked") > 0)
		strbuf_printf(out, ", %lld out", (long long)number(object, "unacked"));
}

static void put_state(struct strbuf *out, enum kind kind, const json_t *object)
{
	switch (kind) {
	case KIND_LOCK:
		put_lock(out, object);
		break;
	case KIND_SEMAPHORE:
		put_semaphore(out, object);
		break;
	case KIND_EVENT:
		strbuf_puts(out, json_is_true(json_object_get(object, "set")) ? "set" : "clear");
		break;
	case KIND_CONDITION:
		strbuf_printf(out, "lock %s", json_string_value(json_object_get(object, "lock")));
		break;
	case KIND_BARRIER:
		if (json_is_true(json_object_get(object, "broken")))
			strbuf_puts(out, "broken");
		else
			strbuf_printf(
				out, "%zu of %lld", parties_waiting(object), (long long)number(object, "parties"));
		break;
	case KIND_MQ:
	case N_KINDS:
		put_mq(out, object);
	}
	if (json_is_true(json_object_get(object, "holder_died")))
		strbuf_puts(out, ", holder died");
}

static void set_text(json_t *object, const char *member, struct strbuf *text)
{
	char *plain = strbuf_take(text, NULL);

	if (plain && *plain)
		json_object_set_new(object, member, must(json_string(plain)));
	free(plain);
}

/* For people: one column says how it stands, one by whom it is held. */
static void make_readable(enum kind kind, json_t *object)
{
	struct strbuf out = STRBUF_INIT;

	put_state(&out, kind, object);
	set_text(object, "state", &out);
	parties_put_holders(&out, object, HOLDERS_SHOWN);
	set_text(object, "held_by", &out);
	json_object_set_new(object, "waiting", json_integer((json_int_t)parties_waiting(object)));
}

/* --- the table --- */

static int add_kind(struct taskctl *ctl, const struct locks_values *values, enum kind kind, json_t *all)
{
	json_int_t limit = values->limit.given ? values->limit.value : OBJECTS_LISTED_MAX;
	json_t *objects, *object;
	size_t i;
	int status = taskctl_request(ctl, list_method(kind), must(json_pack("{s:I}", "limit", limit)), &objects);

	if (status != EXIT_FINE)
		return status;
	json_array_foreach (objects, i, object) {
		json_t *entry;

		if (values->name && fnmatch(values->name, json_string_value(json_object_get(object, "name")), 0) != 0)
			continue;
		entry = must(json_pack("{s:s}", "kind", kinds[kind]));
		json_object_update(entry, object);
		if (!ctl->json)
			make_readable(kind, entry);
		json_array_append_new(all, entry);
	}
	if ((json_int_t)json_array_size(objects) == limit)
		report_note(ctl, "only the first %lld of the kind \"%s\"", (long long)limit, kinds[kind]);
	json_decref(objects);
	return EXIT_FINE;
}

/* Which kinds were asked for; all where none was. */
static int choose_kinds(struct taskctl *ctl, const struct invocation *invocation, bool wanted[N_KINDS])
{
	memset(wanted, invocation->n_operands == 0, N_KINDS * sizeof *wanted);
	for (int i = 0; i < invocation->n_operands; i++) {
		const char *word = invocation->operands[i];
		struct suggest suggest;
		char hint[96];
		bool known = false;

		suggest_begin(&suggest, word);
		for (int kind = 0; kind < N_KINDS; kind++) {
			suggest_offer(&suggest, kinds[kind]);
			if (strcmp(kinds[kind], word) != 0)
				continue;
			wanted[kind] = true;
			known = true;
		}
		if (known)
			continue;
		if (suggest.best)
			snprintf(hint, sizeof hint, "did you mean %s?", suggest.best);
		else
			snprintf(hint, sizeof hint, "one of lock, semaphore, event, condition, barrier, mq");
		return report_usage(ctl, hint, "\"%s\" is no kind of named object", word);
	}
	return EXIT_FINE;
}

static int run_locks(struct taskctl *ctl, const struct invocation *invocation)
{
	static const struct field fields[] = {
		{ .title = "KIND", .path = "kind", .cell = CELL_TEXT },
		{ .title = "NAME", .path = "name", .cell = CELL_TEXT },
		{ .title = "STATE", .path = "state", .cell = CELL_TEXT },
		{ .title = "HELD BY", .path = "held_by", .cell = CELL_TEXT, .shrinks = true, .optional = true },
		{ .title = "WAITING", .path = "waiting", .cell = CELL_NUMBER },
		{ .title = "SINCE", .path = "since", .cell = CELL_AGO },
		{ .title = "MAKER", .path = "maker", .cell = CELL_TEXT },
		{ .title = NULL },
	};
	json_t *all = must(json_array());
	bool wanted[N_KINDS];
	int status = choose_kinds(ctl, invocation, wanted);

	for (int kind = 0; kind < N_KINDS && status == EXIT_FINE; kind++)
		if (wanted[kind])
			status = add_kind(ctl, invocation->values, (enum kind)kind, all);
	if (status == EXIT_FINE) {
		ctl->writer->ops->table(ctl->writer, fields, all);
		if (json_array_size(all) == 0)
			report_note(ctl, "nothing is held, waited for or filled");
	}
	json_decref(all);
	return status;
}

static const struct option_spec locks_options[] = {
	{ .name = "name",
		.type = OPTION_TEXT,
		.offset = offsetof(struct locks_values, name),
		.argument = "PATTERN",
		.summary = "only those whose names fit, with * and ? as of the shell" },
	{ .name = "limit",
		.letter = 'n',
		.type = OPTION_INTEGER,
		.offset = offsetof(struct locks_values, limit),
		.argument = "N",
		.summary = "at most so many of each kind (10000)",
		.min = 1,
		.max = OBJECTS_LISTED_MAX },
	{ .name = NULL },
};

const struct command command_locks = {
	.name = "locks",
	.operands = "[KIND…]",
	.summary = "List locks, semaphores, events, conditions, barriers, message queues",
	.help = "Who holds each, how many wait, and since when it is there. KIND is lock, semaphore,\n"
		"event, condition, barrier or mq. With --json also who waits, and since when.",
	.options = locks_options,
	.values_size = sizeof(struct locks_values),
	.max_operands = -1,
	.first = COMPLETE_WORDS,
	.rest = COMPLETE_WORDS,
	.words = kinds,
	.reconnects = true,
	.run = run_locks,
};
