/* Why something could not be done with a named object: in one line with names, and in data for programs. */
#include <inttypes.h>
#include <string.h>

#include "edge/objects.h"

const char *object_kind_text(enum object_kind kind)
{
	return kind == OBJECT_MQ ? "message queue" : object_kind_name(kind);
}

/* {"kind":…,"hint":… */
static void data_begin(struct strbuf *data, enum proto_error error, const char *hint)
{
	strbuf_printf(data, "{\"kind\":\"%s\"", proto_error_info(error)->kind);
	if (!hint)
		return;
	strbuf_puts(data, ",\"hint\":");
	strbuf_json_string(data, hint, strlen(hint));
}

static void put_name(struct strbuf *text, enum object_kind kind, const struct object_name *name)
{
	strbuf_printf(text, "%s \"%.*s\"", object_kind_text(kind), (int)name->length, name->data);
}

/* Takes TEXT and DATA, which lacks its last brace. */
static void answer(const struct reply_to *to, enum proto_error error, struct strbuf *text, struct strbuf *data)
{
	strbuf_puts(data, "}");
	reply_error(to, error, text->length ? text->data : NULL, data->data);
	strbuf_free(text);
	strbuf_free(data);
}

/* --- who is in the way --- */

static void put_held_by(struct strbuf *data, struct connection *viewer, const struct party *party)
{
	strbuf_puts(data, ",\"held_by\":{");
	party_write(data, viewer, party);
	strbuf_puts(data, "}");
}

static void not_owner(const struct reply_to *to, enum object_kind kind, const struct object_name *name,
	const struct object_link *link)
{
	const struct party party = party_of_link(link);
	struct strbuf text = STRBUF_INIT, data = STRBUF_INIT;
	put_name(&text, kind, name);
	strbuf_puts(&text, " is held by ");
	party_tell(&text, to->connection, &party);
	data_begin(&data, PROTO_NOT_OWNER, proto_error_info(PROTO_NOT_OWNER)->hint);
	put_held_by(&data, to->connection, &party);
	answer(to, PROTO_NOT_OWNER, &text, &data);
}

/* a, waits for lock "x", held by b, who waits for lock "y", held by … the first */
static void tell_circle(struct strbuf *text, struct connection *viewer, const struct object_problem *problem)
{
	size_t told = problem->n_links < OBJECT_LINKS ? problem->n_links : OBJECT_LINKS;
	for (size_t i = 0; i < told; i++) {
		const struct object_link *link = &problem->links[i];
		const struct party party = party_of_link(link);
		party_tell(text, viewer, &party);
		strbuf_printf(text, "%s for %s \"%s\", held by ", i ? ", which waits" : " would wait",
			object_kind_text(link->kind), link->name);
	}
	if (told < problem->n_links)
		strbuf_printf(text, "another, and so on over %zu more up to ", problem->n_links - told);
	strbuf_puts(text, problem->n_links == 1 ? "itself" : "the first");
}

static void put_cycle(struct strbuf *data, struct connection *viewer, const struct object_problem *problem)
{
	strbuf_puts(data, ",\"cycle\":[");
	for (size_t i = 0; i < problem->n_links && i < OBJECT_LINKS; i++) {
		const struct object_link *link = &problem->links[i];
		const struct party party = party_of_link(link);
		strbuf_puts(data, i ? ",{" : "{");
		party_write(data, viewer, &party);
		strbuf_printf(data, ",\"waits_for\":{\"%s\":", object_kind_name(link->kind));
		strbuf_json_string(data, link->name, strlen(link->name));
		strbuf_puts(data, "}}");
	}
	strbuf_puts(data, "]");
}

static void deadlock(const struct reply_to *to, const struct object_problem *problem)
{
	struct strbuf text = STRBUF_INIT, data = STRBUF_INIT;
	bool alone = problem->n_links == 1; /* it would wait for itself */
	if (alone && problem->text[0])
		strbuf_puts(&text, problem->text);
	else
		tell_circle(&text, to->connection, problem);
	data_begin(&data, PROTO_DEADLOCK, alone ? NULL : "acquire them in the same order everywhere");
	put_cycle(&data, to->connection, problem);
	answer(to, PROTO_DEADLOCK, &text, &data);
}

/* --- what has a line of its own --- */

struct reason {
	enum proto_error error;
	const char *text; /* behind the object's name, where the objects have not said more */
	const char *hint; /* NULL: the error's own */
};

static struct reason reason_of(enum object_status status)
{
	switch (status) {
	case OBJECT_NOT_HELD:
		return (struct reason){ PROTO_NOT_HELD, "is not held", NULL };
	case OBJECT_NOT_OWNER:
		return (struct reason){ PROTO_NOT_OWNER, "is held by another", NULL };
	case OBJECT_OVER_RELEASED:
		return (struct reason){ PROTO_OVER_RELEASED, "has had all that back already", NULL };
	case OBJECT_BROKEN:
		return (struct reason){ PROTO_BARRIER_BROKEN, "is broken", NULL };
	case OBJECT_MISMATCH:
		return (struct reason){ PROTO_MISMATCH, "is there already, and not as you say", NULL };
	case OBJECT_DEADLOCK:
		return (struct reason){ PROTO_DEADLOCK, "would be waited for without an end",
			"acquire them in the same order everywhere" };
	case OBJECT_TOO_MANY:
		return (struct reason){ PROTO_TOO_MANY, "is one too many",
			"object_limit, waiter_limit and mq_bytes_limit in taskd.conf are the limits of each user" };
	case OBJECT_NOT_FOUND:
		return (struct reason){ PROTO_NOT_FOUND, "is not there", NULL };
	case OBJECT_TOO_LARGE:
		return (struct reason){ PROTO_TOO_LARGE, "has no room for so large a message",
			"its limit_bytes, or mq_bytes_limit in taskd.conf, is the limit" };
	case OBJECT_DELETED:
		return (struct reason){ PROTO_NOT_FOUND, "was deleted", NULL };
	case OBJECT_DONE:
	case OBJECT_WAITING:
	case OBJECT_WOULD_WAIT:
	case OBJECT_FULL:
	case OBJECT_DENIED: /* object_deny */
		break;
	}
	return (struct reason){ PROTO_INTERNAL_ERROR, "is in a state that it cannot be in", NULL };
}

void object_error(const struct reply_to *to, enum object_status status, enum object_kind kind,
	const struct object_name *name, const struct object_problem *problem)
{
	struct strbuf text = STRBUF_INIT, data = STRBUF_INIT;
	if (!to->id)
		return;
	if (status == OBJECT_NOT_OWNER && problem && problem->n_links) {
		not_owner(to, kind, name, &problem->links[0]);
		return;
	}
	if (status == OBJECT_DEADLOCK && problem && problem->n_links) {
		deadlock(to, problem);
		return;
	}
	struct reason reason = reason_of(status);
	if (problem && problem->text[0]) {
		strbuf_puts(&text, problem->text);
	} else {
		strbuf_puts(&text, "the ");
		put_name(&text, kind, name);
		strbuf_printf(&text, " %s", reason.text);
	}
	data_begin(&data, reason.error, reason.hint ? reason.hint : proto_error_info(reason.error)->hint);
	answer(to, reason.error, &text, &data);
}

/* --- time that is over --- */

struct sight {
	struct party party; /* the first of those who hold it */
	size_t holders;
	struct object_view view;
};

static bool see_first(void *user, const struct object_party *party)
{
	struct sight *sight = user;
	if (!party->waits) {
		sight->party = party_of_owner(party->owner, &party->token);
		sight->holders = 1;
	}
	return false;
}

/* Who has a lock or the permits of a semaphore. */
static bool look(const struct edge *edge, enum object_kind kind, const struct object_name *name, struct sight *sight)
{
	const struct object *object = object_find(core_objects(edge->core), kind, name);
	*sight = (struct sight){ .holders = 0 };
	if (!object)
		return false;
	object_look(object, &sight->view);
	object_parties(object, see_first, sight);
	return sight->holders;
}

static void tell_holders(struct strbuf *text, struct strbuf *data, struct connection *viewer, enum object_kind kind,
	const struct object_name *name)
{
	struct sight sight;
	if (!look(viewer->edge, kind, name, &sight)) {
		strbuf_puts(text, " was not to be had in time");
		return;
	}
	if (kind == OBJECT_SEMAPHORE)
		strbuf_printf(text, " has %" PRId64 " of %" PRId64 " permits free, and is held by ", sight.view.value,
			sight.view.slots);
	else
		strbuf_puts(text, " is held by ");
	party_tell(text, viewer, &sight.party);
	if (sight.view.holders > 1)
		strbuf_printf(text, " and %zu more", sight.view.holders - 1);
	put_held_by(data, viewer, &sight.party);
}

void object_timed_out(const struct reply_to *to, enum object_kind kind, const struct object_name *name)
{
	struct strbuf text = STRBUF_INIT, data = STRBUF_INIT;
	if (!to->id)
		return;
	put_name(&text, kind, name);
	data_begin(&data, PROTO_WAIT_TIMED_OUT, NULL);
	switch (kind) {
	case OBJECT_LOCK:
	case OBJECT_SEMAPHORE:
		tell_holders(&text, &data, to->connection, kind, name);
		break;
	case OBJECT_EVENT:
		strbuf_puts(&text, " was not set in time");
		break;
	case OBJECT_BARRIER:
		strbuf_puts(&text, ": the others did not come in time; it is broken now");
		break;
	case OBJECT_CONDITION:
	case OBJECT_MQ:
	case OBJECT_N_KINDS:
		strbuf_puts(&text, " had nothing in time");
		break;
	}
	answer(to, PROTO_WAIT_TIMED_OUT, &text, &data);
}
