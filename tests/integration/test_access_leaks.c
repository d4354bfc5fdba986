/* What one user's tasks are given and what comes of them, looked for by another user with every method there is: in
 * answers, errors, notifications. A word that is in all of it must not turn up; and that the search would find it is
 * shown by root's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskd.h"
#include "others.h"
#include "proto/methods.h"

#define MEMBERS 61000
#define OWNER 62001
#define SPY 62002
#define MARK "xyzzy"

static struct daemon daemon_;
static struct taskd *c;      /* OWNER's */
static struct wire holds;    /* OWNER's, which holds things */
static unsigned long long first, last; /* ids of OWNER's tasks */

static void owner_holds(const char *method, const char *params)
{
	char text[512];
	snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}\n", method, params);
	ck_assert(wire_puts(&holds, text));
	const char *line = wire_line(&holds);
	ck_assert_msg(line && strstr(line, "\"result\""), "%s: %s", method, line ? line : "no answer");
}

static void owner_submits(void)
{
	first = submit_task(c, "{\"task\":\"echo\",\"args\":[\"" MARK " args\"],\"tag\":\"tagged\",\"key\":\"keyed\"}");
	free(record_at_end(c, first));
	unsigned long long runs = submit_task(c,
		"{\"task\":\"exec\",\"args\":{\"argv\":[\"sh\",\"-c\",\"echo " MARK "; exec sleep 1000\"],"
		"\"env\":{\"NAME\":\"" MARK "\"},\"stdin_live\":true},\"tag\":\"tagged\"}");
	wait_for_state(c, runs, "running");
	unsigned long long failed = submit_task(c,
		"{\"task\":\"exec\",\"args\":{\"argv\":[\"sh\",\"-c\",\"echo " MARK " >&2; exit 3\"]},\"tag\":\"tagged\"}");
	free(record_at_end(c, failed));
	submit_task(c, "{\"task\":\"echo\",\"args\":[\"" MARK "\"],\"tag\":\"tagged\",\"after\":[\"%llu\"]}", runs);
	last = submit_task(c, "{\"task\":\"echo\",\"args\":[\"" MARK "\"],\"tag\":\"tagged\",\"delay\":1000}");
	free(request(c, "schedule.add", "{\"name\":\"nightly\",\"task\":\"exec\",\"args\":{\"argv\":[\"true\",\"" MARK
		"\"],\"env\":{\"NAME\":\"" MARK "\"}},\"every\":1000}"));
	/* Its holder is told to whoever wants what it holds. */
	wire_open_as(&holds, &daemon_, OWNER, OWNER, MEMBERS);
	owner_holds("lock.acquire", "{\"name\":\"thing\",\"holder\":\"" MARK "\"}");
	owner_holds("semaphore.acquire", "{\"name\":\"thing\",\"slots\":1,\"holder\":\"" MARK "\"}");
	owner_holds("mq.put", "{\"name\":\"thing\",\"value\":\"" MARK "\"}");
	owner_holds("mq.put", "{\"name\":\"thing\",\"value\":\"" MARK "\"}");
}

static void start(void)
{
	daemon_start_durable(&daemon_, "", OTHERS_CONFIG "exec_users = *\ndrain_timeout = 0\nkill_grace = 0\n[access member]\nusers = @61000\n");
	others_let_in(&daemon_);
	c = daemon_connect_as(&daemon_, OWNER, OWNER, MEMBERS);
	owner_submits();
}

static void stop(void)
{
	wire_close(&holds);
	taskd_close(c);
	int status = daemon_stop(&daemon_);
	ck_assert_int_eq(status, 0);
}

/* --- asking for everything --- */

/* Something that a parameter of that name can be, and that leads to OWNER's things; "": it is left out. */
static void value_of(const struct param_spec *spec, unsigned long long id, char *out, size_t size)
{
	static const struct {
		const char *name, *value;
	} values[] = { { "tag", "\"tagged\"" }, { "key", "\"keyed\"" }, { "key_mode", "\"once\"" }, { "queue", "\"default\"" },
		{ "task", "\"exec\"" }, { "args", "{\"argv\":[\"true\"]}" }, { "user", "\"62001\"" }, { "all", "true" }, { "timeout", "0.01" },
		{ "signal", "\"CONT\"" }, { "data", "\"x\"" }, { "rows", "24" }, { "columns", "80" }, { "receipt", "1" },
		{ "value", "1" }, { "parties", "2" }, { "lock", "\"thing\"" }, { "limit", "10000" }, { "follow", "1" },
		{ "watch", "1" }, { "every", "1000" }, { "items", "[[[\"true\"]]]" },
		{ "tasks", "[{\"task\":\"exec\",\"args\":{\"argv\":[\"true\"]},\"locks\":[\"thing\"]}]" }, { "progress", "true" },
		{ "pass_results", "true" }, { "state", "[\"running\",\"succeeded\",\"failed\",\"blocked\",\"scheduled\"]" } };
	out[0] = '\0';
	if (strcmp(spec->name, "id") == 0 || strcmp(spec->name, "ids") == 0 || strcmp(spec->name, "after") == 0 ||
		strcmp(spec->name, "after_any") == 0)
		snprintf(out, size, spec->type == PARAM_ID ? "\"%llu\"" : "[\"%llu\"]", id);
	else if (strcmp(spec->name, "name") == 0)
		snprintf(out, size, "\"%s\"", strcmp(spec->summary, "its name") == 0 ? "nightly" : "thing");
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (strcmp(spec->name, values[i].name) == 0)
			snprintf(out, size, "%s", values[i].value);
}

/* METHOD with what it needs and its OPTIONth optional parameter (-1: none). False: there is no such one. */
static bool params_of(const struct method_info *info, int option, unsigned long long id, char *out, size_t size)
{
	size_t length = (size_t)snprintf(out, size, "{");
	bool is_there = option < 0;
	for (const struct param_spec *spec = info->params; spec->name; spec++) {
		char value[256];
		bool wanted = spec->required || option-- == 0;
		is_there |= wanted && !spec->required;
		value_of(spec, id, value, sizeof(value));
		/* Nobody is to wait for long. */
		if (!wanted && strcmp(spec->name, "timeout") != 0)
			continue;
		if (*value)
			length += (size_t)snprintf(out + length, size - length, "%s\"%s\":%s", length > 1 ? "," : "", spec->name,
				value);
	}
	snprintf(out + length, size - length, "}");
	return is_there;
}

/* Reads until the ping's answer; how many lines had the word. */
static size_t lines_with_mark(struct wire *wire, const char *method, const char *params, bool tell)
{
	char text[4096];
	const char *line;
	size_t found = 0;
	snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}\n"
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"server.ping\"}\n", method, params);
	ck_assert(wire_puts(wire, text));
	while ((line = wire_line(wire)) && !strstr(line, "\"id\":2,")) {
		if (!strstr(line, MARK))
			continue;
		found++;
		if (tell)
			printf("%s %s: %.300s\n", method, params, line);
	}
	ck_assert_msg(line != NULL, "%s %s: the connection ended", method, params);
	return found;
}

struct search {
	size_t asked, methods, methods_that_tell, found;
};

static struct search look_for_mark(uid_t uid, gid_t group, bool tell)
{
	struct search search = { 0 };
	struct wire wire;
	wire_open_as(&wire, &daemon_, uid, uid, group);
	for (int m = 0; m < N_METHODS; m++) {
		const struct method_info *info = method_info((enum method)m);
		size_t before = search.found;
		char params[2048];
		if (info->right == RIGHT_ADMIN)
			continue;
		search.methods++;
		for (unsigned long long id = first; id <= last; id++)
			for (int option = -1; params_of(info, option, id, params, sizeof(params)) && option < 40; option++, search.asked++)
				search.found += lines_with_mark(&wire, info->name, params, tell);
		search.methods_that_tell += search.found > before;
	}
	/* What was followed and watched may come later. */
	for (int i = 0; i < 20; i++) {
		search.found += lines_with_mark(&wire, "task.list", "{\"limit\":1}", tell);
		pause_briefly();
	}
	wire_close(&wire);
	return search;
}

START_TEST(what_is_one_users_no_method_tells_another)
{
	start();
	struct search spy = look_for_mark(SPY, MEMBERS, true);
	struct search root = look_for_mark(0, (gid_t)-1, false);
	printf("a spy asked %zu times by %zu methods and was told it %zu times; root by %zu of %zu methods, %zu times\n", spy.asked,
		spy.methods, spy.found, root.methods_that_tell, root.methods, root.found);
	ck_assert_uint_eq(spy.found, 0);
	ck_assert_uint_ge(root.methods_that_tell, 6);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("access_leaks");
	TCase *leaks = tcase_create("leaks");
	if (!others_possible())
		return OTHERS_SKIPPED;
	tcase_set_timeout(leaks, 180);
	tcase_add_test(leaks, what_is_one_users_no_method_tells_another);
	suite_add_tcase(suite, leaks);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
