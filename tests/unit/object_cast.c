/* Who plays in the tests of semaphores, events, barriers and message queues. */
#include "object_cast.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "object_world.h"

struct objects *all;
struct object_owner owners[CAST];
struct object_problem problem;

static void owner_begin(int i)
{
	object_owner_begin(all, &owners[i], OWNER_CONNECTION, (uint64_t)i, i < CAST / 2 ? 1 : 2, 100 + i);
}

void cast_open(void)
{
	all = objects_new(&(struct object_limits){ 0 }, 1000);
	for (int i = 0; i < CAST; i++)
		owner_begin(i);
}

void cast_close(void)
{
	for (int i = 0; i < CAST; i++)
		object_owner_end(&owners[i]);
	objects_free(all);
}

void cast_kill(int owner)
{
	object_owner_end(&owners[owner]);
	owner_begin(owner);
}

const char *cast_broken(void)
{
	return objects_broken(all);
}

struct object_name named(const char *name)
{
	return (struct object_name){ name, strlen(name) };
}

struct object_holder who(int owner, const char *token)
{
	return (struct object_holder){ &owners[owner], token ? token : "", token ? strlen(token) : 0 };
}

static void waiter_done(struct object_wait *wait, enum object_status status, const struct object_grant *grant)
{
	struct waiter *waiter = wait->user;

	waiter->told++;
	waiter->status = status;
	waiter->grant = *grant;
}

struct object_wait *waiter_set(struct waiter *waiter)
{
	*waiter = (struct waiter){ .wait = { .done = waiter_done, .user = waiter } };
	return &waiter->wait;
}

void waiter_forget(struct waiter *waiter)
{
	bytes_unref(waiter->grant.value);
	waiter->grant.value = NULL;
}

bool waiter_got(const struct waiter *waiter, enum object_status status)
{
	return waiter->told == 1 && waiter->status == status && !object_wait_is_on(&waiter->wait);
}

bool look_at(enum object_kind kind, const char *name, struct object_view *out)
{
	struct object_name wanted = named(name);
	struct object *object = object_find(all, kind, &wanted);

	if (object)
		object_look(object, out);
	return object != NULL;
}

struct parties {
	char text[1000];
	size_t length;
	bool waits;
};

static bool visit_party(void *user, const struct object_party *party)
{
	struct parties *parties = user;
	char *at = parties->text + parties->length;
	size_t room = sizeof(parties->text) - parties->length;
	char count[24] = "";

	if (party->count)
		snprintf(count, sizeof(count), "=%lld", (long long)party->count);
	parties->length += (size_t)snprintf(at, room, "%s%s%d%s%.*s%s%s%s", parties->length ? " " : "",
		party->waits && !parties->waits ? "| " : "", (int)party->owner->id, party->token.length ? "/" : "",
		(int)party->token.length, party->token.length ? party->token.data : "", count, party->what ? " " : "",
		party->what ? party->what : "");
	parties->waits = party->waits;
	return parties->length < sizeof(parties->text);
}

const char *parties_at(enum object_kind kind, const char *name)
{
	static struct parties parties;
	struct object_name wanted = named(name);
	struct object *object = object_find(all, kind, &wanted);

	parties = (struct parties){ 0 };
	if (!object)
		return "-";
	object_parties(object, visit_party, &parties);
	return parties.text;
}

uint32_t random_below(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*seed >> 33) % below);
}
