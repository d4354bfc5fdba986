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
#define PARAM_STRINGS_LIMIT 64 /* in an array of them, where the table does not say */

int param_no_memory(struct param_reader *reader);

/* PARAM_ID, and PARAM_IDS, in param_ids.c. */
bool param_id_parse(const struct json_span *value, uint64_t *id);
int param_ids_read(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value,
	struct param_ids *out);

/* PARAM_PERMITS, in param_permits.c. */
int param_permits_read(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value,
	struct param_permits *out);
void param_permits_free(struct param_permits *permits);

/* What a PARAM_NAME may be: 0, or -1 with the error written. */
int param_check_name(struct param_reader *reader, const struct param_spec *spec, const char *text, size_t length);
/* A copy of VALUE into *OUT, malloc'ed, where it is a string as the table has it. 0, or -1 with the error written. */
int param_read_string(
	struct param_reader *reader, const struct param_spec *spec, const struct json_span *value, char **out);
/* VALUE is not what such a parameter may be. Writes the error; -1. */
int param_wrong_value(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value);
/* Reads VALUE into its place. 0, or -1 with the error written; what is there then is freed by params_free. */
int param_value_read(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value);

#endif
