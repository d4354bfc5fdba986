/* How much of what somebody is told has not been written yet, at most: what stands before some place in its
 * connection's output, and what stands behind. When that place is written, the latter is the former. */
#ifndef EDGE_TALLY_H
#define EDGE_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally {
	size_t older, newer;
	uint64_t older_end, newer_end; /* bytes since the connection's beginning */
};

/* So many bytes of the connection have been written. */
static inline size_t tally_count(struct tally *tally, uint64_t written)
{
	for (int i = 0; i < 2 && tally->older + tally->newer && written >= tally->older_end; i++) {
		tally->older = tally->newer;
		tally->older_end = tally->newer_end;
		tally->newer = 0;
	}
	return tally->older + tally->newer;
}

/* So much more, which ends at that place. */
static inline void tally_add(struct tally *tally, size_t amount, uint64_t end)
{
	if (tally->older) {
		tally->newer += amount;
	} else {
		tally->older = amount;
		tally->older_end = end;
	}
	tally->newer_end = end;
}

#endif
