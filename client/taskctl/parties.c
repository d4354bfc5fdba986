/* Holders and waiters in the words of people. A list may have been cut by the daemon: what it left out is counted. */
#include "client/taskctl/parties.h"

static size_t count(const json_t *object, const char *member)
{
	json_int_t number = json_integer_value(json_object_get(object, member));

	return number > 0 ? (size_t)number : 0;
}

void party_put(struct strbuf *out, const json_t *party)
{
	const char *task = json_string_value(json_object_get(party, "task"));
	const char *user = json_string_value(json_object_get(party, "user"));
	const char *holder = json_string_value(json_object_get(party, "holder"));
	const json_t *pid = json_object_get(party, "pid");

	if (task)
		strbuf_printf(out, "task %s%s%s%s", task, holder ? " (" : "", holder ? holder : "", holder ? ")" : "");
	else if (!pid) /* another user's: no more is told of it */
		strbuf_puts(out, user ? user : "?");
	else
		strbuf_printf(out, "%s (pid %lld%s%s)", user ? user : "?",
			(long long)json_integer_value(pid), holder ? ", " : "",
			holder ? holder : "");
}

void parties_put_holders(struct strbuf *out, const json_t *object, size_t limit)
{
	const json_t *holders = json_object_get(object, "holders");
	size_t n = json_array_size(holders), all = parties_holders(object);

	for (size_t i = 0; i < n && i < limit; i++) {
		if (i > 0)
			strbuf_puts(out, ", ");
		party_put(out, json_array_get(holders, i));
	}
	if (all > limit)
		strbuf_printf(out, " and %zu more", all - limit);
}

size_t parties_holders(const json_t *object)
{
	return json_array_size(json_object_get(object, "holders")) + count(object, "holders_more");
}

size_t parties_waiting(const json_t *object)
{
	return json_array_size(json_object_get(object, "waiting")) + count(object, "waiting_more") +
		count(object, "claims");
}
