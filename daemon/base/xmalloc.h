/* Allocation for what is small and must not fail: the daemon dies with a message instead.
 * Payloads whose size a client chooses go through base/bytes.h, which reports failure. */
#ifndef BASE_XMALLOC_H
#define BASE_XMALLOC_H

#include <stddef.h>

/* Memory of SIZE bytes, uninitialised. Release with free(). */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
/* Memory for N elements of SIZE bytes, zeroed. */
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
/* P grown or shrunk to N elements of SIZE bytes; aborts when N * SIZE overflows. */
void *xreallocarray(void *p, size_t n, size_t size) __attribute__((returns_nonnull, warn_unused_result));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull, warn_unused_result));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull, warn_unused_result));
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull, warn_unused_result));

#endif
