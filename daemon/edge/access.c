/* Who may do what: see access.h. What is asked of a connection for each request is a look at what was found out once; what
 * concerns a task's name or a queue's is looked at each time, where patterns say which. */
#include "edge/access.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/users.h"
#include "edge/objects.h"
#include "edge/rules.h"
#include "proto/command.h"

#define SECTION_BIT(i) (UINT64_C(1) << (i))

/* --- what a peer has --- */

static enum access_scope larger(enum access_scope a, enum access_scope b)
{
	return a > b ? a : b;
}

static void add_section(struct access *access, const struct rule *rule, uint64_t bit)
{
	access->sections |= bit;
	access->admin |= rule->admin;
	access->submit |= rule->submit;
	access->submit_all |= rule->submit && rule->tasks.all && rule->queues.all;
	access->read = larger(access->read, rule->read);
	access->cancel = larger(access->cancel, rule->cancel);
}

static void find(const struct rules *rules, const struct peer *peer, struct access *access)
{
	*access = (struct access){
		.generation = rules->generation,
		.exec = rules_are_about(rules, &rules->exec, peer),
		.admin = peer_is_admin(peer),
	};
	for (size_t i = 0; i < rules->count; i++)
		if (rules_are_about(rules, &rules->list[i].users, peer))
			add_section(access, &rules->list[i], SECTION_BIT(i));
	if (!access->admin)
		return;
	access->submit = access->submit_all = true;
	access->read = access->cancel = ACCESS_ALL;
}

const struct access *access_of(struct connection *connection)
{
	if (connection->access.generation != connection->edge->rules.generation)
		find(&connection->edge->rules, &connection->peer, &connection->access);
	return &connection->access;
}

bool access_has(const struct call *call, enum right right)
{
	const struct access *access = access_of(call->to.connection);
	switch (right) {
	case RIGHT_NONE:
		return true;
	case RIGHT_SUBMIT:
		return access->submit;
	case RIGHT_READ:
		return access->read != ACCESS_NONE;
	case RIGHT_CANCEL:
		return access->cancel != ACCESS_NONE;
	case RIGHT_ADMIN:
		return access->admin;
	case N_RIGHTS:
		break;
	}
	return false;
}

/* --- what is told --- */

/* The name is a few seconds old at most: who is denied may ask again and again. */
static const char *caller(const struct call *call)
{
	return user_name_kept(call->to.connection->peer.uid, core_now(call->edge->core));
}

/* OWNER: -1 where it is nobody's. */
static void deny(const struct call *call, enum right right, int64_t owner, const char *format, va_list args)
{
	char message[512];
	struct strbuf data = STRBUF_INIT;
	if (!call->to.id)
		return;
	vsnprintf(message, sizeof(message), format, args);
	error_data_begin(&data, PROTO_DENIED);
	strbuf_printf(&data, ",\"right\":\"%s\"", right_name(right));
	if (owner >= 0)
		strbuf_printf(&data, ",\"owner\":%" PRIi64, owner);
	strbuf_puts(&data, "}");
	reply_error(&call->to, PROTO_DENIED, message, data.data);
	strbuf_free(&data);
}

void access_deny(const struct call *call, enum right right, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	deny(call, right, -1, format, args);
	va_end(args);
}

void access_deny_others(const struct call *call, enum right right, uint32_t owner, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	deny(call, right, owner, format, args);
	va_end(args);
}

bool access_allows(const struct call *call, enum right right)
{
	if (access_has(call, right))
		return true;
	access_deny(call, right, "this needs the right to %s, which user %s does not have",
		right == RIGHT_ADMIN ? "administer (admin)" : right_name(right), caller(call));
	return false;
}

/* --- submissions --- */

/* Whether a section of ACCESS lets its peer submit what is called so; QUEUE NULL: into some queue. */
static bool submits(const struct rules *rules, const struct access *access, const char *task, const char *queue)
{
	if (access->submit_all)
		return true;
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->list[i];
		if ((access->sections & SECTION_BIT(i)) && rule->submit && patterns_match(&rule->tasks, task) &&
			(!queue || patterns_match(&rule->queues, queue)))
			return true;
	}
	return false;
}

bool access_may_submit(const struct call *call, const struct task_type *type, const struct core_queue *queue)
{
	struct connection *connection = call->to.connection;
	const struct rules *rules = &call->edge->rules;
	const struct access *access = access_of(connection);
	if (submits(rules, access, type->name, core_queue_name(queue)))
		return true;
	if (submits(rules, access, type->name, NULL))
		access_deny(call, RIGHT_SUBMIT, "user %s may not submit \"%s\" into queue \"%s\"", caller(call), type->name,
			core_queue_name(queue));
	else
		access_deny(call, RIGHT_SUBMIT, "user %s may not submit \"%s\"", caller(call), type->name);
	return false;
}

bool access_offers(struct connection *connection, const char *task)
{
	return submits(&connection->edge->rules, access_of(connection), task, NULL);
}

/* --- named objects --- */

/* Whether a section of ACCESS has a pattern for it; where it is to be used, one that lets its peer submit. */
static bool names_object(const struct rules *rules, const struct access *access, const struct object_name *name, bool use)
{
	char text[OBJECT_NAME_LIMIT + 1];
	if (access->admin)
		return true;
	snprintf(text, sizeof(text), "%.*s", (int)name->length, name->data);
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->list[i];
		if ((access->sections & SECTION_BIT(i)) && (rule->submit || !use) && patterns_match(&rule->objects, text))
			return true;
	}
	return false;
}

bool access_may_use(const struct call *call, const struct object_name *name)
{
	if (names_object(&call->edge->rules, access_of(call->to.connection), name, true))
		return true;
	access_deny(call, RIGHT_SUBMIT, "user %s may not use the name \"%.*s\"", caller(call), (int)name->length, name->data);
	return false;
}

bool access_shows_object(struct connection *connection, const struct object_name *name)
{
	return names_object(&connection->edge->rules, access_of(connection), name, false);
}

/* --- schedules --- */

/* Whose owner need not be connected: what the kernel said of him when he made it is what is known of him. */
static struct peer owner_of(const struct core_schedule *schedule)
{
	size_t n = schedule->n_groups;
	return (struct peer){
		.uid = schedule->task.owner,
		.gid = n ? schedule->groups[0] : (gid_t)-1,
		.groups = n > 1 ? schedule->groups + 1 : NULL,
		.n_groups = n > 1 ? n - 1 : 0,
	};
}

const char *access_denies_run(const struct edge *edge, const struct core_schedule *schedule)
{
	const struct rules *rules = &edge->rules;
	const struct task_spec *task = &schedule->task;
	const struct peer owner = owner_of(schedule);
	struct access access;
	find(rules, &owner, &access);
	if (!submits(rules, &access, task->type->name, core_queue_name(task->queue)))
		return submits(rules, &access, task->type->name, NULL)
			? "its owner may not submit that task into that queue any more"
			: "its owner may not submit that task any more";
	if (task->type->command && strcmp(task->type->name, COMMAND_TASK) == 0 && !access.exec)
		return "exec_users in taskd.conf does not let its owner run free commands any more";
	for (size_t i = 0; i < task->n_claims; i++)
		if (!names_object(rules, &access, &task->claims[i].name, true))
			return "its owner may not use the names of its locks and semaphores any more";
	return NULL;
}

/* --- tasks --- */

static bool within(enum access_scope scope, const struct connection *connection, uint32_t uid)
{
	return scope == ACCESS_ALL || (scope == ACCESS_OWN && connection->peer.uid == uid);
}

bool access_sees_user(struct connection *connection, uint32_t uid)
{
	return within(access_of(connection)->read, connection, uid);
}

bool access_sees(struct connection *connection, const struct task *task)
{
	return access_sees_user(connection, task->owner->uid);
}

bool access_may_cancel(struct connection *connection, const struct task *task)
{
	return within(access_of(connection)->cancel, connection, task->owner->uid);
}

enum core_found access_find(const struct call *call, uint64_t id, struct task **out)
{
	struct connection *connection = call->to.connection;
	enum core_found found = core_find(call->edge->core, id, out);
	if (found == CORE_FOUND && !access_sees(connection, *out) && !access_may_cancel(connection, *out))
		return CORE_FORGOTTEN;
	return found;
}

bool access_finds(const struct call *call, uint64_t id, enum right right, struct task **out)
{
	struct connection *connection = call->to.connection;
	enum core_found found = access_find(call, id, out);
	if (found != CORE_FOUND) {
		reply_not_there(&call->to, id, found);
		return false;
	}
	if (right == RIGHT_CANCEL ? access_may_cancel(connection, *out) : access_sees(connection, *out))
		return true;
	access_deny(call, right, "user %s may not %s another user's task", caller(call), right_name(right));
	return false;
}

bool access_narrow(const struct call *call, enum right right, struct task_filter *filter)
{
	const struct access *access = access_of(call->to.connection);
	enum access_scope scope = right == RIGHT_CANCEL ? access->cancel : access->read;
	uint32_t own = call->to.connection->peer.uid;
	if (scope == ACCESS_ALL)
		return true;
	if (scope == ACCESS_NONE)
		return access_allows(call, right);
	if (filter->by_owner && filter->owner != own) {
		access_deny(call, right, "user %s may %s only what is his own", caller(call), right_name(right));
		return false;
	}
	filter->by_owner = true;
	filter->owner = own;
	return true;
}
