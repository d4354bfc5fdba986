/* What the reader of parameters and the readers of single values share; for params.c and param_values.c. */
#ifndef PROTO_PARAM_READER_H
#define PROTO_PARAM_READER_H

#include "proto/params.h"

struct param_reader {
	const struct param_spec *specs;
	void *out;
	char *error;
	size_t error_size;
	uint64_t given; /* a bit for each spec */
};

#define PARAM_SHOWN 60 /* so much of a stranger's word is repeated in an error */

/* Writes the error; -1. */
__attribute__((format(printf, 2, 3))) int param_refuse(struct param_reader *reader, const char *format, ...);
/* What came, in words: "an array", "\"fast\"", "-5". */
const char *param_describe(const struct json_span *value, char buf[PARAM_SHOWN + 8]);
/* Reads VALUE into its place. 0, or -1 with the error written; what is there then is freed by params_free. */
int param_value_read(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value);

#endif
