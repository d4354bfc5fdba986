/* What commands read and write, as JSON has it: text where it is UTF-8, else base64. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "proto/base64.h"
#include "proto/utf8.h"

bool bytes_are_utf8(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length;) {
		size_t n = (unsigned char)text[i] < 0x80 ? 1 : utf8_sequence(text + i, length - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

void bytes_note(struct bytes *bytes, const char *stream, const struct json_span *name, const struct json_span *value)
{
	char encoded[32];

	snprintf(encoded, sizeof(encoded), "%s_base64", stream);
	if (value->kind != JSON_SPAN_STRING)
		return;
	if (json_string_is(name, stream))
		bytes->text = *value;
	else if (json_string_is(name, encoded))
		bytes->base64 = *value;
}

size_t bytes_room(const struct bytes *bytes)
{
	/* Between the quotes there are two less than that, and unescaping makes no string longer. */
	return bytes->text.kind != JSON_NONE ? bytes->text.length : bytes->base64.length;
}

bool bytes_copy(const struct bytes *bytes, char *room, size_t *length)
{
	bool text = bytes->text.kind != JSON_NONE;

	*length = 0;
	if (!json_string_copy(text ? &bytes->text : &bytes->base64, room, bytes_room(bytes), length))
		return false;
	if (text)
		return true;
	/* In place: the bytes are fewer than the letters. */
	ssize_t n = base64_decode(room, room, *length);
	if (n < 0)
		return false;
	room[n] = '\0';
	*length = (size_t)n;
	return true;
}
