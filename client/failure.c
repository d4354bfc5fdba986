/* A task's failure, read from the error object that came over the wire: the code that programs switch over is made of
 * its kind, by the one table that daemon and library share. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "proto/errors.h"

#define RESERVED_FIRST (-32768) /* what JSON-RPC keeps for itself and for servers */
#define RESERVED_LAST (-32000)

const struct taskd_failure failure_memory = {
	.error = TASKD_E_MEMORY,
	.kind = "",
	.message = "out of memory",
};

static enum taskd_error error_of(enum proto_error error)
{
	switch (error) {
	case PROTO_PARSE_ERROR:
	case PROTO_INVALID_REQUEST:
		return TASKD_E_PROTOCOL;
	case PROTO_UNKNOWN_METHOD:
	case PROTO_INVALID_PARAMS:
	case PROTO_NOT_A_COMMAND:
		return TASKD_E_INVALID;
	case PROTO_UNKNOWN_TASK:
		return TASKD_E_UNKNOWN_TASK;
	case PROTO_FAILED:
	case PROTO_COMMAND_FAILED:
		return TASKD_E_FAILED;
	case PROTO_CRASHED:
		return TASKD_E_CRASHED;
	case PROTO_TIMED_OUT:
		return TASKD_E_TIMED_OUT;
	case PROTO_CANCELLED:
		return TASKD_E_CANCELLED;
	case PROTO_EXPIRED:
		return TASKD_E_EXPIRED;
	case PROTO_NOT_FOUND:
		return TASKD_E_NOT_FOUND;
	case PROTO_FORGOTTEN:
		return TASKD_E_FORGOTTEN;
	case PROTO_QUEUE_FULL:
		return TASKD_E_QUEUE_FULL;
	case PROTO_TOO_LARGE:
		return TASKD_E_TOO_LARGE;
	case PROTO_DENIED:
		return TASKD_E_DENIED;
	case PROTO_SHUTTING_DOWN:
	case PROTO_UNAVAILABLE:
	case PROTO_TOO_MANY:
		return TASKD_E_UNAVAILABLE;
	case PROTO_WAIT_TIMED_OUT:
		return TASKD_E_TIMEOUT;
	case PROTO_DUPLICATE:
		return TASKD_E_DUPLICATE;
	case PROTO_DEPENDENCY_FAILED:
		return TASKD_E_DEPENDENCY_FAILED;
	case PROTO_DEPENDENCY_CYCLE:
		return TASKD_E_DEPENDENCY_CYCLE;
	case PROTO_QUEUE_DRAINING:
		return TASKD_E_QUEUE_DRAINING;
	case PROTO_QUEUE_BUSY:
		return TASKD_E_QUEUE_BUSY;
	case PROTO_NOT_OVER:
		return TASKD_E_NOT_OVER;
	case PROTO_NOT_FAILED:
		return TASKD_E_NOT_FAILED;
	case PROTO_EXISTS:
		return TASKD_E_EXISTS;
	case PROTO_DEADLOCK:
		return TASKD_E_DEADLOCK;
	case PROTO_NOT_STARTED:
		return TASKD_E_NOT_STARTED;
	case PROTO_NOT_RUNNING:
		return TASKD_E_NOT_RUNNING;
	case PROTO_INPUT_CLOSED:
		return TASKD_E_INPUT_CLOSED;
	case PROTO_NOT_HELD:
		return TASKD_E_NOT_HELD;
	case PROTO_NOT_OWNER:
		return TASKD_E_NOT_OWNER;
	case PROTO_OVER_RELEASED:
		return TASKD_E_OVER_RELEASED;
	case PROTO_BARRIER_BROKEN:
		return TASKD_E_BARRIER_BROKEN;
	case PROTO_MISMATCH:
		return TASKD_E_MISMATCH;
	case PROTO_STORE_FULL:
	case PROTO_STORE_BEHIND:
		return TASKD_E_STORE_FULL;
	case PROTO_STORE_FAILED:
		return TASKD_E_STORE_FAILED;
	case PROTO_NOT_DURABLE:
		return TASKD_E_NOT_DURABLE;
	case PROTO_OVER_SHARE:
		return TASKD_E_OVER_SHARE;
	case PROTO_INTERNAL_ERROR:
	case PROTO_BAD_CONFIG:
	case PROTO_N_ERRORS:
		break;
	}
	return TASKD_E_OTHER;
}

bool failure_read_id(const struct json_span *span, char text[TASK_ID_ROOM], uint64_t *id)
{
	size_t length;
	uint64_t value = 0;

	if (span->kind == JSON_SPAN_STRING) {
		if (!json_string_copy(span, text, TASK_ID_ROOM, &length))
			return false;
	} else if (span->kind == JSON_SPAN_INTEGER && span->length < TASK_ID_ROOM) {
		length = span->length;
		memcpy(text, span->text, length);
		text[length] = '\0';
	} else {
		return false;
	}
	for (size_t i = 0; i < length; i++)
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			return false;
	*id = value;
	return length > 0;
}

static int read_int(const struct json_span *span)
{
	long long value;

	return json_integer(span, &value) && value >= INT32_MIN && value <= INT32_MAX ? (int)value : 0;
}

/* strtod would look for the locale's point. */
bool failure_read_number(const struct json_span *span, double *number)
{
	const char *p = span->text, *end = p + span->length;
	bool negative = false, below = false;
	double value = 0;
	int exponent = 0, places = 0;

	if (span->kind != JSON_SPAN_INTEGER && span->kind != JSON_SPAN_REAL)
		return false;
	if (*p == '-') {
		negative = true;
		p++;
	}
	for (; p < end && ((*p >= '0' && *p <= '9') || *p == '.'); p++) {
		if (*p == '.') {
			below = true;
		} else {
			value = value * 10 + (*p - '0');
			places += below;
		}
	}
	if (p < end) { /* behind the e; as the scanner has passed it, it is of a finite number */
		exponent = (int)strtol(p + 1, NULL, 10);
		if (exponent < -100000)
			exponent = -100000;
	}
	exponent -= places;
	double scale = 1; /* one power, so that a decimal fraction is rounded once; far beyond, 0 or infinite */
	for (int i = 0; i < abs(exponent) && i < 400; i++)
		scale *= 10;
	value = exponent < 0 ? value / scale : value * scale;
	*number = negative ? -value : value;
	return true;
}

static struct timeval read_seconds(const struct json_span *span)
{
	double seconds;

	if (!failure_read_number(span, &seconds) || !(seconds >= 0 && seconds < 1e15))
		seconds = 0;
	time_t whole = (time_t)seconds;
	return (struct timeval){ .tv_sec = whole, .tv_usec = (suseconds_t)((seconds - (double)whole) * 1e6) };
}

static void read_rusage(struct rusage *usage, const struct json_span *object)
{
	struct json_span name, value;
	size_t cursor = 0;
	long long bytes;

	if (object->kind != JSON_SPAN_OBJECT)
		return;
	while (json_next(object, &cursor, &name, &value)) {
		if (json_string_is(&name, "user"))
			usage->ru_utime = read_seconds(&value);
		else if (json_string_is(&name, "system"))
			usage->ru_stime = read_seconds(&value);
		else if (json_string_is(&name, "maxrss") && json_integer(&value, &bytes))
			usage->ru_maxrss = (long)(bytes / 1024); /* getrusage(2) counts KiB */
	}
}

/* A string that is to be kept; false without memory. */
static bool keep(char **text, const struct json_span *span)
{
	if (span->kind != JSON_SPAN_STRING || *text)
		return true;
	*text = json_string_dup(span, NULL);
	return *text != NULL;
}

static bool read_data(struct failure *failure, const struct json_span *data)
{
	struct json_span name, value;
	size_t cursor = 0;
	uint64_t id;
	bool fine = true;

	failure->data = strndup(data->text, data->length);
	if (!failure->data)
		return false;
	if (data->kind != JSON_SPAN_OBJECT)
		return true;
	while (fine && json_next(data, &cursor, &name, &value)) {
		if (json_string_is(&name, "kind"))
			fine = keep(&failure->kind, &value);
		else if (json_string_is(&name, "hint"))
			fine = keep(&failure->hint, &value);
		else if (json_string_is(&name, "id") && !failure_read_id(&value, failure->id, &id))
			failure->id[0] = '\0';
		else if (json_string_is(&name, "pid"))
			failure->told.pid = read_int(&value);
		else if (json_string_is(&name, "signal"))
			failure->told.signal = read_int(&value);
		else if (json_string_is(&name, "status"))
			failure->told.status = read_int(&value);
		else if (json_string_is(&name, "rusage"))
			read_rusage(&failure->told.usage, &value);
	}
	return fine;
}

/* Fills in what is made of the parts. */
static struct failure *failure_finish(struct failure *failure)
{
	struct taskd_failure *told = &failure->told;
	int known = failure->kind ? proto_error_of_kind(failure->kind) : -1;

	if (known >= 0) {
		told->error = error_of((enum proto_error)known);
		told->kind = proto_error_info((enum proto_error)known)->kind;
	} else {
		bool reserved = told->code >= RESERVED_FIRST && told->code <= RESERVED_LAST;
		told->error = reserved ? TASKD_E_OTHER : TASKD_E_FAILED;
		told->kind = failure->kind ? failure->kind : "";
	}
	if (failure->message && failure->message[0])
		told->message = failure->message;
	else
		told->message =
			known >= 0 ? proto_error_info((enum proto_error)known)->text : taskd_strerror(told->error);
	told->hint = failure->hint;
	told->data = failure->data;
	return failure;
}

struct failure *failure_read(const struct json_span *object)
{
	struct failure *failure = calloc(1, sizeof(*failure));
	struct json_span name, value;
	size_t cursor = 0;
	bool fine = true;

	if (!failure)
		return NULL;
	if (object->kind == JSON_SPAN_OBJECT) {
		while (fine && json_next(object, &cursor, &name, &value)) {
			if (json_string_is(&name, "code"))
				failure->told.code = read_int(&value);
			else if (json_string_is(&name, "message"))
				fine = keep(&failure->message, &value);
			else if (json_string_is(&name, "data") && !failure->data)
				fine = read_data(failure, &value);
		}
	}
	if (!fine) {
		failure_free(failure);
		return NULL;
	}
	return failure_finish(failure);
}

struct failure *failure_of_state(const struct json_span *state)
{
	struct failure *failure = calloc(1, sizeof(*failure));

	if (failure && !keep(&failure->kind, state)) {
		failure_free(failure);
		return NULL;
	}
	if (!failure)
		return NULL;
	int known = failure->kind ? proto_error_of_kind(failure->kind) : -1;
	failure->told.code = known >= 0 ? proto_error_info((enum proto_error)known)->code : RESERVED_LAST;
	return failure_finish(failure);
}

void failure_free(struct failure *failure)
{
	if (!failure)
		return;
	if (failure->sharers > 0) {
		failure->sharers--;
		return;
	}
	free(failure->kind);
	free(failure->message);
	free(failure->hint);
	free(failure->data);
	free(failure);
}

struct failure *failure_share(struct failure *failure)
{
	if (failure)
		failure->sharers++;
	return failure;
}
