/* Messages: put, got, acknowledged. What was got without acknowledgement is nowhere else any more, so the memory for it is
 * there before it is asked for. */
#include <stdlib.h>
#include <string.h>

#include "client/object.h"

enum taskd_error taskd_mq_put(struct taskd *c, const char *name, const char *value,
	const struct taskd_mq_put_options *options, int64_t timeout_ns)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, "mq.put", "name", name);
	if (options) {
		if (options->priority)
			object_ask_integer(&ask, "priority", options->priority);
		if (options->head)
			object_ask_string(&ask, "end", "head");
		mq_describe(&ask, &options->mq);
		if (options->mq.shared)
			object_ask_refuse(&ask, "a put cannot make a queue that is shared: taskd_mq_create can");
	}
	object_ask_timeout(&ask, timeout_ns);
	object_ask_json(&ask, "value", value);
	object_ask_send(&ask);
	return object_ask_end(&ask);
}

/* --- got --- */

/* The value's text becomes the message's: moved to the front of the answer's own, where that was allocated for it, else
 * to ROOM. Nothing is left of the answer. */
static void take_value(
	struct object_ask *ask, const struct json_span *value, char **room, struct taskd_message *message)
{
	struct taskd_future *answer = ask->answer;

	if (answer->text == answer->own) {
		message->value = *room;
		*room = NULL;
	} else {
		message->value = answer->text;
		answer->text = NULL;
	}
	message->length = value->length;
	memmove(message->value, value->text, value->length);
	message->value[value->length] = '\0';
	ask->result = (struct json_span){ 0 };
}

static int read_count(const struct json_span *span, int otherwise)
{
	long long number;

	return json_integer(span, &number) && number >= INT32_MIN && number <= INT32_MAX ? (int)number : otherwise;
}

/* The answer of mq.get; false where it makes no sense. */
static bool read_message(struct object_ask *ask, char **room, struct taskd_message *message)
{
	struct json_span name, value, priority = { 0 }, deliveries = { 0 }, receipt = { 0 }, content = { 0 };
	size_t cursor = 0, length;

	if (ask->result.kind == JSON_SPAN_OBJECT) {
		while (json_next(&ask->result, &cursor, &name, &value)) {
			if (json_string_is(&name, "value"))
				content = value;
			else if (json_string_is(&name, "priority"))
				priority = value;
			else if (json_string_is(&name, "deliveries"))
				deliveries = value;
			else if (json_string_is(&name, "receipt"))
				receipt = value;
		}
	}
	if (content.kind == JSON_NONE)
		return false;
	if (receipt.kind != JSON_NONE &&
		(receipt.kind != JSON_SPAN_STRING ||
			!json_string_copy(&receipt, message->receipt, sizeof(message->receipt), &length)))
		return false;
	message->priority = read_count(&priority, 0);
	message->deliveries = read_count(&deliveries, 1);
	take_value(ask, &content, room, message);
	return true;
}

/* Sends it once there is memory for a short message; *room is to be freed. */
static void send_with_room(struct object_ask *ask, char **room)
{
	*room = ask->error ? NULL : malloc(FUTURE_OWN_ROOM);
	if (!ask->error && !*room)
		ask->error = error_set(TASKD_E_MEMORY, NULL);
	object_ask_send(ask);
}

enum taskd_error taskd_mq_get(struct taskd *c, const char *name, const struct taskd_mq_get_options *options,
	int64_t timeout_ns, struct taskd_message *message)
{
	struct object_ask ask;
	char *room;

	if (message)
		*message = (struct taskd_message){ 0 };
	object_ask_begin(&ask, c, "mq.get", "name", name);
	object_ask_place(&ask, message);
	if (options && options->tail)
		object_ask_string(&ask, "end", "tail");
	if (options && options->ack) {
		object_ask_flag(&ask, "ack", true);
		ask.holds = true;
	}
	object_ask_timeout(&ask, timeout_ns);
	send_with_room(&ask, &room);
	if (!ask.error && !read_message(&ask, &room, message)) {
		*message = (struct taskd_message){ 0 };
		object_ask_nonsense(&ask, "a message that is none");
	}
	free(room);
	return object_ask_end(&ask);
}

enum taskd_error taskd_mq_peek(struct taskd *c, const char *name, bool tail, struct taskd_message *message)
{
	struct json_span values, value;
	struct object_ask ask;
	size_t cursor = 0;
	char *room;

	if (message)
		*message = (struct taskd_message){ 0 };
	object_ask_begin(&ask, c, "mq.peek", "name", name);
	object_ask_place(&ask, message);
	if (tail)
		object_ask_string(&ask, "end", "tail");
	send_with_room(&ask, &room);
	values = ask.error ? (struct json_span){ 0 } : reply_member(&ask.result, "values");
	if (!ask.error && values.kind != JSON_SPAN_ARRAY)
		object_ask_nonsense(&ask, "messages that are none");
	else if (!ask.error && !json_next(&values, &cursor, NULL, &value))
		ask.error = error_set(TASKD_E_NOT_FOUND, "there is no message in \"%s\"", name);
	else if (!ask.error)
		take_value(&ask, &value, &room, message);
	free(room);
	return object_ask_end(&ask);
}

void taskd_message_free(struct taskd_message *message)
{
	if (!message)
		return;
	free(message->value);
	message->value = NULL;
	message->length = 0;
}

/* --- acknowledged --- */

static enum taskd_error settle(struct taskd *c, const char *method, const char *receipt)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, method, "receipt", receipt);
	object_ask_send(&ask);
	return object_ask_end(&ask);
}

enum taskd_error taskd_mq_ack(struct taskd *c, const char *receipt)
{
	return settle(c, "mq.ack", receipt);
}

enum taskd_error taskd_mq_nack(struct taskd *c, const char *receipt)
{
	return settle(c, "mq.nack", receipt);
}
