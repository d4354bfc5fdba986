/* Durations and sizes are read and written here only, so that "30s" means the same in the configuration, on the wire
 * and on the command line. All arithmetic is in integers: "0.1s" is 100000000 ns, not nearly so. */
#include "proto/units.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t value;
};

/* Largest first: a duration's parts come in this order, each at most once. */
static const struct unit durations[] = {
	{ "d", INT64_C(86400000000000) },
	{ "h", INT64_C(3600000000000) },
	{ "m", INT64_C(60000000000) },
	{ "s", INT64_C(1000000000) },
	{ "ms", INT64_C(1000000) },
	{ "us", INT64_C(1000) },
	{ "ns", 1 },
};
#define N_DURATIONS (sizeof(durations) / sizeof(durations[0]))
#define SECOND 3 /* its index */

static const char size_letters[] = "\0KMGTPE"; /* index n: 1024 to the power of n */

/* A decimal number such as "12.5", exactly: whole + fraction / scale. */
struct decimal {
	int64_t whole;
	int64_t fraction;
	int64_t scale;
};

#define DIGITS 18 /* so many always fit an int64_t */

/* What follows the number, or NULL where there is none. */
static const char *decimal_parse(const char *text, struct decimal *number)
{
	const char *p = text;

	*number = (struct decimal){ .scale = 1 };
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(number->whole, 10, &number->whole) ||
			__builtin_add_overflow(number->whole, *p - '0', &number->whole))
			return NULL;
	}
	if (p == text || *p != '.')
		return p == text ? NULL : p;

	const char *point = p++;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (p - point > DIGITS)
			return NULL;
		number->fraction = number->fraction * 10 + (*p - '0');
		number->scale *= 10;
	}
	return p == point + 1 ? NULL : p;
}

/* *SUM + NUMBER × UNIT, with what is less than one left out; false where it does not fit. */
static bool decimal_add(int64_t *sum, const struct decimal *number, int64_t unit)
{
	__int128 value = (__int128)number->whole * unit + (__int128)number->fraction * unit / number->scale + *sum;

	if (value > INT64_MAX)
		return false;
	*sum = (int64_t)value;
	return true;
}

int units_parse_duration(const char *text, int64_t *ns)
{
	const char *p = text;
	size_t next = 0; /* units before this one have been used */
	int64_t sum = 0;

	do {
		struct decimal number;
		p = decimal_parse(p, &number);
		if (!p)
			return -1;
		size_t name = strspn(p, "dhmsun");
		size_t unit = next;
		if (name == 0 && *p == '\0' && next == 0) {
			unit = SECOND;
		} else {
			while (unit < N_DURATIONS &&
				(strlen(durations[unit].name) != name || strncmp(durations[unit].name, p, name) != 0))
				unit++;
		}
		if (unit == N_DURATIONS || !decimal_add(&sum, &number, durations[unit].value))
			return -1;
		p += name;
		next = unit + 1;
	} while (*p);
	*ns = sum;
	return 0;
}

int units_parse_size(const char *text, int64_t *bytes)
{
	struct decimal number;
	const char *p = decimal_parse(text, &number);
	int power = 0;
	int64_t sum = 0;

	if (!p)
		return -1;
	if (*p && *p != 'B') {
		char letter = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
		for (power = 1; size_letters[power] && size_letters[power] != letter; power++)
			;
		if (!size_letters[power])
			return -1;
		p++;
		if (p[0] == 'i' && p[1] == 'B')
			p++;
	}
	if (*p == 'B')
		p++;
	if (*p || (power == 0 && number.scale != 1) || !decimal_add(&sum, &number, INT64_C(1) << (10 * power)))
		return -1;
	*bytes = sum;
	return 0;
}

/* VALUE / UNIT as a decimal number without trailing zeros, then the unit's name. UNIT is a power of ten. */
static int format_decimal(char *buf, size_t size, uint64_t value, const struct unit *unit)
{
	uint64_t scale = (uint64_t)unit->value, fraction = value % scale;
	int length = snprintf(buf, size, "%llu", (unsigned long long)(value / scale));

	if (fraction) {
		buf[length++] = '.';
		while (fraction) {
			scale /= 10;
			buf[length++] = (char)('0' + fraction / scale);
			fraction %= scale;
		}
	}
	return length + snprintf(buf + length, size - (size_t)length, "%s", unit->name);
}

void units_format_duration(int64_t ns, char buf[UNITS_TEXT_SIZE])
{
	uint64_t left = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	int length = 0;

	buf[0] = '\0';
	if (ns < 0)
		buf[length++] = '-';
	for (size_t i = 0; i < SECOND; i++) {
		uint64_t unit = (uint64_t)durations[i].value;
		if (left < unit)
			continue;
		length += snprintf(buf + length, UNITS_TEXT_SIZE - (size_t)length, "%llu%s",
			(unsigned long long)(left / unit), durations[i].name);
		left %= unit;
	}
	if (left == 0 && ns != 0)
		return;
	/* Behind minutes the seconds keep their unit; alone, the largest unit below is taken. */
	size_t unit = SECOND;
	if (ns != 0 && length <= (ns < 0))
		while (left < (uint64_t)durations[unit].value)
			unit++;
	format_decimal(buf + length, UNITS_TEXT_SIZE - (size_t)length, left, &durations[unit]);
}

void units_format_size(int64_t bytes, char buf[UNITS_TEXT_SIZE])
{
	int power = 0;

	while (bytes != 0 && size_letters[power + 1] && bytes % 1024 == 0) {
		bytes /= 1024;
		power++;
	}
	snprintf(buf, UNITS_TEXT_SIZE, "%lld%.1s", (long long)bytes, &size_letters[power]);
}

/* Three digits of VALUE. */
static void format_three(char *buf, double value, const char *unit)
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(buf, UNITS_TEXT_SIZE, "%.*f%s", decimals, value, unit);
}

void units_human_duration(int64_t ns, char buf[UNITS_TEXT_SIZE])
{
	if (ns < 0) {
		buf[0] = '-';
		char rest[UNITS_TEXT_SIZE];
		units_human_duration(ns == INT64_MIN ? INT64_MAX : -ns, rest);
		snprintf(buf + 1, UNITS_TEXT_SIZE - 1, "%.*s", UNITS_TEXT_SIZE - 2, rest);
		return;
	}
	if (ns < 1000) {
		snprintf(buf, UNITS_TEXT_SIZE, ns ? "%lldns" : "0s", (long long)ns);
		return;
	}
	if (ns < 59995 * INT64_C(1000000)) {
		/* 999.5 of a unit would be written as 1000. */
		double value = (double)ns / 1e3;
		size_t unit = SECOND + 2;
		for (; value >= 999.5 && unit > SECOND; unit--)
			value /= 1e3;
		format_three(buf, value, durations[unit].name);
		return;
	}
	/* The two largest units. */
	int64_t seconds = ns / INT64_C(1000000000) + (ns % INT64_C(1000000000) >= INT64_C(500000000));
	static const int64_t in_seconds[] = { 86400, 3600, 60, 1 };
	size_t i = 0;
	while (seconds < in_seconds[i])
		i++;
	int64_t first = seconds / in_seconds[i], second = seconds % in_seconds[i] / in_seconds[i + 1];
	int length = snprintf(buf, UNITS_TEXT_SIZE, "%lld%s", (long long)first, durations[i].name);
	if (second)
		snprintf(buf + length, UNITS_TEXT_SIZE - (size_t)length, "%lld%s", (long long)second,
			durations[i + 1].name);
}

void units_human_size(int64_t bytes, char buf[UNITS_TEXT_SIZE])
{
	static const char *const names[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB" };
	double value = (double)bytes;
	size_t power = 0;

	if (bytes > -1024 && bytes < 1024) {
		snprintf(buf, UNITS_TEXT_SIZE, "%lld B", (long long)bytes);
		return;
	}
	while ((value >= 999.5 || value <= -999.5) && power < 6) {
		value /= 1024;
		power++;
	}
	double size = value < 0 ? -value : value;
	/* "1.5 GiB" rather than "1.50 GiB". */
	snprintf(buf, UNITS_TEXT_SIZE, "%.*f%s", size < 99.95 ? 1 : 0, value, names[power]);
}
