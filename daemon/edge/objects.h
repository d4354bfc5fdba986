/* Named objects over the wire: who asks, what waits, what is said of it. For the files object_*.c and the rpc_*.c of the
 * objects' kinds. */
#ifndef EDGE_OBJECTS_H
#define EDGE_OBJECTS_H

#include "edge/rpc.h"
#include "object/object.h"

/* --- object_owner.c --- */
/* The connection as an owner; made when it is first asked for. */
struct object_owner *connection_owner(struct connection *connection);
/* Whose OWNER is; NULL: a task is it. */
struct connection *connection_of_owner(const struct object_owner *owner);
/* Who asks, as the parameters say it. False: the error has been answered. */
bool call_holder(const struct call *call, const struct who_params *who, struct object_holder *out)
	__attribute__((warn_unused_result));
/* It is large: only what tells that it is empty is set. */
static inline void problem_clear(struct object_problem *problem)
{
	problem->text[0] = '\0';
	problem->n_links = 0;
}
/* Somebody, for people and for programs. */
struct party {
	enum object_owner_kind kind;
	uint64_t id;
	uint32_t uid;
	int pid; /* 0: not known */
	const char *token;
	size_t token_length;
};
struct party party_of_owner(const struct object_owner *owner, const struct object_name *token);
struct party party_of_link(const struct object_link *link);
/* Whether VIEWER may know more of it than whose it is. */
bool party_is_seen(struct connection *viewer, uint32_t uid);
/* "pid":…,"user":…,"connection":… and so on, as far as VIEWER may know: members without braces. */
void party_write(struct strbuf *out, struct connection *viewer, const struct party *party);
/* pid 123 (user anna, connection 7); or user anna */
void party_tell(struct strbuf *out, struct connection *viewer, const struct party *party);

/* --- object_access.c --- */
/* The name of the object of that kind that the parameters say, which the caller may use. There is no other way from
 * parameters to an object. False: it may not, and that has been answered. */
bool call_takes_object(const struct call *call, enum object_kind kind, const struct param_name *name,
	struct object_name *out) __attribute__((warn_unused_result));
/* The same for the object that is called NAME. */
bool call_may_use(const struct call *call, enum object_kind kind, const struct object_name *name);
/* Answers that the message queue is OWNER's, who has not shared it. */
void object_deny(const struct call *call, const struct object_name *name, uint32_t owner);
/* For methods that take a name and nothing more. */
void call_with_name(const struct call *call, enum object_kind kind,
	void (*act)(const struct call *call, const struct object_name *name));
/* Whether the peer may use that message queue without being an admin. */
bool message_queue_is_open(const struct connection *connection, const struct mq_figures *figures);

/* --- object_error.c --- */
/* "lock", …, "message queue". */
const char *object_kind_text(enum object_kind kind);
/* Why it was not done. PROBLEM may be NULL. */
void object_error(const struct reply_to *to, enum object_status status, enum object_kind kind,
	const struct object_name *name, const struct object_problem *problem);
/* It was not to be had in the time that was given for it. */
void object_timed_out(const struct reply_to *to, enum object_kind kind, const struct object_name *name);

/* --- object_wait.c --- */
/* What is waited for. */
struct wait_form {
	enum object_kind kind;
	bool joins; /* it is in order for it to wait however short its time is, and without that it is nothing */
	/* It has come: answers. What GRANT holds is this function's. */
	void (*granted)(const struct reply_to *to, const struct object_grant *grant);
	/* Its time is over: answers. */
	void (*timed_out)(const struct reply_to *to, enum object_kind kind, const struct object_name *name);
};
/* A request at an object, while its handler runs. */
struct asking {
	const struct call *call;
	const struct wait_form *form;
	struct objects *objects;
	struct object_name name;
	struct object_holder holder;
	int64_t timeout_ns;
	struct object_wait *wait; /* NULL: it must not wait */
	size_t charge;            /* bytes that its connection is charged with while it waits */
	struct object_grant grant;
	struct object_problem problem;
};
/* WHO NULL: the connection alone. False: that was answered, or needs no answer. */
bool asking_begin(struct asking *asking, const struct call *call, const struct wait_form *form,
	const struct param_name *name, const struct who_params *who, int64_t timeout_ns)
	__attribute__((warn_unused_result));
/* What came of it: answers, or waits. */
void asking_end(struct asking *asking, int status);

/* --- rpc_objects.c --- */
/* "objects":{"lock":1,…}, for server.stats. */
void objects_put_counts(struct strbuf *out, const struct edge *edge);

#endif
