/* Base64 (RFC 4648, section 4), for bytes that are not UTF-8: JSON has no other place for them. */
#ifndef PROTO_BASE64_H
#define PROTO_BASE64_H

#include <stddef.h>
#include <sys/types.h>

struct strbuf;

/* Appends LENGTH bytes of DATA, without quotes. */
void base64_encode(struct strbuf *out, const void *data, size_t length);
/* Room for what TEXT_LENGTH characters stand for. */
static inline size_t base64_room(size_t text_length) { return text_length / 4 * 3 + 3; }
/* Into ROOM, of base64_room bytes; NULL: it is only checked. How many; -1: that is not base64. Padding may be missing, white space is none. */
ssize_t base64_decode(void *room, const char *text, size_t length);
/* ,"NAME":"text" where DATA is UTF-8 without NUL bytes, else ,"NAME_base64":"…"; without the comma where OUT ends with an opening brace. */
void base64_member(struct strbuf *out, const char *name, const void *data, size_t length);

#endif
