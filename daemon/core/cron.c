/* Times that recur by the calendar. An expression speaks of what a clock on the wall shows, which jumps twice a year;
 * moments are seconds since 1970, which do not. So the search goes over dates and times as people write them, a field
 * at a time, and asks the time zone only when was, or will be, what it has found. */
#include "core/cron.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"

#define MINUTE 60
#define DAY INT64_C(86400)
#define NUMBER_MAX 99999 /* what is more is read as this: it is too much for any field */

enum { MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS, N_FIELDS };

static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov",
	"dec", NULL };
static const char *const weekday_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };

static const struct field {
	const char *title;
	int low, high;
	const char *const *names; /* the first one's value is `low` */
} fields[N_FIELDS] = {
	[MINUTES] = { .title = "minute", .low = 0, .high = 59 },
	[HOURS] = { .title = "hour", .low = 0, .high = 23 },
	[DAYS] = { .title = "day of month", .low = 1, .high = 31 },
	[MONTHS] = { .title = "month", .low = 1, .high = 12, .names = month_names },
	[WEEKDAYS] = { .title = "day of week", .low = 0, .high = 7, .names = weekday_names },
};

static const struct {
	const char *word, *text;
} nicknames[] = {
	{ "@yearly", "0 0 1 1 *" },
	{ "@annually", "0 0 1 1 *" },
	{ "@monthly", "0 0 1 * *" },
	{ "@weekly", "0 0 * * 0" },
	{ "@daily", "0 0 * * *" },
	{ "@midnight", "0 0 * * *" },
	{ "@hourly", "0 * * * *" },
};

/* --- reading --- */

struct reader {
	const char *at;
	const struct field *field;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static int fail(struct reader *reader, const char *format, ...)
{
	int length = snprintf(reader->error, reader->error_size, "%s: ", reader->field->title);
	va_list args;

	va_start(args, format);
	if (length > 0 && (size_t)length < reader->error_size)
		vsnprintf(reader->error + length, reader->error_size - (size_t)length, format, args);
	va_end(args);
	return -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Only plain characters are repeated to the user: the rest of the text may be anything. */
static int fail_here(struct reader *reader)
{
	char c = *reader->at;

	if (c == '\0' || is_blank(c))
		return fail(reader, "something is missing at its end");
	if (c > ' ' && c < 0x7f)
		return fail(reader, "'%c' makes no sense here", c);
	return fail(reader, "there is a character that makes no sense here");
}

static int read_number(struct reader *reader, int *value)
{
	size_t length = strspn(reader->at, "0123456789");

	if (length == 0)
		return fail_here(reader);
	*value = 0;
	for (size_t i = 0; i < length; i++)
		if (*value < NUMBER_MAX)
			*value = *value * 10 + (reader->at[i] - '0');
	if (*value > NUMBER_MAX)
		*value = NUMBER_MAX;
	reader->at += length;
	return 0;
}

static int read_name(struct reader *reader, size_t length, int *value)
{
	const char *const *names = reader->field->names;

	for (int i = 0; names && names[i]; i++)
		if (strlen(names[i]) == length && !strncasecmp(names[i], reader->at, length)) {
			*value = reader->field->low + i;
			reader->at += length;
			return 0;
		}
	return fail(reader, "\"%.*s\" is not a %s", length > 20 ? 20 : (int)length, reader->at,
		names ? "number or a name such as \"mon\" or \"jan\"" : "number");
}

static int read_value(struct reader *reader, int *value)
{
	const struct field *field = reader->field;
	size_t letters = strspn(reader->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	if (letters)
		return read_name(reader, letters, value);
	if (read_number(reader, value) < 0)
		return -1;
	if (*value < field->low || *value > field->high)
		return fail(reader, "%d is not within %d-%d", *value, field->low, field->high);
	return 0;
}

/* "*", "5", "1-5" */
static int read_range(struct reader *reader, int *low, int *high, bool *wide)
{
	const struct field *field = reader->field;

	*wide = true;
	if (*reader->at == '*') {
		reader->at++;
		*low = field->low;
		*high = field == &fields[WEEKDAYS] ? 6 : field->high;
		return 0;
	}
	if (read_value(reader, low) < 0)
		return -1;
	*high = *low;
	*wide = *reader->at == '-';
	if (!*wide)
		return 0;
	reader->at++;
	if (read_value(reader, high) < 0)
		return -1;
	if (field == &fields[WEEKDAYS] && *high == 0 && *low > 0)
		*high = 7; /* "fri-sun" */
	if (*high < *low)
		return fail(reader, "the range %d-%d runs backwards", *low, *high);
	return 0;
}

static int read_step(struct reader *reader, bool wide, int *step)
{
	const struct field *field = reader->field;

	*step = 1;
	if (*reader->at != '/')
		return 0;
	if (!wide)
		return fail(reader, "a step needs a range or *, such as 10-%d/5", field->high);
	reader->at++;
	if (read_number(reader, step) < 0)
		return -1;
	if (*step < 1 || *step > field->high)
		return fail(reader, "the step %d is not within 1-%d", *step, field->high);
	return 0;
}

static int read_field(struct reader *reader, uint64_t *bits)
{
	int low, high, step;
	bool wide;

	*bits = 0;
	for (;; reader->at++) {
		if (read_range(reader, &low, &high, &wide) < 0 || read_step(reader, wide, &step) < 0)
			return -1;
		for (int value = low; value <= high; value += step)
			*bits |= UINT64_C(1) << value;
		if (*reader->at != ',')
			break;
	}
	return *reader->at == '\0' || is_blank(*reader->at) ? 0 : fail_here(reader);
}

/* What a word beginning with "@" stands for; TEXT itself where it is none. */
static const char *expand(const char *text)
{
	size_t length = strcspn(text, " \t");

	if (text[length + strspn(text + length, " \t")] != '\0')
		return text;
	for (size_t i = 0; i < sizeof(nicknames) / sizeof(*nicknames); i++)
		if (strlen(nicknames[i].word) == length && !strncasecmp(text, nicknames[i].word, length))
			return nicknames[i].text;
	return text;
}

int cron_parse(const char *text, struct cron *out, char *error, size_t error_size)
{
	struct reader reader = { .error = error, .error_size = error_size };
	uint64_t bits[N_FIELDS];
	bool star[N_FIELDS];

	reader.at = expand(text + strspn(text, " \t"));
	if (*reader.at == '@') {
		snprintf(error, error_size, "there are @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly");
		return -1;
	}
	for (int i = 0; i < N_FIELDS; i++) {
		reader.field = &fields[i];
		reader.at += strspn(reader.at, " \t");
		if (*reader.at == '\0') {
			snprintf(error, error_size, "five fields are needed, minute hour day month weekday; there %s %d", i == 1 ? "is" : "are", i);
			return -1;
		}
		star[i] = *reader.at == '*';
		if (read_field(&reader, &bits[i]) < 0)
			return -1;
	}
	if (reader.at[strspn(reader.at, " \t")] != '\0') {
		snprintf(error, error_size, "five fields are needed, minute hour day month weekday; there are more");
		return -1;
	}
	*out = (struct cron){
		.minutes = bits[MINUTES],
		.hours = (uint32_t)bits[HOURS],
		.days = (uint32_t)bits[DAYS],
		.months = (uint16_t)bits[MONTHS],
		.weekdays = (uint8_t)((bits[WEEKDAYS] | bits[WEEKDAYS] >> 7) & 0x7f),
		.any_day = star[DAYS],
		.any_weekday = star[WEEKDAYS],
	};
	return 0;
}

/* --- what is allowed --- */

static bool has(uint64_t bits, int value)
{
	return bits >> value & 1;
}

static bool allows_day(const struct cron *cron, const struct tm *tm)
{
	bool day = has(cron->days, tm->tm_mday);
	bool weekday = has(cron->weekdays, tm->tm_wday);

	return has(cron->months, tm->tm_mon + 1) && (cron->any_day || cron->any_weekday ? day && weekday : day || weekday);
}

static bool allows_every_hour(const struct cron *cron)
{
	return cron->hours == (UINT32_C(1) << 24) - 1;
}

/* Moves TM, which shows what a clock on the wall might, on to what is allowed, where it is not. */
static bool find(const struct cron *cron, struct tm *tm)
{
	int last_year = tm->tm_year + CRON_YEARS;

	for (timegm(tm); tm->tm_year <= last_year; timegm(tm)) {
		if (!has(cron->months, tm->tm_mon + 1)) {
			tm->tm_mon++;
			tm->tm_mday = 1;
			tm->tm_hour = tm->tm_min = 0;
		} else if (!allows_day(cron, tm)) {
			tm->tm_mday++;
			tm->tm_hour = tm->tm_min = 0;
		} else if (!has(cron->hours, tm->tm_hour)) {
			tm->tm_hour++;
			tm->tm_min = 0;
		} else if (!has(cron->minutes, tm->tm_min)) {
			tm->tm_min++;
		} else {
			return true;
		}
	}
	return false;
}

/* --- when that is --- */

/* What a clock shows at this moment, as seconds since its own 1970. */
static int64_t shown(int64_t moment)
{
	struct tm tm;
	time_t when = (time_t)moment;

	if (!localtime_r(&when, &tm))
		return moment; /* beyond what years can be counted in */
	return moment + tm.tm_gmtoff;
}

/* The first moment at which a clock shows this or, where the time is put forward over it, more. */
static int64_t moment_of(int64_t reading)
{
	/* There is at most one change in two days: what was ahead of UTC before it, and is after it. */
	int64_t before = shown(reading - DAY) - (reading - DAY);
	int64_t after = shown(reading + DAY) - (reading + DAY);
	int64_t early = reading - (before > after ? before : after);
	int64_t late = reading - (before > after ? after : before);

	if (shown(early) == reading)
		return early;
	if (shown(late) == reading)
		return late;
	while (early < late) { /* the clock goes from less to more in between */
		int64_t middle = early + (late - early) / 2;

		if (shown(middle) >= reading)
			late = middle;
		else
			early = middle + 1;
	}
	return late;
}

static int64_t round_down(int64_t value, int64_t unit)
{
	int64_t rest = value % unit;

	return value - (rest < 0 ? rest + unit : rest); /* also before 1970 */
}

/* By what people call the time: what comes twice is its first time. */
static bool next_by_name(const struct cron *cron, int64_t after, int64_t *found)
{
	int64_t reading = shown(after);
	struct tm tm;

	do {
		time_t next = (time_t)(round_down(reading, MINUTE) + MINUTE);

		gmtime_r(&next, &tm);
		if (!find(cron, &tm))
			return false;
		reading = timegm(&tm);
		*found = moment_of(reading);
	} while (*found <= after); /* it is shown for the second time */
	return true;
}

/* Every hour: an hour that is left out has no runs, one that comes twice has them twice. */
static bool next_by_hour(const struct cron *cron, int64_t after, int64_t *found)
{
	int64_t moment = after + 1;
	struct tm tm;

	for (;;) {
		int64_t reading = shown(moment);
		time_t there = (time_t)reading;

		gmtime_r(&there, &tm);
		if (tm.tm_sec != 0) {
			moment += MINUTE - tm.tm_sec;
		} else if (allows_day(cron, &tm)) {
			if (has(cron->minutes, tm.tm_min))
				break;
			moment += MINUTE;
		} else {
			if (!find(cron, &tm))
				return false;
			tm.tm_hour = tm.tm_min = 0;
			int64_t day = moment_of(timegm(&tm));
			moment = day > moment ? day : moment + MINUTE;
		}
	}
	*found = moment;
	return true;
}

int64_t cron_next(const struct cron *cron, int64_t wall_ns)
{
	int64_t after = wall_ns / NS_PER_S - (wall_ns % NS_PER_S < 0);
	int64_t found;

	if (!(allows_every_hour(cron) ? next_by_hour : next_by_name)(cron, after, &found))
		return CLOCK_NEVER;
	return found > CLOCK_NEVER / NS_PER_S - 1 ? CLOCK_NEVER : found * NS_PER_S;
}
