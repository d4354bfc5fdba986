/* The two clocks. Durations and deadlines are int64_t nanoseconds of the monotonic clock; wall time is for output,
 * the store, and what a person wrote as a date. Tests replace both with ones that they move by hand. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define CLOCK_NEVER INT64_MAX

int64_t clock_mono_ns(void);
/* Nanoseconds since 1970-01-01T00:00:00Z. */
int64_t clock_wall_ns(void);
/* The wall time, by today's difference of the two clocks, of a moment of the monotonic one, from 0 on; CLOCK_NEVER where
 * it is beyond that. */
int64_t clock_wall_of_ns(int64_t mono_ns);

/* "2026-11-22T16:31:31.123456Z"; BUF of CLOCK_TEXT_SIZE bytes. */
#define CLOCK_TEXT_SIZE 32
void clock_format_wall(int64_t wall_ns, char buf[CLOCK_TEXT_SIZE]);

/* From here on both clocks stand still at these values, until clock_fake_advance or clock_fake_end. For tests. */
void clock_fake(int64_t mono_ns, int64_t wall_ns);
void clock_fake_advance(int64_t mono_delta_ns, int64_t wall_delta_ns);
/* …and the first of them moves on by so much whenever somebody looks at it. */
void clock_fake_tick(int64_t mono_ns);
void clock_fake_end(void);

#endif
