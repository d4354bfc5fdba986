/* What somebody has cost lately; see usage.h. */
#include "edge/usage.h"

#include "base/clock.h"
#include "edge/peer.h"

#define HALF_LIFE_NS (10 * NS_PER_MS)
/* Of a half-life. In the long run twice as much as that is there of what is taken in one. */
#define LARGE_NS (HALF_LIFE_NS / 4)
#define GREEDY_NS (LARGE_NS / 8)
/* A read that took so long was of small pieces if it brought little. */
#define READ_LONG_NS (16 * NS_PER_US)
#define READ_SHORT_NS (8 * NS_PER_US)
#define READ_LEAST 16u

static int64_t usage_now(struct usage *usage, int64_t now)
{
	int64_t lives = (now - usage->at_ns) / HALF_LIFE_NS;
	if (lives <= 0)
		return usage->ns;
	usage->ns = lives < 40 ? usage->ns >> lives : 0;
	usage->at_ns += lives * HALF_LIFE_NS;
	return usage->ns;
}

void usage_charge(struct usage *usage, int64_t now, int64_t cost_ns)
{
	usage->ns = usage_now(usage, now) + cost_ns;
}

static size_t place(const struct usages *usages, uint64_t key, size_t places)
{
	key = (key ^ usages->seed) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(key >> 32) % places;
}

struct usage *usage_of_user(struct usages *usages, const struct peer *peer)
{
	return &usages->users[place(usages, peer->uid, sizeof(usages->users) / sizeof(usages->users[0]))];
}

struct usage *usage_of_process(struct usages *usages, const struct peer *peer)
{
	if (peer->pid <= 0)
		return NULL;
	return &usages->processes[place(usages, (uint64_t)peer->pid, sizeof(usages->processes) / sizeof(usages->processes[0]))];
}

void usages_charge(struct usages *usages, const struct peer *peer, int64_t now, int64_t cost_ns)
{
	struct usage *process = usage_of_process(usages, peer);
	usage_charge(&usages->all, now, cost_ns);
	usage_charge(usage_of_user(usages, peer), now, cost_ns);
	if (process)
		usage_charge(process, now, cost_ns);
}

bool usage_is_large(struct usage *usage, int64_t now)
{
	return usage_now(usage, now) >= LARGE_NS;
}

bool usage_is_heavy(struct usages *usages, struct usage *usage, int64_t now)
{
	int64_t ns = usage_now(usage, now);
	if (usage->greedy_ns && usage->greedy_ns > now - HALF_LIFE_NS)
		return ns >= GREEDY_NS;
	return ns >= LARGE_NS && ns * 5 >= usage_now(&usages->all, now) * 2;
}

size_t usage_read_most(const struct usage *usage, size_t most)
{
	return usage->read && usage->read < most ? usage->read : most;
}

void usage_was_read(struct usage *usage, size_t got, bool full, size_t most, int64_t took_ns)
{
	if (took_ns > READ_LONG_NS && got < most / 4)
		usage->read = (uint32_t)(got / 8 > READ_LEAST ? got / 8 : READ_LEAST);
	else if (full && usage->read && took_ns < READ_SHORT_NS)
		usage->read = 2 * usage->read < most ? 2 * usage->read : 0;
}

void usages_init(struct usages *usages, uint64_t seed)
{
	*usages = (struct usages){ .seed = seed };
}
