/* What is asked of Landlock, and in which order it is put on with the rest: by a kernel that is not there, since few have
 * Landlock in all its versions. This program's syscall(2) is its own (the linker's --wrap), and remembers. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "worker/confine.h"

#if defined(HAVE_LINUX_LANDLOCK_H) && defined(SYS_landlock_create_ruleset)
#include <linux/landlock.h>

/* --- the kernel that is not there --- */

#define RULES_MOST 64
#define CALLS_MOST 16

static struct {
	long version;       /* or a negative errno */
	int create_error;   /* 0: none */
	size_t add_fails;   /* the so-manieth rule is refused; 0: none */
	int restrict_error; /* of landlock_restrict_self */
	int seccomp_error;  /* of seccomp(2) */
	uint64_t handled;
	struct { char path[256]; uint64_t rights; } rules[RULES_MOST];
	size_t n_rules;
	int ruleset_fd;
	const char *calls[CALLS_MOST]; /* rules are told once */
	size_t n_calls;
} kernel;

static void called(const char *name)
{
	if (kernel.n_calls && strcmp(kernel.calls[kernel.n_calls - 1], name) == 0 && strcmp(name, "rule") == 0)
		return;
	if (kernel.n_calls < CALLS_MOST)
		kernel.calls[kernel.n_calls++] = name;
}

static long answer(int error, long value)
{
	errno = error;
	return error ? -1 : value;
}

static long create(const struct landlock_ruleset_attr *attributes, unsigned flags)
{
	called(flags ? "version" : "create");
	if (flags)
		return kernel.version < 0 ? answer((int)-kernel.version, 0) : kernel.version;
	kernel.handled = attributes->handled_access_fs;
	kernel.ruleset_fd = kernel.create_error ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
	return answer(kernel.create_error, kernel.ruleset_fd);
}

/* As the kernel's own: a right that is not handled, or none at all, is no rule, and a file has no folder's rights. */
static long add_rule(int fd, const struct landlock_path_beneath_attr *rule)
{
	char link[64];
	struct stat about;
	const uint64_t of_files = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
		UINT64_C(1) << 14;
	called("rule");
	if (kernel.n_rules == RULES_MOST || kernel.n_rules + 1 == kernel.add_fails)
		return answer(ENOMEM, 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", rule->parent_fd);
	ssize_t length = readlink(link, kernel.rules[kernel.n_rules].path, sizeof(kernel.rules[0].path) - 1);
	if (fd != kernel.ruleset_fd || length < 0 || fstat(rule->parent_fd, &about) < 0)
		return answer(EBADF, 0);
	kernel.rules[kernel.n_rules].path[length] = '\0';
	kernel.rules[kernel.n_rules++].rights = rule->allowed_access;
	if (!rule->allowed_access)
		return answer(ENOMSG, 0);
	bool wrong = rule->allowed_access & ~kernel.handled || (!S_ISDIR(about.st_mode) && rule->allowed_access & ~of_files);
	return answer(wrong ? EINVAL : 0, 0);
}

static long control(long option, long value)
{
	if (option == PR_SET_NO_NEW_PRIVS)
		called(value == 1 ? "no_new_privs" : "?");
	else
		called(option == PR_SET_SECCOMP ? "filter by prctl" : "?");
	return 0;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	long a[6];
	va_list list;
	va_start(list, number);
	for (size_t i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	switch (number) {
	case SYS_landlock_create_ruleset:
		return create((const struct landlock_ruleset_attr *)a[0], (unsigned)a[2]);
	case SYS_landlock_add_rule:
		return add_rule((int)a[0], (const struct landlock_path_beneath_attr *)a[2]);
	case SYS_landlock_restrict_self:
		called((int)a[0] == kernel.ruleset_fd ? "paths" : "?");
		return answer(kernel.restrict_error, 0);
	case SYS_prctl:
		return control(a[0], a[1]);
	case SYS_seccomp:
		called("filter");
		return answer(kernel.seccomp_error, 0);
	}
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void kernel_is(long version)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.version = version;
	kernel.ruleset_fd = -1;
}

/* Names with commas between them. */
static void ck_calls(const char *wanted)
{
	char *text = xstrdup("");
	for (size_t i = 0; i < kernel.n_calls; i++) {
		char *longer = xasprintf("%s%s%s", text, i ? ", " : "", kernel.calls[i]);
		free(text);
		text = longer;
	}
	ck_assert_str_eq(text, wanted);
	free(text);
}

static void ck_closed(void)
{
	ck_assert(kernel.ruleset_fd < 0 || (fcntl(kernel.ruleset_fd, F_GETFD) < 0 && errno == EBADF));
}

/* Of the rule about PATH; 0: there is none. */
static uint64_t rights_of(const char *path)
{
	uint64_t rights = 0;
	for (size_t i = 0; i < kernel.n_rules; i++)
		if (strcmp(kernel.rules[i].path, path) == 0)
			rights |= kernel.rules[i].rights;
	return rights;
}

/* --- what is handled --- */

/* The bits as the kernel's documentation numbers them: 0 execute, 1 write_file, 2 read_file, 3 read_dir, 4 remove_dir,
 * 5 remove_file, 6 to 12 make_…, 13 refer (version 2), 14 truncate (version 3). What later versions know is not about these. */
static const struct {
	long version;
	uint64_t all, writing;
} versions[] = {
	{ 0, 0, 0 }, { 1, 0x1fff, 0x1ff2 }, { 2, 0x3fff, 0x3ff2 }, { 3, 0x7fff, 0x7ff2 }, { 4, 0x7fff, 0x7ff2 },
	{ 7, 0x7fff, 0x7ff2 },
};

START_TEST(each_version_is_asked_for_what_it_knows)
{
	ck_assert_uint_eq(confine_paths_handled(versions[_i].version, true), versions[_i].all);
	ck_assert_uint_eq(confine_paths_handled(versions[_i].version, false), versions[_i].writing);
}
END_TEST

/* --- rules --- */

static char folder[64];

static char *below(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

static void make(const char *name, bool is_folder)
{
	char *path = below(name);
	int fd = is_folder ? mkdir(path, 0755) : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	if (!is_folder)
		close(fd);
	free(path);
}

static void set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/confine-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	make("read", true);
	make("write", true);
	make("own", true);
	make("file", false);
	make("plugin", false);
}

static void tear_down(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	(void)!system(command);
}

/* Folders, a file, and what is not there. */
static void configure(struct confine *confine, bool reading)
{
	*confine = (struct confine){
		.read_paths = reading ? xasprintf("%s/read \t%s/file /nosuch/path", folder, folder) : NULL,
		.write_paths = below("write"),
	};
}

#define EXECUTE UINT64_C(0x1)
#define READ_FILE UINT64_C(0x4)
#define READ_FOLDER UINT64_C(0xc)
#define WRITE_FILE(version) (UINT64_C(0x2) | ((version) >= 3 ? UINT64_C(0x4000) : 0))

START_TEST(a_path_is_allowed_what_it_was_named_for)
{
	const long version = versions[_i].version;
	char *own = below("own"), *plugin = below("plugin"), *file = below("file"), *read = below("read"), *write = below("write");
	const char *const files[] = { plugin, NULL };
	const struct confine_needs needs = { .files = files, .libraries = true, .terminal = true, .directory = own };
	struct confine confine;
	int fd;
	configure(&confine, true);
	kernel_is(version);
	ck_assert_int_eq(confine_paths_ruleset(&confine, &needs, &fd), 0);
	ck_assert_int_eq(fd, kernel.ruleset_fd);
	ck_assert_uint_eq(kernel.handled, versions[_i].all);
	ck_assert_uint_eq(rights_of(read), READ_FOLDER | EXECUTE);
	ck_assert_uint_eq(rights_of(file), READ_FILE | EXECUTE);
	ck_assert_uint_eq(rights_of(write), READ_FOLDER | versions[_i].writing);
	ck_assert_uint_eq(rights_of(own), versions[_i].all);
	ck_assert_uint_eq(rights_of(plugin), READ_FILE);
	ck_assert_uint_eq(rights_of("/dev/null"), READ_FILE | WRITE_FILE(version));
	ck_assert_uint_eq(rights_of("/dev/urandom"), READ_FILE);
	ck_assert_uint_eq(rights_of("/dev/tty"), access("/dev/tty", F_OK) == 0 ? READ_FILE | WRITE_FILE(version) : 0);
	ck_assert_uint_eq(rights_of("/usr/lib"), READ_FOLDER);
	ck_assert_uint_eq(rights_of("/"), 0);
	ck_assert_uint_eq(rights_of(folder), 0);
	ck_calls("version, create, rule");
	close(fd);
	confine_free(&confine);
	free(own);
	free(plugin);
	free(file);
	free(read);
	free(write);
}
END_TEST

START_TEST(where_only_writing_is_limited_nothing_is_said_of_reading)
{
	char *write = below("write");
	struct confine confine;
	const struct confine_needs nothing = { 0 };
	int fd;
	configure(&confine, false);
	kernel_is(versions[_i].version);
	ck_assert_int_eq(confine_paths_ruleset(&confine, &nothing, &fd), 0);
	ck_assert_uint_eq(kernel.handled, versions[_i].writing);
	ck_assert_uint_eq(rights_of(write), versions[_i].writing);
	ck_assert_uint_eq(rights_of("/dev/null"), WRITE_FILE(versions[_i].version));
	ck_assert_uint_eq(rights_of("/dev/urandom"), 0); /* a rule that allows nothing is an error */
	ck_assert_uint_eq(rights_of("/dev/tty"), 0);
	ck_assert_uint_eq(rights_of("/usr/lib"), 0);
	close(fd);
	confine_free(&confine);
	free(write);
}
END_TEST

/* --- the order --- */

static int apply(enum confine_calls calls)
{
	const struct confine_needs nothing = { 0 };
	struct confine confine;
	configure(&confine, true);
	confine.calls = calls;
	int status = confine_apply(&confine, &nothing);
	confine_free(&confine);
	return status;
}

START_TEST(paths_are_given_up_before_the_calls_that_it_takes)
{
	kernel_is(4);
	ck_assert_int_eq(apply(CONFINE_CALLS_DEFAULT), 0);
	ck_calls("version, create, rule, no_new_privs, paths, filter");
	ck_closed();
	kernel_is(4);
	ck_assert_int_eq(apply(CONFINE_CALLS_OFF), 0);
	ck_calls("version, create, rule, no_new_privs, paths");
	ck_closed();
	kernel_is(4);
	kernel.seccomp_error = EPERM;
	ck_assert_int_eq(apply(CONFINE_CALLS_STRICT), 0);
	ck_calls("version, create, rule, no_new_privs, paths, filter, filter by prctl");
}
END_TEST

START_TEST(without_landlock_the_rest_is_given_up)
{
	static const long none[] = { -ENOSYS, -EOPNOTSUPP, 0 };
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		kernel_is(none[i]);
		ck_assert_int_eq(apply(CONFINE_CALLS_DEFAULT), 0);
		ck_calls("version, no_new_privs, filter");
		kernel_is(none[i]);
		ck_assert_int_eq(apply(CONFINE_CALLS_OFF), 0);
		ck_calls("version"); /* that no privileges are gained is then nobody's wish */
	}
}
END_TEST

START_TEST(what_goes_wrong_ends_it_there)
{
	kernel_is(-EPERM); /* a filter's word, not a kernel's */
	ck_assert_int_eq(apply(CONFINE_CALLS_DEFAULT), -1);
	ck_calls("version");
	kernel_is(3);
	kernel.create_error = ENOMEM;
	ck_assert_int_eq(apply(CONFINE_CALLS_DEFAULT), -1);
	ck_calls("version, create");
	for (size_t i = 1; i <= 4; i++) {
		kernel_is(3);
		kernel.add_fails = i;
		ck_assert_int_eq(apply(CONFINE_CALLS_DEFAULT), -1);
		ck_assert_uint_eq(kernel.n_rules, i - 1);
		ck_calls("version, create, rule");
		ck_closed();
	}
	kernel_is(3);
	kernel.restrict_error = E2BIG; /* 16 of them are the most */
	ck_assert_int_eq(apply(CONFINE_CALLS_DEFAULT), -1);
	ck_calls("version, create, rule, no_new_privs, paths");
	ck_closed();
}
END_TEST

static void add_tests(TCase *tcase)
{
	const int n = (int)(sizeof(versions) / sizeof(*versions));
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, each_version_is_asked_for_what_it_knows, 0, n);
	tcase_add_loop_test(tcase, a_path_is_allowed_what_it_was_named_for, 1, n);
	tcase_add_loop_test(tcase, where_only_writing_is_limited_nothing_is_said_of_reading, 1, n);
	tcase_add_test(tcase, paths_are_given_up_before_the_calls_that_it_takes);
	tcase_add_test(tcase, without_landlock_the_rest_is_given_up);
	tcase_add_test(tcase, what_goes_wrong_ends_it_there);
}

#else

static void add_tests(TCase *tcase)
{
	(void)tcase;
	puts("skipped: built without Landlock");
}

#endif

int main(void)
{
	Suite *suite = suite_create("confine_paths");
	TCase *tcase = tcase_create("all");
	add_tests(tcase);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
