/* Base64: the vectors of RFC 4648, every length and byte there and back, and what is none. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base64.h"
#include "proto/strbuf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Section 10. */
static const struct {
	const char *data, *text;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xbe", "+/++" },
};

static ssize_t decode(const char *text, char *room)
{
	return base64_decode(room, text, strlen(text));
}

START_TEST(the_vectors_of_the_rfc)
{
	const char *data = vectors[_i].data, *text = vectors[_i].text;
	struct strbuf out = STRBUF_INIT;
	char room[32], bare[32];

	base64_encode(&out, data, strlen(data));
	ck_assert_str_eq(out.data ? out.data : "", text);
	ck_assert_int_eq(decode(text, room), (ssize_t)strlen(data));
	ck_assert_int_eq(decode(text, NULL), (ssize_t)strlen(data));
	ck_assert_mem_eq(room, data, strlen(data));
	strcpy(bare, text);
	bare[strcspn(bare, "=")] = '\0';
	ck_assert_int_eq(decode(bare, room), (ssize_t)strlen(data));
	ck_assert_mem_eq(room, data, strlen(data));
	strbuf_free(&out);
}
END_TEST

START_TEST(every_length_there_and_back)
{
	unsigned char data[2000];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 + i / 256);
	for (size_t length = 0; length <= sizeof(data); length++) {
		struct strbuf out = STRBUF_INIT;
		base64_encode(&out, data, length);
		ck_assert_uint_eq(out.length, (length + 2) / 3 * 4);
		/* Of the size that was promised, so that a sanitizer sees a byte too many. */
		unsigned char *room = malloc(base64_room(out.length));
		ck_assert_int_eq(base64_decode(room, out.data, out.length), (ssize_t)length);
		ck_assert(length == 0 || memcmp(room, data, length) == 0);
		free(room);
		strbuf_free(&out);
	}
}
END_TEST

static const char *const bad[] = {
	"A", "AAAAA", "=", "==", "====", "A===", "AA=", "AA==A", "AAA==", "AA=A", "AAAA=", "AAAA==", "Zg== ", " Zg==", "Z g=",
	"Zg\n==", "Zm9v\nYg==", "-_-_", "Zm9*", "Zm\xc3\xa4", "Zh==", "Zm9=", "Zh",
};

START_TEST(what_is_no_base64_is_refused)
{
	char room[32];
	ck_assert_msg(decode(bad[_i], room) == -1, "%s", bad[_i]);
}
END_TEST

static void expect_member(const char *before, const char *data, size_t length, const char *after)
{
	struct strbuf out = STRBUF_INIT;
	strbuf_puts(&out, before);
	base64_member(&out, "data", data, length);
	ck_assert_str_eq(out.data, after);
	strbuf_free(&out);
}

START_TEST(a_member_is_text_where_that_can_be)
{
	expect_member("{", "ab\n\"\x1b", 5, "{\"data\":\"ab\\n\\\"\\u001b\"");
	expect_member("{\"a\":1", "\xc3\xa4\xf0\x9f\x98\x80", 6, "{\"a\":1,\"data\":\"\xc3\xa4\xf0\x9f\x98\x80\"");
	expect_member("{", NULL, 0, "{\"data\":\"\"");
	expect_member("{", "\xff", 1, "{\"data_base64\":\"/w==\"");
	expect_member("{\"a\":1", "a\0b", 3, "{\"a\":1,\"data_base64\":\"YQBi\"");
	expect_member("{", "ab\xc3", 3, "{\"data_base64\":\"YWLD\""); /* cut off within a letter */
	expect_member("{", "\xed\xa0\x80", 3, "{\"data_base64\":\"7aCA\""); /* a surrogate */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base64");
	TCase *tcase = tcase_create("base64");
	tcase_add_loop_test(tcase, the_vectors_of_the_rfc, 0, (int)COUNT(vectors));
	tcase_add_test(tcase, every_length_there_and_back);
	tcase_add_loop_test(tcase, what_is_no_base64_is_refused, 0, (int)COUNT(bad));
	tcase_add_test(tcase, a_member_is_text_where_that_can_be);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
