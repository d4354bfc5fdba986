/* The two clocks behind one door, so that tests can move both by hand. */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static struct {
	bool on;
	int64_t mono_ns;
	int64_t wall_ns;
	int64_t tick_ns;
} fake;

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_mono_ns(void)
{
	return fake.on ? fake.mono_ns += fake.tick_ns : read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
	return fake.on ? fake.wall_ns : read_clock(CLOCK_REALTIME);
}

int64_t clock_wall_of_ns(int64_t mono_ns)
{
	int64_t wall_ns;

	if (__builtin_sub_overflow(clock_wall_ns(), clock_mono_ns() - mono_ns, &wall_ns))
		return CLOCK_NEVER;
	return wall_ns;
}

void clock_format_wall(int64_t wall_ns, char buf[CLOCK_TEXT_SIZE])
{
	struct tm parts;
	int64_t seconds = wall_ns / NS_PER_S;
	int64_t rest = wall_ns % NS_PER_S;

	if (rest < 0) { /* before 1970 */
		rest += NS_PER_S;
		seconds--;
	}
	time_t when = (time_t)seconds;
	gmtime_r(&when, &parts);
	/* The remainders change nothing; they show the compiler that the text fits. */
	snprintf(buf, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", (unsigned)(parts.tm_year + 1900) % 10000u,
		(unsigned)(parts.tm_mon + 1) % 100u, (unsigned)parts.tm_mday % 100u, (unsigned)parts.tm_hour % 100u,
		(unsigned)parts.tm_min % 100u, (unsigned)parts.tm_sec % 100u, (unsigned)(rest / NS_PER_US) % 1000000u);
}

void clock_fake(int64_t mono_ns, int64_t wall_ns)
{
	fake.on = true;
	fake.mono_ns = mono_ns;
	fake.wall_ns = wall_ns;
	fake.tick_ns = 0;
}

void clock_fake_advance(int64_t mono_delta_ns, int64_t wall_delta_ns)
{
	fake.mono_ns += mono_delta_ns;
	fake.wall_ns += wall_delta_ns;
}

void clock_fake_tick(int64_t mono_ns)
{
	fake.tick_ns = mono_ns;
}

void clock_fake_end(void)
{
	fake.on = false;
}
