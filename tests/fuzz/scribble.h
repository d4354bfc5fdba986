/* What a hostile worker does to memory that it shares: an input says where and what. */
#ifndef TESTS_FUZZ_SCRIBBLE_H
#define TESTS_FUZZ_SCRIBBLE_H

#include <sys/mman.h>

#include "fuzz.h"

/* Of SIZE bytes at BASE. Half of it goes to the first HEAD bytes, where what matters is. */
static inline void fuzz_scribble(struct fuzz_input *input, uint8_t *base, size_t head, size_t size)
{
	uint8_t how = fuzz_byte(input);
	size_t at = (size_t)fuzz_number(input, how & 1 ? 2 : 4) % (how & 1 ? head : size);
	uint64_t value = fuzz_number(input, (size_t)1 << (how >> 1 & 3)), before = 0;
	size_t bytes = (size_t)1 << (how >> 1 & 3);
	at &= ~(bytes - 1);
	if (at + bytes > size)
		return;
	if (how & 8) { /* a little more or less than what is there */
		memcpy(&before, base + at, bytes);
		value = how & 16 ? before + (value & 0xff) * 8 : before - (value & 0xff);
	}
	if (how & 32)
		memset(base + at, (int)value, (size - at) % 300);
	else
		memcpy(base + at, &value, bytes);
}

/* From BASE + SIZE on nothing may be read: a page that faults, where there is no other mapping. NULL: there is. */
static inline void *fuzz_guard(const uint8_t *base, size_t size)
{
	void *wanted = (void *)(uintptr_t)(base + size);
	void *at = mmap(wanted, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (at != MAP_FAILED && at != wanted)
		munmap(at, 4096);
	return at == wanted ? at : NULL;
}

static inline void fuzz_unguard(void *guard)
{
	if (guard)
		munmap(guard, 4096);
}

#endif
