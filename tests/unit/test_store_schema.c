/* A file of an older version becomes one of this, in one piece; a later one is left alone. */
#include <check.h>
#include <stdlib.h>

#include "store/schema.h"

static struct db db;

static const char *const steps[] = {
	"CREATE TABLE old (a INTEGER); INSERT INTO old VALUES (1)",
	"CREATE TABLE new (b INTEGER); INSERT INTO new SELECT a + 1 FROM old; DROP TABLE old",
	"INSERT INTO new VALUES (10)",
};
static const char *const bad_steps[] = { "CREATE TABLE old (a INTEGER)", "CREATE TABLE new (b INTEGER); nonsense" };

static void setup(void)
{
	ck_assert_int_eq(sqlite3_open(":memory:", &db.handle), SQLITE_OK);
}

static void teardown(void)
{
	db_close(&db);
}

static int64_t number(const char *sql)
{
	int64_t out = 0;
	enum db_code code = db_number(&db, sql, &out);

	ck_assert_int_eq(code, DB_OK);
	return out;
}

START_TEST(a_new_file_gets_all_tables)
{
	bool newer;

	ck_assert_int_eq(schema_prepare(&db, &newer), DB_OK);
	ck_assert(!newer);
	ck_assert_int_eq(number("PRAGMA user_version"), SCHEMA_VERSION);
	ck_assert_int_eq(number("SELECT count(*) FROM readable"), 0);
	ck_assert_int_eq(number("SELECT count(*) FROM meta"), 1);
	/* Again: nothing is to be done. */
	ck_assert_int_eq(schema_prepare(&db, &newer), DB_OK);
	ck_assert(!newer);
	ck_assert_int_eq(number("SELECT count(*) FROM meta"), 1);
}
END_TEST

/* By a look into the file: what the first taskd wrote is not to be lost. */
START_TEST(schedules_of_the_first_version_have_their_owners_in_their_names)
{
	static const char first[] =
		"CREATE TABLE schedules (name TEXT PRIMARY KEY, owner INTEGER NOT NULL) STRICT;"
		"CREATE TABLE schedule_claims (schedule TEXT NOT NULL, position INTEGER NOT NULL) STRICT;"
		"INSERT INTO schedules VALUES ('a', 1000), ('b', 0);"
		"INSERT INTO schedule_claims VALUES ('a', 0), ('a', 1), ('nobody''s', 0);"
		"PRAGMA user_version = 1";
	bool newer;

	ck_assert_int_eq(sqlite3_exec(db.handle, first, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(schema_prepare(&db, &newer), DB_OK);
	ck_assert_int_eq(number("PRAGMA user_version"), SCHEMA_VERSION);
	ck_assert_int_eq(number("SELECT count(*) FROM schedules WHERE name IN ('1000/a', '0/b') AND owner_groups IS NULL"), 2);
	ck_assert_int_eq(number("SELECT count(*) FROM schedule_claims WHERE schedule = '1000/a'"), 2);
	ck_assert_int_eq(number("SELECT count(*) FROM schedule_claims WHERE schedule = 'nobody''s'"), 1);
}
END_TEST

START_TEST(an_older_file_takes_the_steps_that_it_lacks)
{
	bool newer;

	ck_assert_int_eq(schema_migrate(&db, steps, 1, &newer), DB_OK);
	ck_assert_int_eq(number("PRAGMA user_version"), 1);
	ck_assert_int_eq(number("SELECT a FROM old"), 1);
	ck_assert_int_eq(schema_migrate(&db, steps, 3, &newer), DB_OK);
	ck_assert(!newer);
	ck_assert_int_eq(number("PRAGMA user_version"), 3);
	ck_assert_int_eq(number("SELECT sum(b) FROM new"), 12);
	ck_assert_int_eq(number("SELECT count(*) FROM sqlite_schema"), 1);
}
END_TEST

START_TEST(a_step_that_fails_leaves_the_file_as_it_was)
{
	bool newer;

	ck_assert_int_eq(schema_migrate(&db, bad_steps, 1, &newer), DB_OK);
	ck_assert_int_ne(schema_migrate(&db, bad_steps, 2, &newer), DB_OK);
	ck_assert_int_eq(sqlite3_exec(db.handle, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK); /* as closing it does */
	ck_assert_int_eq(number("PRAGMA user_version"), 1);
	ck_assert_int_eq(number("SELECT count(*) FROM sqlite_schema WHERE name = 'new'"), 0);
}
END_TEST

START_TEST(a_later_file_is_left_alone)
{
	bool newer;

	ck_assert_int_eq(schema_migrate(&db, steps, 3, &newer), DB_OK);
	ck_assert_int_eq(schema_migrate(&db, steps, 2, &newer), DB_OK);
	ck_assert(newer);
	ck_assert_int_eq(number("PRAGMA user_version"), 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_schema");
	TCase *tcase = tcase_create("schema");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_new_file_gets_all_tables);
	tcase_add_test(tcase, schedules_of_the_first_version_have_their_owners_in_their_names);
	tcase_add_test(tcase, an_older_file_takes_the_steps_that_it_lacks);
	tcase_add_test(tcase, a_step_that_fails_leaves_the_file_as_it_was);
	tcase_add_test(tcase, a_later_file_is_left_alone);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
