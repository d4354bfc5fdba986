/* What a task must have before it starts, locks and permits of semaphores: as submissions say it, and as records tell
 * it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/rpc.h"
#include "object/object.h"

#define CLAIMS_MAX 64

/* --- submissions --- */

static struct object_name name_of(const char *name)
{
	return (struct object_name){ .data = name, .length = strlen(name) };
}

static struct object_claim *add_locks(struct object_claim *next, const struct param_strings *names, bool shared)
{
	for (size_t i = 0; i < names->count; i++)
		*next++ = (struct object_claim){
			.kind = OBJECT_LOCK,
			.name = name_of(names->strings[i]),
			.shared = shared,
		};
	return next;
}

static void add_semaphores(struct object_claim *next, const struct param_permits *permits)
{
	for (size_t i = 0; i < permits->count; i++)
		*next++ = (struct object_claim){
			.kind = OBJECT_SEMAPHORE,
			.name = name_of(permits->permits[i].name),
			.count = permits->permits[i].count,
			.slots = permits->permits[i].slots,
		};
}

static bool may_use_all(const struct call *call, const struct object_claim *claims, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!access_may_use(call, &claims[i].name))
			return false;
	return true;
}

bool submission_may_claim(const struct call *call, const struct submission *submission)
{
	const struct task_spec *spec = &submission->spec;
	struct object_problem problem;
	if (!spec->n_claims || claims_check(core_objects(call->edge->core), spec->claims, spec->n_claims, &problem) == OBJECT_DONE)
		return true;
	reply_error(&call->to, PROTO_MISMATCH, problem.text[0] ? problem.text : NULL, NULL);
	return false;
}

bool submission_claims(const struct call *call, const struct claim_options *options, struct submission *out)
{
	size_t n = options->locks.count + options->shared_locks.count + options->semaphores.count;
	if (n == 0)
		return true;
	if (n > CLAIMS_MAX) {
		reply_errorf(&call->to, PROTO_INVALID_PARAMS, "a task has at most %d locks and semaphores, not %zu",
			CLAIMS_MAX, n);
		return false;
	}
	out->claims = xreallocarray(NULL, n, sizeof(out->claims[0]));
	add_semaphores(add_locks(add_locks(out->claims, &options->locks, false), &options->shared_locks, true),
		&options->semaphores);
	out->spec.claims = out->claims;
	out->spec.n_claims = n;
	return may_use_all(call, out->claims, n) && submission_may_claim(call, out);
}

/* --- records --- */

static void put_name(struct strbuf *out, const struct object_claim *claim)
{
	strbuf_json_string(out, claim->name.data, claim->name.length);
}

static void put_locks(struct strbuf *out, const struct object_claim *claims, size_t n, bool shared)
{
	bool any = false;
	for (size_t i = 0; i < n; i++) {
		if (claims[i].kind != OBJECT_LOCK || claims[i].shared != shared)
			continue;
		strbuf_puts(out, any ? "," : shared ? ",\"shared_locks\":[" : ",\"locks\":[");
		put_name(out, &claims[i]);
		any = true;
	}
	strbuf_puts(out, any ? "]" : "");
}

static void put_semaphores(struct strbuf *out, const struct object_claim *claims, size_t n)
{
	bool any = false;
	for (size_t i = 0; i < n; i++) {
		if (claims[i].kind != OBJECT_SEMAPHORE)
			continue;
		strbuf_puts(out, any ? "," : ",\"semaphores\":{");
		put_name(out, &claims[i]);
		if (claims[i].slots < 0)
			strbuf_printf(out, ":%" PRId64, claims[i].count);
		else
			strbuf_printf(out, ":{\"count\":%" PRId64 ",\"slots\":%" PRId64 "}", claims[i].count,
				claims[i].slots);
		any = true;
	}
	strbuf_puts(out, any ? "}" : "");
}

void record_write_claims(struct strbuf *out, const struct object_claim *claims, size_t n)
{
	put_locks(out, claims, n, false);
	put_locks(out, claims, n, true);
	put_semaphores(out, claims, n);
}

void record_write_waits_for(struct strbuf *out, const struct object_claim *claim)
{
	strbuf_printf(out, ",\"waits_for\":{\"%s\":", object_kind_name(claim->kind));
	put_name(out, claim);
	strbuf_puts(out, "}");
}
