/* One message queue, "q", and short ways to use it, with words as its messages. */
#ifndef TESTS_MQ_CAST_H
#define TESTS_MQ_CAST_H

#include "object_cast.h"

extern struct object_grant grant; /* of the get that was last; its value is let go of by the next one */
extern struct waiter waiters[CAST * 2];

#define UNSAID ((struct mq_options){ .order = -1, .limit_count = -1, .limit_bytes = -1, .shared = -1 })

void mq_cast_open(void);
void mq_cast_close(void);

/* With OPTIONS, which nothing says at first, and PRIORITY and HEAD, which are 0. WAITER NULL: does not wait. */
extern struct mq_options options;
int put(int owner, const char *word, struct waiter *waiter);
int put_priority(int owner, const char *word, int32_t priority);
int put_head(int owner, const char *word);
enum { PLAIN = 0, ACK = 1, TAIL = 2 };
int get(int owner, int how, struct waiter *waiter);
/* What was got, by the get that was last or by a wait: "" where it was nothing. */
const char *got(const struct object_grant *grant);
/* All that is in it, in order, in one line; from the tail where TAIL. */
const char *peek(bool tail);
/* Gets all, in one line. */
const char *drain(void);
struct mq_figures figures(void);
bool mq_is_there(void);
int create(int order, int64_t limit_count, int64_t limit_bytes);

#endif
