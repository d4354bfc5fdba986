/* Moments as RFC 3339 writes them. Every field is looked at: what is only nearly a time is an error that says what is
 * wrong with it, and not some other time. */
#include <stdbool.h>

#include "proto/units.h"

#define SECOND_NS INT64_C(1000000000)

struct moment {
	int year, month, day;
	int hour, minute, second;
	int64_t fraction_ns;
	int offset; /* minutes east of UTC */
};

/* COUNT digits at *P, which moves behind them; -1: there are fewer. */
static int digits(const char **p, int count)
{
	int value = 0;
	for (; count > 0; count--, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		value = value * 10 + (**p - '0');
	}
	return value;
}

/* Digits behind SIGN. */
static int digits_behind(const char **p, char sign, int count)
{
	if (**p != sign)
		return -1;
	(*p)++;
	return digits(p, count);
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days since 1970-01-01; years are counted from March, so that a leap day is the last of its year. */
static int64_t days_since_1970(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static const char *read_date(const char **p, struct moment *moment)
{
	moment->year = digits(p, 4);
	moment->month = digits_behind(p, '-', 2);
	moment->day = digits_behind(p, '-', 2);
	if (moment->year < 0 || moment->month < 0 || moment->day < 0)
		return "a date such as 2026-11-22 has to come first";
	if (moment->month < 1 || moment->month > 12)
		return "there is no such month";
	if (moment->day < 1 || moment->day > days_of_month(moment->year, moment->month))
		return "that month has no such day";
	return NULL;
}

static const char *read_clock(const char **p, struct moment *moment)
{
	if (**p != 'T' && **p != 't' && **p != ' ')
		return "a time of day such as T18:00:00 has to follow the date";
	(*p)++;
	moment->hour = digits(p, 2);
	moment->minute = digits_behind(p, ':', 2);
	moment->second = digits_behind(p, ':', 2);
	if (moment->hour < 0 || moment->minute < 0 || moment->second < 0)
		return "a time of day such as T18:00:00 has to follow the date";
	if (moment->hour > 23 || moment->minute > 59 || moment->second > 60)
		return "there is no such time of day";
	if (**p != '.')
		return NULL;
	const char *first = ++(*p);
	for (int64_t unit = SECOND_NS / 10; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
		moment->fraction_ns += (**p - '0') * unit;
	return *p == first ? "digits have to follow the point" : NULL;
}

static const char *read_offset(const char **p, struct moment *moment)
{
	static const char missing[] = "it has no time zone: \"Z\", or an offset such as \"+01:00\", has to follow";
	char sign = **p;
	if (sign == 'Z' || sign == 'z') {
		(*p)++;
		return NULL;
	}
	if (sign != '+' && sign != '-')
		return missing;
	(*p)++;
	int hours = digits(p, 2);
	int minutes = digits_behind(p, ':', 2);
	if (hours < 0 || minutes < 0)
		return missing;
	if (hours > 23 || minutes > 59)
		return "there is no such offset from UTC";
	moment->offset = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
	return NULL;
}

/* Only the last second of a day in UTC, at the end of a month, has ever been followed by another of that minute. */
static bool leap_second_may_be(const struct moment *moment)
{
	int minute = moment->hour * 60 + moment->minute - moment->offset;
	return moment->second < 60 || (minute + 2 * 1440) % 1440 == 1439;
}

int units_parse_time(const char *text, int64_t *wall_ns, const char **error)
{
	struct moment moment = { 0 };
	const char *p = text, *unused;
	if (!error)
		error = &unused;
	*error = read_date(&p, &moment);
	if (!*error)
		*error = read_clock(&p, &moment);
	if (!*error)
		*error = read_offset(&p, &moment);
	if (!*error && *p)
		*error = "something follows it";
	if (!*error && !leap_second_may_be(&moment))
		*error = "there is no such time of day";
	if (*error)
		return -1;
	int64_t seconds = days_since_1970(moment.year, moment.month, moment.day) * 86400 + moment.hour * 3600 +
		(moment.minute - moment.offset) * 60 + moment.second;
	__int128 ns = (__int128)seconds * SECOND_NS + moment.fraction_ns;
	/* The least value means "none" elsewhere. */
	if (ns > INT64_MAX || ns <= INT64_MIN) {
		*error = "it is not within the years from 1678 to 2261";
		return -1;
	}
	*wall_ns = (int64_t)ns;
	return 0;
}
