/* Messages on a byte stream. The first byte of a connection decides how they are told apart: '{' or '[' (or white
 * space before it): one JSON value a line; 'C' or 'c': "Content-Length: N" headers, as in LSP. */
#ifndef PROTO_FRAMING_H
#define PROTO_FRAMING_H

#include <stddef.h>
#include <stdint.h>

enum framing_mode { FRAMING_UNKNOWN, FRAMING_LINES, FRAMING_HEADERS };

struct framing {
	enum framing_mode mode;
	size_t limit;    /* the largest message */
	size_t scanned;  /* bytes of the unfinished message that were looked at already */
	size_t expected; /* headers: the body's length once known */
	size_t header;   /* headers: the length of the header block once known */
};

enum framing_result {
	FRAMING_MESSAGE,    /* *message, *length; the next one starts *used bytes on */
	FRAMING_INCOMPLETE, /* more bytes are needed; *used bytes (blank lines) can go */
	FRAMING_TOO_LONG,   /* over the limit: cannot go on */
	FRAMING_BAD_HEADER, /* no, a negative, an absurd or a contradictory Content-Length: cannot go on */
	FRAMING_BAD_START,  /* the first byte is none of ours: cannot go on */
};

void framing_init(struct framing *framing, enum framing_mode mode, size_t limit);
/* Looks for a message at the start of DATA (all bytes that are not used yet, the same start at each call). Blank lines
 * between messages are skipped. Linear over a message however small the pieces are that it comes in. */
enum framing_result framing_next(struct framing *framing, const char *data, size_t length, const char **message,
	size_t *message_length, size_t *used);
/* How much room the unfinished message will need in all, as far as it is known; 0: unknown. */
size_t framing_wants(const struct framing *framing);
/* "Content-Length: N\r\n\r\n" into BUF; the length. For lines: 0, and '\n' is to follow each message instead. */
#define FRAMING_HEADER_SIZE 48
size_t framing_header(const struct framing *framing, size_t length, char buf[FRAMING_HEADER_SIZE]);

#endif
