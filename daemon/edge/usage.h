/* What connections, processes and users have cost lately, as times that serving them took. It is forgotten with a half-life
 * of some milliseconds. Processes and users are found by a hash, so two may share an account, and which ones cannot be
 * known from outside. */
#ifndef EDGE_USAGE_H
#define EDGE_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;

struct usage {
	int64_t ns;
	int64_t at_ns;     /* as of then */
	int64_t greedy_ns; /* when it had more to say than a slice takes, last; 0: never */
	uint32_t read;     /* so many bytes are read from it at once while slices are small; 0: as from others */
};

struct usages {
	struct usage all;
	struct usage users[256];
	struct usage processes[1024];
	uint64_t seed;
};

void usages_init(struct usages *usages, uint64_t seed);
struct usage *usage_of_user(struct usages *usages, const struct peer *peer);
/* NULL: which process it is is not known. */
struct usage *usage_of_process(struct usages *usages, const struct peer *peer);
/* Until NOW, PEER has cost COST_NS. */
void usages_charge(struct usages *usages, const struct peer *peer, int64_t now_ns, int64_t cost_ns);
void usage_charge(struct usage *usage, int64_t now_ns, int64_t cost_ns);
/* A fifth of the time, or more. */
bool usage_is_large(struct usage *usage, int64_t now_ns);
/* Whether others are to be served before. Who waits for each answer before he asks again may take a large part, as long as
 * that is not most of what is done at all; who has more to say than a slice takes may not. */
bool usage_is_heavy(struct usages *usages, struct usage *usage, int64_t now_ns);

/* How much is to be read at once while slices are small: MOST, or less of what came in small pieces, each of which costs
 * the kernel a microsecond. */
size_t usage_read_most(const struct usage *usage, size_t most);
/* GOT bytes were read, which was all that there was room for (FULL) or not, and that took so long. */
void usage_was_read(struct usage *usage, size_t got, bool full, size_t most, int64_t took_ns);

#endif
