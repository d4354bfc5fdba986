/* The envelope. A request is read in one pass that notes where its members are; their values are checked on the way
 * and then travel as text, so an id goes back to the letter and arguments reach their handler byte for byte. */
#include "proto/jsonrpc.h"

#include <stdio.h>
#include <string.h>

#include "proto/strbuf.h"

enum member { MEMBER_JSONRPC, MEMBER_ID, MEMBER_METHOD, MEMBER_PARAMS, MEMBER_RESULT, MEMBER_ERROR, N_MEMBERS };

static const char *const member_names[N_MEMBERS] = {
	[MEMBER_JSONRPC] = "jsonrpc",
	[MEMBER_ID] = "id",
	[MEMBER_METHOD] = "method",
	[MEMBER_PARAMS] = "params",
	[MEMBER_RESULT] = "result",
	[MEMBER_ERROR] = "error",
};

/* Whether the string span is the literal, quotes and all. */
#define SPELLS(span_, literal_) \
	((span_)->length == sizeof(literal_) - 1 && memcmp((span_)->text, literal_, sizeof(literal_) - 1) == 0)

/* Which of them the name is; N_MEMBERS: none, to be ignored. */
static enum member member_find(const struct json_span *name)
{
	if (SPELLS(name, "\"jsonrpc\""))
		return MEMBER_JSONRPC;
	if (SPELLS(name, "\"id\""))
		return MEMBER_ID;
	if (SPELLS(name, "\"method\""))
		return MEMBER_METHOD;
	if (SPELLS(name, "\"params\""))
		return MEMBER_PARAMS;
	if (SPELLS(name, "\"result\""))
		return MEMBER_RESULT;
	if (SPELLS(name, "\"error\""))
		return MEMBER_ERROR;
	for (int i = 0; i < N_MEMBERS; i++) /* with escapes it may be one of them all the same */
		if (json_string_is(name, member_names[i]))
			return (enum member)i;
	return N_MEMBERS;
}

static bool is_version(const struct json_span *value)
{
	return SPELLS(value, "\"2.0\"") || (value->kind == JSON_SPAN_STRING && json_string_is(value, "2.0"));
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Members as they were found; JSON_NONE where one is absent. Zeroed before use. */
struct envelope {
	struct json_span members[N_MEMBERS];
	bool duplicate[N_MEMBERS];
	bool any_duplicate;
	unsigned count; /* up to one too many, and those behind are not noted */
};

static void envelope_note(struct envelope *envelope, const struct json_span *name, const struct json_span *value)
{
	if (envelope->count > RPC_MEMBERS_LIMIT || ++envelope->count > RPC_MEMBERS_LIMIT)
		return;
	enum member member = member_find(name);
	if (member == N_MEMBERS)
		return;
	if (envelope->members[member].kind != JSON_NONE)
		envelope->duplicate[member] = envelope->any_duplicate = true;
	envelope->members[member] = *value;
}

/* Reads unchecked text of one object. */
static int envelope_read(
	struct envelope *envelope, const char *text, size_t length, int depth_limit, struct json_error *error)
{
	struct json_span name, value;
	struct json_walk walk;
	int more;

	if (json_walk_begin(&walk, text, length, depth_limit, error) < 0)
		return -1;
	while ((more = json_walk_next(&walk, &name, &value, error)) > 0)
		envelope_note(envelope, &name, &value);
	return more;
}

static bool is_id(const struct json_span *id)
{
	return id->kind == JSON_SPAN_STRING || id->kind == JSON_SPAN_INTEGER || id->kind == JSON_SPAN_REAL ||
		id->kind == JSON_SPAN_NULL;
}

/* Why the envelope is no request, or NULL where it is one. */
static const char *request_fault(const struct envelope *envelope)
{
	const struct json_span *m = envelope->members;

	if (envelope->count > RPC_MEMBERS_LIMIT)
		return "an object of too many members";
	if (envelope->any_duplicate)
		return "a member is there twice";
	if (!is_version(&m[MEMBER_JSONRPC]))
		return "\"jsonrpc\" is not \"2.0\"";
	if (m[MEMBER_ID].kind != JSON_NONE && !is_id(&m[MEMBER_ID]))
		return "\"id\" is not a string, a number or null";
	if (m[MEMBER_METHOD].kind == JSON_NONE)
		return m[MEMBER_RESULT].kind != JSON_NONE || m[MEMBER_ERROR].kind != JSON_NONE
			? "a response, where a request was expected"
			: "\"method\" is missing";
	if (m[MEMBER_METHOD].kind != JSON_SPAN_STRING)
		return "\"method\" is not a string";
	if (m[MEMBER_PARAMS].kind != JSON_NONE && m[MEMBER_PARAMS].kind != JSON_SPAN_ARRAY &&
		m[MEMBER_PARAMS].kind != JSON_SPAN_OBJECT)
		return "\"params\" is neither an array nor an object";
	return NULL;
}

static enum rpc_read invalid(enum proto_error *error, const char **reason, const char *why)
{
	*error = PROTO_INVALID_REQUEST;
	*reason = why;
	return RPC_BAD;
}

static enum rpc_read request_from(
	const struct envelope *envelope, struct rpc_request *request, enum proto_error *error, const char **reason)
{
	const char *fault = request_fault(envelope);

	if (is_id(&envelope->members[MEMBER_ID]) && !envelope->duplicate[MEMBER_ID])
		request->id = envelope->members[MEMBER_ID];
	if (fault)
		return invalid(error, reason, fault);
	request->method = envelope->members[MEMBER_METHOD];
	request->params = envelope->members[MEMBER_PARAMS];
	return RPC_REQUEST;
}

static enum rpc_read unparsable(enum proto_error *error, const char **reason, const struct json_error *fault)
{
	static _Thread_local char text[96];

	snprintf(text, sizeof(text), "%s at offset %zu", fault->reason, fault->offset);
	*error = PROTO_PARSE_ERROR;
	*reason = text;
	return RPC_BAD;
}

/* Numbers so deep may be an id, and of any size: the members of a request, or of those in a batch. */
#define REQUEST_ID_DEPTH 1
#define BATCH_ID_DEPTH 2

/* Of a message that does not begin with a brace, and nothing behind it. */
static enum rpc_read batch_from(const struct json_span *batch, enum proto_error *error, const char **reason)
{
	struct json_span first;
	size_t cursor = 0;

	if (batch->kind != JSON_SPAN_ARRAY)
		return invalid(error, reason, "neither an object nor an array");
	if (!json_next(batch, &cursor, NULL, &first))
		return invalid(error, reason, "an empty batch");
	return RPC_BATCH;
}

static const char behind_message[] = "text behind the message";

static enum rpc_read read_other(
	const char *text, size_t length, struct json_span *batch, enum proto_error *error, const char **reason)
{
	struct json_error fault;
	size_t used;

	if (json_scan_with(text, length, JSON_DEPTH_LIMIT, BATCH_ID_DEPTH, batch, &used, &fault) < 0)
		return unparsable(error, reason, &fault);
	for (; used < length; used++) {
		if (!is_space(text[used])) {
			fault = (struct json_error){ used, behind_message };
			return unparsable(error, reason, &fault);
		}
	}
	return batch_from(batch, error, reason);
}

enum rpc_read rpc_read(const char *text, size_t length, struct rpc_request *request, struct json_span *batch,
	enum proto_error *error, const char **reason)
{
	struct envelope envelope = { 0 };
	struct json_error fault;
	size_t start = 0;

	*request = (struct rpc_request){ 0 };
	while (start < length && is_space(text[start]))
		start++;
	if (start == length || text[start] != '{')
		return read_other(text, length, batch, error, reason);
	/* The envelope is a level of its own. */
	if (envelope_read(&envelope, text, length, JSON_DEPTH_LIMIT - 1, &fault) < 0)
		return unparsable(error, reason, &fault);
	return request_from(&envelope, request, error, reason);
}

enum rpc_read rpc_read_value(
	const struct json_span *value, struct rpc_request *request, enum proto_error *error, const char **reason)
{
	struct envelope envelope = { 0 };
	struct json_span name, member;
	size_t cursor = 0;

	*request = (struct rpc_request){ 0 };
	if (value->kind != JSON_SPAN_OBJECT)
		return invalid(error, reason, "not an object");
	while (envelope.count <= RPC_MEMBERS_LIMIT && json_next(value, &cursor, &name, &member))
		envelope_note(&envelope, &name, &member);
	return request_from(&envelope, request, error, reason);
}

/* --- in pieces --- */

void rpc_read_begin(struct rpc_reading *reading, size_t length)
{
	json_scan_begin(&reading->scan, length, JSON_DEPTH_LIMIT, BATCH_ID_DEPTH);
	reading->begun = false;
}

/* What its first character says of it. False: that is not reached yet. */
static bool reading_begins(struct rpc_reading *reading, const char *text, size_t budget)
{
	struct json_scan *scan = &reading->scan;
	size_t stop = budget < scan->length - scan->offset ? scan->offset + budget : scan->length;

	while (scan->offset < stop && is_space(text[scan->offset]))
		scan->offset++;
	if (scan->offset == stop && stop < scan->length)
		return false;
	if (scan->offset < scan->length && text[scan->offset] == '{')
		scan->any_number_depth = REQUEST_ID_DEPTH;
	reading->begun = true;
	return true;
}

enum rpc_read rpc_read_on(struct rpc_reading *reading, const char *text, size_t budget, struct rpc_request *request,
	struct json_span *batch, enum proto_error *error, const char **reason)
{
	struct json_span message;
	struct json_error fault;
	enum rpc_read result;

	*request = (struct rpc_request){ 0 };
	if (!reading->begun && !reading_begins(reading, text, budget))
		return RPC_MORE;
	bool object = reading->scan.any_number_depth == REQUEST_ID_DEPTH;
	int more = json_scan_on(&reading->scan, text, budget, &message, &fault);
	if (more > 0)
		return RPC_MORE;
	if (more < 0) {
		if (reading->scan.place == JSON_AT_END && !object)
			fault.reason = behind_message;
		return unparsable(error, reason, &fault);
	}
	json_longs_use(&reading->scan, text);
	if (object)
		result = rpc_read_value(&message, request, error, reason);
	else
		result = batch_from(&message, error, reason);
	json_longs_use(NULL, NULL);
	*batch = message;
	return result;
}

void rpc_read_end(struct rpc_reading *reading)
{
	json_scan_end(&reading->scan);
}

const char *rpc_method(const struct rpc_request *request, char buf[128], size_t *length)
{
	const struct json_span *method = &request->method;
	size_t inner = method->length - 2;

	if (!memchr(method->text + 1, '\\', inner)) {
		*length = inner;
		return inner < 128 ? method->text + 1 : NULL;
	}
	return json_string_copy(method, buf, 128, length) ? buf : NULL;
}

/* --- writing --- */

static void add_id(struct strbuf *out, const char *id, size_t id_length)
{
	static const char begin[] = "{\"jsonrpc\":\"2.0\",\"id\":";

	strbuf_add(out, begin, sizeof(begin) - 1);
	if (id)
		strbuf_add(out, id, id_length);
	else
		strbuf_add(out, "null", 4);
}

void rpc_begin_result(struct strbuf *out, const char *id, size_t id_length)
{
	add_id(out, id, id_length);
	strbuf_add(out, ",\"result\":", 10);
}

void rpc_error_object(struct strbuf *out, int code, const char *message, const char *data)
{
	strbuf_printf(out, "{\"code\":%d,\"message\":", code);
	strbuf_json_string(out, message, strlen(message));
	if (data) {
		strbuf_puts(out, ",\"data\":");
		strbuf_puts(out, data);
	}
	strbuf_add(out, "}", 1);
}

void rpc_error(struct strbuf *out, const char *id, size_t id_length, enum proto_error error, const char *message,
	const char *data)
{
	const struct proto_error_info *info = proto_error_info(error);
	struct strbuf own = STRBUF_INIT;

	if (!data) {
		strbuf_printf(&own, "{\"kind\":\"%s\"", info->kind);
		if (info->hint) {
			strbuf_puts(&own, ",\"hint\":");
			strbuf_json_string(&own, info->hint, strlen(info->hint));
		}
		strbuf_add(&own, "}", 1);
		data = strbuf_failed(&own) ? "{}" : own.data;
	}
	add_id(out, id, id_length);
	strbuf_puts(out, ",\"error\":");
	rpc_error_object(out, info->code, message ? message : info->text, data);
	strbuf_add(out, "}", 1);
	strbuf_free(&own);
}

void rpc_begin_notification(struct strbuf *out, const char *method)
{
	strbuf_puts(out, "{\"jsonrpc\":\"2.0\",\"method\":");
	strbuf_json_string(out, method, strlen(method));
	strbuf_puts(out, ",\"params\":");
}

/* --- the client's side --- */

int rpc_read_response(const char *text, size_t length, struct rpc_response *response)
{
	struct envelope envelope = { 0 };
	const struct json_span *m = envelope.members;
	struct json_walk walk;

	*response = (struct rpc_response){ 0 };
	if (json_walk_begin(&walk, text, length, JSON_DEPTH_MAX, NULL) < 0 || !walk.object ||
		envelope_read(&envelope, text, length, JSON_DEPTH_MAX, NULL) < 0)
		return -1;
	if (envelope.any_duplicate || envelope.count > RPC_MEMBERS_LIMIT || !is_version(&m[MEMBER_JSONRPC]))
		return -1;

	bool result = m[MEMBER_RESULT].kind != JSON_NONE, error = m[MEMBER_ERROR].kind != JSON_NONE;
	bool method = m[MEMBER_METHOD].kind != JSON_NONE, id = m[MEMBER_ID].kind != JSON_NONE;
	if (result + error + method != 1 || (id && !is_id(&m[MEMBER_ID])) || (result && !id) ||
		(error && m[MEMBER_ERROR].kind != JSON_SPAN_OBJECT) ||
		(method && m[MEMBER_METHOD].kind != JSON_SPAN_STRING))
		return -1;
	/* The error of a request whose id could not be read has the id null. */
	if (id && !(error && m[MEMBER_ID].kind == JSON_SPAN_NULL))
		response->id = m[MEMBER_ID];
	response->result = m[MEMBER_RESULT];
	response->error = m[MEMBER_ERROR];
	response->method = m[MEMBER_METHOD];
	response->params = m[MEMBER_PARAMS];
	return 0;
}
