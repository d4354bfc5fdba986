/* What answers are made of. taskd-store only, on a reader's thread. */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include "store/db.h"

/* An answer's JSON, or what went wrong, is added to `said`, which is the answer's text then. */
struct reply {
	enum store_answer_status status;
	sqlite3_str *said;
};
/* What DB's last error means: an answer that says so; `what` could not be done. Always false, to be returned. */
bool reply_error(struct reply *reply, const struct db *db, const char *what);
bool reply_sorry(struct reply *reply, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* TEXT as a JSON string. What is not UTF-8 becomes "?". */
void reply_string(struct reply *reply, const char *text);

/* False: it could not be found out; REPLY says why. */
bool stats_reply(struct reader *reader, struct reply *reply);
bool check_reply(struct reader *reader, struct reply *reply);
/* check.c, for its tests, too: PROBLEM is called for each sentence about what is wrong; GOES_ON, now and then, says whether it
 * matters still. DB_OK: all was looked at, or it is too damaged for that, which is a problem. */
struct check_listener {
	void *context;
	void (*problem)(void *context, const char *text);
	bool (*goes_on)(void *context);
};
enum db_code check_all(const struct db *db, const struct check_listener *listener);
bool backup_reply(struct reader *reader, const struct store_text *path, struct reply *reply);
/* The words of states, by the numbers of the core's enum task_state. */
extern const char *const query_states[];
#define QUERY_N_STATES 12

#endif
