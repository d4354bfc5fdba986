/* What a server asks of its machine once, when it starts. */
#include "machine.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

long long machine_raise_files(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	long long before = limit.rlim_cur == RLIM_INFINITY ? -1 : (long long)limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warning("the limit of open files stays at %lld: %s", before, strerror(errno));
	return before;
}

bool machine_has_processors(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1;
}

uint64_t machine_random(void)
{
	uint64_t number;
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) == sizeof(number))
		return number;
	return (uint64_t)clock_wall_ns() ^ (uint64_t)getpid() << 32;
}
