/* The loop sleeps until a moment of the monotonic clock, also for what is due at a time of day. A step of the wall clock
 * moves that moment, so it has to end the sleep: a timer that nobody waits for the end of, but that the kernel cancels
 * when the clock is set. */
#include "wallclock.h"

#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FAR_S (100LL * 365 * 24 * 3600)

static int arm(int fd)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	const struct itimerspec far = { .it_value = { .tv_sec = now.tv_sec + FAR_S } };
	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

int wallclock_open(void)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd >= 0 && arm(fd) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void wallclock_again(int fd)
{
	uint64_t times;
	(void)!read(fd, &times, sizeof(times)); /* ECANCELED: the clock was set */
	(void)arm(fd);
}
