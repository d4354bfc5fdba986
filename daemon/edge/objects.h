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
static inline struct object_name object_name_of(const struct param_name *name)
{
	return (struct object_name){ .data = name->data, .length = name->length };
}
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
/* "pid":…,"user":…,"connection":… and so on: members without braces. */
void party_write(struct strbuf *out, const struct edge *edge, const struct party *party);
/* pid 123 (user anna, connection 7) */
void party_tell(struct strbuf *out, const struct edge *edge, const struct party *party);

/* For methods that take a name and nothing more. */
void call_with_name(const struct call *call, void (*act)(const struct call *call, const struct object_name *name));

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
