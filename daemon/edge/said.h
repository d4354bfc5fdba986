/* What a command has said, as far as the daemon itself has it: while it runs, in the memory that it shares with the
 * worker; when it is over, in its result. */
#ifndef EDGE_SAID_H
#define EDGE_SAID_H

#include "core/task.h"
#include "pool/command.h"

extern const char *const said_stream_names[CAPTURE_N_STREAMS]; /* "stdout", "stderr" */

/* Of one stream of an attempt that is over. */
struct said {
	char *text;     /* what was kept; malloc'ed; NULL: nothing is */
	size_t kept;
	uint64_t total; /* so much there was in all */
	bool known;     /* false: there is no result that would say so */
};
/* Of TASK, which has ended. To be freed with said_free. */
void said_read(struct said *said, const struct task *task, enum capture_stream stream);
void said_free(struct said *said);
/* How much of LENGTH bytes of DATA is to be told at once, where MORE may follow: a character of UTF-8 is not cut in
 * two, if that makes a text of it. */
size_t said_piece(const char *data, size_t length);

#endif
