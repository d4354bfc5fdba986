/* A little history of everything that is written down: transactions that a test gives to the store's writer, one after
 * the other. What the file says after each is always the same. */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "store/writer.h"

#define HISTORY_SESSION 7
#define HISTORY_LENGTH 12 /* transactions, from 1 on */

struct history {
	struct store_buffer said;
	struct batch batch;
};
/* Makes `said` and `batch` those of the STEPth transaction. */
void history_step(struct history *history, unsigned step);
void history_free(struct history *history);
/* Of all that the file says. *ok: everything could be read. */
uint64_t history_digest(const struct db *db, bool *ok);

#endif
