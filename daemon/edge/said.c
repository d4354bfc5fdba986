/* Reads the outputs out of a command's result. A worker wrote it: it is known to be JSON, and nothing more. */
#include "edge/said.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "proto/base64.h"
#include "proto/json_scan.h"

const char *const said_stream_names[CAPTURE_N_STREAMS] = {
	[CAPTURE_STDOUT] = "stdout",
	[CAPTURE_STDERR] = "stderr",
};

static const struct {
	const char *text, *base64, *total;
} members[CAPTURE_N_STREAMS] = {
	[CAPTURE_STDOUT] = { "stdout", "stdout_base64", "stdout_bytes" },
	[CAPTURE_STDERR] = { "stderr", "stderr_base64", "stderr_bytes" },
};

static void take_text(struct said *said, const struct json_span *value, bool base64)
{
	size_t length;
	if (said->text || value->kind != JSON_SPAN_STRING)
		return;
	said->text = json_string_dup(value, &length);
	if (!said->text)
		return;
	said->kept = length;
	if (!base64)
		return;
	char *data = malloc(base64_room(length));
	ssize_t decoded = data ? base64_decode(data, said->text, length) : -1;
	free(said->text);
	said->text = data;
	said->kept = decoded > 0 ? (size_t)decoded : 0;
}

/* Where the result is: that of a command that has not succeeded is what its error has with it. */
static const struct bytes *result_of(const struct task *task)
{
	const struct task_outcome *outcome = task->outcome;
	return !outcome ? NULL : outcome->result ? outcome->result : outcome->data;
}

void said_read(struct said *said, const struct task *task, enum capture_stream stream)
{
	const struct bytes *result = result_of(task);
	struct json_span name, value;
	long long total = 0;
	size_t cursor = 0;
	*said = (struct said){ 0 };
	if (!result || !result->size || result->data[0] != '{')
		return;
	const struct json_span object = { .text = result->data, .length = result->size, .kind = JSON_SPAN_OBJECT };
	while (json_next(&object, &cursor, &name, &value) == 1) {
		if (json_string_is(&name, members[stream].text))
			take_text(said, &value, false);
		else if (json_string_is(&name, members[stream].base64))
			take_text(said, &value, true);
		else if (json_string_is(&name, members[stream].total))
			said->known = json_span_integer(&value, &total) && total >= 0;
	}
	said->total = said->known && (uint64_t)total > said->kept ? (uint64_t)total : said->kept;
}

void said_free(struct said *said)
{
	free(said->text);
	*said = (struct said){ 0 };
}

/* How many bytes the character has that begins with LEAD; 1 where none does. */
static size_t sequence_length(unsigned char lead)
{
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xc2 && lead < 0xe0 ? 2 : 1;
}

size_t said_piece(const char *data, size_t length)
{
	for (size_t back = 1; back <= 3 && back < length; back++) {
		unsigned char byte = (unsigned char)data[length - back];
		if ((byte & 0xc0) == 0x80)
			continue;
		return sequence_length(byte) > back ? length - back : length;
	}
	return length;
}
