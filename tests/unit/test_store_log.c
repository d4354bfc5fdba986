/* The write-ahead log, where nobody copies it but who writes it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "store/writer.h"
#include "store_world.h"

enum { TRANSACTIONS = 130, TASKS = 100, ARGS = 8000, LOG_BOUND = 16384 /* pages */ };

static struct world world;

static void add_tasks(struct batch *batch, struct store_buffer *said, uint64_t first)
{
	static char args[ARGS];
	memset(args, '1', sizeof(args));
	for (uint64_t id = first; id < first + TASKS; id++) {
		struct store_task task = world_task(id);
		struct store_header header = { .message = STORE_TASK_PUT, .number = id, .id = id };
		size_t at = said->length;
		task.args = store_text_of(args, sizeof(args));
		if (!store_write(said, &header, &task) || !store_read_header(said->data + at, &header))
			abort();
		batch_add(batch, &header, at + STORE_HEADER_SIZE);
	}
}

START_TEST(it_is_bounded_though_nobody_else_copies_it)
{
	const struct store_open open = { .session = 1 };
	struct store_opened opened = { 0 };
	struct batch batch = { 0 };
	struct store_buffer said = { 0 };
	struct writer writer = { 0 };
	int most = 0, failed = 0;

	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_FINE);
	ck_assert_int_eq(writer_open(&writer, &world.db, &open, &opened), DB_OK);
	for (uint64_t i = 0; i < TRANSACTIONS; i++) {
		said.length = 0;
		add_tasks(&batch, &said, 1 + i * TASKS);
		failed += writer_commit(&writer, &batch, said.data) != WRITER_DONE;
		batch_clear(&batch);
		if (writer_log_pages(&writer) > most)
			most = writer_log_pages(&writer);
	}
	ck_assert_int_eq(failed, 0);
	ck_assert_int_gt(most, 1000);
	ck_assert_int_lt(most, LOG_BOUND);
	batch_free(&batch);
	store_buffer_free(&said);
	writer_close(&writer);
	world.db = (struct db){ 0 };
}
END_TEST

static void setup(void)
{
	world_init(&world);
}

static void teardown(void)
{
	world_fini(&world);
}

int main(void)
{
	Suite *suite = suite_create("store_log");
	TCase *tcase = tcase_create("log");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, it_is_bounded_though_nobody_else_copies_it);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
