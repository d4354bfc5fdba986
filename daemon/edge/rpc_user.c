/* What each user has, beside what he may have: user.list. A user is there as long as anything of his is: connections, tasks,
 * named objects. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/users.h"
#include "base/xmalloc.h"
#include "config/config.h"
#include "edge/objects.h"

/* --- who there is --- */

struct uids {
	uint32_t *list;
	size_t count, room;
};

/* Whom the caller may not see is left out here. */
static void uids_add(struct uids *uids, const struct call *call, uint32_t uid)
{
	if (!access_sees_user(call->to.connection, uid))
		return;
	if (uids->count == uids->room) {
		uids->room = uids->room ? 2 * uids->room : 16;
		uids->list = xreallocarray(uids->list, uids->room, sizeof(uids->list[0]));
	}
	uids->list[uids->count++] = uid;
}

static int compare(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
	return (one > other) - (one < other);
}

/* In the order of their numbers, each once. */
static void uids_gather(struct uids *uids, const struct call *call)
{
	const struct edge *edge = call->edge;
	const struct user *user;
	struct core_user_figures tasks;
	struct object_user_figures objects;
	size_t cursor = 0, n = 0;
	while ((user = user_next(edge, &cursor)))
		uids_add(uids, call, user->uid);
	for (cursor = 0; core_user_next(edge->core, &cursor, &tasks);)
		uids_add(uids, call, tasks.uid);
	for (cursor = 0; objects_user_next(core_objects(edge->core), &cursor, &objects);)
		uids_add(uids, call, objects.uid);
	if (uids->count)
		qsort(uids->list, uids->count, sizeof(uids->list[0]), compare);
	for (size_t i = 0; i < uids->count; i++)
		if (!n || uids->list[n - 1] != uids->list[i])
			uids->list[n++] = uids->list[i];
	uids->count = n;
}

/* --- what is told of each --- */

struct share_list {
	struct strbuf *out;
	bool any;
};

/* What has no limit is left out. */
static void share_add(struct share_list *list, const char *name, double most)
{
	if (most > 0)
		strbuf_printf(list->out, "%s\"%s\":%.15g", list->any ? "," : "", name, most);
	list->any |= most > 0;
}

static void put_shares(struct strbuf *out, const struct edge *edge, uint32_t uid)
{
	const struct core_shares *core = &edge->core_shares;
	const struct object_limits *objects = &edge->object_limits;
	struct share_list list = { .out = out };
	strbuf_puts(out, ",\"shares\":{");
	if (!user_is_exempt(uid)) {
		share_add(&list, "user_connections", (double)edge->shares.connections);
		share_add(&list, "user_requests", (double)edge->shares.requests);
		share_add(&list, "user_rate", edge->shares.rate);
		share_add(&list, "user_queued", (double)core->queued);
		share_add(&list, "user_queued_bytes", (double)core->queued_bytes);
		share_add(&list, "user_running", (double)core->running);
		share_add(&list, "user_result_bytes", (double)core->result_bytes);
		share_add(&list, "user_descriptors", (double)edge->shares.descriptors);
	}
	share_add(&list, "object_limit", (double)objects->objects);
	share_add(&list, "waiter_limit", (double)objects->waits);
	share_add(&list, "mq_bytes_limit", (double)objects->mq_bytes);
	strbuf_puts(out, "}");
}

static void put_user(struct strbuf *out, const struct edge *edge, uint32_t uid)
{
	static const struct user none;
	const struct user *user = user_of(edge, uid);
	struct core_user_figures tasks;
	struct object_user_figures objects;
	char name[64];
	core_user_figures(edge->core, uid, &tasks);
	objects_user_figures(core_objects(edge->core), uid, &objects);
	user_name(uid, name, sizeof(name));
	user = user ? user : &none;
	strbuf_printf(out, "{\"uid\":%" PRIu32 ",\"user\":", uid);
	strbuf_json_string(out, name, strlen(name));
	strbuf_printf(out, ",\"connections\":%zu,\"outstanding\":%zu", user->connections, user->outstanding);
	strbuf_printf(out, ",\"requests\":%" PRIu64 ",\"rate\":%zu,\"refused\":%" PRIu64, user->requests,
		user_asked_lately(edge, user), user->refused);
	strbuf_printf(out, ",\"queued\":%zu,\"queued_bytes\":%zu,\"running\":%zu,\"held\":%zu", tasks.queued,
		tasks.queued_bytes, tasks.running, tasks.held);
	strbuf_printf(out, ",\"kept\":%zu,\"kept_bytes\":%zu,\"descriptors\":%zu", tasks.kept, tasks.kept_bytes,
		user_descriptors(edge, uid));
	strbuf_printf(out, ",\"objects\":%zu,\"waiters\":%zu,\"mq_bytes\":%zu", objects.objects, objects.waits,
		objects.mq_bytes);
	put_shares(out, edge, uid);
	strbuf_puts(out, "}");
}

void rpc_user_list(const struct call *call)
{
	struct no_params params = { 0 };
	struct strbuf out = STRBUF_INIT;
	struct uids uids = { 0 };
	if (!call_params(call, &params))
		return;
	uids_gather(&uids, call);
	strbuf_puts(&out, "[");
	for (size_t i = 0; i < uids.count; i++) {
		strbuf_puts(&out, i ? "," : "");
		put_user(&out, call->edge, uids.list[i]);
	}
	strbuf_puts(&out, "]");
	free(uids.list);
	reply_buffer(&call->to, &out);
}
