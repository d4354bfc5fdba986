/* Commands as they are submitted: what is said of them, and that their descriptors go with the right request. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/taskd.h"
#include "client_fake.h"

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define EXEC(ID, PARAMS) "{\"jsonrpc\":\"2.0\",\"id\":" ID ",\"method\":\"exec\",\"params\":" PARAMS "}"

static struct fake fake;
static struct taskd *c;

static void setup(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	clearenv();
	fake_begin(&fake);
	c = fake_connect(&fake);
}

static void teardown(void)
{
	taskd_close(c);
	fake_end(&fake);
}

/* Submits it and checks the line. */
static void expect(const struct taskd_command *command, const char *line)
{
	struct taskd_future *f = taskd_exec(c, command, NULL);
	const char *why;

	taskd_last_error(&why);
	ck_assert_msg(f != NULL, "%s", why);
	fake_expect(&fake, c, line);
	taskd_future_free(f);
}

static void refuse(const struct taskd_command *command, const char *text)
{
	const char *why;

	ck_assert_ptr_null(taskd_exec(c, command, NULL));
	ck_assert_int_eq(taskd_last_error(&why), TASKD_E_INVALID);
	ck_assert_msg(strstr(why, text) != NULL, "%s", why);
	ck_assert(!taskd_wants_write(c));
}

/* --- what is said --- */

START_TEST(a_command_is_a_task_with_its_words_and_the_current_directory)
{
	expect(&(struct taskd_command){ .argv = ARGV("printf", "%s\n", "é \"x\"") },
		EXEC("1", "{\"argv\":[\"printf\",\"%s\\n\",\"é \\\"x\\\"\"],\"cwd\":\"/\"}"));
}
END_TEST

START_TEST(whatever_is_said_of_a_command_is_passed_on)
{
	static const int success[] = { 0, 3 };
	const struct taskd_command command = {
		.shell = "ls | wc",
		.cwd = "/tmp",
		.env = ARGV("A=b"),
		.umask = "077",
		.nice = -5,
		.limit_memory = 1 << 20,
		.limit_processes = 7,
		.limit_cpu_ns = TASKD_SECOND + 1,
		.limit_files = 8,
		.limit_file_size = 9,
		.limit_core = 10,
		.input_live = true,
		.capture = -1,
		.merge = true,
		.success = success,
		.n_success = 2,
	};

	expect(&command,
		EXEC("1",
			"{\"shell\":\"ls | wc\",\"cwd\":\"/tmp\",\"env\":{\"A\":\"b\"},\"umask\":\"077\",\"nice\":-5,"
			"\"limit_memory\":1048576,\"limit_processes\":7,\"limit_cpu\":2,\"limit_files\":8,"
			"\"limit_file_size\":9,\"limit_core\":10,\"stdin_live\":true,\"capture\":0,\"merge\":true,"
			"\"success\":[0,3]}"));
}
END_TEST

START_TEST(secret_arguments_are_told_before_all_else)
{
	static const int secret[] = { 2, 1 }, none[] = { 3 };

	expect(&(struct taskd_command){ .argv = ARGV("login", "me", "word"), .secret = secret, .n_secret = 2 },
		EXEC("1", "{\"secret\":[2,1],\"argv\":[\"login\",\"me\",\"word\"],\"cwd\":\"/\"}"));
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}");
	expect(&(struct taskd_command){ .argv = ARGV("login", "me"), .secret = secret },
		EXEC("2", "{\"argv\":[\"login\",\"me\"],\"cwd\":\"/\"}"));
	refuse(&(struct taskd_command){ .argv = ARGV("login", "me", "word"), .secret = none, .n_secret = 1 }, "secret");
	refuse(&(struct taskd_command){ .shell = "login me", .secret = none, .n_secret = 1 }, "secret");
}
END_TEST

START_TEST(a_terminal_has_its_size)
{
	expect(&(struct taskd_command){ .argv = ARGV("top"), .tty = true, .rows = 50, .columns = 132 },
		EXEC("1", "{\"argv\":[\"top\"],\"cwd\":\"/\",\"tty\":true,\"rows\":50,\"columns\":132}"));
}
END_TEST

START_TEST(options_make_it_a_long_request)
{
	struct taskd_future *f = taskd_exec(c, &(struct taskd_command){ .argv = ARGV("ls") },
		&(struct taskd_options){ .priority = 3, .detached = true });

	ck_assert_ptr_nonnull(f);
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":{\"task\":\"exec\",\"args\":"
		"{\"argv\":[\"ls\"],\"cwd\":\"/\"},\"watch\":true,\"priority\":3}}");
	taskd_future_free(f);
}
END_TEST

START_TEST(input_is_text_where_it_can_be)
{
	const struct taskd_command text = { .argv = ARGV("cat"), .input = "a\nb", .input_length = 3 };
	const struct taskd_command zero = { .argv = ARGV("cat"), .input = "a\0b", .input_length = 3 };
	const struct taskd_command other = { .argv = ARGV("cat"), .input = "\xff\xfe", .input_length = 2 };

	expect(&text, EXEC("1", "{\"argv\":[\"cat\"],\"cwd\":\"/\",\"stdin\":\"a\\nb\"}"));
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}");
	expect(&zero, EXEC("2", "{\"argv\":[\"cat\"],\"cwd\":\"/\",\"stdin_base64\":\"YQBi\"}"));
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":2}}");
	expect(&other, EXEC("3", "{\"argv\":[\"cat\"],\"cwd\":\"/\",\"stdin_base64\":\"//4=\"}"));
}
END_TEST

START_TEST(only_what_is_listed_passes_of_the_environment)
{
	setenv("PATH", "/bin", 1);
	setenv("LC_TIME", "C", 1);
	setenv("LC_", "x", 1);
	setenv("SECRET", "s", 1);
	setenv("PATHS", "s", 1);
	expect(&(struct taskd_command){ .argv = ARGV("ls") },
		EXEC("1", "{\"argv\":[\"ls\"],\"cwd\":\"/\",\"env\":{\"LC_TIME\":\"C\",\"PATH\":\"/bin\"}}"));
}
END_TEST

START_TEST(what_is_given_counts_more_than_what_passes)
{
	setenv("PATH", "/bin", 1);
	setenv("HOME", "/h", 1);
	setenv("SECRET", "s", 1);
	expect(&(struct taskd_command){ .argv = ARGV("ls"),
		       .env = ARGV("PATH=/a", "SECRET", "NONE", "PATH=/b=c", "HOME=", "X=1") },
		EXEC("1",
			"{\"argv\":[\"ls\"],\"cwd\":\"/\",\"env\":{\"HOME\":\"\",\"NONE\":null,\"PATH\":\"/b=c\","
			"\"SECRET\":\"s\",\"X\":\"1\"}}"));
}
END_TEST

START_TEST(a_clean_environment_has_only_what_is_given)
{
	setenv("PATH", "/bin", 1);
	expect(&(struct taskd_command){ .argv = ARGV("ls"), .clean_env = true, .env = ARGV("A=1") },
		EXEC("1", "{\"argv\":[\"ls\"],\"cwd\":\"/\",\"env\":{\"A\":\"1\"}}"));
}
END_TEST

START_TEST(what_cannot_be_said_is_refused)
{
	refuse(&(struct taskd_command){ .argv = ARGV("ls", "\xff") }, "an argument of the command is not UTF-8");
	refuse(&(struct taskd_command){ .argv = ARGV("\xff") }, "the command's name is not UTF-8");
	refuse(&(struct taskd_command){ .shell = "\xff" }, "the shell's line is not UTF-8");
	refuse(&(struct taskd_command){ .argv = ARGV("ls"), .cwd = "/\xff" }, "the command's directory is not UTF-8");
	refuse(&(struct taskd_command){ .argv = ARGV("ls"), .input_file = "/\xff" }, "for standard input is not UTF-8");
	refuse(&(struct taskd_command){ .argv = ARGV("ls"), .env = ARGV("A=\xff") }, "the variable A of");
	refuse(&(struct taskd_command){ .argv = ARGV("ls"), .env = ARGV("=x") }, "has no name");
	setenv("HOME", "/\xff", 1);
	refuse(&(struct taskd_command){ .argv = ARGV("ls") }, "the variable HOME of");
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_here)
{
	int fds[3] = { -1, 9999, -1 };

	refuse(NULL, "no command");
	refuse(&(struct taskd_command){ 0 }, "argv");
	refuse(&(struct taskd_command){ .argv = (const char *const[]){ NULL } }, "argv");
	refuse(&(struct taskd_command){ .argv = ARGV("ls"), .shell = "ls" }, "argv");
	refuse(&(struct taskd_command){ .argv = ARGV("ls"), .cwd = "tmp" }, "cwd");
	refuse(&(struct taskd_command){ .argv = ARGV("ls"), .umask = "9" }, "umask");
	refuse(&(struct taskd_command){ .argv = ARGV("ls"), .input_live = true, .input = "x", .input_length = 1 },
		"stdin");
	refuse(&(struct taskd_command){ .argv = ARGV("ls"), .fds = fds }, "descriptor 9999");
}
END_TEST

/* --- descriptors --- */

/* A pipe whose writing end goes along; what came is told by what can be read from it then. */
struct pipe_pair {
	int in, out;
};

static struct pipe_pair pipe_new(void)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	return (struct pipe_pair){ ends[0], ends[1] };
}

/* FD is the same pipe's, and nobody else has it: once it is closed, that is the end. */
static void check_is_last(struct pipe_pair pair, int fd)
{
	char letter = 'x';

	ck_assert_int_eq(write(fd, &letter, 1), 1);
	close(fd);
	ck_assert_int_eq(read(pair.in, &letter, 1), 1);
	ck_assert_int_eq(read(pair.in, &letter, 1), 0);
	close(pair.in);
}

/* Nobody has its writing end. */
static bool is_closed(struct pipe_pair pair)
{
	char letter;

	fcntl(pair.in, F_SETFL, O_NONBLOCK);
	return read(pair.in, &letter, 1) == 0;
}

/* A command with this one as its standard output, which is closed here. */
static struct taskd_future *exec_to(struct pipe_pair pair, const char *argument)
{
	int fds[3] = { -1, pair.out, -1 };
	struct taskd_future *f =
		taskd_exec(c, &(struct taskd_command){ .argv = ARGV("echo", argument), .fds = fds }, NULL);
	const char *why;

	taskd_last_error(&why);
	ck_assert_msg(f != NULL, "%s", why);
	close(pair.out);
	return f;
}

/* The next line, while the client writes on. */
static const char *next_line(void)
{
	taskd_dispatch(c, 0);
	return fake_read(&fake);
}

START_TEST(descriptors_come_with_the_first_byte_and_in_order)
{
	struct pipe_pair pairs[3] = { pipe_new(), pipe_new(), pipe_new() };
	int fds[3] = { pairs[0].out, pairs[1].out, pairs[2].out }, got[3];
	struct taskd_future *before = taskd_submit(c, "fib", "[1]", NULL);
	struct taskd_future *f =
		taskd_exec(c, &(struct taskd_command){ .argv = ARGV("ls"), .fds = fds, .direct = true }, NULL);

	ck_assert_ptr_nonnull(f);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	fake.step = 1;
	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	ck_assert_ptr_nonnull(fake_read(&fake));
	ck_assert_uint_eq(fake_fds(&fake, got), 0);
	uint64_t start = fake.line_end;
	ck_assert_str_eq(fake_read(&fake),
		EXEC("2",
			"{\"argv\":[\"ls\"],\"cwd\":\"/\",\"fds\":[\"stdin\",\"stdout\","
			"\"stderr\"],\"direct\":true}"));
	ck_assert_uint_eq(fake.fds[0].at, start + 1);
	ck_assert_uint_eq(fake_fds(&fake, got), 3);
	for (int i = 0; i < 3; i++)
		check_is_last(pairs[i], got[i]);
	taskd_future_free(before);
	taskd_future_free(f);
}
END_TEST

START_TEST(only_the_descriptors_that_are_given_are_named)
{
	struct pipe_pair in = pipe_new(), err = pipe_new();
	int fds[3] = { in.out, -1, err.out }, got[3];

	expect(&(struct taskd_command){ .argv = ARGV("ls"), .fds = fds },
		EXEC("1", "{\"argv\":[\"ls\"],\"cwd\":\"/\",\"fds\":[\"stdin\",\"stderr\"]}"));
	ck_assert_uint_eq(fake_fds(&fake, got), 2);
	close(in.out);
	close(err.out);
	check_is_last(in, got[0]);
	check_is_last(err, got[1]);
	fds[0] = fds[2] = -1;
	ck_assert_ptr_nonnull(fake_read(&fake)); /* the cancellation of the first */
	expect(&(struct taskd_command){ .argv = ARGV("ls"), .fds = fds },
		EXEC("2", "{\"argv\":[\"ls\"],\"cwd\":\"/\"}"));
	ck_assert_uint_eq(fake_fds(&fake, got), 0);
}
END_TEST

/* Requests of all kinds, then what came of them. BLANKS bytes more in each. */
static void mix(int n, size_t blanks)
{
	struct pipe_pair *pairs = calloc((size_t)n, sizeof(*pairs));
	struct taskd_future **futures = calloc((size_t)n, sizeof(*futures));
	char *argument = malloc(blanks + 32);
	int got[3];

	for (int i = 0; i < n; i++) {
		sprintf(argument, "[\"%d%*s\"]", i, (int)blanks, "");
		if (i % 3 == 0) {
			futures[i] = taskd_submit(c, "echo", argument, NULL);
		} else {
			pairs[i] = pipe_new();
			futures[i] = exec_to(pairs[i], argument);
		}
		ck_assert_ptr_nonnull(futures[i]);
	}
	for (int i = 0; i < n; i++) {
		const char *line = next_line();
		ck_assert_uint_eq(fake_id(line), (unsigned long)i + 1);
		sprintf(argument, "\"%d ", i);
		ck_assert_msg(blanks == 0 || strstr(line, argument + (i % 3 != 0)) != NULL, "%.100s", line);
		ck_assert_uint_eq(fake_fds(&fake, got), i % 3 != 0);
		if (i % 3 != 0)
			check_is_last(pairs[i], got[0]);
	}
	for (int i = 0; i < n; i++)
		taskd_future_free(futures[i]);
	free(pairs);
	free(futures);
	free(argument);
}

START_TEST(each_request_gets_its_own_descriptors)
{
	mix(40, 0);
}
END_TEST

START_TEST(so_they_do_where_the_socket_is_full)
{
	mix(30, 100000);
}
END_TEST

/* Two of three have a pipe, with both ends here and one at the other side; fewer, where so many may not be open. */
START_TEST(so_do_a_thousand)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
	setrlimit(RLIMIT_NOFILE, &limit);
	mix(limit.rlim_cur < 3200 ? (int)limit.rlim_cur * 15 / 32 : 1500, 10);
}
END_TEST

START_TEST(a_process_with_few_descriptors_sends_those_that_wait)
{
	struct pipe_pair pair = pipe_new();
	struct taskd_future *futures[20];
	struct rlimit limit;
	rlim_t usual;

	getrlimit(RLIMIT_NOFILE, &limit);
	usual = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)pair.out + 6;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < 20; i++) {
		int fds[3] = { -1, pair.out, -1 };
		futures[i] = taskd_exec(c, &(struct taskd_command){ .argv = ARGV("ls"), .fds = fds }, NULL);
		ck_assert_ptr_nonnull(futures[i]);
	}
	for (int i = 0; i < 20; i++)
		taskd_future_free(futures[i]);
	limit.rlim_cur = usual;
	setrlimit(RLIMIT_NOFILE, &limit);
	close(pair.in);
	close(pair.out);
}
END_TEST

/* Reads N requests when it is told to, in a process of its own: what it has open counts there. */
static pid_t read_lines(int n, int told)
{
	pid_t pid = fork();
	char letter;
	int got[3];

	if (pid != 0)
		return pid;
	if (read(told, &letter, 1) != 1)
		_exit(1);
	for (int i = 0; i < n; i++) {
		if (fake_id(fake_read(&fake)) != (unsigned long)i + 1 || fake_fds(&fake, got) != 1)
			_exit(1);
		close(got[0]);
	}
	_exit(0);
}

/* The kernel lets a user have no more on their way than may be open: then the rest waits for the daemon to read. */
START_TEST(more_than_may_be_on_their_way_wait)
{
	struct rlimit limit;
	struct pipe_pair telling = pipe_new();
	int fds[3] = { -1, STDERR_FILENO, -1 }, sent = 0, status;

	if (geteuid() == 0) /* root may have any number */
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	pid_t reader = read_lines(200, telling.in);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	const struct taskd_command command = { .argv = ARGV("ls"), .fds = fds };
	struct taskd_future *futures[201];
	while ((futures[sent] = taskd_exec(c, &command, NULL)))
		ck_assert_int_lt(++sent, 200);
	/* Those that are not sent are open here: as many as fit. */
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_SYSTEM);
	ck_assert_int_gt(sent, 64);
	ck_assert_int_eq(taskd_flush(c, 0), TASKD_E_TIMEOUT);
	ck_assert_int_eq(write(telling.out, "x", 1), 1);
	for (; sent < 200; sent++) {
		ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
		futures[sent] = taskd_exec(c, &command, NULL);
		ck_assert_ptr_nonnull(futures[sent]);
	}
	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	ck_assert_int_eq(waitpid(reader, &status, 0), reader);
	ck_assert_int_eq(status, 0);
	for (int i = 0; i < 200; i++)
		taskd_future_free(futures[i]);
}
END_TEST

/* Makes it so that nothing more can be written; what it took is outstanding. */
static struct taskd_future *filling[4];

static void fill_socket(void)
{
	static char text[200002];

	memset(text, ' ', sizeof(text) - 1);
	text[0] = '[';
	text[sizeof(text) - 2] = ']';
	for (int i = 0; i < 4; i++) {
		filling[i] = taskd_submit(c, "echo", text, NULL);
		ck_assert_ptr_nonnull(filling[i]);
	}
	ck_assert_int_eq(taskd_flush(c, 0), TASKD_E_TIMEOUT);
}

static void empty(void)
{
	for (int i = 0; i < 4; i++)
		taskd_future_free(filling[i]);
}

START_TEST(what_was_not_sent_is_closed_with_the_connection)
{
	struct pipe_pair pair = pipe_new();

	fill_socket();
	struct taskd_future *f = exec_to(pair, "x");
	ck_assert(!is_closed(pair));
	taskd_close(c);
	taskd_future_free(f);
	empty();
	fake_end(&fake); /* what it had taken would be closed with it */
	ck_assert(is_closed(pair));
	fake_begin(&fake);
	c = fake_connect(&fake);
}
END_TEST

START_TEST(what_was_not_sent_is_closed_where_the_daemon_goes)
{
	struct pipe_pair pair = pipe_new();

	fill_socket();
	struct taskd_future *f = exec_to(pair, "x");
	fake_close(&fake);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	ck_assert(is_closed(pair));
	pair = pipe_new();
	int fds[3] = { -1, pair.out, -1 };
	ck_assert_ptr_null(taskd_exec(c, &(struct taskd_command){ .argv = ARGV("ls"), .fds = fds }, NULL));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_DISCONNECTED);
	close(pair.out);
	ck_assert(is_closed(pair));
	taskd_future_free(f);
	empty();
}
END_TEST

START_TEST(what_is_refused_keeps_no_descriptors)
{
	struct pipe_pair pair = pipe_new();
	int fds[3] = { pair.out, 9999, -1 };
	const struct taskd_command bad = { .argv = ARGV("ls"), .fds = fds };

	ck_assert_ptr_null(taskd_exec(c, &bad, NULL));
	fds[1] = -1;
	ck_assert_ptr_null(taskd_exec(c, &bad, &(struct taskd_options){ .retries = -1 }));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
	close(pair.out);
	ck_assert(is_closed(pair));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client: commands that are submitted");
	TCase *said = tcase_create("said"), *descriptors = tcase_create("descriptors");

	tcase_add_checked_fixture(said, setup, teardown);
	tcase_add_test(said, a_command_is_a_task_with_its_words_and_the_current_directory);
	tcase_add_test(said, whatever_is_said_of_a_command_is_passed_on);
	tcase_add_test(said, secret_arguments_are_told_before_all_else);
	tcase_add_test(said, a_terminal_has_its_size);
	tcase_add_test(said, options_make_it_a_long_request);
	tcase_add_test(said, input_is_text_where_it_can_be);
	tcase_add_test(said, only_what_is_listed_passes_of_the_environment);
	tcase_add_test(said, what_is_given_counts_more_than_what_passes);
	tcase_add_test(said, a_clean_environment_has_only_what_is_given);
	tcase_add_test(said, what_cannot_be_said_is_refused);
	tcase_add_test(said, what_makes_no_sense_is_refused_here);
	suite_add_tcase(suite, said);
	tcase_add_checked_fixture(descriptors, setup, teardown);
	tcase_set_timeout(descriptors, 120);
	tcase_add_test(descriptors, descriptors_come_with_the_first_byte_and_in_order);
	tcase_add_test(descriptors, only_the_descriptors_that_are_given_are_named);
	tcase_add_test(descriptors, each_request_gets_its_own_descriptors);
	tcase_add_test(descriptors, so_they_do_where_the_socket_is_full);
	tcase_add_test(descriptors, so_do_a_thousand);
	tcase_add_test(descriptors, a_process_with_few_descriptors_sends_those_that_wait);
	tcase_add_test(descriptors, more_than_may_be_on_their_way_wait);
	tcase_add_test(descriptors, what_was_not_sent_is_closed_with_the_connection);
	tcase_add_test(descriptors, what_was_not_sent_is_closed_where_the_daemon_goes);
	tcase_add_test(descriptors, what_is_refused_keeps_no_descriptors);
	suite_add_tcase(suite, descriptors);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
