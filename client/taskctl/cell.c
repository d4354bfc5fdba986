/* One member of a record as people read it: short and relative. Programs get it as it is, by the JSON writer. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/strbuf.h"
#include "proto/units.h"

#define SECOND_NS INT64_C(1000000000)

/* "2026-11-22T16:41:07.123456Z" */
int64_t time_parse_ns(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t ns = 0, unit = SECOND_NS / 10;

	if (!rest)
		return -1;
	if (*rest == '.')
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
			ns += (*rest - '0') * unit;
	if (strcmp(rest, "Z") != 0)
		return -1;
	return (int64_t)timegm(&tm) * SECOND_NS + ns;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

/* The member at "a.b". */
static const json_t *member(const json_t *record, const char *path)
{
	const char *dot;

	while ((dot = strchr(path, '.'))) {
		record = json_object_getn(record, path, (size_t)(dot - path));
		path = dot + 1;
	}
	return json_object_get(record, path);
}

/* "3s", "2h", "5d": one unit, as more would not be true for long. */
static void add_age(struct strbuf *out, int64_t ns)
{
	int64_t s = (ns < 0 ? -ns : ns) / SECOND_NS;

	if (s < 120)
		strbuf_printf(out, "%llds", (long long)s);
	else if (s < 120 * 60)
		strbuf_printf(out, "%lldm", (long long)s / 60);
	else if (s < 48 * 3600)
		strbuf_printf(out, "%lldh", (long long)s / 3600);
	else
		strbuf_printf(out, "%lldd", (long long)s / 86400);
}

static void add_ago(struct strbuf *out, const char *text)
{
	int64_t then = time_parse_ns(text);
	int64_t ns = now_ns() - then;

	if (then < 0) {
		strbuf_puts(out, text);
	} else if (ns > -SECOND_NS && ns < SECOND_NS) {
		strbuf_puts(out, "now");
	} else {
		strbuf_puts(out, ns < 0 ? "in " : "");
		add_age(out, ns);
		strbuf_puts(out, ns < 0 ? "" : " ago");
	}
}

/* From the time TEXT to the record's end, or to now; -1 where it is no time. */
static int64_t elapsed_ns(const char *text, const json_t *record)
{
	const char *end = json_string_value(json_object_get(record, "ended_at"));
	int64_t from = time_parse_ns(text);
	int64_t to = end ? time_parse_ns(end) : now_ns();

	if (from < 0 || to < 0)
		return -1;
	return to > from ? to - from : 0;
}

static void add_elapsed(struct strbuf *out, const char *text, const json_t *record)
{
	int64_t ns = elapsed_ns(text, record);
	char human[UNITS_TEXT_SIZE];

	if (ns < 0)
		return;
	units_human_duration(ns, human);
	strbuf_puts(out, human);
}

static void add_value(struct strbuf *out, const json_t *value);

static void add_number(struct strbuf *out, const json_t *value)
{
	if (json_is_integer(value))
		strbuf_printf(out, "%lld", (long long)json_integer_value(value));
	else
		strbuf_printf(out, "%.4g", json_real_value(value));
}

static void add_json(struct strbuf *out, const json_t *value)
{
	char *json = must(json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)));

	strbuf_puts(out, json);
	free(json);
}

static void add_array(struct strbuf *out, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (i > 0)
			strbuf_puts(out, ", ");
		add_value(out, json_array_get(value, i));
	}
}

static void add_value(struct strbuf *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		strbuf_puts(out, json_string_value(value));
		return;
	case JSON_INTEGER:
	case JSON_REAL:
		add_number(out, value);
		return;
	case JSON_TRUE:
		strbuf_puts(out, "yes");
		return;
	case JSON_FALSE:
		strbuf_puts(out, "no");
		return;
	case JSON_NULL:
		return;
	case JSON_ARRAY:
		add_array(out, value);
		return;
	case JSON_OBJECT:
		add_json(out, value);
		return;
	}
}

static void add_tasks(struct strbuf *out, const json_t *value)
{
	long long n = (long long)json_integer_value(value);

	strbuf_printf(out, "%lld task%s", n, n == 1 ? "" : "s");
}

/* Named objects: what a task waits for, or the permits that it is to have. */
static void add_objects(struct strbuf *out, const json_t *value)
{
	const char *name, *before = "";
	json_t *of;

	if (!json_is_object(value)) {
		add_value(out, value);
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)value, name, of) {
		const json_t *count = json_is_object(of) ? json_object_get(of, "count") : of;
		const json_t *slots = json_object_get(of, "slots");

		strbuf_printf(out, "%s%s", before, name);
		if (json_is_string(of))
			strbuf_printf(out, " %s", json_string_value(of));
		if (json_is_integer(count) && (slots || json_integer_value(count) != 1))
			strbuf_printf(out, "=%lld", (long long)json_integer_value(count));
		if (slots)
			strbuf_printf(out, "/%lld", (long long)json_integer_value(slots));
		before = ", ";
	}
}

static void add_cell(struct strbuf *out, const struct field *field, const json_t *record, const json_t *value)
{
	char human[UNITS_TEXT_SIZE];
	double number = json_number_value(value);

	switch (field->cell) {
	case CELL_TEXT:
	case CELL_NUMBER:
	case CELL_STATE:
		add_value(out, value);
		return;
	case CELL_AGO:
		add_ago(out, json_is_string(value) ? json_string_value(value) : "");
		return;
	case CELL_ELAPSED:
		add_elapsed(out, json_is_string(value) ? json_string_value(value) : "", record);
		return;
	case CELL_SECONDS:
		/* 292 years is as far as nanoseconds go. */
		units_human_duration(number >= 0 && number < 9.2e9 ? (int64_t)(number * 1e9) : INT64_MAX, human);
		strbuf_puts(out, human);
		return;
	case CELL_SIZE:
		units_human_size((int64_t)json_integer_value(value), human);
		strbuf_puts(out, human);
		return;
	case CELL_FRACTION:
		strbuf_printf(out, "%.0f%%", number * 100);
		return;
	case CELL_TASKS:
		add_tasks(out, value);
		return;
	case CELL_OBJECT:
		add_objects(out, value);
		return;
	case CELL_JSON:
		add_json(out, value);
		return;
	}
}

/* A table's cell is one line: what came from elsewhere must not move the cursor. */
static void tame(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

char *cell_text(const struct field *field, const json_t *record)
{
	const json_t *value = member(record, field->path);
	struct strbuf out = STRBUF_INIT;
	char *text;

	if (!value || json_is_null(value))
		return NULL;
	strbuf_puts(&out, "");
	add_cell(&out, field, record, value);
	text = strbuf_take(&out, NULL);
	if (!text)
		text = must(strdup(""));
	tame(text);
	return text;
}

const json_t *cell_value(const struct field *field, const json_t *record)
{
	const json_t *value = member(record, field->path);

	return json_is_null(value) ? NULL : value;
}

static int order_of(double x, double y)
{
	return (x > y) - (x < y);
}

int cell_compare(const struct field *field, const json_t *a, const json_t *b)
{
	const json_t *x = member(a, field->path), *y = member(b, field->path);
	const char *s = json_string_value(x), *t = json_string_value(y);

	if (field->cell == CELL_ELAPSED && s && t)
		return order_of((double)elapsed_ns(s, a), (double)elapsed_ns(t, b));
	if (json_is_number(x) && json_is_number(y))
		return order_of(json_number_value(x), json_number_value(y));
	/* Ids are numbers in strings: the longer is the larger. */
	if (s && t && field->cell == CELL_NUMBER && strlen(s) != strlen(t))
		return strlen(s) < strlen(t) ? -1 : 1;
	return s && t ? strcmp(s, t) : 0;
}

const char *cell_color(const struct field *field, const json_t *record)
{
	static const struct {
		const char *state, *color;
	} colors[] = {
		{ .state = "running", .color = "\033[36m" },
		{ .state = "busy", .color = "\033[36m" },
		{ .state = "ready", .color = "\033[32m" },
		{ .state = "succeeded", .color = "\033[32m" },
		{ .state = "failed", .color = "\033[31m" },
		{ .state = "crashed", .color = "\033[31m" },
		{ .state = "timed_out", .color = "\033[31m" },
		{ .state = "expired", .color = "\033[33m" },
		{ .state = "cancelled", .color = "\033[33m" },
		{ .state = "cancelling", .color = "\033[33m" },
		{ .state = "recording", .color = "\033[33m" },
		{ .state = "ok", .color = "\033[32m" },
		{ .state = "full", .color = "\033[31m" },
		{ .state = "paused", .color = "\033[33m" },
		{ .state = "draining", .color = "\033[33m" },
	};
	const char *state = json_string_value(member(record, field->path));

	if (field->cell != CELL_STATE || !state)
		return NULL;
	for (size_t i = 0; i < sizeof colors / sizeof *colors; i++)
		if (strcmp(colors[i].state, state) == 0)
			return colors[i].color;
	return NULL;
}
