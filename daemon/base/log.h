/* The log: to stderr with <N> priorities as systemd reads them, or to journald's own socket with fields.
 * The layer that decides what to do about an error logs it, once. One process, one log; any thread may write. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* syslog(3)'s numbers. */
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_NOTICE = 5, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

enum log_target {
	LOG_TARGET_AUTO = -1, /* the journal where stderr is journald's, else stderr */
	LOG_TARGET_STDERR,  /* <N>text where stderr is journald's ($JOURNAL_STREAM), plain text elsewhere */
	LOG_TARGET_JOURNAL, /* native protocol on /run/systemd/journal/socket; falls back to stderr */
};

/* One field beside the message, e.g. {"TASKD_TASK_ID", "17"}. Written to journald as a field, to stderr as key=value. */
struct log_field {
	const char *name;
	const char *value;
};

void log_open(enum log_target target, enum log_level most_verbose, const char *identifier);
void log_set_level(enum log_level most_verbose);
bool log_enabled(enum log_level level);
/* Leads every line's text, e.g. "worker default/0: ". Borrowed; NULL for none. */
void log_set_prefix(const char *prefix);
/* From now on a line for which stderr has no room is left out rather than waited with; how many were is told by the next one.
 * For who may not wait, and shares stderr with those who may fill it. */
void log_set_hasty(bool hasty);

void log_fields(enum log_level level, const struct log_field *fields, size_t n_fields, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#define log_error(...) log_fields(LOG_LEVEL_ERROR, NULL, 0, __VA_ARGS__)
#define log_warning(...) log_fields(LOG_LEVEL_WARNING, NULL, 0, __VA_ARGS__)
#define log_notice(...) log_fields(LOG_LEVEL_NOTICE, NULL, 0, __VA_ARGS__)
#define log_info(...) log_fields(LOG_LEVEL_INFO, NULL, 0, __VA_ARGS__)
#define log_debug(...)                                                                                                 \
	do {                                                                                                           \
		if (log_enabled(LOG_LEVEL_DEBUG))                                                                      \
			log_fields(LOG_LEVEL_DEBUG, NULL, 0, __VA_ARGS__);                                             \
	} while (0)

/* Lets through at most BURST messages in PERIOD_NS; for what a stranger's input can cause. Zero-initialise, then set
 * burst and period_ns. log_limit_pass answers whether to write; *suppressed is how many were kept back before this. */
struct log_limit {
	int burst;
	long long period_ns;
	long long since_ns;
	int passed;
	unsigned long kept_back;
};
bool log_limit_pass(struct log_limit *limit, unsigned long *suppressed);

#endif
