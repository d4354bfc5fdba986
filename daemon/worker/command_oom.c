/* Where a command is in no cgroup of its own, nothing tells that the kernel killed it for want of memory, except that
 * it counts such kills, all over the system. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "worker/command_life.h"

/* One look costs as much as a tenth of a short command. */
#define LOOK_PERIOD_NS NS_PER_S

/* -1: it does not count them. */
static long read_count(void)
{
	static const char name[] = "\noom_kill ";
	char text[8192];
	int fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	size_t length = 0;
	for (ssize_t n; (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0;)
		length += (size_t)n;
	close(fd);
	text[length] = '\0';
	const char *line = strstr(text, name);
	return line ? strtol(line + strlen(name), NULL, 10) : -1;
}

void oom_look(struct command_slot *slot)
{
	int64_t now_ns = clock_mono_ns();
	if (slot->oom_looked_ns && now_ns - slot->oom_looked_ns < LOOK_PERIOD_NS)
		return;
	slot->oom_looked_ns = now_ns;
	slot->oom_kills = read_count();
}

bool oom_has_risen(struct command_slot *slot)
{
	long before = slot->oom_kills;
	slot->oom_kills = read_count();
	slot->oom_looked_ns = clock_mono_ns();
	return before >= 0 && slot->oom_kills > before;
}
