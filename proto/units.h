/* Durations, sizes and times as people write them. */
#ifndef PROTO_UNITS_H
#define PROTO_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* "30" and "30s", "1.5h", "250ms", "2m30s", "100us", "7d"; units d h m s ms us ns, the larger before the smaller. 0, or
 * -1: not one, negative, or beyond 292 years. What is less than 1 ns is left out. */
int units_parse_duration(const char *text, int64_t *ns);
/* "64M", "1.5G", "4096", "10k": powers of 1024, an "iB" or "B" behind it allowed. 0 or -1. */
int units_parse_size(const char *text, int64_t *bytes);
/* Exact, so that it reads back the same: "1m30s", "1m30.5s", "250ms", "0s"; "64M", "1536M", "1500". BUF of
 * UNITS_TEXT_SIZE bytes. */
#define UNITS_TEXT_SIZE 48
void units_format_duration(int64_t ns, char buf[UNITS_TEXT_SIZE]);
void units_format_size(int64_t bytes, char buf[UNITS_TEXT_SIZE]);
/* For reading by people, about three digits: "1.23s", "45.6ms", "1.5 GiB". */
void units_human_duration(int64_t ns, char buf[UNITS_TEXT_SIZE]);
void units_human_size(int64_t bytes, char buf[UNITS_TEXT_SIZE]);
/* A moment as RFC 3339 has it: "2026-11-22T18:00:00Z", "2026-11-22 18:00:00.25+01:00"; nanoseconds since 1970 in UTC.
 * What is less than 1 ns is left out; a leap second is the one after it. 0, or -1: not one, or not from 1678 to 2261; why is in
 * ERROR (static; may be NULL), such as "it has no time zone: \"Z\" or an offset such as \"+01:00\"". */
int units_parse_time(const char *text, int64_t *wall_ns, const char **error);

#endif
