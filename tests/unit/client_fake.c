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
	*fake = (struct fake){ .fd = -1, .listener = -1 };
	strcpy(fake->dir, "/tmp/taskd-client-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fake->dir));
	snprintf(fake->path, sizeof(fake->path), "%s/socket", fake->dir);
	fake_return(fake);
}

void fake_return(struct fake *fake)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, fake->path);
	unlink(fake->path);
	fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fake->listener, 0);
	ck_assert_int_eq(bind(fake->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fake->listener, 8), 0);
}

void fake_end(struct fake *fake)
{
	fake_leave(fake, true);
	rmdir(fake->dir);
	for (size_t i = 0; i < fake->n_fds; i++)
		close(fake->fds[i].fd);
	free(fake->fds);
	free(fake->in);
	free(fake->line);
}

struct taskd *fake_connect_with(struct fake *fake, const struct taskd_connect_options *options)
{
	struct taskd *c = taskd_connect(fake->path, options);
	const char *why;

	taskd_last_error(&why);
	ck_assert_msg(c != NULL, "%s", why);
	fake_accept(fake);
	return c;
}

void fake_accept(struct fake *fake)
{
	struct pollfd coming = { .fd = fake->listener, .events = POLLIN };

	ck_assert_msg(poll(&coming, 1, (int)(FAKE_PATIENCE / TASKD_MS)) == 1, "the client does not come");
	fake->fd = accept(fake->listener, NULL, NULL);
	ck_assert_int_ge(fake->fd, 0);
	fake->in_length = 0;
}

void fake_leave(struct fake *fake, bool gone)
{
	fake_close(fake);
	if (fake->listener >= 0)
		close(fake->listener);
	fake->listener = -1;
	if (gone)
		unlink(fake->path);
}

void fake_lose(struct fake *fake, struct taskd *c)
{
	struct pollfd coming = { .fd = fake->listener, .events = POLLIN };
	enum taskd_error error = TASKD_OK;

	fake_close(fake);
	while (poll(&coming, 1, 0) == 0 && (error == TASKD_OK || error == TASKD_E_TIMEOUT))
		error = taskd_dispatch(c, TASKD_MS);
	ck_assert(error == TASKD_OK || error == TASKD_E_TIMEOUT);
	fake_accept(fake);
}

void fake_answered(struct fake *fake, struct taskd *c)
{
	/* One more message: when that has been read, all before it have. */
	fake_say(fake, "{\"jsonrpc\":\"2.0\",\"method\":\"fake.over\",\"params\":{\"n\":%llu}}",
		(unsigned long long)++fake->said);
	ck_assert_int_eq(taskd_dispatch(c, FAKE_PATIENCE), TASKD_OK);
	while (taskd_dispatch(c, 0) == TASKD_OK)
		;
}

void fake_identify(struct fake *fake, struct taskd *c, int number)
{
	const char *line = fake_read_from(fake, c);

	ck_assert_ptr_nonnull(strstr(line, "\"method\":\"server.info\"}"));
	fake_say(fake,
		"{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"name\":\"taskd\",\"pid\":%d,\"started_at\":\"%d\","
		"\"store\":{\"state\":\"none\"}}}",
		fake_id(line), number, number);
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

/* As read(2), with the descriptors that come. */
static ssize_t receive(struct fake *fake, char *room, size_t size)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(16 * sizeof(int))];
	} control;
	struct iovec piece = { .iov_base = room, .iov_len = fake->step ? fake->step : size };
	struct msghdr message = {
		.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)
	};
	ssize_t n = recvmsg(fake->fd, &message, MSG_CMSG_CLOEXEC);

	if (n <= 0)
		return n;
	ck_assert(!(message.msg_flags & MSG_CTRUNC));
	fake->read += (uint64_t)n;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		fake->fds = realloc(fake->fds, (fake->n_fds + count) * sizeof(*fake->fds));
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
			fake->fds[fake->n_fds++] = (struct fake_fd){ fd, fake->read };
		}
	}
	return n;
}

size_t fake_fds(struct fake *fake, int fds[3])
{
	uint64_t start = fake->line_end - strlen(fake->line) - 1;
	size_t n = 0, left = 0;

	for (size_t i = 0; i < fake->n_fds; i++) {
		struct fake_fd *one = &fake->fds[i];
		if (one->at <= start) {
			close(one->fd);
		} else if (one->at <= fake->line_end) {
			ck_assert_uint_lt(n, 3);
			fds[n++] = one->fd;
		} else {
			fake->fds[left++] = *one;
		}
	}
	fake->n_fds = left;
	return n;
}

/* A whole line of what has come; NULL: there is none yet. */
static const char *take_line(struct fake *fake)
{
	char *newline = fake->in_length ? memchr(fake->in, '\n', fake->in_length) : NULL;
	size_t length = (size_t)(newline - fake->in);

	if (!newline)
		return NULL;
	free(fake->line);
	fake->line = strndup(fake->in, length);
	fake->in_length -= length + 1;
	fake->line_end = fake->read - fake->in_length;
	memmove(fake->in, newline + 1, fake->in_length);
	return fake->line;
}

/* What has come since; 0: the client has closed. */
static ssize_t read_more(struct fake *fake)
{
	if (fake->in_room - fake->in_length < 4096) {
		fake->in_room = fake->in_room * 2 + 65536;
		fake->in = realloc(fake->in, fake->in_room);
	}
	ssize_t n = receive(fake, fake->in + fake->in_length, fake->in_room - fake->in_length);
	if (n > 0)
		fake->in_length += (size_t)n;
	return n;
}

const char *fake_read(struct fake *fake)
{
	struct pollfd poll_in = { .fd = fake->fd, .events = POLLIN };
	const char *line;

	while (!(line = take_line(fake))) {
		ck_assert_msg(poll(&poll_in, 1, (int)(FAKE_PATIENCE / TASKD_MS)) == 1, "the client writes nothing");
		if (read_more(fake) <= 0)
			return NULL;
	}
	return line;
}

const char *fake_read_from(struct fake *fake, struct taskd *c)
{
	struct pollfd poll_in = { .fd = fake->fd, .events = POLLIN };
	const char *line;

	while (!(line = take_line(fake))) {
		bool all = taskd_flush(c, 0) == TASKD_OK;
		int patience = all ? (int)(FAKE_PATIENCE / TASKD_MS) : 0;
		if (poll(&poll_in, 1, patience) == 1)
			ck_assert_int_gt(read_more(fake), 0);
		else
			ck_assert_msg(!all, "the client writes nothing");
	}
	return line;
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
