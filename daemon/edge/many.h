/* What concerns many tasks, and takes some turns: a request whose handler goes on in slices, until it can answer.
 *
 * Such a thing is embedded in what its kind knows of it. Its first slice is what is left of its connection's own; then
 * users take turns, and each user's things among themselves, one slice a turn in all: so nobody waits for longer than for
 * a slice, however many of them there are. What it has cost is charged to its user and process. A list that is short is
 * done in one go.
 *
 * Whoever leaves ends what he has asked for half-way. The client may cancel it, too; then the answer says how far it came. */
#ifndef EDGE_MANY_H
#define EDGE_MANY_H

#include "edge/rpc.h"

#define MANY_SHORT 64 /* no more than that is done at once */

struct many;
struct many_kind {
	/* Goes on, looking after each task or row whether many_has_time. True: that was all. It does not free anything. */
	bool (*go_on)(struct many *many);
	/* That was all: answers, or begins to wait for something, or frees it, where nobody waits. */
	void (*finish)(struct many *many);
	/* Adds how far it came, members led by commas; NULL: that is nobody's business. */
	void (*tell)(const struct many *many, struct strbuf *out);
	/* Frees it, and stops whatever it waits for; it is off all books. */
	void (*free)(struct many *many);
	const char *cancelled; /* what the client is told who cancels it; NULL: that it was half-way */
};

struct many {
	const struct many_kind *kind;
	struct edge *edge;
	struct request *request; /* NULL: nobody waits for it */
	struct user *user;       /* on whose list it is; NULL: on none, or it is what is left of something */
	struct peer peer;        /* who is charged: uid and pid alone */
	size_t total;            /* so many tasks are concerned, as far as is known */
	size_t done;             /* … of those, over */
	struct pieces out;       /* the answer as far as it is made */
	size_t own;              /* bytes that it has beside that */
	size_t held;             /* … of both, that the connection is charged with */
	bool is_short;           /* it takes all the time that it wants */
	bool settled;            /* only the answer is still being written: it is cancelled no more */
	bool fresh;              /* it has had its slice of this turn */
	bool listed;
	TAILQ_ENTRY(many) link;
};

/* Makes a request of it, and does the first slice at once. N: how many it is about. Within a handler. */
void many_begin(struct many *many, const struct many_kind *kind, const struct reply_to *to, size_t n);
/* The same for a request that is there already, and becomes this; from anywhere. N that is not short is for later turns. */
void many_go_on(struct many *many, const struct many_kind *kind, struct request *request, size_t n);
/* What is left of something, about which nobody wants to hear any more, and that PEER has to pay for: for later turns. */
void many_leave(struct many *many, const struct many_kind *kind, struct edge *edge, const struct peer *peer);
/* Between two tasks, or rows: whether there is time for another. */
bool many_has_time(struct many *many);
/* Answers with what `out` has. */
void many_reply(struct many *many);
/* The same, and frees it and its request. */
void many_answer(struct many *many);
/* Frees both. Something else has been answered. */
void many_end(struct many *many);
/* Its request is not its any more: that waits for something else, or is freed by who calls. */
void many_let_go(struct many *many);
/* The same of what stays itself. The answer so far goes. */
void many_pause(struct many *many);

/* --- rpc_many.c: all that a filter matches --- */

#define TERMINAL_STATES (TASK_STATE_BIT(TASK_N_STATES) - TASK_STATE_BIT(TASK_SUCCEEDED))
#define ALL_STATES (TASK_STATE_BIT(TASK_N_STATES) - 1)

/* Walks over what a filter matches that was there when it began. What it has found is looked up again when its turn
 * comes, since it may be gone by then. */
struct sweep {
	const struct filter_params *params; /* the filter points into them; they stay */
	struct task_filter filter;
	struct task_walk walk;
	uint64_t newest; /* with the oldest first: none behind it; 0: all */
	size_t wanted;   /* no more are looked for at once; 0: that is not known */
	uint64_t *ids;   /* malloc'ed: found, and not taken yet from `next` on */
	size_t count, room, next;
};
/* FILTER is of PARAMS. */
void sweep_begin(struct sweep *sweep, const struct filter_params *params, const struct task_filter *filter);
/* Once more from the beginning, for tasks in these STATES. */
void sweep_again(struct sweep *sweep, unsigned states);
/* The next one; NULL: there is none, or (!*over) none was found for now. */
struct task *sweep_next(struct sweep *sweep, struct core *core, bool *over);
void sweep_free(struct sweep *sweep);

struct filtered;
/* What is done with them. */
struct action {
	unsigned states; /* only tasks in these are concerned */
	unsigned last;   /* … of those, in these only when all others have been seen to; 0: in any order */
	/* With one of those. */
	void (*act)(struct filtered *filtered, struct task *task);
	/* The answer's members. */
	void (*tell)(const struct filtered *filtered, struct strbuf *out);
};

/* A retry that is durable counts when it is on disk. */
struct recorded {
	struct task_waiter waiter;
	struct filtered *filtered;
	LIST_ENTRY(recorded) link;
};

struct filtered {
	struct many many;
	const struct action *action;
	enum method method;
	struct cancel_params params;
	unsigned states;
	struct sweep sweep;
	size_t matched;
	size_t done;
	size_t begun;                   /* cancelled, but not over yet */
	bool is_last;                   /* it is the turn of those in action->last, and of what has changed meanwhile */
	uint64_t *begun_ids;            /* malloc'ed, ascending: which ones those of the first round are */
	size_t begun_room, n_begun;     /* … so many, for the last round */
	size_t begun_next;              /* … of which it has come past so many */
	bool over;                      /* all tasks have been looked at */
	LIST_HEAD(, recorded) recorded; /* retries that are not on disk yet */
	struct strbuf error;            /* the first reason why one could not be retried; an error object */
};

/* It is waited for no more: off the list. rpc_retry.c's. */
void recorded_free(struct recorded *recorded);
/* Does ACTION to all that PARAMS match, and answers. Takes over PARAMS. */
void filtered_begin(const struct call *call, struct cancel_params *params, const struct action *action);
/* Answers when all have been looked at, and nothing is waited for any more. */
void filtered_answer_if_done(struct filtered *filtered);
/* Whether it is said in one way which tasks are meant; false: the error has been answered. */
bool many_is_one_way(const struct call *call, const struct cancel_params *params);

#endif
