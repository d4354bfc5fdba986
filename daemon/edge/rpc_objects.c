/* Named objects as people see them: lock.list and its like, for each kind; and how many there are. */
#include <inttypes.h>
#include <string.h>

#include "base/users.h"
#include "edge/access.h"
#include "edge/objects.h"

#define LIST_DEFAULT 1000
#define PARTIES_EACH 100   /* of an object's holders, and of those who wait */
#define PARTIES_ALL 20000u /* of all objects in one answer */

struct listing {
	struct strbuf out;
	struct connection *viewer;
	const struct edge *edge;
	size_t parties; /* told so far, of all objects */
	/* Of one object: */
	bool waits; /* those who wait are told, else those who hold */
	size_t told;
};

static void put_text(struct strbuf *out, const char *member, const char *text, size_t length)
{
	strbuf_printf(out, "\"%s\":", member);
	strbuf_json_string(out, text, length);
}

static void put_bool(struct strbuf *out, const char *member, bool value)
{
	strbuf_printf(out, ",\"%s\":%s", member, value ? "true" : "false");
}

/* --- parties --- */

/* A fence is what its holder proves to others that it holds by: it is for nobody else. */
static void put_party(
	struct strbuf *out, struct connection *viewer, enum object_kind kind, const struct object_party *party)
{
	const struct party who = party_of_owner(party->owner, &party->token);
	strbuf_puts(out, "{");
	party_write(out, viewer, &who);
	if (kind == OBJECT_LOCK)
		put_bool(out, "shared", party->shared);
	if (party->count && (kind == OBJECT_LOCK || kind == OBJECT_SEMAPHORE))
		strbuf_printf(out, ",\"count\":%" PRId64, party->count);
	if (party->fence && party_is_seen(viewer, who.uid))
		strbuf_printf(out, ",\"fence\":%" PRIu64, party->fence);
	record_write_time(out, "since", party->since_ns);
	if (party->what)
		strbuf_printf(out, ",\"for\":\"%s\"", party->what);
	strbuf_puts(out, "}");
}

struct visit {
	struct listing *listing;
	enum object_kind kind;
};

/* A task that waits for it before it starts: of those, only some are known to the object itself. */
static bool is_unstarted(const struct listing *listing, const struct object_party *party)
{
	struct task *task;
	return party->waits && party->owner->kind == OWNER_TASK &&
		core_find(listing->edge->core, party->owner->id, &task) == CORE_FOUND && task->state == TASK_BLOCKED;
}

static bool visit_party(void *user, const struct object_party *party)
{
	const struct visit *visit = user;
	struct listing *listing = visit->listing;
	if (party->waits != listing->waits)
		return listing->waits; /* those who hold come first */
	if (is_unstarted(listing, party))
		return true;
	if (listing->told >= PARTIES_EACH || listing->parties >= PARTIES_ALL)
		return false;
	strbuf_puts(&listing->out, listing->told ? "," : "");
	put_party(&listing->out, listing->viewer, visit->kind, party);
	listing->told++;
	listing->parties++;
	return true;
}

static size_t put_unstarted(struct listing *listing, const struct object *object)
{
	struct claim_waiter waiters[PARTIES_EACH];
	struct strbuf *out = &listing->out;
	size_t room = PARTIES_EACH - listing->told;
	if (room > PARTIES_ALL - listing->parties)
		room = PARTIES_ALL - listing->parties;
	size_t all = core_claim_waiters(listing->edge->core, object, waiters, room);
	for (size_t i = 0; i < all && i < room; i++) {
		const struct object_claim *claim = waiters[i].claim;
		const struct object_owner owner = {
			.kind = OWNER_TASK, .id = waiters[i].task->id, .uid = waiters[i].task->owner->uid,
		};
		strbuf_puts(out, listing->told++ ? "," : "");
		listing->parties++;
		put_party(out, listing->viewer, claim->kind,
			&(struct object_party){
				.waits = true,
				.owner = &owner,
				.shared = claim->shared,
				.count = claim->kind == OBJECT_LOCK ? 1 : claim->count,
				.since_ns = waiters[i].since_ns,
			});
	}
	return all;
}

/* Of ALL of them that there are. */
static void put_parties(
	struct listing *listing, const struct object *object, enum object_kind kind, bool waits, size_t all)
{
	struct visit visit = { .listing = listing, .kind = kind };
	listing->waits = waits;
	listing->told = 0;
	strbuf_printf(&listing->out, ",\"%s\":[", waits ? "waiting" : "holders");
	object_parties(object, visit_party, &visit);
	if (waits && (kind == OBJECT_LOCK || kind == OBJECT_SEMAPHORE))
		all += put_unstarted(listing, object);
	strbuf_puts(&listing->out, "]");
	if (all > listing->told)
		strbuf_printf(&listing->out, ",\"%s_more\":%zu", waits ? "waiting" : "holders", all - listing->told);
}

/* --- objects --- */

static void put_mq(struct strbuf *out, const struct mq_figures *figures)
{
	static const char *const orders[] = { [MQ_FIFO] = "fifo", [MQ_LIFO] = "lifo", [MQ_PRIORITY] = "priority" };
	strbuf_printf(out, ",\"length\":%zu,\"bytes\":%zu,\"unacked\":%zu,\"unfinished\":%" PRIu64, figures->length,
		figures->bytes, figures->unacked, figures->unfinished);
	strbuf_printf(out, ",\"getters\":%zu,\"putters\":%zu", figures->getters, figures->putters);
	put_bool(out, "created", figures->created);
	if (figures->owned) {
		strbuf_printf(out, ",\"owner\":%u", (unsigned)figures->owner);
		put_bool(out, "shared", figures->options.shared);
	}
	strbuf_printf(out, ",\"order\":\"%s\",\"limit_count\":%" PRId64 ",\"limit_bytes\":%" PRId64,
		orders[figures->options.order], figures->options.limit_count, figures->options.limit_bytes);
}

/* CLAIMS: so many tasks wait for it before they start. */
static void put_kind(struct strbuf *out, const struct object_view *view, size_t claims)
{
	switch (view->kind) {
	case OBJECT_LOCK:
		put_bool(out, "holder_died", view->holder_died);
		strbuf_printf(out, ",\"claims\":%zu", claims);
		break;
	case OBJECT_SEMAPHORE:
		put_bool(out, "holder_died", view->holder_died);
		strbuf_printf(out, ",\"claims\":%zu,\"slots\":%" PRId64 ",\"value\":%" PRId64, claims,
			view->slots, view->value);
		put_bool(out, "bounded", view->bounded);
		break;
	case OBJECT_EVENT:
		put_bool(out, "set", view->set);
		break;
	case OBJECT_CONDITION:
		strbuf_puts(out, ",");
		put_text(out, "lock", view->lock.data, view->lock.length);
		break;
	case OBJECT_BARRIER:
		strbuf_printf(out, ",\"parties\":%" PRId64, view->slots);
		put_bool(out, "broken", view->set);
		break;
	case OBJECT_MQ:
		put_mq(out, &view->mq);
		break;
	case OBJECT_N_KINDS:
		break;
	}
}

static void put_object(struct listing *listing, const struct object *object)
{
	struct strbuf *out = &listing->out;
	struct object_view view = { 0 };
	object_look(object, &view);
	const char *maker = user_name_kept(view.maker, core_now(listing->edge->core));
	strbuf_puts(out, "{");
	put_text(out, "name", view.name.data, view.name.length);
	record_write_time(out, "since", view.since_ns);
	if (view.kind != OBJECT_MQ || view.mq.owned) {
		strbuf_puts(out, ",");
		put_text(out, "maker", maker, strlen(maker));
	}
	put_kind(out, &view, core_claim_waiters(listing->edge->core, object, NULL, 0));
	put_parties(listing, object, view.kind, false, view.holders);
	put_parties(listing, object, view.kind, true, view.waits);
	strbuf_puts(out, "}");
}

/* Objects have no contents, but for message queues: one that is not for the viewer is not shown. */
static bool is_shown(struct connection *viewer, const struct object *object)
{
	struct object_view view = { 0 };
	object_look(object, &view);
	return access_shows_object(viewer, &view.name) &&
		(view.kind != OBJECT_MQ || message_queue_is_open(viewer, &view.mq) ||
			access_sees_user(viewer, view.mq.owner));
}

static void list(const struct call *call, enum object_kind kind)
{
	struct object_list_params params = { 0 };
	struct objects *objects = core_objects(call->edge->core);
	struct listing listing = { .edge = call->edge, .viewer = call->to.connection };
	const struct object *object = NULL;
	size_t n = 0, looked = 0;
	if (!call_params(call, &params))
		return;
	const struct object_name name = { .data = params.name.data, .length = params.name.length };
	size_t limit = params.limit ? (size_t)params.limit : LIST_DEFAULT;
	strbuf_puts(&listing.out, "[");
	if (name.length) {
		object = object_find(objects, kind, &name);
		if (object && is_shown(listing.viewer, object))
			put_object(&listing, object);
	} else {
		while (n < limit && (object = object_next(objects, kind, object))) {
			looked++;
			if (!is_shown(listing.viewer, object))
				continue;
			strbuf_puts(&listing.out, n++ ? "," : "");
			put_object(&listing, object);
		}
	}
	strbuf_puts(&listing.out, "]");
	connection_looked(call->to.connection, looked + listing.parties);
	reply_buffer(&call->to, &listing.out);
	call_params_free(call, &params);
}

void rpc_lock_list(const struct call *call)
{
	list(call, OBJECT_LOCK);
}

void rpc_semaphore_list(const struct call *call)
{
	list(call, OBJECT_SEMAPHORE);
}

void rpc_event_list(const struct call *call)
{
	list(call, OBJECT_EVENT);
}

void rpc_condition_list(const struct call *call)
{
	list(call, OBJECT_CONDITION);
}

void rpc_barrier_list(const struct call *call)
{
	list(call, OBJECT_BARRIER);
}

void rpc_mq_list(const struct call *call)
{
	list(call, OBJECT_MQ);
}

void objects_put_counts(struct strbuf *out, const struct edge *edge)
{
	const struct objects *objects = core_objects(edge->core);
	strbuf_puts(out, "\"objects\":{");
	for (int kind = 0; kind < OBJECT_N_KINDS; kind++)
		strbuf_printf(out, "\"%s\":%zu,", object_kind_name((enum object_kind)kind),
			objects_count(objects, (enum object_kind)kind));
	strbuf_printf(out, "\"waiting\":%zu}", edge->object_waits);
}
