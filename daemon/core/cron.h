/* Times that recur by the calendar: "30 4 * * mon-fri", "@daily". */
#ifndef CORE_CRON_H
#define CORE_CRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A bit for every value that a field allows. */
struct cron {
	uint64_t minutes;  /* 0…59 */
	uint32_t hours;    /* 0…23 */
	uint32_t days;     /* 1…31 */
	uint16_t months;   /* 1…12 */
	uint8_t weekdays;  /* 0…6, from Sunday */
	bool any_day;      /* the field of days began with "*" */
	bool any_weekday;  /* so did that of weekdays: where neither did, a day that either allows is allowed, as crontab(5) has it */
};

/* Reads the five fields of crontab(5) (lists, ranges, steps, names of months and days, 7 for Sunday), or @yearly,
 * @annually, @monthly, @weekly, @daily, @midnight, @hourly. -1: what is wrong with it is in ERROR, for people. */
int cron_parse(const char *text, struct cron *out, char *error, size_t error_size);
/* The first such minute after this moment, in the process's time zone: nanoseconds since 1970 in UTC. A time that the
 * change to summer time leaves out is the moment of the change, and one that comes twice in autumn counts once; but
 * where every hour is allowed, each hour that there is has its runs, and none has others. CLOCK_NEVER where there is
 * none within CRON_YEARS ("0 0 30 2 *"). */
int64_t cron_next(const struct cron *cron, int64_t wall_ns);
#define CRON_YEARS 50

#endif
