/* The job log. Lines go to its end whole, in one write for all that have come together, so several can write to one
 * file and whatever kills us leaves at most a last line that is cut: it has no newline, which is how it is known. */
#include "client/taskctl/each_joblog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/taskctl/taskctl.h"
#include "proto/strbuf.h"

#define HEADING "seq\tid\tstart\tseconds\texit\tsignal\tcommand\n"
#define FIELDS_BEFORE_COMMAND 6

struct joblog {
	int fd;
	struct strbuf pending;
	/* What it says has succeeded, sorted; of those that are equal, so many have been asked for: counted at the
	 * first. */
	char *text;
	struct done {
		const char *command;
		size_t used;
	} * done;
	size_t n_done;
};

static int by_command(const void *a, const void *b)
{
	return strcmp(((const struct done *)a)->command, ((const struct done *)b)->command);
}

/* Cuts LINE at its tabs: the command of one that has succeeded, else NULL. */
static const char *succeeded_in(char *line)
{
	char *field = line;
	bool zero[FIELDS_BEFORE_COMMAND];

	for (int i = 0; i < FIELDS_BEFORE_COMMAND; i++) {
		char *tab = strchr(field, '\t');

		if (!tab)
			return NULL;
		zero[i] = tab == field + 1 && *field == '0';
		field = tab + 1;
	}
	return zero[4] && zero[5] ? field : NULL;
}

static void read_lines(struct joblog *log, size_t length)
{
	char *line = log->text, *end;
	size_t room = 0;

	while ((end = memchr(line, '\n', length - (size_t)(line - log->text)))) {
		const char *command;

		*end = '\0';
		command = succeeded_in(line);
		line = end + 1;
		if (!command)
			continue;
		if (log->n_done == room) {
			room = room * 2 + 64;
			log->done = must(reallocarray(log->done, room, sizeof *log->done));
		}
		log->done[log->n_done++] = (struct done){ .command = command };
	}
	if (log->n_done > 0)
		qsort(log->done, log->n_done, sizeof *log->done, by_command);
}

/* What is there, and whether its last line is cut. -1: errno. */
static int read_all(struct joblog *log, bool *cut, bool *empty)
{
	struct stat st;
	size_t length = 0;

	if (fstat(log->fd, &st) < 0)
		return -1;
	log->text = must(malloc((size_t)st.st_size + 1));
	while (length < (size_t)st.st_size) {
		ssize_t n = read(log->fd, log->text + length, (size_t)st.st_size - length);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	*empty = length == 0;
	*cut = length > 0 && log->text[length - 1] != '\n';
	read_lines(log, length);
	return 0;
}

struct joblog *joblog_open(const char *path, bool resume)
{
	struct joblog *log = must(calloc(1, sizeof *log));
	bool cut = false, empty = true;

	log->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | (resume ? 0 : O_TRUNC), 0666);
	if (log->fd < 0 || (resume && read_all(log, &cut, &empty) < 0)) {
		int saved = errno;

		joblog_free(log);
		errno = saved;
		return NULL;
	}
	if (cut)
		strbuf_puts(&log->pending, "\n");
	if (empty)
		strbuf_puts(&log->pending, HEADING);
	return log;
}

void joblog_free(struct joblog *log)
{
	if (!log)
		return;
	if (log->fd >= 0)
		close(log->fd);
	strbuf_free(&log->pending);
	free(log->text);
	free(log->done);
	free(log);
}

bool joblog_succeeded(struct joblog *log, const char *command)
{
	struct done *first;
	size_t low = 0, high = log->n_done, count = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(log->done[middle].command, command) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	first = log->done + low;
	while (low + count < log->n_done && strcmp(first[count].command, command) == 0) {
		if (count++ < first->used)
			continue;
		first->used++;
		return true;
	}
	return false;
}

static void add_time(struct strbuf *out, int64_t ns)
{
	time_t seconds = (time_t)(ns / TASKD_SECOND);
	struct tm tm;
	char text[32] = "-";

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	strbuf_printf(out, "%s.%06dZ", text, (int)(ns % TASKD_SECOND / 1000));
}

void joblog_add(struct joblog *log, const struct joblog_entry *entry)
{
	struct strbuf *out = &log->pending;

	strbuf_printf(out, "%llu\t%s\t", (unsigned long long)entry->number, entry->id ? entry->id : "-");
	add_time(out, entry->start_ns);
	strbuf_printf(out, "\t%.6f\t", (double)entry->duration_ns / 1e9);
	if (entry->status >= 0)
		strbuf_printf(out, "%d", entry->status);
	else
		strbuf_puts(out, "-");
	strbuf_printf(out, "\t%d\t", entry->signal);
	strbuf_puts(out, entry->command);
	strbuf_puts(out, "\n");
}

int joblog_flush(struct joblog *log)
{
	size_t written = 0;

	if (strbuf_failed(&log->pending))
		must(NULL);
	while (written < log->pending.length) {
		ssize_t n = write(log->fd, log->pending.data + written, log->pending.length - written);

		if (n < 0 && errno != EINTR)
			return -1;
		written += n > 0 ? (size_t)n : 0;
	}
	strbuf_reset(&log->pending);
	return 0;
}
