/* The handlers that every worker has. They are written against taskd-plugin.h as anyone else's are, echo excepted:
 * its result is its arguments' own text, which needs no second check. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <time.h>

#include "base/clock.h"
#include "proto/units.h"
#include "worker/call.h"
#include "worker/registry.h"

/* The n up to which fib(n) fits 64 bits. */
#define FIB_LIMIT 92
/* Below this one a call of fib takes so little time that nobody needs to cancel it: a fraction of a millisecond. */
#define FIB_SHORT 22
/* How long sleep may not notice that it was cancelled. */
#define SLEEP_STEP_NS (10 * NS_PER_MS)
/* Anything longer overflows somewhere. */
#define SLEEP_LIMIT_S 1e9

static int echo(struct taskd_call *call)
{
	struct json_span name, value;
	size_t cursor = 0;
	if (call->is_item)
		return call_return_span(call, call->args.text, call->args.length);
	if (call->args.kind == JSON_SPAN_ARRAY && json_next(&call->args, &cursor, &name, &value)) {
		struct json_span only = value;
		if (!json_next(&call->args, &cursor, &name, &value))
			return call_return_span(call, only.text, only.length);
	}
	return call_return_span(call, call->args.text, call->args.length);
}

static uint64_t fib_short(unsigned n)
{
	return n < 2 ? n : fib_short(n - 1) + fib_short(n - 2);
}

/* The same recursion; looks at the cancel flag once for thousands of calls below it. */
static uint64_t fib_long(const struct taskd_call *call, unsigned n)
{
	if (n < FIB_SHORT)
		return fib_short(n);
	if (taskd_cancelled(call))
		return 0;
	return fib_long(call, n - 1) + fib_long(call, n - 2);
}

static int fib(struct taskd_call *call)
{
	long long n;
	if (taskd_arg_int(call, 0, "n", &n))
		return TASKD_BAD_ARGS;
	if (n < 0 || n > FIB_LIMIT) {
		taskd_fail(call, 1, "argument 0 (\"n\") must be from 0 to %d, not %lld", FIB_LIMIT, n);
		return TASKD_BAD_ARGS;
	}
	if (n < FIB_SHORT)
		return taskd_return_int(call, (long long)fib_short((unsigned)n));
	uint64_t value = fib_long(call, (unsigned)n);
	return taskd_cancelled(call) ? TASKD_CANCELLED : taskd_return_int(call, (long long)value);
}

static int sleep_argument(struct taskd_call *call, int64_t *ns)
{
	const char *text;
	double seconds;
	if (taskd_arg_string(call, 0, "seconds", &text, NULL) == 0) {
		if (units_parse_duration(text, ns) == 0)
			return TASKD_OK;
		taskd_fail(call, 1, "argument 0 (\"seconds\"): \"%.60s\" is no duration such as \"1.5s\"", text);
		return TASKD_BAD_ARGS;
	}
	if (taskd_arg_number(call, 0, "seconds", &seconds))
		return TASKD_BAD_ARGS;
	if (seconds < 0 || seconds > SLEEP_LIMIT_S) {
		taskd_fail(call, 1, "argument 0 (\"seconds\") must be from 0 to %g", SLEEP_LIMIT_S);
		return TASKD_BAD_ARGS;
	}
	*ns = (int64_t)(seconds * (double)NS_PER_S);
	return TASKD_OK;
}

static int sleep_task(struct taskd_call *call)
{
	int64_t left_ns;
	if (sleep_argument(call, &left_ns))
		return TASKD_BAD_ARGS;
	int64_t end_ns = clock_mono_ns();
	if (__builtin_add_overflow(end_ns, left_ns, &end_ns))
		end_ns = CLOCK_NEVER;
	while ((left_ns = end_ns - clock_mono_ns()) > 0) {
		if (taskd_cancelled(call))
			return TASKD_CANCELLED;
		int64_t step_ns = left_ns < SLEEP_STEP_NS ? left_ns : SLEEP_STEP_NS;
		nanosleep(&(struct timespec){ .tv_nsec = (long)step_ns }, NULL);
	}
	return taskd_return_null(call);
}

static int noop(struct taskd_call *call)
{
	return taskd_return_null(call);
}

const struct taskd_handler builtin_handlers[] = {
	{ .name = "echo", .run = echo, .summary = "Gives back its arguments; where it is one, that value",
		.parameters = "value:any?" },
	{ .name = "fib", .run = fib, .summary = "The nth Fibonacci number, by naive recursion", .parameters = "n:int" },
	{ .name = "sleep", .run = sleep_task, .summary = "Waits for so many seconds, or a duration such as \"1m30s\"",
		.parameters = "seconds:any" },
	{ .name = "noop", .run = noop, .summary = "Does nothing" },
	{ 0 },
};
