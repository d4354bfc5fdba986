/* For programs: what the daemon said, as it said it, a value a line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/progress.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/json_scan.h"

void write_compact(const char *json, size_t length)
{
	bool in_string = false;
	size_t from = 0;

	for (size_t i = 0; i < length; i++) {
		if (in_string) {
			if (json[i] == '\\')
				i++;
			else
				in_string = json[i] != '"';
		} else if (json[i] == '"') {
			in_string = true;
		} else if (strchr(" \t\r\n", json[i])) {
			fwrite(json + from, 1, i - from, stdout);
			from = i + 1;
		}
	}
	fwrite(json + from, 1, length - from, stdout);
}

/* SIGPIPE has its default action, so a reader that went away has ended us by now. */
void write_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return;
	progress_clear();
	fprintf(stderr, "error: cannot write to standard output: %s\n", strerror(errno));
	_Exit(EXIT_FAILED);
}

static void json_value(const struct writer *writer, const char *json, size_t length)
{
	(void)writer;
	if (writer->terminal)
		progress_clear();
	write_compact(json, length);
	putchar('\n');
	write_flush();
}

static void json_item(const struct writer *writer, size_t index, const char *json, size_t length)
{
	if (writer->terminal)
		progress_clear();
	printf("{\"index\":%zu,\"result\":", index);
	write_compact(json, length);
	puts("}");
	write_flush();
}

static void write_tree(const json_t *value)
{
	/* 15 digits, so that the daemon's 0.3 s do not become 0.29999999999999999. */
	if (json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) == 0)
		putchar('\n');
	write_flush();
}

static void json_sentence(const struct writer *writer, const json_t *value, const char *text)
{
	(void)writer;
	(void)text;
	write_tree(value);
}

static void json_record(const struct writer *writer, const struct field *fields, const json_t *record)
{
	(void)writer;
	(void)fields;
	write_tree(record);
}

const struct writer_ops writer_json = {
	.value = json_value,
	.item = json_item,
	.sentence = json_sentence,
	.record = json_record,
	.table = json_record,
};
