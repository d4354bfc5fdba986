/* How a file of an older version becomes one of this; for schema_prepare, and for its test. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/db.h"

/* As schema_prepare of db.h: STEPS[v] is SQL that makes a file of version v one of version v + 1; TARGET is the last. */
enum db_code schema_migrate(const struct db *db, const char *const *steps, int target, bool *newer)
	__attribute__((warn_unused_result));

#endif
