/* Who may call what: every method of the table as every role, by real users. What a method may touch beyond that is
 * tried with every method that takes a task's id. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskd.h"
#include "others.h"
#include "proto/methods.h"

#define MEMBERS 61000
#define OWNER 62001 /* whose tasks the others are after */

enum scope { NONE, OWN, ALL };
static const struct role {
	const char *name;
	uid_t uid;
	gid_t group; /* beside its own */
	const char *section;
	bool submit, admin;
	enum scope read, cancel;
} roles[] = {
	{ "stranger", 62002, -1, "", false, false, NONE, NONE },
	{ "submitter", 62003, -1, "[access submitter]\nusers = 62003\nread = none\ncancel = none\n", true, false, NONE, NONE },
	{ "reader", 62004, -1, "[access reader]\nusers = 62004\nsubmit = no\ncancel = none\n", false, false, OWN, NONE },
	{ "auditor", 62005, -1, "[access auditor]\nusers = 62005\nsubmit = no\nread = all\ncancel = none\n", false, false, ALL,
		NONE },
	{ "canceller", 62006, -1, "[access canceller]\nusers = 62006\nsubmit = no\nread = none\n", false, false, NONE, OWN },
	{ "operator", 62007, -1, "[access operator]\nusers = 62007\nsubmit = no\nread = none\ncancel = all\n", false, false,
		NONE, ALL },
	{ "member", 62008, MEMBERS, "[access member]\nusers = @61000 62001\n", true, false, OWN, OWN },
	{ "senior", 62010, -1, "[access senior]\nusers = 62010\nread = all\n", true, false, ALL, OWN },
	{ "deputy", 62011, -1, "[access deputy]\nusers = 62011\ncancel = all\n", true, false, OWN, ALL },
	{ "admin", 62009, -1, "[access admin]\nusers = 62009\nsubmit = no\nread = none\ncancel = none\nadmin = yes\n", true, true,
		ALL, ALL },
	{ "root", 0, -1, "", true, true, ALL, ALL },
};
#define N_ROLES (sizeof(roles) / sizeof(roles[0]))

static struct daemon daemon_;
static struct taskd *c; /* OWNER's */

static void start(void)
{
	char config[4096] = OTHERS_CONFIG "exec_users = *\nresult_ttl = 1h\n";
	for (size_t i = 0; i < N_ROLES; i++) {
		strncat(config, "\n", sizeof(config) - strlen(config) - 1);
		strncat(config, roles[i].section, sizeof(config) - strlen(config) - 1);
	}
	daemon_start(&daemon_, config);
	others_let_in(&daemon_);
	c = daemon_connect_as(&daemon_, OWNER, OWNER, (gid_t)-1);
}

static void stop(void)
{
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

/* --- the column --- */

static bool role_has(const struct role *role, enum right right)
{
	switch (right) {
	case RIGHT_NONE:
		return true;
	case RIGHT_SUBMIT:
		return role->submit;
	case RIGHT_READ:
		return role->read != NONE;
	case RIGHT_CANCEL:
		return role->cancel != NONE;
	case RIGHT_ADMIN:
		return role->admin;
	case N_RIGHTS:
		break;
	}
	return false;
}

/* What METHOD with PARAMS is answered with as that connection; "" where nothing is, as it waits. */
static const char *answer(struct wire *wire, const char *method, const char *params)
{
	static char kept[8192];
	char text[4096];
	const char *line;
	kept[0] = '\0';
	snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}\n"
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"server.ping\"}\n", method, params);
	ck_assert(wire_puts(wire, text));
	/* The ping is answered last, but for what waits. */
	while ((line = wire_line(wire)) && !strstr(line, "\"id\":2,"))
		if (strstr(line, "\"id\":1,"))
			snprintf(kept, sizeof(kept), "%s", line);
	ck_assert_msg(line != NULL, "%s: the connection ended", method);
	return kept;
}

START_TEST(every_method_as_every_role)
{
	size_t tried = 0, refused = 0;
	start();
	for (size_t r = 0; r < N_ROLES; r++) {
		const struct role *role = &roles[r];
		struct wire wire;
		wire_open_as(&wire, &daemon_, role->uid, role->uid, role->group);
		for (int m = 0; m < N_METHODS; m++) {
			const struct method_info *info = method_info((enum method)m);
			/* No method takes that: who is allowed is told so, and nothing is done. */
			const char *line = answer(&wire, info->name, "{\"no such parameter\":true}");
			char wanted[48];
			snprintf(wanted, sizeof(wanted), "\"right\":\"%s\"", right_name(info->right));
			tried++;
			if (role_has(role, info->right)) {
				ck_assert_msg(strstr(line, "\"kind\":\"invalid_params\"") != NULL, "%s as %s: %s", info->name,
					role->name, line);
				continue;
			}
			refused++;
			ck_assert_msg(strstr(line, "\"kind\":\"denied\"") && strstr(line, wanted), "%s as %s: %s", info->name,
				role->name, line);
		}
		wire_close(&wire);
	}
	printf("%zu calls of %d methods as %zu roles: %zu refused\n", tried, N_METHODS, N_ROLES, refused);
	stop();
}
END_TEST

/* --- the scopes: methods that take a task's id --- */

/* The parameters that METHOD needs, with ID where it takes one. False: it takes none. */
static bool params_with_id(const struct method_info *info, unsigned long long id, char *out, size_t size)
{
	bool takes_id = false;
	size_t length = (size_t)snprintf(out, size, "{");
	for (const struct param_spec *spec = info->params; spec->name; spec++) {
		const char *name = spec->name;
		bool is_id = strcmp(name, "id") == 0 || strcmp(name, "ids") == 0;
		char value[64] = "";
		if (is_id && (spec->type == PARAM_ID || spec->type == PARAM_IDS))
			snprintf(value, sizeof(value), spec->type == PARAM_IDS ? "[\"%llu\"]" : "\"%llu\"", id);
		else if (strcmp(name, "signal") == 0)
			snprintf(value, sizeof(value), "\"CONT\"");
		else if (strcmp(name, "data") == 0)
			snprintf(value, sizeof(value), "\"x\"");
		else if (strcmp(name, "rows") == 0 || strcmp(name, "columns") == 0)
			snprintf(value, sizeof(value), "24");
		else if (spec->required)
			return false;
		takes_id |= is_id && *value;
		if (*value)
			length += (size_t)snprintf(out + length, size - length, "%s\"%s\":%s", length > 1 ? "," : "", name, value);
	}
	snprintf(out + length, size - length, "}");
	return takes_id;
}

/* As it would be, were ID another. */
static void forget_id(const char *line, unsigned long long id, char *out, size_t size)
{
	char number[24];
	int digits = snprintf(number, sizeof(number), "%llu", id);
	size_t length = 0;
	while (*line && length + 2 < size) {
		if (strncmp(line, number, (size_t)digits) == 0 && (line[digits] < '0' || line[digits] > '9')) {
			out[length++] = '#';
			line += digits;
			continue;
		}
		out[length++] = *line++;
	}
	out[length] = '\0';
}

/* No other number in an answer is an id from now on. */
static void use_up_ids(void)
{
	for (int i = 0; i < 1000; i++)
		submit_task(c, "{\"task\":\"noop\"}");
}

static unsigned long long a_task_that_waits(void)
{
	return submit_task(c, "{\"task\":\"exec\",\"args\":{\"argv\":[\"sleep\",\"1000\"],\"stdin_live\":true}}");
}

static unsigned long long a_task_that_ended(void)
{
	unsigned long long id = submit_task(c, "{\"task\":\"fib\",\"args\":[10]}");
	free(record_at_end(c, id));
	return id;
}

static unsigned long long a_task_that_is_forgotten(void)
{
	unsigned long long id = a_task_that_ended();
	free(ask(c, "task.forget", "{\"ids\":[\"%llu\"]}", id));
	return id;
}

static bool may_touch(const struct role *role, enum right right)
{
	if (right == RIGHT_READ)
		return role->read == ALL;
	return role->cancel == ALL; /* a retry's, too */
}

/* METHOD on another's task: as on one that was forgotten, where the role may do nothing about all tasks. */
static void try_foreign(struct wire *wire, const struct role *role, const struct method_info *info,
	unsigned long long foreign, unsigned long long forgotten)
{
	char params[256], one[8192], other[8192];
	ck_assert(params_with_id(info, foreign, params, sizeof(params)));
	forget_id(answer(wire, info->name, params), foreign, one, sizeof(one));
	if (may_touch(role, info->right == RIGHT_SUBMIT ? RIGHT_CANCEL : info->right)) {
		ck_assert_msg(!strstr(one, "\"kind\":\"forgotten\"") && !strstr(one, "\"kind\":\"denied\""), "%s as %s: %s",
			info->name, role->name, one);
		return;
	}
	if (role->read == ALL || role->cancel == ALL) { /* it sees that it is there */
		ck_assert_msg(strstr(one, "\"kind\":\"denied\"") != NULL, "%s as %s: %s", info->name, role->name, one);
		return;
	}
	params_with_id(info, forgotten, params, sizeof(params));
	forget_id(answer(wire, info->name, params), forgotten, other, sizeof(other));
	ck_assert_msg(strcmp(one, other) == 0, "%s as %s: %s\nof one that is forgotten: %s", info->name, role->name, one,
		other);
	ck_assert_msg(strstr(one, "\"kind\":\"forgotten\"") != NULL, "%s as %s: %s", info->name, role->name, one);
}

START_TEST(another_users_task_is_as_one_that_is_forgotten)
{
	char params[256];
	size_t tried = 0;
	start();
	use_up_ids();
	unsigned long long forgotten = a_task_that_is_forgotten();
	for (int m = 0; m < N_METHODS; m++) {
		const struct method_info *info = method_info((enum method)m);
		if (!params_with_id(info, 1, params, sizeof(params)))
			continue;
		for (size_t r = 0; r < N_ROLES; r++) {
			const struct role *role = &roles[r];
			struct wire wire;
			if (!role_has(role, info->right))
				continue;
			wire_open_as(&wire, &daemon_, role->uid, role->uid, role->group);
			unsigned long long waits = a_task_that_waits(), ended = a_task_that_ended();
			wait_for_state(c, waits, "running");
			try_foreign(&wire, role, info, waits, forgotten);
			try_foreign(&wire, role, info, ended, forgotten);
			tried += 2;
			wire_close(&wire);
			free(ask(c, "task.cancel", "{\"ids\":[\"%llu\"]}", waits));
		}
	}
	printf("%zu calls about others' tasks\n", tried);
	ck_assert_uint_ge(tried, 80);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("access");
	TCase *access = tcase_create("access");
	if (!others_possible())
		return OTHERS_SKIPPED;
	tcase_set_timeout(access, 120);
	tcase_add_test(access, every_method_as_every_role);
	tcase_add_test(access, another_users_task_is_as_one_that_is_forgotten);
	suite_add_tcase(suite, access);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
