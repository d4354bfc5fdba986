/* A daemon that says what the test tells it to. The client writes without waiting, and the socket keeps what was said to
 * it, so most tests are one thread that plays both sides. */
#ifndef TESTS_UNIT_CLIENT_FAKE_H
#define TESTS_UNIT_CLIENT_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/taskd.h"

#define FAKE_PATIENCE (20 * TASKD_SECOND) /* what a test waits for at most; never how long it takes */

struct fake {
	char dir[32];
	char path[64];
	int listener;
	int fd; /* the accepted connection; -1 once it is closed */
	char *in;
	size_t in_length, in_room;
	char *line;
	uint64_t read, line_end; /* bytes: of all that came, and up to the line's end */
	size_t step;             /* read so many bytes at a time; 0: as many as there are */
	struct fake_fd {
		int fd;
		uint64_t at; /* it came with what was read up to there */
	} *fds;
	size_t n_fds;
	uint64_t said; /* lines */
};

void fake_begin(struct fake *fake);
void fake_end(struct fake *fake);
/* Connects to it, and accepts. */
struct taskd *fake_connect(struct fake *fake);
struct taskd *fake_connect_with(struct fake *fake, const struct taskd_connect_options *options);
/* The next line that the client wrote, without its end; NULL where it has closed. Valid until the next. */
const char *fake_read(struct fake *fake);
/* The same of a client that has more to write than the socket takes, and is made to. */
const char *fake_read_from(struct fake *fake, struct taskd *c);
/* The descriptors that came with that line, the caller's now; how many. Those of lines before it are closed. */
size_t fake_fds(struct fake *fake, int fds[3]);
/* Flushes the client, and checks that the next line is this one. */
void fake_expect(struct fake *fake, struct taskd *c, const char *line);
/* Bytes as they are; and a line. */
void fake_write(struct fake *fake, const char *data, size_t length);
void fake_say(struct fake *fake, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fake_close(struct fake *fake);

/* The daemon goes: its connection is closed, and nobody listens any more; GONE: its socket is not there either. */
void fake_leave(struct fake *fake, bool gone);
/* Another one is there, and listens. */
void fake_return(struct fake *fake);
/* Closes the connection, if there is one, and lets the client, which is made to, come again. */
void fake_lose(struct fake *fake, struct taskd *c);
/* Accepts the client that has come. */
void fake_accept(struct fake *fake);
/* The next line has to ask who it is: it is the daemon of this number. The client does not know yet (fake_answered). */
void fake_identify(struct fake *fake, struct taskd *c, int number);
/* Has the client read all that was said to it. */
void fake_answered(struct fake *fake, struct taskd *c);

/* Of a request's line: its id (0: a notification), and what follows "NAME": in it. */
unsigned long fake_id(const char *line);
const char *fake_member(const char *line, const char *name);

#endif
