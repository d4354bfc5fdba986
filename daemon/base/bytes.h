/* Payloads: immutable, counted bytes. Arguments and results travel through the daemon as these, uninterpreted. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
	const char *data; /* not terminated */
	size_t size;
	uint32_t references;
	/* NULL where the bytes follow this header; else called with owner when the last reference goes (a mapped memfd). */
	void (*release)(void *owner, const char *data, size_t size);
	void *owner;
};

/* A copy of SIZE bytes, one reference. NULL when there is no memory. */
struct bytes *bytes_new(const void *data, size_t size) __attribute__((warn_unused_result));
/* Uninitialised room for SIZE bytes to be filled before anyone else sees it; *room points at it. */
struct bytes *bytes_new_room(size_t size, char **room) __attribute__((warn_unused_result));
/* Bytes that live elsewhere until RELEASE is called. */
struct bytes *bytes_new_foreign(const char *data, size_t size, void (*release)(void *, const char *, size_t), void *owner)
	__attribute__((warn_unused_result));
/* One more reference; NULL is allowed. */
struct bytes *bytes_ref(struct bytes *bytes);
/* One fewer; NULL is allowed. */
void bytes_unref(struct bytes *bytes);
/* What it costs in memory, for limits. */
size_t bytes_cost(const struct bytes *bytes);

#endif
