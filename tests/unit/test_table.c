/* Both tables: what is put in is found, what is taken out is not, through growing, shrinking and colliding. */
#include "base/table.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 20000

struct entry {
	uint64_t key;
	char name[24];
	bool in;
};

static struct entry entries[MANY];
static struct table table;
static struct names names;

static uint64_t key_of(const void *value)
{
	return ((const struct entry *)value)->key;
}

static uint64_t hash_of(const void *value)
{
	const char *name = ((const struct entry *)value)->name;

	return table_hash(name, strlen(name));
}

static bool equals(const void *value, const char *name, size_t length)
{
	const struct entry *entry = value;

	return strlen(entry->name) == length && !memcmp(entry->name, name, length);
}

static void fresh(void)
{
	table_init(&table, key_of);
	names_init(&names, hash_of, equals);
	for (int i = 0; i < MANY; i++) {
		entries[i] = (struct entry){ .key = (uint64_t)i + 1 };
		snprintf(entries[i].name, sizeof(entries[i].name), "name-%d", i);
	}
}

static void finish(void)
{
	table_fini(&table);
	names_fini(&names);
}

static void check_table(int n)
{
	size_t count = 0, cursor = 0;

	for (int i = 0; i < n; i++) {
		ck_assert_ptr_eq(table_get(&table, entries[i].key), entries[i].in ? &entries[i] : NULL);
		count += entries[i].in;
	}
	ck_assert_uint_eq(table.count, count);
	while (table_next(&table, &cursor))
		count--;
	ck_assert_uint_eq(count, 0);
}

START_TEST(empty_table_finds_nothing)
{
	size_t cursor = 0;

	ck_assert_ptr_null(table_get(&table, 1));
	ck_assert_ptr_null(table_remove(&table, 1));
	ck_assert_ptr_null(table_next(&table, &cursor));
}
END_TEST

/* _i: how the keys lie */
static uint64_t key_pattern(int pattern, int i)
{
	switch (pattern) {
	case 0:
		return (uint64_t)i;
	case 1:
		return (uint64_t)i << 32;
	case 2:
		return (uint64_t)i * 4096;
	}
	return UINT64_MAX - (uint64_t)i;
}

START_TEST(numbers_are_found_whatever_pattern_they_have)
{
	for (int i = 0; i < MANY; i++) {
		entries[i].key = key_pattern(_i, i);
		entries[i].in = true;
		table_put(&table, &entries[i]);
	}
	check_table(MANY);
	for (int i = 0; i < MANY; i += 2) {
		ck_assert_ptr_eq(table_remove(&table, entries[i].key), &entries[i]);
		entries[i].in = false;
	}
	check_table(MANY);
}
END_TEST

START_TEST(random_puts_and_removes_agree_with_the_books)
{
	enum { FEW = 300 };

	srandom((unsigned)_i + 1);
	for (int step = 0; step < 20000; step++) {
		struct entry *entry = &entries[random() % FEW];

		if (entry->in) {
			ck_assert_ptr_eq(table_remove(&table, entry->key), entry);
		} else {
			ck_assert_ptr_null(table_remove(&table, entry->key));
			table_put(&table, entry);
		}
		entry->in = !entry->in;
		if (step % 100 == 0)
			check_table(FEW);
	}
}
END_TEST

START_TEST(table_gives_its_room_back)
{
	for (int i = 0; i < MANY; i++)
		table_put(&table, &entries[i]);
	ck_assert_uint_lt(table.room, MANY * 3);
	for (int i = 0; i < MANY; i++)
		ck_assert_ptr_eq(table_remove(&table, entries[i].key), &entries[i]);
	ck_assert_uint_le(table.room, 16);
}
END_TEST

START_TEST(names_are_found_and_their_beginnings_are_not)
{
	for (int i = 0; i < MANY; i++)
		names_put(&names, &entries[i]);
	for (int i = 0; i < MANY; i++)
		ck_assert_ptr_eq(names_get(&names, entries[i].name, strlen(entries[i].name)), &entries[i]);
	ck_assert_ptr_null(names_get(&names, "name-", 5));
	ck_assert_ptr_null(names_get(&names, "", 0));
	for (int i = 0; i < MANY; i += 2)
		ck_assert_ptr_eq(names_remove(&names, entries[i].name, strlen(entries[i].name)), &entries[i]);
	ck_assert_uint_eq(names.count, MANY / 2);
	for (int i = 0; i < MANY; i++)
		ck_assert_ptr_eq(names_get(&names, entries[i].name, strlen(entries[i].name)), i % 2 ? &entries[i] : NULL);
}
END_TEST

static uint64_t same_hash(const void *value)
{
	(void)value;
	return table_hash("same", 4);
}

static bool same_name_other_length(const void *value, const char *name, size_t length)
{
	(void)name;
	return ((const struct entry *)value)->key == length;
}

START_TEST(values_of_one_hash_are_told_apart)
{
	names_init(&names, same_hash, same_name_other_length);
	names_put(&names, &entries[0]);
	names_put(&names, &entries[3]); /* keys 1 and 4 */
	ck_assert_ptr_eq(names_get(&names, "same", 4), &entries[3]);
	ck_assert_ptr_eq(names_remove(&names, "same", 4), &entries[3]);
	ck_assert_ptr_null(names_get(&names, "same", 4));
	ck_assert_uint_eq(names.count, 1);
}
END_TEST

START_TEST(hash_sees_every_byte_and_the_length)
{
	char text[33] = { 0 };
	uint64_t seen[34];

	for (size_t i = 0; i <= 32; i++)
		seen[i] = table_hash(text, i);
	for (size_t i = 0; i <= 32; i++)
		for (size_t k = i + 1; k <= 32; k++)
			ck_assert_uint_ne(seen[i], seen[k]);
	for (size_t i = 0; i < 32; i++) {
		text[i] = 1;
		ck_assert_uint_ne(table_hash(text, 32), seen[32]);
		text[i] = 0;
	}
	ck_assert_uint_eq(table_hash(text, 32), seen[32]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tcase = tcase_create("table");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, empty_table_finds_nothing);
	tcase_add_loop_test(tcase, numbers_are_found_whatever_pattern_they_have, 0, 4);
	tcase_add_loop_test(tcase, random_puts_and_removes_agree_with_the_books, 0, 3);
	tcase_add_test(tcase, table_gives_its_room_back);
	tcase_add_test(tcase, names_are_found_and_their_beginnings_are_not);
	tcase_add_test(tcase, values_of_one_hash_are_told_apart);
	tcase_add_test(tcase, hash_sees_every_byte_and_the_length);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
