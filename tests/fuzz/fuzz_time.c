/* Times as people write them: by the calendar (in the time zone that the first byte says, after the moment that the next eight
 * do), durations, sizes, moments. What was understood is written, and then understood again as the same. */
#include <time.h>

#include "base/clock.h"
#include "core/cron.h"
#include "fuzz.h"
#include "proto/units.h"

const char fuzz_name[] = "time";
const unsigned fuzz_runs = 25000;

/* In POSIX's own way, so that no machine needs to know them by name. */
static const char *const zones[] = { "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0",
	"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "CST5CDT,M3.2.0/0,M11.1.0/1" };
#define N_ZONES (sizeof zones / sizeof *zones)

static void set_zone(size_t zone)
{
	static size_t now = N_ZONES;
	if (now == zone)
		return;
	now = zone;
	setenv("TZ", zones[zone], 1);
	tzset();
}

/* Where a clock shows what it says, in UTC. */
static bool allows(const struct cron *cron, int64_t minute)
{
	time_t when = (time_t)(minute * 60);
	struct tm tm;
	gmtime_r(&when, &tm);
	bool day = cron->days >> tm.tm_mday & 1, weekday = cron->weekdays >> tm.tm_wday & 1;
	return cron->minutes >> tm.tm_min & 1 && cron->hours >> tm.tm_hour & 1 && cron->months >> (tm.tm_mon + 1) & 1 &&
		(cron->any_day || cron->any_weekday ? day && weekday : day || weekday);
}

/* The next one is the first one. */
static void check_next(const struct cron *cron, size_t zone, int64_t wall_ns)
{
	int64_t next = cron_next(cron, wall_ns);
	if (next == CLOCK_NEVER)
		return;
	FUZZ_CHECK(next > wall_ns && next % (60 * NS_PER_S) == 0);
	FUZZ_CHECK(cron_next(cron, wall_ns + (next - wall_ns) / 2) == next && cron_next(cron, next - 1) == next);
	if (zone != 0)
		return;
	int64_t minute = next / (60 * NS_PER_S), before = wall_ns / (60 * NS_PER_S) - (wall_ns % (60 * NS_PER_S) < 0);
	FUZZ_CHECK(allows(cron, minute));
	for (int i = 1; i < 200 && minute - i > before; i++)
		FUZZ_CHECK(!allows(cron, minute - i));
}

static void try_cron(const char *text, size_t zone, int64_t wall_ns)
{
	char error[120] = "";
	struct cron cron;
	if (cron_parse(text, &cron, error, sizeof error) < 0) {
		FUZZ_CHECK(*error);
		return;
	}
	FUZZ_CHECK(cron.minutes && !(cron.minutes >> 60) && cron.hours && !(cron.hours >> 24) && cron.days > 1 &&
		!(cron.days & 1) && cron.months > 1 && !(cron.months & 1) && cron.weekdays && !(cron.weekdays >> 7));
	set_zone(zone);
	check_next(&cron, zone, wall_ns);
}

static void try_units(const char *text)
{
	char buf[UNITS_TEXT_SIZE];
	int64_t value, again;
	if (units_parse_duration(text, &value) == 0) {
		FUZZ_CHECK(value >= 0);
		units_format_duration(value, buf);
		FUZZ_CHECK(units_parse_duration(buf, &again) == 0 && again == value);
		units_human_duration(value, buf);
	}
	if (units_parse_size(text, &value) == 0) {
		FUZZ_CHECK(value >= 0);
		units_format_size(value, buf);
		FUZZ_CHECK(units_parse_size(buf, &again) == 0 && again == value);
		units_human_size(value, buf);
	}
}

static void try_moment(const char *text)
{
	const char *error = NULL;
	char date[40], buf[80];
	int64_t ns, again;
	if (units_parse_time(text, &ns, &error) < 0) {
		FUZZ_CHECK(error && *error);
		return;
	}
	int64_t fraction = ns % NS_PER_S + (ns % NS_PER_S < 0 ? NS_PER_S : 0);
	time_t when = (time_t)(ns / NS_PER_S - (ns % NS_PER_S < 0));
	struct tm tm;
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", gmtime_r(&when, &tm));
	snprintf(buf, sizeof buf, "%s.%09dZ", date, (int)fraction);
	FUZZ_CHECK(units_parse_time(buf, &again, NULL) == 0 && again == ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	size_t zone = fuzz_byte(&input) % N_ZONES;
	int64_t wall_ns = (int64_t)fuzz_number(&input, 8);
	char *text = fuzz_text(input.at, input.left);
	char *number = fuzz_text(data, size);
	try_cron(text, zone, wall_ns);
	try_units(text);
	try_units(number);
	try_moment(text);
	try_moment(number);
	free(number);
	free(text);
	return 0;
}
