/* Owners, and the holders within them: who holds what, and how all of it ends with its owner.
 *
 * A holder is kept as long as it holds or waits, so that two of them are compared as pointers, and what one has is found
 * without a look at its owner's others: a program of 100,000 threads is one owner. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "object/internal.h"

#define SPARES 64
#define HOLDINGS_SCANNED 8 /* an object of more holders than these has them all in the table */

/* --- keys of the tables --- */

struct who_key {
	const struct object_owner *owner;
	char token[OBJECT_TOKEN_LIMIT];
};
struct holding_key {
	const struct object *object;
	const struct object_who *who;
};

static size_t who_key_set(struct who_key *key, const struct object_holder *holder)
{
	assert(holder->token_length <= OBJECT_TOKEN_LIMIT);
	key->owner = holder->owner;
	memcpy(key->token, holder->token, holder->token_length);
	return offsetof(struct who_key, token) + holder->token_length;
}

static uint64_t who_hash(const void *value)
{
	return ((const struct object_who *)value)->hash;
}

static bool who_equals(const void *value, const char *name, size_t length)
{
	const struct object_who *who = value;
	size_t head = offsetof(struct who_key, token);

	return length == head + who->token_length && !memcmp(name, &who->owner, sizeof(who->owner)) &&
		!memcmp(name + head, who->token, who->token_length);
}

static uint64_t holding_hash(const void *value)
{
	return ((const struct object_holding *)value)->hash;
}

static bool holding_equals(const void *value, const char *name, size_t length)
{
	const struct object_holding *holding = value;
	struct holding_key key;

	assert(length == sizeof(key));
	memcpy(&key, name, sizeof(key));
	return key.object == holding->object && key.who == holding->who;
}

void holders_init(struct objects *objects)
{
	names_init(&objects->whos, who_hash, who_equals);
	names_init(&objects->holdings, holding_hash, holding_equals);
	LIST_INIT(&objects->who_spares);
	SLIST_INIT(&objects->holding_spares);
}

void holders_fini(struct objects *objects)
{
	struct object_holding *holding;
	struct object_who *who;

	assert(objects->whos.count == 0 && objects->holdings.count == 0);
	names_fini(&objects->whos);
	names_fini(&objects->holdings);
	while ((who = LIST_FIRST(&objects->who_spares))) {
		LIST_REMOVE(who, link);
		free(who);
	}
	while ((holding = SLIST_FIRST(&objects->holding_spares))) {
		SLIST_REMOVE_HEAD(&objects->holding_spares, spare);
		free(holding);
	}
}

/* --- holders --- */

struct object_who *who_find(const struct object_holder *holder)
{
	struct who_key key;

	if (holder->token_length == 0)
		return holder->owner->self;
	if (LIST_EMPTY(&holder->owner->whos))
		return NULL;
	size_t size = who_key_set(&key, holder);
	return names_get(&holder->owner->objects->whos, (const char *)&key, size);
}

static struct object_who *who_new(const struct object_holder *holder)
{
	struct objects *objects = holder->owner->objects;
	struct object_who *who = LIST_FIRST(&objects->who_spares);

	if (who) {
		LIST_REMOVE(who, link);
		objects->n_who_spares--;
	} else {
		who = xmalloc(sizeof(*who));
	}
	memset(who, 0, offsetof(struct object_who, token));
	who->owner = holder->owner;
	who->token_length = (uint8_t)holder->token_length;
	memcpy(who->token, holder->token_length ? holder->token : "", holder->token_length);
	who->token[holder->token_length] = '\0';
	LIST_INSERT_HEAD(&holder->owner->whos, who, link);
	return who;
}

static void who_free(struct objects *objects, struct object_who *who)
{
	LIST_REMOVE(who, link);
	if (objects->n_who_spares < SPARES) {
		LIST_INSERT_HEAD(&objects->who_spares, who, link);
		objects->n_who_spares++;
	} else {
		free(who);
	}
}

struct object_who *who_of(const struct object_holder *holder)
{
	struct object_who *who = who_find(holder);
	struct who_key key;

	if (who)
		return who;
	who = who_new(holder);
	if (holder->token_length == 0) {
		holder->owner->self = who;
	} else {
		who->hash = table_hash(&key, who_key_set(&key, holder));
		names_put(&holder->owner->objects->whos, who);
	}
	return who;
}

void who_settle(struct object_who *who)
{
	struct objects *objects = who->owner->objects;
	struct who_key key;

	if (who->token_length == 0 || !LIST_EMPTY(&who->holdings) || !LIST_EMPTY(&who->waits))
		return; /* the owner itself stays as long as the owner */
	struct object_holder holder = { who->owner, who->token, who->token_length };
	size_t size = who_key_set(&key, &holder);
	names_remove(&objects->whos, (const char *)&key, size);
	who_free(objects, who);
}

/* --- holdings --- */

static uint64_t holding_key_hash(const struct object *object, const struct object_who *who)
{
	struct holding_key key = { object, who };

	return table_hash(&key, sizeof(key));
}

struct object_holding *holding_find(const struct object *object, const struct object_who *who)
{
	struct object_holding *holding;

	if (!who || LIST_EMPTY(&who->holdings))
		return NULL;
	if (object->n_holdings > HOLDINGS_SCANNED) {
		struct holding_key key = { object, who };

		return names_get(&object->objects->holdings, (const char *)&key, sizeof(key));
	}
	TAILQ_FOREACH (holding, &object->holdings, link)
		if (holding->who == who)
			return holding;
	return NULL;
}

static void holding_file(struct object_holding *holding)
{
	if (holding->is_filed)
		return;
	holding->is_filed = true;
	holding->hash = holding_key_hash(holding->object, holding->who);
	names_put(&holding->object->objects->holdings, holding);
}

struct object_holding *holding_new(struct object *object, struct object_who *who)
{
	struct objects *objects = object->objects;
	struct object_holding *holding = SLIST_FIRST(&objects->holding_spares), *other;

	if (holding) {
		SLIST_REMOVE_HEAD(&objects->holding_spares, spare);
		objects->n_holding_spares--;
	} else {
		holding = xmalloc(sizeof(*holding));
	}
	*holding = (struct object_holding){
		.object = object, .who = who, .fence = fence_next(objects), .since_ns = objects->now_ns
	};
	TAILQ_INSERT_TAIL(&object->holdings, holding, link);
	LIST_INSERT_HEAD(&who->holdings, holding, by_who);
	object->n_holdings++;
	if (object->n_holdings == HOLDINGS_SCANNED + 1)
		TAILQ_FOREACH (other, &object->holdings, link)
			holding_file(other);
	else if (object->n_holdings > HOLDINGS_SCANNED)
		holding_file(holding);
	return holding;
}

void holding_free(struct object_holding *holding)
{
	struct objects *objects = holding->object->objects;
	struct object_who *who = holding->who;

	if (holding->is_filed) {
		struct holding_key key = { holding->object, who };

		names_remove(&objects->holdings, (const char *)&key, sizeof(key));
	}
	TAILQ_REMOVE(&holding->object->holdings, holding, link);
	holding->object->n_holdings--;
	LIST_REMOVE(holding, by_who);
	if (objects->n_holding_spares < SPARES) {
		SLIST_INSERT_HEAD(&objects->holding_spares, holding, spare);
		objects->n_holding_spares++;
	} else {
		free(holding);
	}
	who_settle(who);
}

/* --- owners --- */

void object_owner_begin(struct objects *objects, struct object_owner *owner, enum object_owner_kind kind, uint64_t id,
	uint32_t uid, int pid)
{
	*owner = (struct object_owner){ .objects = objects, .kind = kind, .id = id, .uid = uid, .pid = pid };
	owner->user = user_ref(objects, uid);
	if (kind == OWNER_TASK)
		table_put(&objects->tasks, owner);
}

bool object_owner_is_idle(const struct object_owner *owner)
{
	const struct object_who *who;

	LIST_FOREACH (who, &owner->whos, link)
		if (!LIST_EMPTY(&who->holdings) || !LIST_EMPTY(&who->waits))
			return false;
	return LIST_EMPTY(&owner->receipts);
}

/* In this order, so that nothing that is given back goes to somebody who is ending as well: all waits leave… */
static void owner_leave(struct object_owner *owner)
{
	struct object_who *who, *next_who;
	struct object_wait *wait, *next;

	for (who = LIST_FIRST(&owner->whos); who; who = next_who) {
		next_who = LIST_NEXT(who, link);
		for (wait = LIST_FIRST(&who->waits); wait; wait = next) {
			struct object *object = wait->object;

			next = LIST_NEXT(wait, by_who);
			wait_leave(wait);
			if (!object)
				continue; /* it was answered already */
			object_stir(object);
			if (object->class->left)
				object->class->left(object, wait);
		}
	}
}

/* …then what it holds is given back, but nobody is served. */
static void owner_give_back(struct object_owner *owner)
{
	struct object_who *who, *next_who;
	struct object_holding *holding, *next;
	struct object_receipt *receipt;

	while ((receipt = LIST_FIRST(&owner->receipts))) {
		object_stir(receipt->object);
		receipt->object->class->put_back(receipt->object, receipt);
	}
	for (who = LIST_FIRST(&owner->whos); who; who = next_who) {
		next_who = LIST_NEXT(who, link);
		for (holding = LIST_FIRST(&who->holdings); holding; holding = next) {
			struct object *object = holding->object;

			next = LIST_NEXT(holding, by_who);
			object_stir(object);
			object->holder_died = true;
			if (object->class->give_back)
				object->class->give_back(object, holding);
			holding_free(holding);
		}
	}
}

void object_owner_end(struct object_owner *owner)
{
	struct objects *objects = owner->objects;

	if (!objects)
		return;
	owner_leave(owner);
	owner_give_back(owner);
	if (owner->self)
		who_free(objects, owner->self);
	assert(LIST_EMPTY(&owner->whos));
	if (owner->kind == OWNER_TASK)
		table_remove(&objects->tasks, owner->id);
	user_unref(objects, owner->user);
	owner->objects = NULL;
	owner->self = NULL;
	owner->user = NULL;
	objects_finish(objects);
}
