/* Where messages go. A message is one write(2) or one datagram, so that threads and processes that share a stderr do
 * not cut into each other's lines, and nothing here needs a lock. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_format.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static struct {
	enum log_level most_verbose;
	const char *identifier;
	const char *prefix;
	bool priorities;
	bool hasty;
	unsigned long left_out;
	int journal_fd;
} the_log = { .most_verbose = LOG_LEVEL_INFO, .journal_fd = -1 };

/* systemd says in JOURNAL_STREAM which device and inode it gave as stderr; a redirected one is somebody else's. */
static bool stderr_is_journals(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &status) == 0 &&
		status.st_dev == device && status.st_ino == inode;
}

static int journal_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void log_open(enum log_target target, enum log_level most_verbose, const char *identifier)
{
	if (the_log.journal_fd >= 0)
		close(the_log.journal_fd);
	the_log.most_verbose = most_verbose;
	the_log.identifier = identifier;
	the_log.priorities = stderr_is_journals();
	bool journal = target == LOG_TARGET_JOURNAL || (target == LOG_TARGET_AUTO && the_log.priorities);
	the_log.journal_fd = journal ? journal_connect() : -1;
}

void log_set_level(enum log_level most_verbose)
{
	the_log.most_verbose = most_verbose;
}

bool log_enabled(enum log_level level)
{
	return level <= the_log.most_verbose;
}

void log_set_prefix(const char *prefix)
{
	the_log.prefix = prefix;
}

void log_set_hasty(bool hasty)
{
	the_log.hasty = hasty;
}

static void write_text(const char *text, size_t length)
{
	ssize_t written;

	do
		written = write(STDERR_FILENO, text, length);
	while (written < 0 && errno == EINTR);
}

/* Whether it can be written without waiting, which for a pipe means: so much of it. */
static bool has_room(char *buf, size_t *length)
{
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT))
		return false;
	if (*length > PIPE_BUF && fcntl(STDERR_FILENO, F_GETPIPE_SZ) >= 0) {
		*length = PIPE_BUF;
		buf[PIPE_BUF - 1] = '\n';
	}
	return true;
}

static void write_line(const struct log_message *message)
{
	char buf[LOG_TEXT_SIZE], text[80];
	size_t length;

	if (the_log.left_out) {
		struct log_message note = *message;
		note.text = text;
		note.n_fields = 0;
		snprintf(text, sizeof(text), "%lu messages before this one were left out: nobody read", the_log.left_out);
		length = log_format_line(buf, &note, the_log.priorities);
		if (has_room(buf, &length)) {
			the_log.left_out = 0;
			write_text(buf, length);
		}
	}
	length = log_format_line(buf, message, the_log.priorities);
	if (the_log.hasty && !has_room(buf, &length))
		the_log.left_out++;
	else
		write_text(buf, length);
}

/* Does not wait for a journal that is not reading: the master must not. */
static bool send_record(const struct log_message *message)
{
	char buf[LOG_TEXT_SIZE];
	size_t length = log_format_journal(buf, message);

	return send(the_log.journal_fd, buf, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length;
}

void log_fields(enum log_level level, const struct log_field *fields, size_t n_fields, const char *format, ...)
{
	char text[LOG_TEXT_SIZE];
	int saved_errno = errno;
	va_list arguments;

	if (!log_enabled(level))
		return;
	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length >= 0) {
		struct log_message message = {
			.level = level,
			.identifier = the_log.identifier,
			.prefix = the_log.prefix,
			.text = text,
			.fields = fields,
			.n_fields = n_fields,
		};

		if (the_log.journal_fd < 0 || !send_record(&message))
			write_line(&message);
	}
	errno = saved_errno;
}

bool log_limit_pass(struct log_limit *limit, unsigned long *suppressed)
{
	int64_t now_ns = clock_mono_ns();

	if (limit->since_ns == 0 || now_ns - limit->since_ns >= limit->period_ns) {
		limit->since_ns = now_ns;
		limit->passed = 0;
	}
	if (limit->passed >= limit->burst) {
		limit->kept_back++;
		return false;
	}
	limit->passed++;
	*suppressed = limit->kept_back;
	limit->kept_back = 0;
	return true;
}
