/* For people: values a line each, tables by libsmartcols. Where stdout is no terminal nothing is cut or coloured, so
 * that what is piped on is whole. */
#include <langinfo.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/progress.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/json_scan.h"

#define MAX_FIELDS 64

static void text_value(const struct writer *writer, const char *json, size_t length)
{
	struct json_span value;
	struct json_error error;

	if (writer->terminal)
		progress_clear();
	if (writer->raw && json_scan(json, length, &value, NULL, &error) == 0 && value.kind == JSON_SPAN_STRING) {
		size_t plain_length;
		char *plain = must(json_string_dup(&value, &plain_length));

		fwrite(plain, 1, plain_length, stdout);
		free(plain);
	} else {
		write_compact(json, length);
	}
	putchar('\n');
	write_flush();
}

static void text_item(const struct writer *writer, size_t index, const char *json, size_t length)
{
	(void)index;
	text_value(writer, json, length);
}

static void text_sentence(const struct writer *writer, const json_t *value, const char *text)
{
	(void)writer;
	(void)value;
	if (*text)
		puts(text);
	write_flush();
}

static void text_record(const struct writer *writer, const struct field *fields, const json_t *record)
{
	int width = 0;

	for (const struct field *f = fields; f->title; f++)
		if ((int)strlen(f->title) > width)
			width = (int)strlen(f->title);
	for (const struct field *f = fields; f->title; f++) {
		char *text = cell_text(f, record);
		const char *color = writer->color ? cell_color(f, record) : NULL;

		if (text)
			printf("%*s%s  %s%s%s\n", width - (int)strlen(f->title), "", f->title, color ? color : "", text,
				color ? "\033[0m" : "");
		free(text);
	}
	write_flush();
}

/* Whether the column is worth its room. */
static bool field_is_used(const struct field *field, const json_t *records)
{
	for (size_t i = 0; i < json_array_size(records); i++) {
		char *text = cell_text(field, json_array_get(records, i));
		bool used = text && *text;

		free(text);
		if (used)
			return true;
	}
	return !field->optional;
}

static bool cell_is_right(enum cell cell)
{
	switch (cell) {
	case CELL_NUMBER:
	case CELL_ELAPSED:
	case CELL_SECONDS:
	case CELL_SIZE:
	case CELL_FRACTION:
		return true;
	case CELL_TEXT:
	case CELL_STATE:
	case CELL_AGO:
	case CELL_TASKS:
	case CELL_OBJECT:
	case CELL_JSON:
		return false;
	}
	return false;
}

static void add_line(struct libscols_table *table, const struct field *const *used, size_t n, const json_t *record,
	bool color)
{
	struct libscols_line *line = must(scols_table_new_line(table, NULL));

	for (size_t i = 0; i < n; i++) {
		char *text = cell_text(used[i], record);
		const char *escape = color ? cell_color(used[i], record) : NULL;

		if (scols_line_refer_data(line, i, text ? text : must(strdup("-"))) < 0)
			must(NULL);
		if (escape)
			scols_cell_set_color(scols_line_get_cell(line, i), escape);
	}
}

static void text_table(const struct writer *writer, const struct field *fields, const json_t *records)
{
	const struct field *used[MAX_FIELDS];
	struct libscols_table *table;
	size_t n = 0;

	if (json_array_size(records) == 0)
		return;
	table = must(scols_new_table());
	/* As it is. Not where there is no UTF-8 at all: libsmartcols 2.38 does not come to the end of what it cannot read. */
	scols_table_enable_noencoding(table, strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
	scols_table_enable_colors(table, writer->color);
	scols_table_set_column_separator(table, "  ");
	if (!writer->terminal)
		scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	for (const struct field *f = fields; f->title && n < MAX_FIELDS; f++) {
		int flags = (cell_is_right(f->cell) ? SCOLS_FL_RIGHT : 0) | (writer->terminal && f->shrinks ? SCOLS_FL_TRUNC : 0);

		if (!field_is_used(f, records))
			continue;
		must(scols_table_new_column(table, f->title, 0, flags));
		used[n++] = f;
	}
	for (size_t i = 0; i < json_array_size(records); i++)
		add_line(table, used, n, json_array_get(records, i), writer->color);
	scols_print_table(table);
	scols_unref_table(table);
	write_flush();
}

const struct writer_ops writer_text = {
	.value = text_value,
	.item = text_item,
	.sentence = text_sentence,
	.record = text_record,
	.table = text_table,
};
