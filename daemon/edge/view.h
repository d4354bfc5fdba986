/* A task as it is told, wherever it is known from: the core's memory (record.c, outcome.c) or the store (stored.c). They
 * fill these in; view.c puts them into words. Texts are borrowed. Times are of the wall clock, ns since 1970, 0: none. */
#ifndef EDGE_VIEW_H
#define EDGE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/task.h"
#include "proto/errors.h"
#include "proto/strbuf.h"

struct view_text { /* NULL: none */
	const char *data;
	size_t length;
};
struct view_text view_text_of(const char *text); /* NULL is none */

/* How it ended, or how an attempt did that was followed by another. */
struct outcome_view {
	uint64_t id;
	enum task_state state;
	bool command;
	struct view_text kind, message;
	struct view_text data; /* JSON */
	int32_t code;
	uint64_t dropped;
	uint64_t because_of;
	int pid; /* of the worker that died; 0: none did */
	int wait_status;
	int64_t user_us, system_us, maxrss_kib;
	struct view_text reason;
};
/* The error object of a task that ended otherwise than well. INDEX: of the item that it came from; -1: none. */
void view_put_error(struct strbuf *out, const struct outcome_view *view, int64_t index);

struct attempt_view {
	unsigned number;
	int64_t started_ns, ended_ns;
	struct outcome_view outcome; /* state, kind, message, code, pid */
};
void view_put_attempt(struct strbuf *out, const struct attempt_view *view);

struct record_view {
	uint64_t id;
	struct view_text task, queue, tag, key, schedule;
	enum task_state state;
	int32_t priority;
	uint32_t owner, items, retries;
	unsigned attempt, crashes;
	int64_t submitted_ns, started_ns, ended_ns;
	int64_t due_ns, expires_ns; /* where they are still to come */
	int64_t timeout_ns;
	uint64_t retry_of, retried_as;
	bool command, durable, on_interrupt_crash, recovered;
};
/* {"id":… and what every record has; members, each led by a comma, and "}" are to follow. */
void view_begin(struct strbuf *out, const struct record_view *view);
/* What was said of it: tag, key, time limit, retries. */
void view_put_labels(struct strbuf *out, const struct record_view *view);
/* Where it comes from, and whether it stays. */
void view_put_origin(struct strbuf *out, const struct record_view *view);

/* ,"NAME":["1","2"], made of one id after the other; nothing where there are none. */
struct id_list {
	struct strbuf *out;
	const char *name;
	size_t count;
};
void id_list_add(struct id_list *list, uint64_t id);
void id_list_end(struct id_list *list);

/* ,"NAME":"TEXT"; nothing where there is none. */
void view_put_text(struct strbuf *out, const char *name, const struct view_text *text);

#endif
