/* What a log message looks like where it goes: pure functions into a buffer of the caller's. */
#ifndef BASE_LOG_FORMAT_H
#define BASE_LOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"

/* A message and its fields are cut off here: a line is one write, a record one datagram. */
#define LOG_TEXT_SIZE 8192

struct log_message {
	enum log_level level;
	const char *identifier; /* journald only; NULL: none */
	const char *prefix;     /* NULL: none */
	const char *text;
	const struct log_field *fields;
	size_t n_fields;
};

/* One line with its newline: "<N>prefixtext key=value". A field's key is its name in lower case without "TASKD_"; a
 * value with spaces or quotes is quoted; control characters are escaped, so that a message is always one line. */
size_t log_format_line(char buf[LOG_TEXT_SIZE], const struct log_message *message, bool priority);
/* A datagram of journald's native protocol. */
size_t log_format_journal(char buf[LOG_TEXT_SIZE], const struct log_message *message);

#endif
