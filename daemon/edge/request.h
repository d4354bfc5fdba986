/* Requests: who is to get an answer, and what an answer waits for. */
#ifndef EDGE_REQUEST_H
#define EDGE_REQUEST_H

#include "edge/internal.h"

/* Where an answer goes. ID is JSON text; NULL: a notification, which is never answered. */
struct reply_to {
	struct connection *connection;
	struct batch *batch; /* NULL: a message of its own */
	const char *id;
	size_t id_length;
	const struct reply_place *place; /* what an error is about; NULL: all of the request */
};
/* An element of a request's parameters. */
struct reply_place {
	size_t index;
	const char *label; /* NULL: none */
};

/* One request while its handler runs. */
struct call {
	struct edge *edge;
	struct reply_to to;
	enum method method;
	struct json_span params;
};

/* What a waiting request can be asked, by what it waits for. */
struct request_kind {
	bool for_tasks; /* it waits for ends of tasks alone: a stop, which knows them, does not wait for it */
	/* Nobody wants the answer any more: stops waiting, and cancels the tasks that belong to the request. */
	void (*abandon)(struct request *request);
	/* The client cancels it; the answer comes by itself, now or later. Adds {"id":…,"state":…}, … of the tasks that
	 * belong to it to OUT unless that is NULL. */
	void (*cancel)(struct request *request, struct strbuf *out);
	/* Adds what task.status says of it. */
	void (*status)(struct request *request, struct strbuf *out);
	void (*timeout)(struct request *request); /* NULL where it has no time limit */
	/* Shows VISIT the tasks that have not ended, and whose ends the answer waits for, until that says false. True:
	 * it never did. NULL where the client does not wait for tasks by this request: see nested.c. */
	bool (*each)(const struct request *request, bool (*visit)(void *user, struct task *task), void *user);
};

struct request {
	const struct request_kind *kind;
	struct connection *connection;
	struct batch *batch;
	LIST_ENTRY(request) link; /* its connection's */
	SLIST_ENTRY(request) spare_link;
	struct task *task; /* kinds that wait for one task */
	struct task_waiter waiter;
	void *state; /* other kinds' own */
	struct edge_timer timer;
	char *id; /* JSON text: in id_inline, or malloc'ed; NULL: no answer is waited for (a watch) */
	uint32_t id_length;
	size_t asked; /* bytes of arguments that its connection is charged with; see request_charge */
	bool indexed; /* in connection->index */
	bool nested;  /* on edge->nested */
	LIST_ENTRY(request) nested_link;
	char id_inline[28];
};

/* A request that goes on after its handler: the id is copied. KIND's functions find what they need in it afterwards. */
struct request *request_new(const struct reply_to *to, const struct request_kind *kind);
/* The place for its answer; valid until request_free. */
struct reply_to request_reply_to(const struct request *request);
/* Charges the connection with BYTES of arguments for as long as the request is outstanding. */
void request_charge(struct request *request, size_t bytes);
/* It waits for something else from now on, with a state that is that kind's; it has no time limit, and is charged with
 * nothing yet. */
void request_become(struct request *request, const struct request_kind *kind);
/* Off the books. It was answered, or abandoned; it waits for no task. */
void request_free(struct request *request);
void request_abandon(struct request *request);
void request_set_timeout(struct request *request, int64_t timeout_ns);
/* The waiting request of that id (JSON text); NULL where there is none. */
struct request *request_find(struct connection *connection, const struct json_span *id);
/* Another of the same id is about to take its place, so that one is to be found; and back again. */
void request_hide(struct request *request);
void request_show(struct request *request);
void requests_free_spare(struct edge *edge);
/* `each` of kinds that wait for request->task. */
bool request_each_one(const struct request *request, bool (*visit)(void *user, struct task *task), void *user);

/* --- nested.c --- */
/* The process of the worker within which the connection's peer is; 0: it is no handler's. */
int nested_pid(struct connection *connection);
/* The only task that that one runs; 0: there is none, or there are several. */
uint64_t nested_task(struct connection *connection);
/* A request that waits for tasks begins: a handler's wait, where its connection is a handler's. */
void nested_begin(struct request *request);
void nested_end(struct request *request);
/* It knows its tasks now: where it is a handler's, they go before others. */
void nested_await(const struct request *request);

/* --- object_owner.c, object_wait.c --- */
/* The connection is nobody's any more: it waits for no named object, and holds none. True: it did. */
bool connection_owner_end(struct connection *connection);
/* Answers those who waited for an object in the name of a task that is over. */
void object_waits_turn(struct edge *edge);
/* The configuration has been read again: who waits for what he may not use any more is denied. */
void object_waits_review(struct edge *edge);
void object_waits_free_spare(struct edge *edge);

/* --- batch.c --- */
struct batch *batch_new(struct connection *connection);
/* One more element will be answered. */
void batch_expect(struct batch *batch);
/* Adds an element's answer, made of HEAD, BODY (may be NULL) and TAIL, as connection_send has them. */
void batch_add(struct batch *batch, const struct strbuf *head, const struct bytes *body, const char *tail);
/* One less is expected: it was answered or will never be. The last one sends the batch and frees it. */
void batch_release(struct batch *batch);

/* --- backlog.c --- */
/* Handles one message of a connection, answering what can be answered. What cannot be handled now is its backlog. */
void dispatch_message(struct connection *connection, const char *text, size_t length);
/* The same for a long message, in slices. Takes over BUFFER, of ROOM bytes, in which it is; they count as input of the
 * connection's user until it has been handled. */
void dispatch_long(struct connection *connection, char *buffer, size_t room, const char *text, size_t length);
/* Goes on with it for a slice. */
void backlog_go_on(struct connection *connection);
/* The message that has left a backlog ends with the connection's ENDth byte. */
void backlog_ends(struct connection *connection, uint64_t end);
/* It waits until the store has loaded. */
bool backlog_is_held(const struct connection *connection);
/* It has come as a whole, and nobody knows yet what it says. */
bool backlog_is_read(const struct connection *connection);
void backlog_free(struct connection *connection);
/* Whether PART is of a message that stays while the connection's input waits. */
bool backlog_has(const struct connection *connection, const struct json_span *part);
/* A request goes on to read that, or (!USED) has done so. */
void backlog_use(const struct connection *connection, bool used);
/* PART of the long message that is being handled, without a copy: a reference, if that is most of it; NULL: it is not, or
 * there is no such message. */
struct bytes *backlog_give(struct connection *connection, const struct json_span *part);
/* Lets those go on that have waited for that, if it has. */
void held_turn(struct edge *edge);

/* --- dispatch.c --- */
struct rpc_request;
/* One request; BATCH: that it belongs to, or NULL. */
void dispatch_request(struct connection *connection, struct batch *batch, const struct rpc_request *request);
/* What is no request is answered with an error. */
void dispatch_bad(struct connection *connection, struct batch *batch, const struct rpc_request *request,
	enum proto_error error, const char *reason);
/* Whether it waits until the store has loaded. */
bool dispatch_is_held(const struct connection *connection, const struct rpc_request *request);
/* Reads the call's parameters by its method's table. False: the error has been answered. After true, call_params_free. */
bool call_params(const struct call *call, void *out) __attribute__((warn_unused_result));
void call_params_free(const struct call *call, void *params);

#endif
