/* Messages between master and store with everything in them, and whether two of them are the same. */
#ifndef TESTS_UNIT_STORE_SAMPLES_H
#define TESTS_UNIT_STORE_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

#include "store/record.h"

union store_sample {
	struct store_open open;
	struct store_opened opened;
	struct store_limits limits;
	struct store_query query;
	struct store_answer answer;
	struct store_task task;
	struct store_task_start start;
	struct store_task_state state;
	struct store_task_met met;
	struct store_task_end end;
	struct store_queue queue;
	struct store_schedule schedule;
	struct store_schedule_ran ran;
	struct store_ids ids;
	struct store_name name;
	struct store_text text;
	struct store_row row;
};

struct store_sample_of {
	enum store_message message;
	const char *what;
	const void *body; /* NULL: there is none */
	bool (*same)(const void *a, const void *b);
};
/* Each message, with all set, and with nothing set where there is a body. */
extern const struct store_sample_of store_samples[];
extern const size_t n_store_samples;

#endif
