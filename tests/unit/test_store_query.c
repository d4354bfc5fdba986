/* What the store answers while it goes on: one task, pages of a history, figures, checks, backups. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/task.h"
#include "store/query.h"
#include "store_served.h"
#include "store_world.h"

#define SECOND INT64_C(1000000000)
#define BEGAN (INT64_C(1795000000) * SECOND)
#define IDS_MOST 20000
#define BIT(state) (1u << (state))

static struct served served;
static uint64_t seq;

/* An answer, and the rows before it. */
static struct {
	uint64_t ids[IDS_MOST];
	size_t n;
	uint8_t status;
	bool more;
	char state[32], result[64], args[64];
	size_t args_length;
	char text[512];
	json_t *json;
} heard;

static void put(enum store_message message, uint64_t id, const void *body)
{
	served_put(&served, message, ++seq, id, 0, body);
}

static void commit(void)
{
	ck_assert(served_committed(&served, seq));
}

static void start(void)
{
	struct store_open order = { .session = 1 };

	served_start(&served, &order);
	ck_assert_int_eq(served.opened.status, STORE_OPEN_FINE);
}

static void setup(void)
{
	seq = 0;
	served_make(&served, NULL);
	start();
}

static void teardown(void)
{
	json_decref(heard.json);
	heard.json = NULL;
	served_free(&served);
}

/* --- asking --- */
static void keep_text(char *out, size_t size, const struct store_text *from)
{
	snprintf(out, size, "%.*s", (int)from->length, from->data ? from->data : "(none)");
}

static void take_row(const struct store_task *task)
{
	ck_assert_uint_lt(heard.n, IDS_MOST);
	heard.ids[heard.n++] = task->id;
	keep_text(heard.state, sizeof(heard.state), &task->state);
	keep_text(heard.result, sizeof(heard.result), &task->outcome.result);
	keep_text(heard.args, sizeof(heard.args), &task->args);
	heard.args_length = task->args.length;
}

static void take_answer(const struct store_answer *answer)
{
	heard.status = answer->status;
	heard.more = answer->more;
	keep_text(heard.text, sizeof(heard.text), &answer->text);
	if (answer->json.data)
		heard.json = json_loadb(answer->json.data, answer->json.length, 0, NULL);
}

/* The answer to NUMBER, whatever else comes. */
static void hear(uint64_t number)
{
	struct store_header header = { 0 };
	union served_body body;

	json_decref(heard.json);
	memset(&heard, 0, sizeof(heard));
	while (header.message != STORE_ANSWERED || header.number != number) {
		ck_assert(served_hear(&served, &header, &body));
		if (header.message == STORE_FOUND && header.number == number)
			take_row(&body.row.task);
		else if (header.message == STORE_ANSWERED && header.number == number)
			take_answer(&body.answer);
		else
			ck_assert_int_eq(header.message, STORE_COMMITTED);
	}
}

static void ask(const struct store_query *query)
{
	served_put(&served, STORE_QUERY, 77, 0, 0, query);
	hear(77);
}

static void ask_task(uint64_t id)
{
	ask(&(struct store_query){ .question = STORE_ASK_TASK, .id = id });
}

/* Asks for a page; it has just these ids. */
static void ck_page(struct store_query query, const char *expected)
{
	char said[256] = "";
	size_t length = 0;

	query.question = STORE_ASK_HISTORY;
	ask(&query);
	ck_assert_int_eq(heard.status, STORE_ANSWER_FINE);
	for (size_t i = 0; i < heard.n && length < sizeof(said) - 24; i++)
		length += (size_t)sprintf(said + length, "%s%llu", i ? " " : "", (unsigned long long)heard.ids[i]);
	ck_assert_str_eq(said, expected);
}

static json_int_t figure(const char *name)
{
	ck_assert(json_is_integer(json_object_get(heard.json, name)));
	return json_integer_value(json_object_get(heard.json, name));
}

static const char *word(const char *name)
{
	ck_assert(json_is_string(json_object_get(heard.json, name)));
	return json_string_value(json_object_get(heard.json, name));
}

static void end_task(uint64_t id, const char *state)
{
	struct store_task_end end = { .state = text(state), .attempt = 1, .ended_ns = BEGAN + (int64_t)id * SECOND };

	if (strcmp(state, "succeeded") == 0)
		end.outcome.result = text("832040");
	else
		end.outcome.message = text("no");
	put(STORE_TASK_END, id, &end);
}

/* 1…8: of two users, types, queues; 1…4 have ended. */
static void make_history(void)
{
	static const char *const states[] = { "succeeded", "failed", "crashed", "succeeded" };

	for (uint64_t id = 1; id <= 8; id++) {
		struct store_task task = world_task(id);

		task.submitted_ns = BEGAN + (int64_t)id * SECOND;
		task.owner = id % 2 ? 1000 : 2000;
		task.queue = text(id <= 3 ? "slow" : "default");
		task.type = text(id == 5 ? "it's" : "fib");
		task.tag = id == 2 || id == 7 ? text("nightly") : STORE_TEXT_NONE;
		task.key = id == 6 ? text("k") : STORE_TEXT_NONE;
		put(STORE_TASK_PUT, id, &task);
		if (id <= 4)
			end_task(id, states[id - 1]);
	}
	commit();
}

/* --- tasks --- */
START_TEST(states_are_the_cores_words)
{
	ck_assert_int_eq(QUERY_N_STATES, TASK_N_STATES);
	for (int state = 0; state < TASK_N_STATES; state++)
		ck_assert_str_eq(query_states[state], task_state_name((enum task_state)state));
}
END_TEST

START_TEST(a_task_comes_with_its_arguments_and_result)
{
	make_history();
	ask_task(8);
	ck_assert_int_eq(heard.status, STORE_ANSWER_FINE);
	ck_assert_uint_eq(heard.n, 1);
	ck_assert_str_eq(heard.state, "queued");
	ck_assert_str_eq(heard.args, "[30]");
	ask_task(1);
	ck_assert_str_eq(heard.state, "succeeded");
	ck_assert_str_eq(heard.result, "832040");
}
END_TEST

START_TEST(what_is_large_comes_whole)
{
	struct store_task task = world_task(1);
	size_t length = 5 << 20;
	char *large = malloc(length);

	ck_assert_ptr_nonnull(large);
	memset(large, '1', length);
	task.args = store_text_of(large, length);
	put(STORE_TASK_PUT, 1, &task);
	commit();
	free(large);
	ask_task(1);
	ck_assert_uint_eq(heard.args_length, length);
	ask(&(struct store_query){ .question = STORE_ASK_HISTORY });
	ck_assert_uint_eq(heard.n, 1);
	ck_assert_uint_eq(heard.args_length, 0);
}
END_TEST

START_TEST(a_task_that_is_not_there_is_not_found)
{
	make_history();
	ask_task(9);
	ck_assert_int_eq(heard.status, STORE_ANSWER_NOT_FOUND);
	ck_assert_uint_eq(heard.n, 0);
}
END_TEST

START_TEST(a_history_is_filtered)
{
	const struct store_text name = text("it's"), evil = text("' OR 1 OR '");

	make_history();
	ck_page((struct store_query){ 0 }, "8 7 6 5 4 3 2 1");
	ck_page((struct store_query){ .states = BIT(TASK_SUCCEEDED) }, "4 1");
	ck_page((struct store_query){ .states = BIT(TASK_FAILED) | BIT(TASK_CRASHED) }, "3 2");
	ck_page((struct store_query){ .states = BIT(TASK_QUEUED) }, "8 7 6 5");
	ck_page((struct store_query){ .states = BIT(TASK_QUEUED) | BIT(TASK_FAILED) }, "8 7 6 5 2");
	ck_page((struct store_query){ .states = 1u << 31 }, "");
	ck_page((struct store_query){ .queue = text("slow") }, "3 2 1");
	ck_page((struct store_query){ .type = name }, "5");
	ck_page((struct store_query){ .type = evil }, "");
	ck_page((struct store_query){ .tag = text("nightly") }, "7 2");
	ck_page((struct store_query){ .key = text("k") }, "6");
	ck_page((struct store_query){ .by_owner = true, .owner = 2000 }, "8 6 4 2");
	ck_page((struct store_query){ .since_ns = BEGAN + 6 * SECOND }, "8 7 6");
	ck_page((struct store_query){ .until_ns = BEGAN + 3 * SECOND }, "2 1");
	ck_page(
		(struct store_query){
			.since_ns = BEGAN + 2 * SECOND, .queue = text("slow"), .by_owner = true, .owner = 1000 },
		"3");
}
END_TEST

START_TEST(a_history_comes_in_pages)
{
	make_history();
	ck_page((struct store_query){ .limit = 3 }, "8 7 6");
	ck_assert(heard.more);
	ck_page((struct store_query){ .limit = 3, .before = 6 }, "5 4 3");
	ck_assert(heard.more);
	ck_page((struct store_query){ .limit = 2, .before = 3 }, "2 1");
	ck_assert(!heard.more);
	ck_page((struct store_query){ .limit = 3, .oldest_first = true }, "1 2 3");
	ck_assert(heard.more);
	ck_page((struct store_query){ .limit = 3, .oldest_first = true, .after = 5 }, "6 7 8");
	ck_assert(!heard.more);
	ck_page((struct store_query){ .after = UINT64_MAX }, "");
	ck_page((struct store_query){ .before = UINT64_MAX, .limit = 1 }, "8");
}
END_TEST

START_TEST(a_page_is_bounded)
{
	for (uint64_t id = 1; id <= 10050; id++) {
		struct store_task task = world_task(id);

		put(STORE_TASK_PUT, id, &task);
	}
	commit();
	ask(&(struct store_query){ .question = STORE_ASK_HISTORY, .limit = UINT32_MAX });
	ck_assert_uint_eq(heard.n, 10000);
	ck_assert(heard.more);
	ask(&(struct store_query){ .question = STORE_ASK_HISTORY });
	ck_assert_uint_eq(heard.n, 100);
}
END_TEST

/* --- figures --- */
START_TEST(figures_say_how_much_there_is)
{
	make_history();
	ask(&(struct store_query){ .question = STORE_ASK_STATS });
	ck_assert_int_eq(heard.status, STORE_ANSWER_FINE);
	ck_assert_int_eq(figure("tasks"), 8);
	ck_assert_int_eq(figure("live"), 4);
	ck_assert_int_eq(figure("ended"), 4);
	ck_assert_int_eq(figure("schema"), SCHEMA_VERSION);
	ck_assert_int_eq(figure("page_size"), 4096);
	ck_assert_int_gt(figure("bytes"), 0);
	ck_assert_int_gt(figure("wal_bytes"), 0);
	ck_assert_int_ge(figure("free_bytes"), 0);
	ck_assert_int_gt(figure("disk_free_bytes"), 0);
	ck_assert_str_eq(word("oldest_at"), "2026-11-18T11:06:41.000000Z");
	ck_assert_str_eq(word("oldest_ended_at"), "2026-11-18T11:06:41.000000Z");
	ck_assert(strstr(word("path"), "/" STORE_FILE) != NULL);
}
END_TEST

START_TEST(figures_of_nothing)
{
	ask(&(struct store_query){ .question = STORE_ASK_STATS });
	ck_assert_int_eq(figure("tasks"), 0);
	ck_assert(json_is_null(json_object_get(heard.json, "oldest_at")));
}
END_TEST

/* --- checks --- */
static void ask_check(void)
{
	ask(&(struct store_query){ .question = STORE_ASK_CHECK });
	ck_assert_int_eq(heard.status, STORE_ANSWER_FINE);
	ck_assert(json_is_array(json_object_get(heard.json, "problems")));
}

START_TEST(a_file_in_order_has_no_problems)
{
	make_history();
	ask_check();
	ck_assert(json_is_true(json_object_get(heard.json, "ok")));
	ck_assert_uint_eq(json_array_size(json_object_get(heard.json, "problems")), 0);
}
END_TEST

/* What is done to a file, and what is said of it. */
static const struct {
	const char *sql, *said;
} harms[] = {
	{ "UPDATE tasks SET state = 'succeeded' WHERE id = 7", "have an outcome's state, but have not ended: 7" },
	{ "UPDATE tasks SET result = '1' WHERE id = 7", "have an outcome, but have not ended: 7" },
	{ "UPDATE tasks SET state = 'queued' WHERE id = 1", "have ended, but without an outcome: 1" },
	{ "UPDATE tasks SET error_message = 'x' WHERE id = 1", "have succeeded, and have an error too: 1" },
	{ "UPDATE tasks SET result = '1' WHERE id IN (2, 3)", "have not succeeded, but have a result: 2, 3" },
	{ "UPDATE tasks SET attempt = 0 WHERE id = 8", "have numbers that there are not: 8" },
	{ "INSERT INTO attempts (task, attempt, state) VALUES (8, 1, 'failed')", "have attempts that were not: 8" },
	{ "INSERT INTO attempts (task, attempt, state) VALUES (8, 1, 'running')", "have attempts that did not end: 8" },
	{ "UPDATE tasks SET place = 8 WHERE id = 7", "share their place with another: 7" },
	{ "UPDATE meta SET next_id = 8", "have ids that will be given out again: 8" },
	{ "UPDATE meta SET next_place = 8", "have places that will be given out again: 8" },
	{ "INSERT INTO attempts (task, attempt, state) VALUES (99, 1, 'failed')", "attempts are of no task: 99" },
	{ "INSERT INTO claims VALUES (99, 0, 0, 'disk', 0, 1, 0)", "claims are of no task: 99" },
	{ "INSERT INTO dependencies VALUES (99, 0, 1, 0, 0, NULL)", "dependencies are of no task: 99" },
	{ "INSERT INTO retries VALUES (99, 1, 7, 0, 0, 1, 0)", "retries are of no task: 99" },
	{ "INSERT INTO obituaries VALUES (99, 1, 0, 0, 0, 0, NULL)", "obituaries are of no task: 99" },
	{ "INSERT INTO parts VALUES (99, 0, 0, 'x')", "parts are of no task: 99" },
	{ "INSERT INTO schedule_claims VALUES ('x', 0, 0, 'disk', 0, 1, 0)", "claims are of no schedule: x" },
	{ "UPDATE tasks SET flags = flags | 512 WHERE id = 8",
		"have claims and do not know it, or the other way round: 8" },
	{ "UPDATE tasks SET flags = flags | 8192 WHERE id = 8",
		"have parts of arguments and do not know it, or the other way round: 8" },
	{ "INSERT INTO parts VALUES (8, 0, 0, 'x'), (8, 0, 2, 'z')", "parts of a text are missing of tasks: 8" },
	{ "UPDATE tasks SET attempt = 0", "have numbers that there are not: 1, 2, 3, 4, 5, and more" },
	{ "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'CREATE INDEX tasks_tag ON tasks (tag)',"
	  " 'CREATE INDEX tasks_tag ON tasks (type)') WHERE name = 'tasks_tag'",
		"tasks_tag" },
};

START_TEST(a_check_tells_what_is_wrong)
{
	bool told = false;
	size_t i;
	json_t *problem;

	make_history();
	/* Beside the store: as a person does it who knows better. */
	served_exec(&served, harms[_i].sql);
	ask_check();
	ck_assert(json_is_false(json_object_get(heard.json, "ok")));
	json_array_foreach (json_object_get(heard.json, "problems"), i, problem)
		told = told || strstr(json_string_value(problem), harms[_i].said);
	if (!told)
		ck_abort_msg("%s: %s", harms[_i].said, json_dumps(heard.json, 0));
}
END_TEST

/* --- backups --- */
static char backup_path[160];

static void ask_backup(const char *name)
{
	snprintf(backup_path, sizeof(backup_path), "%s/%s", served.directory, name);
	ask(&(struct store_query){ .question = STORE_ASK_BACKUP, .path = text(backup_path) });
}

static void ck_no_backup(const char *why)
{
	struct world look = { 0 };

	ck_assert_int_eq(heard.status, STORE_ANSWER_ERROR);
	if (!strstr(heard.text, why))
		ck_abort_msg("\"%s\" does not say \"%s\"", heard.text, why);
	snprintf(look.directory, sizeof(look.directory), "%.63s", served.directory);
	ck_assert_int_eq(world_files(&look, "copy", NULL), 0);
}

START_TEST(a_backup_is_a_store)
{
	struct world copy;
	struct stat info;
	char path[128];

	make_history();
	ask_backup("copy.db");
	ck_assert_int_eq(heard.status, STORE_ANSWER_FINE);
	ck_assert_str_eq(word("path"), backup_path);
	ck_assert_int_eq(stat(backup_path, &info), 0);
	ck_assert_int_eq(figure("bytes"), info.st_size);
	ck_assert_int_eq(info.st_mode & 0777, 0600);
	/* Alone, where another daemon would have it. */
	world_init(&copy);
	snprintf(path, sizeof(path), "%s/" STORE_FILE, copy.directory);
	ck_assert_int_eq(rename(backup_path, path), 0);
	ck_assert_int_eq(world_sql(&copy, "SELECT count(*) FROM tasks"), 8);
	ck_assert_int_eq(
		world_sql(&copy, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
	ck_assert_int_eq(world_open(&copy, false), STORE_OPEN_FINE);
	world_fini(&copy);
}
END_TEST

/* Each of the tasks comes in one transaction with a second one: a copy has both or none. */
START_TEST(a_backup_is_of_one_moment_while_the_writer_goes_on)
{
	struct served copy;
	char path[192];

	for (uint64_t id = 1; id <= 6000; id++) {
		struct store_task task = world_task(id);

		if (id == 3001)
			served_put(&served, STORE_QUERY, 78, 0, 0,
				&(struct store_query){ .question = STORE_ASK_BACKUP,
					.path = text(strcpy(
						backup_path, strcat(strcpy(path, served.directory), "/copy.db"))) });
		served_put(&served, STORE_TASK_PUT, ++seq, id, id % 2 ? STORE_CHAINED : 0, &task);
		if (id % 50 == 0)
			served_flush(&served);
	}
	hear(78);
	ck_assert_int_eq(heard.status, STORE_ANSWER_FINE);
	served_make(&copy, NULL);
	snprintf(path, sizeof(path), "%s/" STORE_FILE, copy.directory);
	ck_assert_int_eq(rename(backup_path, path), 0);
	int64_t there = served_number(&copy, "SELECT count(*) FROM tasks");
	ck_assert_int_eq(there % 2, 0);
	ck_assert_int_eq(served_number(&copy, "SELECT ifnull(max(id), 0) FROM tasks"), there);
	served_free(&copy);
}
END_TEST

START_TEST(a_backup_replaces_nothing)
{
	size_t length;
	char *there;

	make_history();
	snprintf(backup_path, sizeof(backup_path), "%s/mine", served.directory);
	world_write(backup_path, "mine", 4);
	ask_backup("mine");
	ck_no_backup("is there already");
	there = world_read(backup_path, &length);
	ck_assert(length == 4 && memcmp(there, "mine", 4) == 0);
	free(there);
	ask_backup(STORE_FILE "-journal");
	ck_no_backup("the store's own");
}
END_TEST

START_TEST(a_backup_that_cannot_be_made_says_why)
{
	make_history();
	ask_backup("nowhere/copy.db");
	ck_no_backup("No such file or directory");
	ask(&(struct store_query){ .question = STORE_ASK_BACKUP, .path = text("copy.db") });
	ck_no_backup("absolute path");
	ask(&(struct store_query){ .question = STORE_ASK_BACKUP });
	ck_no_backup("absolute path");
}
END_TEST

/* --- beside each other --- */
START_TEST(all_are_answered_while_much_is_written)
{
	char path[192];

	make_history();
	snprintf(path, sizeof(path), "%s/copy.db", served.directory);
	for (uint64_t i = 0; i < 300; i++) {
		struct store_query query = { .question = (uint8_t)(i % (STORE_ASK_CHECK + 1)), .id = 1, .limit = 5 };
		struct store_task task = world_task(100 + i);

		served_put(&served, STORE_QUERY, 1000 + i, 0, 0, &query);
		put(STORE_TASK_PUT, 100 + i, &task);
	}
	served_put(&served, STORE_QUERY, 2000, 0, 0,
		&(struct store_query){ .question = STORE_ASK_BACKUP, .path = text(path) });
	/* In whichever order: each of them once, and all is committed. */
	unsigned answers = 0, found = 0;
	uint64_t committed = 0;
	while (answers < 301 || committed < seq) {
		struct store_header header;
		union served_body body;

		ck_assert(served_hear(&served, &header, &body));
		answers += header.message == STORE_ANSWERED && body.answer.status == STORE_ANSWER_FINE;
		found += header.message == STORE_FOUND;
		committed = header.message == STORE_COMMITTED ? header.number : committed;
	}
	ck_assert_uint_eq(answers, 301);
	ck_assert_uint_eq(found, 75 + 75 * 5);
}
END_TEST

START_TEST(a_store_that_is_stopped_answers_no_more)
{
	make_history();
	for (uint64_t i = 0; i < 50; i++)
		served_put(&served, STORE_QUERY, i, 0, 0, &(struct store_query){ .question = STORE_ASK_CHECK });
	ck_assert_int_eq(served_stop(&served), 0);
}
END_TEST

/* Too large to be looked through at every start. */
START_TEST(damage_that_a_question_meets_ends_the_store)
{
	struct store_header header;
	union served_body body;
	char *large = malloc(1 << 20), path[192], noise[4096];
	int64_t page;
	FILE *file;

	ck_assert_ptr_nonnull(large);
	memset(large, '1', 1 << 20);
	for (uint64_t id = 1; id <= 20; id++) {
		struct store_task task = world_task(id);

		task.args = store_text_of(large, 1 << 20);
		put(STORE_TASK_PUT, id, &task);
	}
	commit();
	free(large);
	ck_assert_int_eq(served_stop(&served), 0);
	page = served_number(&served, "SELECT rootpage FROM sqlite_schema WHERE name = 'parts'");
	snprintf(path, sizeof(path), "%s/" STORE_FILE, served.directory);
	file = fopen(path, "r+");
	ck_assert_ptr_nonnull(file);
	memset(noise, 0x5a, sizeof(noise));
	ck_assert_int_eq(fseek(file, (page - 1) * 4096, SEEK_SET), 0);
	ck_assert_uint_eq(fwrite(noise, 1, sizeof(noise), file), sizeof(noise));
	fclose(file);
	start();
	served_put(&served, STORE_QUERY, 1, 0, 0, &(struct store_query){ .question = STORE_ASK_TASK, .id = 3 });
	header.message = STORE_ANSWERED;
	while (served_hear(&served, &header, &body) && header.message != STORE_FAILED)
		ck_assert_int_ne(header.message, STORE_ANSWERED);
	ck_assert_int_eq(header.message, STORE_FAILED);
	ck_assert(memmem(body.text.data, body.text.length, STORE_FILE, strlen(STORE_FILE)) != NULL);
	ck_assert(!served_hear(&served, &header, &body));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_query");
	TCase *c = tcase_create("query");
	SRunner *runner;

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, states_are_the_cores_words);
	tcase_add_test(c, a_task_comes_with_its_arguments_and_result);
	tcase_add_test(c, what_is_large_comes_whole);
	tcase_add_test(c, a_task_that_is_not_there_is_not_found);
	tcase_add_test(c, a_history_is_filtered);
	tcase_add_test(c, a_history_comes_in_pages);
	tcase_add_test(c, a_page_is_bounded);
	tcase_add_test(c, figures_say_how_much_there_is);
	tcase_add_test(c, figures_of_nothing);
	tcase_add_test(c, a_file_in_order_has_no_problems);
	tcase_add_loop_test(c, a_check_tells_what_is_wrong, 0, (int)(sizeof(harms) / sizeof(harms[0])));
	tcase_add_test(c, a_backup_is_a_store);
	tcase_add_test(c, a_backup_is_of_one_moment_while_the_writer_goes_on);
	tcase_add_test(c, a_backup_replaces_nothing);
	tcase_add_test(c, a_backup_that_cannot_be_made_says_why);
	tcase_add_test(c, all_are_answered_while_much_is_written);
	tcase_add_test(c, a_store_that_is_stopped_answers_no_more);
	tcase_add_test(c, damage_that_a_question_meets_ends_the_store);
	suite_add_tcase(s, c);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
