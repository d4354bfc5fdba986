/* A growable byte string, always terminated. Allocation failure is sticky: everything after it is left out, and
 * strbuf_failed says so once, at the end. */
#ifndef PROTO_STRBUF_H
#define PROTO_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *data; /* NULL until the first byte */
	size_t length;
	size_t room;
	bool failed;
};

#define STRBUF_INIT \
	{           \
		0   \
	}
void strbuf_free(struct strbuf *sb);
static inline void strbuf_reset(struct strbuf *sb)
{
	sb->length = 0;
}
static inline bool strbuf_failed(const struct strbuf *sb)
{
	return sb->failed;
}
void strbuf_add(struct strbuf *sb, const void *data, size_t length);
void strbuf_puts(struct strbuf *sb, const char *text);
void strbuf_printf(struct strbuf *sb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string in quotes, escaped; NUL, and bytes that are not UTF-8, become U+FFFD. */
void strbuf_json_string(struct strbuf *sb, const char *text, size_t length);
/* The string, malloc'ed, now the caller's; NULL where it failed. The buffer is empty again. */
char *strbuf_take(struct strbuf *sb, size_t *length);

#endif
