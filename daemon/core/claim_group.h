/* Tasks that wait for named objects, as claim.c and claim_group.c share them. */
#ifndef CORE_CLAIM_GROUP_H
#define CORE_CLAIM_GROUP_H

#include "core/internal.h"

/* Those of one queue that wait for one object; and of one owner, where the queue is divided by owners. */
struct claim_group {
	struct core_queue *queue;
	struct heap waiting;       /* struct task_claims of blocked tasks; on top the first by the order of the queue */
	uint64_t turn;             /* where its owner takes turns: as a line's, at this object; its ticket's place */
	struct task_claims *scout; /* NULL: the first of those has its ticket on, or there is none */
	LIST_ENTRY(claim_group) link; /* queue->groups */
	uint64_t hash;
	size_t key_length;
	char key[]; /* see struct key */
};

struct task_claims {
	struct task *task;
	struct object_ticket ticket;
	struct claim_group *group;          /* where it waits, or whose scout it is; NULL: none */
	const struct object_claim *missing; /* … and for what, while it waits there */
	struct heap_node node;              /* group->waiting */
	bool held;                          /* it has all of them */
	bool had;                           /* it had, the last time that it was tried */
	bool blocked;                       /* TASK_BLOCKED because of them, or about to be */
	size_t n;
	struct object_claim of[]; /* and behind them the names */
};

/* Where TASK would wait for it; NULL: nobody does. */
struct claim_group *claim_group_find(const struct task *task, const struct object_claim *claim);
/* One of CLAIMS for which somebody waits who comes before it in its queue; NULL: there is none. */
const struct object_claim *claim_group_ahead(const struct task_claims *claims);
/* CLAIMS waits for what is `missing`, with its ticket on or not. Whoever spoke for that group goes on to, unless this one
 * comes before. */
void claim_group_join(struct task_claims *claims);
/* It does not wait there any more. */
void claim_group_leave(struct task_claims *claims);
/* The place of its ticket; and that it has what it waited for: its owner's next one goes behind all others who wait. */
uint64_t claim_group_turn(const struct task_claims *claims);
void claim_group_had(const struct task_claims *claims);
/* It is its group's scout no more, if it was. */
void claim_group_resign(struct task_claims *claims);
/* Sees to it that somebody speaks for the group, where there is anybody. It may be gone then. */
void claim_group_check(struct claim_group *group);
/* A place among all who wait for an object belongs to the group, and in it to the first: where CLAIMS, whose ticket is
 * on, comes before who has spoken for GROUP, and that one came earlier, they change places. True: they have, and
 * another try may be worth it; claim_group_check comes next, unless CLAIMS joins the group. */
bool claim_group_change_places(struct claim_group *group, struct task_claims *claims);
/* What a ticket calls: another try may be worth it. */
void claim_group_ready(struct object_ticket *ticket);

#endif
