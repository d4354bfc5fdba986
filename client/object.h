/* object.h - what the functions for named objects have in common. A request is put together member by member, sent, and
 * its answer waited for, without a limit of this side's own: the time limit is the daemon's to keep, who alone knows
 * whether something was granted in time. What goes wrong on the way is kept and the rest left out, so that nobody has
 * to look in between:
 *
 *     object_ask_begin(&ask, c, "event.is_set", "name", name);
 *     object_ask_send(&ask);
 *     *set = object_ask_true(&ask, "set");
 *     return object_ask_end(&ask); */
#ifndef CLIENT_OBJECT_H
#define CLIENT_OBJECT_H

#include "client/client.h"

struct object_ask {
	struct taskd *connection;
	struct strbuf text; /* the request so far */
	struct piece json;  /* borrowed: the last member's value; "" where that is in the text */
	bool newlines;      /* …has some */
	bool holds;         /* what is granted goes with the connection: after its end it is not to be believed in */
	enum taskd_error error;
	struct taskd_future *answer; /* NULL while there is none that is good */
	struct json_span result;     /* of that */
};
/* A request for METHOD, whose first member KEY has to be given. */
void object_ask_begin(struct object_ask *ask, struct taskd *c, const char *method, const char *key, const char *text);

/* Members. A string, which must not be NULL. */
void object_ask_string(struct object_ask *ask, const char *key, const char *text);
void object_ask_integer(struct object_ask *ask, const char *key, int64_t number);
/* Only where it is true. */
void object_ask_flag(struct object_ask *ask, const char *key, bool flag);
/* None for TASKD_FOREVER. */
void object_ask_timeout(struct object_ask *ask, int64_t timeout_ns);
/* NULL: this connection itself. */
void object_ask_holder(struct object_ask *ask, const struct taskd_holder *who);
/* The last one: JSON text that is borrowed until the request is sent. */
void object_ask_json(struct object_ask *ask, const char *key, const char *text);
/* It makes no sense, and is not sent. */
void object_ask_refuse(struct object_ask *ask, const char *why);
/* …where there is no place for what is asked for. */
void object_ask_place(struct object_ask *ask, const void *place);

/* Sends it, and waits. */
void object_ask_send(struct object_ask *ask);

/* What the answer says. A number that has to be there; 0 where all has failed already. */
int64_t object_ask_number(struct object_ask *ask, const char *key);
bool object_ask_true(const struct object_ask *ask, const char *key);
/* GRANT may be NULL. */
void object_ask_grant(struct object_ask *ask, struct taskd_grant *grant);
/* It says something else than it should: the connection ends, and with it whatever was granted. */
void object_ask_nonsense(struct object_ask *ask, const char *what);

/* What came of it; frees all. */
enum taskd_error object_ask_end(struct object_ask *ask);

/* --- message queues (mq.c) --- */
/* What OPTIONS say of the queue; also checks them. */
void mq_describe(struct object_ask *ask, const struct taskd_mq_options *options);

#endif
