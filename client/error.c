/* What the library's codes say, and why the calling thread's last call failed. The text is the thread's own, so that
 * two threads that fail at once do not read each other's. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"

const char *taskd_version(void)
{
	return PACKAGE_VERSION;
}

const char *taskd_strerror(enum taskd_error error)
{
	switch (error) {
	case TASKD_OK:
		return "success";
	case TASKD_E_TIMEOUT:
		return "the time for waiting ran out";
	case TASKD_E_FAILED:
		return "the task failed";
	case TASKD_E_CRASHED:
		return "the task's worker died";
	case TASKD_E_TIMED_OUT:
		return "the task ran longer than its time limit";
	case TASKD_E_CANCELLED:
		return "the task was cancelled";
	case TASKD_E_EXPIRED:
		return "the task's deadline passed before it started";
	case TASKD_E_UNKNOWN_TASK:
		return "no worker has a handler of that name";
	case TASKD_E_NOT_FOUND:
		return "there is no such task, or nothing of that name";
	case TASKD_E_FORGOTTEN:
		return "the task has ended and its record has been dropped";
	case TASKD_E_QUEUE_FULL:
		return "the queue is full";
	case TASKD_E_TOO_LARGE:
		return "larger than the daemon's limit";
	case TASKD_E_DENIED:
		return "not allowed";
	case TASKD_E_UNAVAILABLE:
		return "the daemon cannot take it now";
	case TASKD_E_INVALID:
		return "an argument makes no sense";
	case TASKD_E_CONNECT:
		return "the daemon cannot be reached";
	case TASKD_E_DISCONNECTED:
		return "the connection to the daemon ended";
	case TASKD_E_PROTOCOL:
		return "the daemon and the library do not understand each other";
	case TASKD_E_MEMORY:
		return "out of memory";
	case TASKD_E_SYSTEM:
		return "a system call failed";
	case TASKD_E_DUPLICATE:
		return "another task has that key and has not ended";
	case TASKD_E_DEPENDENCY_FAILED:
		return "a task that it was to come after did not succeed";
	case TASKD_E_DEPENDENCY_CYCLE:
		return "tasks of the batch wait for each other in a circle";
	case TASKD_E_QUEUE_DRAINING:
		return "the queue is being drained and takes nothing more";
	case TASKD_E_QUEUE_BUSY:
		return "the queue is in use";
	case TASKD_E_NOT_OVER:
		return "the task has not ended";
	case TASKD_E_NOT_FAILED:
		return "the task has succeeded";
	case TASKD_E_EXISTS:
		return "there is one of that name";
	case TASKD_E_DEADLOCK:
		return "all who could end the wait wait themselves";
	case TASKD_E_NOT_STARTED:
		return "the command could not be started";
	case TASKD_E_NOT_RUNNING:
		return "the command does not run";
	case TASKD_E_INPUT_CLOSED:
		return "the command does not read what is sent to it";
	case TASKD_E_NOT_HELD:
		return "nobody holds it, or you do not";
	case TASKD_E_NOT_OWNER:
		return "another holds it";
	case TASKD_E_OVER_RELEASED:
		return "more was released than there is";
	case TASKD_E_BARRIER_BROKEN:
		return "the barrier is broken";
	case TASKD_E_MISMATCH:
		return "it is there already, and not as you say";
	case TASKD_E_STORE_FULL:
		return "the daemon's disk is full, or too far behind";
	case TASKD_E_STORE_FAILED:
		return "the daemon's store has failed";
	case TASKD_E_NOT_DURABLE:
		return "the daemon keeps nothing on disk";
	case TASKD_E_OVER_SHARE:
		return "more than one user may have";
	case TASKD_E_OTHER:
		return "an error of the daemon that this library does not know";
	}
	return "no error of this library";
}

static _Thread_local struct {
	struct taskd_failure failure; /* its message: NULL while nothing has failed, `text`, or a static one */
	char text[2048];              /* a circle of those who wait for each other is a long story */
	/* What the daemon's failure has besides. */
	char kind[32];
	char hint[256];
	char data[4096];
} last;

enum taskd_error error_set(enum taskd_error error, const char *format, ...)
{
	va_list args;

	last.failure = (struct taskd_failure){ .error = error, .kind = "", .message = taskd_strerror(error) };
	if (format) {
		va_start(args, format);
		vsnprintf(last.text, sizeof(last.text), format, args);
		va_end(args);
		last.failure.message = last.text;
	}
	return error;
}

/* TEXT in ROOM, or NULL where there is none, or it does not fit. */
static const char *keep(const char *text, char *room, size_t size)
{
	size_t length = text ? strlen(text) : size;

	return length < size ? memcpy(room, text, length + 1) : NULL;
}

enum taskd_error error_set_failure(const struct taskd_failure *failure)
{
	enum taskd_error error = error_set(failure->error, "%s", failure->message);
	const char *kind = keep(failure->kind, last.kind, sizeof(last.kind));

	last.failure.code = failure->code;
	last.failure.kind = kind ? kind : "";
	last.failure.hint = keep(failure->hint, last.hint, sizeof(last.hint));
	last.failure.data = keep(failure->data, last.data, sizeof(last.data));
	return error;
}

const struct taskd_failure *error_failure(void)
{
	if (!last.failure.message)
		error_set(TASKD_OK, NULL);
	return &last.failure;
}

enum taskd_error error_of_null(const char *what)
{
	enum taskd_error error = error_failure()->error;

	return error ? error : error_set(TASKD_E_INVALID, "no %s was given", what);
}

enum taskd_error taskd_last_error(const char **text)
{
	const struct taskd_failure *failure = error_failure();

	if (text)
		*text = failure->message;
	return failure->error;
}
