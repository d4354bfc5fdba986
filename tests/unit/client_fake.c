/* The daemon's side of the client's tests. */
#include "client_fake.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void fake_begin(struct fake *fake)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*fake = (struct fake){ .fd = -1 };
	strcpy(fake->dir, "/tmp/taskd-client-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fake->dir));
	snprintf(fake->path, sizeof(fake->path), "%s/socket", fake->dir);
	strcpy(address.sun_path, fake->path);
	fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fake->listener, 0);
	ck_assert_int_eq(bind(fake->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fake->listener, 8), 0);
}

void fake_end(struct fake *fake)
{
	fake_close(fake);
	close(fake->listener);
	unlink(fake->path);
	rmdir(fake->dir);
	free(fake->in);
	free(fake->line);
}

struct taskd *fake_connect_with(struct fake *fake, const struct taskd_connect_options *options)
{
	struct taskd *c = taskd_connect(fake->path, options);
	const char *why;

	taskd_last_error(&why);
	ck_assert_msg(c != NULL, "%s", why);
	fake->fd = accept(fake->listener, NULL, NULL);
	ck_assert_int_ge(fake->fd, 0);
	return c;
}

struct taskd *fake_connect(struct fake *fake)
{
	return fake_connect_with(fake, NULL);
}

void fake_close(struct fake *fake)
{
	if (fake->fd >= 0)
		close(fake->fd);
	fake->fd = -1;
}

const char *fake_read(struct fake *fake)
{
	for (;;) {
		char *newline = fake->in_length ? memchr(fake->in, '\n', fake->in_length) : NULL;
		if (newline) {
			size_t length = (size_t)(newline - fake->in);
			free(fake->line);
			fake->line = strndup(fake->in, length);
			fake->in_length -= length + 1;
			memmove(fake->in, newline + 1, fake->in_length);
			return fake->line;
		}
		if (fake->in_room - fake->in_length < 4096) {
			fake->in_room = fake->in_room * 2 + 65536;
			fake->in = realloc(fake->in, fake->in_room);
		}
		struct pollfd poll_in = { .fd = fake->fd, .events = POLLIN };
		ck_assert_msg(poll(&poll_in, 1, (int)(FAKE_PATIENCE / TASKD_MS)) == 1, "the client writes nothing");
		ssize_t n = read(fake->fd, fake->in + fake->in_length, fake->in_room - fake->in_length);
		if (n <= 0)
			return NULL;
		fake->in_length += (size_t)n;
	}
}

void fake_expect(struct fake *fake, struct taskd *c, const char *line)
{
	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(fake_read(fake), line);
}

void fake_write(struct fake *fake, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fake->fd, data, length, MSG_NOSIGNAL);
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return;
		ck_assert_int_gt(n, 0);
		data += n;
		length -= (size_t)n;
	}
}

void fake_say(struct fake *fake, const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	ck_assert_int_ge(length, 0);
	text[length] = '\n'; /* where the terminator was: this is a line, not a string */
	fake_write(fake, text, (size_t)length + 1);
	free(text);
}

unsigned long fake_id(const char *line)
{
	/* A cancellation has an id only among its parameters. */
	return strncmp(line, "{\"jsonrpc\":\"2.0\",\"id\":", 22) == 0 ? strtoul(line + 22, NULL, 10) : 0;
}

const char *fake_member(const char *line, const char *name)
{
	char key[64];

	snprintf(key, sizeof(key), "\"%s\":", name);
	const char *at = strstr(line, key);
	return at ? at + strlen(key) : "";
}
