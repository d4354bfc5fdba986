/* Answers. Each function here answers once; a notification is answered with nothing. */
#ifndef EDGE_REPLY_H
#define EDGE_REPLY_H

#include "edge/pieces.h"
#include "edge/request.h"

/* A result's text. */
void reply_text(const struct reply_to *to, const char *text, size_t length);
/* The same, taking what RESULT holds; it is empty afterwards. */
void reply_buffer(const struct reply_to *to, struct strbuf *result);
/* The same of a long one. */
void reply_pieces(const struct reply_to *to, struct pieces *result);
/* A result that is kept by others too. */
void reply_bytes(const struct reply_to *to, struct bytes *result);
/* The same, with something before and behind it, which is short. */
void reply_around(const struct reply_to *to, const char *before, struct bytes *result, const char *behind);
/* MESSAGE NULL: the table's. DATA: an object's text, or NULL for {"kind":…} and the table's hint. */
void reply_error(const struct reply_to *to, enum proto_error error, const char *message, const char *data);
void reply_errorf(const struct reply_to *to, enum proto_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* An error with "did_you_mean" in its data; SUGGESTION may be NULL. */
void reply_unknown(const struct reply_to *to, enum proto_error error, const char *what, const char *name,
	const char *suggestion);
/* An error object that is ready. */
void reply_error_object(const struct reply_to *to, const struct strbuf *object);
/* The outcome of a task that has ended: its result or its error. */
void reply_outcome(const struct reply_to *to, struct task *task);
/* There is no such task: not_found or forgotten. */
void reply_not_there(const struct reply_to *to, uint64_t id, enum core_found found);

/* Begins an error's data: {"kind":… and the table's hint; members, each led by a comma, and "}" are to follow. */
void error_data_begin(struct strbuf *data, enum proto_error error);
/* The error object of a task that ended otherwise than well. INDEX: of the item that it came from; -1: none. */
void outcome_error(struct strbuf *out, const struct task *task, int64_t index);
/* Adds what a task's end, or an item's, has with it to an error's data: as "data"; for a COMMAND as "result", or as
 * what says why it could not be started. (view.c's.) */
void outcome_data(struct strbuf *data, enum proto_error error, const struct json_span *value, bool command);

#endif
