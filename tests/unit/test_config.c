/* The configuration file: what it means, and what it is told where it is wrong. */
#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "config/config.h"
#include "config/template.h"
#include "core/core.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char file[] = "/tmp/test_config.XXXXXX";
static struct config *config;
static char *error;

static void setup(void)
{
	strcpy(file + strlen(file) - 6, "XXXXXX");
	close(mkstemp(file));
	config = NULL;
	error = NULL;
}

static void teardown(void)
{
	config_free(config);
	free(error);
	unlink(file);
}

static void write_bytes(const char *text, size_t length)
{
	FILE *stream = fopen(file, "w");
	ck_assert_ptr_nonnull(stream);
	ck_assert_uint_eq(fwrite(text, 1, length, stream), length);
	fclose(stream);
}

static void load(const char *text)
{
	write_bytes(text, strlen(text));
	config_free(config);
	config = config_load(file, true, &error);
	ck_assert_msg(config != NULL, "%s", error);
}

static const struct config_pool *pool(const char *name)
{
	const struct config_pool *found = config_pool_find(config, name);
	ck_assert_msg(found != NULL, "no pool %s", name);
	return found;
}

static const struct config_queue *queue(const char *name)
{
	const struct config_queue *found;
	STAILQ_FOREACH(found, &config->queues, link)
		if (strcmp(found->name, name) == 0)
			return found;
	ck_abort_msg("no queue %s", name);
}

START_TEST(no_file_is_all_defaults)
{
	config = config_load(NULL, false, &error);
	ck_assert_ptr_nonnull(config);
	ck_assert_ptr_null(config->file);
	ck_assert_ptr_null(config->socket);
	ck_assert_int_eq(config->socket_mode, 0660);
	ck_assert_ptr_null(config->socket_group);
	ck_assert_int_eq(config->log_target, -1);
	ck_assert_int_eq(config->log_level, LOG_LEVEL_INFO);
	ck_assert_int_eq(config->frame_limit, 80 << 20);
	ck_assert_int_eq(config->payload_limit, 64 << 20);
	ck_assert_int_eq(config->output_limit, 256 << 20);
	ck_assert_int_eq(config->send_timeout, 60 * NS_PER_S);
	ck_assert_int_eq(config->max_connections, 4096);
	ck_assert_int_eq(config->max_requests, 1048576);
	ck_assert_int_eq(config->drain_timeout, 30 * NS_PER_S);
	ck_assert_int_eq(config->kill_grace, 5 * NS_PER_S);
	ck_assert_int_eq(config->result_ttl, 3600 * NS_PER_S);
	ck_assert_int_eq(config->failure_ttl, 24 * 3600 * NS_PER_S);
	ck_assert_int_eq(config->result_bytes, 64 << 20);
	ck_assert_int_eq(config->result_count, 100000);
	ck_assert_int_eq(config->start_timeout, 60 * NS_PER_S);
	ck_assert_int_eq(config->crash_limit, 3);
	ck_assert_int_eq(config->object_limit, 10000);
	ck_assert_int_eq(config->waiter_limit, 100000);
	ck_assert_int_eq(config->mq_bytes_limit, 256 << 20);
	ck_assert_ptr_eq(STAILQ_FIRST(&config->pools), pool("default"));
	ck_assert_ptr_eq(STAILQ_NEXT(pool("default"), link), pool("commands"));
	ck_assert_ptr_null(STAILQ_NEXT(pool("commands"), link));
	ck_assert_int_eq(pool("default")->commands, 0);
	ck_assert_int_eq(pool("commands")->commands, 1);
	ck_assert_int_eq(pool("commands")->threads, 1);
	ck_assert_int_ge(pool("commands")->processes, 4);
	ck_assert_int_ge(pool("commands")->processes, pool("default")->processes);
	ck_assert_str_eq(pool("commands")->tasks, "*");
	ck_assert_int_eq(pool("commands")->capture_limit, 1 << 20);
	ck_assert_str_eq(queue("commands")->pool, "commands");
	ck_assert_str_eq(config->exec_users, "owner");
	ck_assert_ptr_null(config->command_log_dir);
	ck_assert_int_eq(config->command_log_ttl, 7 * 24 * 3600 * NS_PER_S);
	ck_assert_int_eq(config->command_log_bytes, 1 << 30);
	ck_assert_ptr_null(STAILQ_FIRST(&config->commands));
	ck_assert_int_ge(pool("default")->processes, 1);
	ck_assert_int_eq(pool("default")->threads, 1);
	ck_assert_str_eq(pool("default")->tasks, "*");
	ck_assert_int_eq(pool("default")->limit_memory, -1);
	ck_assert_int_eq(pool("default")->limit_cpu, -1);
	ck_assert_int_eq(pool("default")->limit_files, -1);
	ck_assert_int_eq(pool("default")->limit_core, 0);
	ck_assert_int_eq(pool("default")->recycle_tasks, 0);
	ck_assert_int_eq(pool("default")->recycle_memory, -1);
	ck_assert_int_eq(pool("default")->nested_processes, 16);
	ck_assert_str_eq(queue("default")->pool, "default");
	ck_assert_int_eq(queue("default")->limit_bytes, 1 << 30);
	ck_assert_int_eq(queue("default")->limit_running, 0);
	ck_assert_int_eq(queue("default")->order, QUEUE_PRIORITY);
	ck_assert_double_eq(queue("default")->rate, 0);
	ck_assert_int_eq(queue("default")->burst, 1);
	ck_assert_int_eq(queue("default")->ageing, 0);
	ck_assert_int_eq(queue("default")->weight, 1);
	ck_assert_ptr_null(STAILQ_FIRST(&config->plugins));
}
END_TEST

START_TEST(no_file_has_shares_and_rights)
{
	config = config_load(NULL, false, &error);
	ck_assert_ptr_nonnull(config);
	ck_assert_ptr_null(config->user);
	ck_assert_int_eq(config->seccomp, 1);
	ck_assert_int_eq(config->core_dumps, 0);
	ck_assert_int_eq(config->user_connections, -1);
	ck_assert_int_eq(config->user_requests, 1048576);
	ck_assert_double_eq(config->user_rate, 0);
	ck_assert_int_eq(config->user_burst, 1000);
	ck_assert_int_eq(config->user_queued, 1000000);
	ck_assert_int_eq(config->user_queued_bytes, 1 << 29);
	ck_assert_int_eq(config->user_running, 0);
	ck_assert_int_eq(config->user_result_bytes, -1);
	ck_assert_int_eq(config->user_descriptors, -1);
	ck_assert_ptr_null(pool("default")->user);
	ck_assert_int_eq(pool("default")->no_new_privs, -1);
	ck_assert_int_eq(pool("default")->seccomp, -1);
	ck_assert_ptr_null(pool("default")->read_paths);
	ck_assert_ptr_null(pool("default")->write_paths);
	ck_assert_int_eq(pool("default")->private_directory, 0);
	ck_assert_int_eq(queue("default")->fair, 0);
	ck_assert_int_eq(queue("default")->as_submitter, 0);
	const struct config_access *access = STAILQ_FIRST(&config->access);
	ck_assert_str_eq(access->name, "default");
	ck_assert_str_eq(access->users, "members");
	ck_assert_int_eq(access->submit, 1);
	ck_assert_str_eq(access->tasks, "*");
	ck_assert_str_eq(access->queues, "*");
	ck_assert_str_eq(access->objects, "*");
	ck_assert_int_eq(access->read, 1);
	ck_assert_int_eq(access->cancel, 1);
	ck_assert_int_eq(access->admin, 0);
	ck_assert_ptr_null(STAILQ_NEXT(access, link));
}
END_TEST

START_TEST(missing_file_is_refused_only_where_it_must_exist)
{
	config = config_load("/nonexistent/taskd.conf", false, &error);
	ck_assert_ptr_nonnull(config);
	ck_assert_ptr_null(config->file);
	ck_assert_ptr_null(config_load("/nonexistent/taskd.conf", true, &error));
	ck_assert_str_eq(error, "/nonexistent/taskd.conf: No such file or directory");
}
END_TEST

START_TEST(unreadable_file_is_refused_always)
{
	ck_assert_ptr_null(config_load("/etc/passwd/taskd.conf", false, &error));
	ck_assert_str_eq(error, "/etc/passwd/taskd.conf: Not a directory");
	free(error);
	ck_assert_ptr_null(config_load("/tmp", false, &error));
	ck_assert_str_eq(error, "/tmp:1: Is a directory");
}
END_TEST

START_TEST(every_type_is_read)
{
	load("\xef\xbb\xbf; a comment\n"
	     "# another\n"
	     "[taskd] ; and one\n"
	     "socket = /run/x y#z.sock # not from here on; nor here\n"
	     "socket_mode=0600\t# octal\n"
	     "  log_level : debug\n"
	     "log_target = journal\r\n"
	     "kill_grace = 1m30s   ; soon\n"
	     "result_bytes = 1.5G\n"
	     "max_requests = 10\n"
	     "\n"
	     "[pool io]\n"
	     "processes = auto\n"
	     "threads = 32\n"
	     "tasks = fetch_* sleep\n"
	     "nice = 5\n"
	     "limit_memory = 2G\n"
	     "limit_cpu = 1h\n"
	     "limit_files = none\n"
	     "limit_core = none\n"
	     "recycle_tasks = none\n"
	     "recycle_memory = 512MiB\n"
	     "[pool cpu-2]\n"
	     "processes = 3\n"
	     "[queue mail]\n"
	     "pool = io\n"
	     "limit_queued = none\n"
	     "limit_bytes = 64K\n"
	     "limit_running = 4\n"
	     "order = lifo\n"
	     "rate = 0.25\n"
	     "burst = 50\n"
	     "ageing = 10s\n"
	     "weight = 9\n"
	     "[semaphore gpu]\n"
	     "slots = 4\n"
	     "[semaphore disk]\n"
	     "[plugin math]\n"
	     "path = /usr/lib/taskd/plugins/math.so");
	ck_assert_str_eq(config->file, file);
	ck_assert_str_eq(config->socket, "/run/x y#z.sock");
	ck_assert_int_eq(config->socket_mode, 0600);
	ck_assert_int_eq(config->log_level, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(config->log_target, LOG_TARGET_JOURNAL);
	ck_assert_int_eq(config->kill_grace, 90 * NS_PER_S);
	ck_assert_int_eq(config->result_bytes, 3LL << 29);
	ck_assert_int_eq(config->max_requests, 10);
	ck_assert_int_ge(pool("io")->processes, 1);
	ck_assert_int_eq(pool("io")->threads, 32);
	ck_assert_str_eq(pool("io")->tasks, "fetch_* sleep");
	ck_assert_int_eq(pool("io")->nice, 5);
	ck_assert_int_eq(pool("io")->limit_memory, 2LL << 30);
	ck_assert_int_eq(pool("io")->limit_cpu, 3600 * NS_PER_S);
	ck_assert_int_eq(pool("io")->limit_files, -1);
	ck_assert_int_eq(pool("io")->limit_core, -1);
	ck_assert_int_eq(pool("io")->recycle_tasks, 0);
	ck_assert_int_eq(pool("io")->recycle_memory, 512 << 20);
	ck_assert_int_eq(pool("cpu-2")->processes, 3);
	ck_assert_ptr_null(config_pool_find(config, "default"));
	ck_assert_str_eq(queue("mail")->pool, "io");
	ck_assert_int_eq(queue("mail")->limit_queued, 0);
	ck_assert_int_eq(queue("mail")->limit_bytes, 65536);
	ck_assert_int_eq(queue("mail")->limit_running, 4);
	ck_assert_int_eq(queue("mail")->order, QUEUE_LIFO);
	ck_assert_double_eq(queue("mail")->rate, 0.25);
	ck_assert_int_eq(queue("mail")->burst, 50);
	ck_assert_int_eq(queue("mail")->ageing, 10 * NS_PER_S);
	ck_assert_int_eq(queue("mail")->weight, 9);
	ck_assert_str_eq(queue("cpu-2")->pool, "cpu-2");
	ck_assert_int_eq(config_semaphore_find(config, "gpu")->slots, 4);
	ck_assert_int_eq(config_semaphore_find(config, "disk")->slots, 1);
	ck_assert_ptr_null(config_semaphore_find(config, "mail"));
	ck_assert_str_eq(STAILQ_FIRST(&config->plugins)->name, "math");
	ck_assert_str_eq(STAILQ_FIRST(&config->plugins)->path, "/usr/lib/taskd/plugins/math.so");
}
END_TEST

START_TEST(empty_sections_count)
{
	load("[pool io]\n[pool cpu]\n[queue io]\n");
	ck_assert_str_eq(queue("io")->pool, "io");
	ck_assert_str_eq(queue("cpu")->pool, "cpu");
	ck_assert_ptr_null(config_pool_find(config, "default"));
}
END_TEST

START_TEST(queue_goes_to_the_default_pool)
{
	load("[queue mail]\nlimit_queued = 5\n");
	ck_assert_str_eq(queue("mail")->pool, "default");
	ck_assert_int_eq(queue("mail")->limit_queued, 5);
}
END_TEST

/* --- rights and shares --- */

START_TEST(shares_are_read)
{
	load("[taskd]\nuser = daemon\nseccomp = no\ncore_dumps = yes\nuser_connections = 0\nuser_requests = 10\n"
	     "user_rate = 0.5\nuser_burst = 3\nuser_queued = 0\nuser_queued_bytes = 64K\nuser_running = 2\n"
	     "user_result_bytes = 1M\nuser_descriptors = 9\n");
	ck_assert_str_eq(config->user, "daemon");
	ck_assert_int_eq(config->seccomp, 0);
	ck_assert_int_eq(config->core_dumps, 1);
	ck_assert_int_eq(config->user_connections, 0);
	ck_assert_int_eq(config->user_requests, 10);
	ck_assert_double_eq(config->user_rate, 0.5);
	ck_assert_int_eq(config->user_burst, 3);
	ck_assert_int_eq(config->user_queued, 0);
	ck_assert_int_eq(config->user_queued_bytes, 65536);
	ck_assert_int_eq(config->user_running, 2);
	ck_assert_int_eq(config->user_result_bytes, 1 << 20);
	ck_assert_int_eq(config->user_descriptors, 9);
	load("[taskd]\nuser_connections = auto\nuser_result_bytes = auto\n");
	ck_assert_int_eq(config->user_connections, -1);
	ck_assert_int_eq(config->user_result_bytes, -1);
}
END_TEST

START_TEST(confinement_is_read)
{
	load("[pool a]\nuser = nobody\nno_new_privs = yes\nseccomp = strict\nread_paths = /usr /etc\nwrite_paths = /tmp\n"
	     "private_directory = yes\n[pool b]\nseccomp = off\nno_new_privs = yes\nuser = 65534\n"
	     "[pool jobs]\ncommands = yes\nseccomp = default\n[queue jobs]\nas_submitter = yes\nfair = yes\n");
	ck_assert_str_eq(pool("a")->user, "nobody");
	ck_assert_int_eq(pool("a")->no_new_privs, 1);
	ck_assert_int_eq(pool("a")->seccomp, 2);
	ck_assert_str_eq(pool("a")->read_paths, "/usr /etc");
	ck_assert_str_eq(pool("a")->write_paths, "/tmp");
	ck_assert_int_eq(pool("a")->private_directory, 1);
	ck_assert_str_eq(pool("b")->user, "65534");
	ck_assert_int_eq(pool("b")->no_new_privs, 1);
	ck_assert_int_eq(pool("b")->seccomp, 0);
	ck_assert_int_eq(pool("jobs")->seccomp, 1);
	ck_assert_int_eq(queue("jobs")->fair, 1);
	ck_assert_int_eq(queue("jobs")->as_submitter, 1);
	ck_assert_int_eq(queue("a")->as_submitter, 0);
}
END_TEST

START_TEST(access_is_read_in_its_order)
{
	load("[access ops]\nusers = @ops alice 1000\nadmin = yes\n"
	     "[access lab]\nusers = *\nsubmit = no\ntasks = sim-* render\nqueues = sims\nobjects = lab-*\nread = all\n"
	     "cancel = none\n[access rest]\n");
	const struct config_access *access = STAILQ_FIRST(&config->access);
	ck_assert_str_eq(access->name, "ops");
	ck_assert_str_eq(access->users, "@ops alice 1000");
	ck_assert_int_eq(access->admin, 1);
	access = STAILQ_NEXT(access, link);
	ck_assert_str_eq(access->name, "lab");
	ck_assert_int_eq(access->submit, 0);
	ck_assert_str_eq(access->tasks, "sim-* render");
	ck_assert_str_eq(access->queues, "sims");
	ck_assert_str_eq(access->objects, "lab-*");
	ck_assert_int_eq(access->read, 2);
	ck_assert_int_eq(access->cancel, 0);
	access = STAILQ_NEXT(access, link);
	ck_assert_str_eq(access->users, "nobody"); /* who is named nowhere has nothing */
	ck_assert_ptr_null(STAILQ_NEXT(access, link)); /* and there is no other default */
}
END_TEST

START_TEST(so_many_access_sections_there_may_be)
{
	char text[8192] = "";
	for (int i = 0; i < CONFIG_ACCESS_LIMIT; i++)
		snprintf(text + strlen(text), 64, "[access a%d]\n", i);
	load(text);
	strcat(text, "[access more]\n");
	write_bytes(text, strlen(text));
	config_free(config);
	config = config_load(file, true, &error);
	ck_assert_ptr_null(config);
	ck_assert_ptr_nonnull(strstr(error, ":65: there are 64 [access] sections at most"));
}
END_TEST

/* --- commands --- */

static const struct config_command *command(const char *name)
{
	const struct config_command *found = config_command_find(config, name);
	ck_assert_msg(found != NULL, "no command %s", name);
	return found;
}

START_TEST(a_command_is_read)
{
	load("[command thumbnail]\n"
	     "argv = /usr/bin/head -n {lines} -- {input} ; to here\n"
	     "parameters = input:path lines:integer=10\n"
	     "summary = The first lines\n"
	     "cwd = /srv\nenv = LANG=C\nstdin_file = /dev/null\numask = 077\nsuccess = 0 1\nnice = -5\ntimeout = 30s\n"
	     "limit_memory = 64M\nlimit_processes = 8\nlimit_cpu = 10s\nlimit_files = 32\nlimit_core = 1M\n"
	     "limit_file_size = 0\ncapture = 4K\n"
	     "[command plain]\nargv = true\n");
	ck_assert_str_eq(command("thumbnail")->argv, "/usr/bin/head -n {lines} -- {input}");
	ck_assert_str_eq(command("thumbnail")->summary, "The first lines");
	ck_assert_str_eq(command("thumbnail")->cwd, "/srv");
	ck_assert_str_eq(command("thumbnail")->umask, "077");
	ck_assert_int_eq(command("thumbnail")->nice, -5);
	ck_assert_int_eq(command("thumbnail")->timeout, 30 * NS_PER_S);
	ck_assert_int_eq(command("thumbnail")->limit_memory, 64 << 20);
	ck_assert_int_eq(command("thumbnail")->limit_processes, 8);
	ck_assert_int_eq(command("thumbnail")->limit_cpu, 10 * NS_PER_S);
	ck_assert_int_eq(command("thumbnail")->limit_files, 32);
	ck_assert_int_eq(command("thumbnail")->limit_core, 1 << 20);
	ck_assert_int_eq(command("thumbnail")->limit_file_size, 0);
	ck_assert_int_eq(command("thumbnail")->capture, 4096);
	ck_assert_str_eq(template_parameters(command("thumbnail")->template), "input: path, lines: integer = 10");
	ck_assert_ptr_null(command("plain")->cwd);
	ck_assert_int_eq(command("plain")->timeout, 0);
	ck_assert_int_eq(command("plain")->limit_memory, -1);
	ck_assert_int_eq(command("plain")->limit_core, 0);
	ck_assert_int_eq(command("plain")->capture, -1);
	ck_assert_str_eq(template_parameters(command("plain")->template), "");
	ck_assert_ptr_null(config_command_find(config, "thumb"));
}
END_TEST

START_TEST(there_is_a_pool_of_each_kind)
{
	load("[pool io]\nthreads = 4\n");
	ck_assert_int_eq(pool("commands")->commands, 1);
	ck_assert_ptr_null(config_pool_find(config, "default"));
	load("[pool jobs]\ncommands = yes\n");
	ck_assert_int_eq(pool("jobs")->commands, 1);
	ck_assert_int_ge(pool("jobs")->processes, 4);
	ck_assert_int_eq(pool("default")->commands, 0);
	ck_assert_ptr_null(config_pool_find(config, "commands"));
	load("[pool commands]\nprocesses = 2\n"); /* its name says what it is */
	ck_assert_int_eq(pool("commands")->commands, 1);
	ck_assert_int_eq(pool("commands")->processes, 2);
	load("[pool commands]\ncommands = no\n[pool jobs]\ncommands = yes\nprocesses = 1\n[queue slow]\npool = jobs\n");
	ck_assert_int_eq(pool("commands")->commands, 0);
	ck_assert_int_eq(pool("jobs")->processes, 1);
	ck_assert_str_eq(queue("slow")->pool, "jobs");
}
END_TEST

START_TEST(where_nobody_runs_commands_there_are_no_processes_for_them)
{
	load("[taskd]\nexec_users = nobody\n");
	ck_assert_ptr_null(config_pool_find(config, "commands"));
	load("[taskd]\nexec_users = nobody\n[command x]\nargv = true\n");
	ck_assert_ptr_nonnull(config_pool_find(config, "commands"));
	load("[taskd]\nexec_users = nobody\n[pool commands]\n");
	ck_assert_ptr_nonnull(config_pool_find(config, "commands"));
	load("[taskd]\nexec_users = alice @staff owner\n");
	ck_assert_str_eq(config->exec_users, "alice @staff owner");
}
END_TEST

/* --- what is wrong --- */

struct wrong {
	const char *text;
	int line;
	const char *reason;
};
static const struct wrong wrongs[] = {
	{ "[taskd]\nsockett = /x\n", 2, "[taskd] has no key sockett; did you mean socket?" },
	{ "[pool a]\n\nthread = 3\n", 3, "[pool] has no key thread; did you mean threads?" },
	{ "[pool a]\nprivate_dir = yes\n", 2, "[pool] has no key private_dir; did you mean private_directory?" },
	{ "[pool a]\nseccomp = strict\n\nno_new_privs = no\n", 4,
		"no_new_privs: it cannot be no where seccomp says something (line 2), since the kernel takes it for that" },
	{ "[pool a]\nno_new_privs = no\nseccomp = default\n", 2,
		"no_new_privs: it cannot be no where seccomp says something (line 3), since the kernel takes it for that" },
	{ "[pool a]\nno_new_privs = no\nread_paths = /usr\n", 2,
		"no_new_privs: it cannot be no where read_paths says something (line 3), since the kernel takes it for that" },
	{ "[pool a]\nno_new_privs = no\nwrite_paths = /usr\n", 2,
		"no_new_privs: it cannot be no where write_paths says something (line 3), since the kernel takes it for that" },
	{ "[taskd]\nthreads = 3\n", 2, "[taskd] has no key threads" },
	{ "[taskd]\nzzzzzzzzzzzzz = 3\n", 2, "[taskd] has no key zzzzzzzzzzzzz" },
	{ "\n[pol x]\n", 2, "there is no section [pol]; did you mean [pool]?" },
	{ "[elephant]\n", 1,
		"there is no section [elephant]; there are [taskd], [pool NAME], [queue NAME], [semaphore NAME], [plugin NAME], "
		"[command NAME] and [access NAME]" },
	{ "[semaphore]\n", 1, "[semaphore] needs a name: [semaphore NAME]" },
	{ "[semaphore gpu]\nslots = 0\n", 2, "slots: 0 is out of bounds: 1 to 2147483647" },
	{ "[]\n", 1, "a section without a name" },
	{ "[taskd x]\n", 1, "[taskd] takes no name" },
	{ "[pool]\n", 1, "[pool] needs a name: [pool NAME]" },
	{ "[pool a b]\n", 1, "the name of a pool has letters, digits, - and _, at most 64 of them" },
	{ "[queue a.b]\n", 1, "the name of a queue has letters, digits, - and _, at most 64 of them" },
	{ "[plugin 12345678901234567890123456789012345678901234567890123456789012345]\n", 1,
		"the name of a plugin has letters, digits, - and _, at most 64 of them" },
	{ "[taskd\nsocket = /x\n", 1, "a section's line ends with ]" },
	{ "[taskd] socket = /x\n", 1, "something stands behind the section's ]" },
	{ "socket = /x\n[taskd]\n", 1, "socket stands before the first section" },
	{ "[taskd]\njust words\n", 2, "neither a [section] nor key = value" },
	{ "[taskd]\njust words\nnonsense = 2\n", 2, "neither a [section] nor key = value" },
	{ "[taskd]\nnonsense = 2\njust words\n", 2, "[taskd] has no key nonsense" },
	{ "[taskd]\n[pool a]\n[taskd]\n", 3, "[taskd] is there already, in line 1" },
	{ "[pool a]\n[pool b]\n[pool a]\n", 3, "[pool a] is there already, in line 1" },
	{ "[taskd]\nlog_level = info\n\nlog_level = info\n", 4, "log_level is there already, in line 2" },
	{ "[taskd]\nlog_level = inf\n", 2,
		"log_level: inf is not one of error, warning, notice, info, debug; did you mean info?" },
	{ "[taskd]\nlog_target = printer\n", 2, "log_target: printer is not one of auto, stderr, journal" },
	{ "[taskd]\nlog_level =\n", 2, "log_level: its value is missing" },
	{ "[taskd]\nsocket = run/x\n", 2, "socket: run/x does not begin with a slash" },
	{ "[taskd]\nsocket_mode = 0888\n", 2, "socket_mode: 0888 is not an octal number such as 0660" },
	{ "[taskd]\nsocket_mode = 1777\n", 2, "socket_mode: 1777 is out of bounds: 0000 to 0777" },
	{ "[taskd]\nmax_connections = many\n", 2, "max_connections: many is not a whole number" },
	{ "[taskd]\nmax_connections = 1.5\n", 2, "max_connections: 1.5 is not a whole number" },
	{ "[taskd]\nmax_connections = 99999999999999999999\n", 2, "max_connections: 99999999999999999999 is not a whole number" },
	{ "[taskd]\nmax_connections = 0\n", 2, "max_connections: 0 is out of bounds: 1 to 1000000" },
	{ "[taskd]\nmax_connections = -1\n", 2, "max_connections: -1 is out of bounds: 1 to 1000000" },
	{ "[taskd]\nkill_grace = soon\n", 2, "kill_grace: soon is not a duration such as 30s, 5m or 250ms" },
	{ "[taskd]\nkill_grace = none\n", 2, "kill_grace: none is not a duration such as 30s, 5m or 250ms" },
	{ "[taskd]\nkill_grace = 2d\n", 2, "kill_grace: 2d is out of bounds: 0s to 1d" },
	{ "[taskd]\nframe_limit = 3X\n", 2, "frame_limit: 3X is not a size such as 64M or 4096" },
	{ "[taskd]\npayload_limit = 2G\n", 2, "payload_limit: 2G is out of bounds: 1K to 1G" },
	{ "[pool a]\nprocesses = some\n", 2, "processes: some is not a whole number or auto" },
	{ "[pool a]\nprocesses = 0\n", 2, "processes: 0 is out of bounds: 1 to 1024" },
	{ "[pool a]\nlimit_cpu = 1500ms\n", 2, "limit_cpu: 1500ms is not a multiple of 1s" },
	{ "[pool a]\nlimit_files = 3\n", 2, "limit_files: 3 is out of bounds: 16 to 1073741824, or none" },
	{ "[pool a]\nlimit_memory = lots\n", 2, "limit_memory: lots is not a size such as 64M or 4096, or none" },
	{ "[queue a]\norder = filo\n", 2, "order: filo is not one of priority, fifo, lifo; did you mean fifo?" },
	{ "[queue a]\nrate = fast\n", 2, "rate: fast is not a number such as 10 or 0.5, or none" },
	{ "[queue a]\nrate = 1.5.2\n", 2, "rate: 1.5.2 is not a number such as 10 or 0.5, or none" },
	{ "[queue a]\nrate = .\n", 2, "rate: . is not a number such as 10 or 0.5, or none" },
	{ "[queue a]\nrate = -1\n", 2, "rate: -1 is not a number such as 10 or 0.5, or none" },
	{ "[queue a]\nrate = nan\n", 2, "rate: nan is not a number such as 10 or 0.5, or none" },
	{ "[queue a]\nrate = 0x10\n", 2, "rate: 0x10 is not a number such as 10 or 0.5, or none" },
	{ "[queue a]\nrate = 1000000.5\n", 2, "rate: 1000000.5 is out of bounds: 0 to 1000000, or none" },
	{ "[queue a]\nburst = none\n", 2, "burst: none is not a whole number" },
	{ "[queue a]\nweight = 0\n", 2, "weight: 0 is out of bounds: 1 to 1000" },
	{ "[queue a]\nageing = 0\n", 2, "ageing: 0 is out of bounds: 1ms to 365d, or none" },
	{ "[pool a]\nnested_processes = none\n", 2, "nested_processes: none is not a whole number" },
	{ "[taskd]\ncrash_limit = 101\n", 2, "crash_limit: 101 is out of bounds: 0 to 100" },
	{ "[pool fast]\n[queue mail]\nlimit_queued = 1\npool = fats\n", 4, "queue mail: there is no pool fats; did you mean fast?" },
	{ "[pool fast]\n[queue mail]\n", 2, "queue mail: there is no pool default" },
	{ "[pool a]\n[pool b]\n[queue a]\npool = b\n", 4, "queue a belongs to the pool of its name" },
	{ "[pool a]\ncommands = maybe\n", 2, "commands: maybe is not one of no, yes" },
	{ "[pool a]\ncommands = yes\nthreads = 2\n", 3,
		"a process of a pool of commands runs one at a time: threads is 1, processes says how many" },
	{ "[pool commands]\nthreads = 2\n", 2,
		"a process of a pool of commands runs one at a time: threads is 1, processes says how many" },
	{ "[pool default]\ncommands = yes\n", 2, "[pool default] cannot be the only pool, where it runs nothing but commands" },
	{ "[pool commands]\n\ncommands = no\n", 3, "[pool commands] cannot be the only pool, where it runs no commands" },
	{ "[pool a]\ncapture_limit = 1G\n", 2, "capture_limit: 1G is out of bounds: 0 to 256M" },
	{ "[taskd]\nexec_users = alice nobody\n", 2, "exec_users: nobody stands alone" },
	{ "[taskd]\nexec_users = alice, bob\n", 2, "exec_users: alice, is no user or @group" },
	{ "[taskd]\nexec_users = @\n", 2, "exec_users: @ is no user or @group" },
	{ "[taskd]\ncommand_log_dir = log\n", 2, "command_log_dir: log does not begin with a slash" },
	{ "[acces x]\n", 1, "there is no section [acces]; did you mean [access]?" },
	{ "[access]\n", 1, "[access] needs a name: [access NAME]" },
	{ "[access a.b]\n", 1, "the name of an access has letters, digits, - and _, at most 64 of them" },
	{ "[access x]\nuser = a\n", 2, "[access] has no key user; did you mean users?" },
	{ "[access x]\nusers = a, b\n", 2, "users: a, is no user or @group" },
	{ "[access x]\nusers = nobody members\n", 2, "users: nobody stands alone" },
	{ "[access x]\nread = al\n", 2, "read: al is not one of none, own, all; did you mean all?" },
	{ "[access x]\nadmin = maybe\n", 2, "admin: maybe is not one of no, yes" },
	{ "[taskd]\nuser = a b\n", 2, "user: a b is no user's name or number" },
	{ "[taskd]\nuser_connections = none\n", 2, "user_connections: none is not a whole number, or auto" },
	{ "[taskd]\nuser_rate = fast\n", 2, "user_rate: fast is not a number such as 10 or 0.5" },
	{ "[taskd]\nuser_burst = 0\n", 2, "user_burst: 0 is out of bounds: 1 to 1000000000" },
	{ "[taskd]\nuser_descriptors = none\n", 2, "user_descriptors: none is not a whole number, or auto" },
	{ "[taskd]\nuser_result_bytes = -1\n", 2, "user_result_bytes: -1 is not a size such as 64M or 4096, or auto" },
	{ "[taskd]\nseccomp = auto\n", 2, "seccomp: auto is not one of no, yes" },
	{ "[pool a]\nseccomp = yes\n", 2, "seccomp: yes is not one of auto, off, default, strict" },
	{ "[pool a]\ncommands = yes\nseccomp = strict\n", 3,
		"seccomp: strict is not for a pool of commands: they could not even be started" },
	{ "[pool commands]\nseccomp = strict\n", 2,
		"seccomp: strict is not for a pool of commands: they could not even be started" },
	{ "[pool a]\nuser = @staff\n", 2, "user: @staff is no user's name or number" },
	{ "[pool a]\nread_paths = /usr lib\n", 2, "read_paths: lib does not begin with a slash" },
	{ "[pool a]\nwrite_paths = ./x\n", 2, "write_paths: ./x does not begin with a slash" },
	{ "[pool a]\n[queue a]\nas_submitter = yes\n", 3, "as_submitter is for queues of commands: pool a runs none" },
	{ "[queue a]\n\nas_submitter = yes\n", 3, "as_submitter is for queues of commands: pool default runs none" },
	{ "[command]\n", 1, "[command] needs a name: [command NAME]" },
	{ "[comand x]\n", 1, "there is no section [comand]; did you mean [command]?" },
	{ "[command a/b]\n", 1, "the name of a command has letters, digits, - and _, at most 64 of them" },
	{ "\n[command exec]\nargv = true\n", 2, "exec is the task that runs any command: [command exec] needs another name" },
	{ "\n[command x]\n", 2, "[command x] has no argv" },
	{ "[command x]\nargc = true\n", 2, "[command] has no key argc; did you mean argv?" },
	{ "[command x]\nsummary = x\nargv = head {imput}\nparameters = input\n", 3,
		"argv: {imput} is no parameter; did you mean {input}?" },
	{ "[command x]\nargv = head {input}\n\nparameters = input:paht\n", 4,
		"parameters: input: paht is no type; did you mean path?" },
	{ "[command x]\nargv = true\numask = 8\n", 3, "umask: 8 is not an octal number such as 022" },
	{ "[command x]\nargv = true\nsuccess = 0 256\n", 3, "success: 256 is not an exit status from 0 to 255" },
	{ "[command x]\nargv = true\ncapture = lots\n", 3, "capture: lots is not a size such as 64M or 4096, or pool" },
	{ "[command x]\nargv = true\ncapture = 1G\n", 3, "capture: 1G is out of bounds: 0 to 256M, or pool" },
	{ "[command x]\nargv = true\ncwd = tmp\n", 3, "cwd: tmp does not begin with a slash" },
	{ "[command x]\nargv = true\nnice = -21\n", 3, "nice: -21 is out of bounds: -20 to 19" },
	{ "\n[plugin math]\n", 2, "[plugin math] has no path" },
	{ "[plugin math]\npath = math.so\n", 2, "path: math.so does not begin with a slash" },
};

static void refuse(int line, const char *reason)
{
	config = config_load(file, true, &error);
	ck_assert_msg(config == NULL, "\"%s\" was accepted", reason);
	char wanted[512];
	snprintf(wanted, sizeof(wanted), "%s:%d: %s", file, line, reason);
	ck_assert_str_eq(error, wanted);
}

START_TEST(mistake_is_told_with_its_line)
{
	const struct wrong *wrong = &wrongs[_i];
	write_bytes(wrong->text, strlen(wrong->text));
	refuse(wrong->line, wrong->reason);
}
END_TEST

START_TEST(where_something_stands_is_known_afterwards)
{
	const struct { const void *section; const char *key; int line; } *place, places[] = {
		{ NULL, "user", 2 }, { NULL, "exec_users", 1 }, { "a", "user", 6 }, { "a", "nice", 5 }, { "b", "user", 8 },
		{ "commands", "user", 0 },
	};
	load("[taskd]\nuser = root\n\n#\n[pool a]\nuser = nobody\n\n[pool b]\n");
	for (place = places; place < places + COUNT(places); place++) {
		const void *section = place->section ? (const void *)pool(place->section) : config;
		char *wanted = place->line ? xasprintf("%s:%d: ", config->file, place->line) : xstrdup("");
		char *where = config_where(config, section, place->key);
		ck_assert_str_eq(where, wanted);
		free(where);
		free(wanted);
	}
}
END_TEST

START_TEST(nul_byte_is_refused)
{
	static const char text[] = "[taskd]\nlog_level = info\0debug\n";
	write_bytes(text, sizeof(text) - 1);
	refuse(2, "a NUL byte");
}
END_TEST

START_TEST(long_line_is_read_whole_or_refused)
{
	char tasks[4000] = "";
	while (strlen(tasks) < 3900)
		strcat(tasks, "a_name_of_a_task* ");
	tasks[strlen(tasks) - 1] = '\0';
	char text[40000];
	snprintf(text, sizeof(text), "[pool a]\ntasks = %s\n", tasks);
	load(text);
	ck_assert_str_eq(pool("a")->tasks, tasks);
	config_free(config);
	strcpy(text, "[taskd]\nsocket = /");
	memset(text + strlen(text), 'x', 30000);
	write_bytes(text, 30000);
	config = config_load(file, true, &error);
	ck_assert_ptr_null(config);
	ck_assert_ptr_nonnull(strstr(error, ":2: the line has more than 4094 bytes"));
}
END_TEST

START_TEST(none_and_zero_are_no_limit)
{
	load("[queue a]\nrate = none\nlimit_running = none\nageing = none\n[queue b]\nrate = 0\nlimit_running = 0\n");
	ck_assert_double_eq(queue("a")->rate, 0);
	ck_assert_int_eq(queue("a")->limit_running, 0);
	ck_assert_int_eq(queue("a")->ageing, 0);
	ck_assert_double_eq(queue("b")->rate, 0);
	ck_assert_int_eq(queue("b")->limit_running, 0);
}
END_TEST

/* --- the table --- */

START_TEST(table_is_in_order)
{
	static const char *const sections[] = { "taskd", "pool", "queue", "semaphore", "plugin", "command", "access" };
	size_t section = 0;
	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		if (strcmp(key->section, sections[section]) != 0)
			section++;
		ck_assert_uint_lt(section, COUNT(sections));
		ck_assert_str_eq(key->section, sections[section]);
		ck_assert_ptr_nonnull(key->summary);
		ck_assert(key->type == CONFIG_STRING || key->initial);
		ck_assert((key->type == CONFIG_ENUM) == (key->words != NULL));
		for (size_t k = 0; k < i; k++)
			ck_assert(strcmp(config_keys[k].section, key->section) != 0 || strcmp(config_keys[k].name, key->name) != 0);
	}
	ck_assert_uint_eq(section, COUNT(sections) - 1);
}
END_TEST

/* --- comparing --- */

static char told[1024];

static void on_change(void *user, const struct config_key *key, const char *section_name)
{
	size_t length = strlen(told);
	snprintf(told + length, sizeof(told) - length, "[%s%s%s] %s%s\n", key->section, section_name ? " " : "",
		section_name ? section_name : "", key->name, key->reloadable ? "" : " (restart)");
	ck_assert_ptr_eq(user, told);
}

static void compare(const char *from, const char *to)
{
	load(from);
	struct config *before = config;
	config = NULL;
	load(to);
	told[0] = '\0';
	config_compare(before, config, on_change, told);
	config_free(before);
}

START_TEST(same_files_do_not_differ)
{
	compare("[taskd]\nsocket=/a\n[pool a]\n[plugin x]\npath=/x\n", "[plugin x]\npath = /x\n[pool a]\n[taskd]\nsocket = /a\n");
	ck_assert_str_eq(told, "");
	compare("", "[taskd]\nkill_grace = 5s\n[pool default]\n");
	ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(each_difference_is_told_once)
{
	compare("[taskd]\nsocket = /a\nkill_grace = 1s\n[pool a]\nthreads = 2\n[queue q]\npool = a\n[plugin x]\npath = /x\n",
		"[taskd]\nkill_grace = 2s\n[pool a]\nthreads = 3\nnice = 1\n[pool b]\n[queue q]\npool = b\n[plugin x]\npath = /y\n");
	ck_assert_str_eq(told, "[taskd] socket (restart)\n[taskd] kill_grace\n[pool a] threads\n[pool a] nice\n[pool b] (new)\n"
			       "[queue q] pool (restart)\n[queue b] (new)\n[plugin x] path\n");
}
END_TEST

START_TEST(decimals_are_compared)
{
	compare("[queue q]\nrate = 0.5\n", "[queue q]\nrate = 0.50\n");
	ck_assert_str_eq(told, "");
	compare("[queue q]\nrate = 0.5\n", "[queue q]\nrate = 0.25\n");
	ck_assert_str_eq(told, "[queue q] rate\n");
}
END_TEST

START_TEST(removed_sections_are_told)
{
	compare("[pool a]\n[pool b]\n[plugin x]\npath = /x\n", "[pool a]\n");
	ck_assert_str_eq(told, "[pool b] (removed) (restart)\n[queue b] (removed) (restart)\n[plugin x] (removed)\n");
}
END_TEST

START_TEST(semaphores_are_compared)
{
	compare("[semaphore a]\n[semaphore b]\nslots = 2\n[semaphore c]\n", "[semaphore d]\n[semaphore b]\nslots = 3\n[semaphore a]\nslots = 1\n");
	ck_assert_str_eq(told, "[semaphore d] (new)\n[semaphore b] slots\n[semaphore c] (removed)\n");
}
END_TEST

START_TEST(rights_and_shares_are_compared)
{
	compare("", "[access default]\nusers = members\n");
	ck_assert_str_eq(told, "");
	compare("[access a]\n[access b]\nread = all\n[access c]\n", "[access d]\n[access b]\nread = own\ntasks = x\n[access a]\n");
	ck_assert_str_eq(told, "[access d] (new)\n[access b] tasks\n[access b] read\n[access c] (removed)\n");
	compare("[pool a]\n", "[taskd]\nuser = daemon\nuser_rate = 5\ncore_dumps = yes\nseccomp = no\n"
			       "[pool a]\nuser = nobody\nseccomp = off\n[queue a]\nfair = yes\n");
	ck_assert_str_eq(told, "[taskd] user_rate\n[taskd] user (restart)\n[taskd] seccomp (restart)\n"
			       "[taskd] core_dumps (restart)\n[pool a] user\n[pool a] seccomp\n[queue a] fair\n");
}
END_TEST

START_TEST(commands_are_compared)
{
	compare("[command a]\nargv = true\n[command b]\nargv = true\n[command c]\nargv = true\n",
		"[command d]\nargv = true\n[command c]\nargv = true\n[command b]\nargv = false\ntimeout = 5s\n");
	ck_assert_str_eq(told, "[command d] (new)\n[command b] argv\n[command b] timeout\n[command a] (removed)\n");
	compare("[command a]\nargv = true\n", "[command a]\nargv = true\nlimit_cpu = none\ncapture = pool\n");
	ck_assert_str_eq(told, "");
	compare("[pool a]\n[pool b]\n", "[taskd]\nexec_users = *\n[pool a]\n[pool b]\ncommands = yes\ncapture_limit = 2M\n");
	ck_assert_ptr_nonnull(strstr(told, "[taskd] exec_users\n"));
	ck_assert_ptr_nonnull(strstr(told, "[pool b] commands (restart)\n[pool b] capture_limit\n"));
	ck_assert_ptr_nonnull(strstr(told, "[pool commands] (removed) (restart)\n"));
}
END_TEST

/* The example as it is, with its keys, and with its samples too. */
START_TEST(example_says_the_defaults)
{
	const char *top = getenv("top_srcdir");
	char *path = xasprintf("%s/systemd/taskd.conf.example", top ? top : ".");
	FILE *stream = fopen(path, "r");
	ck_assert_msg(stream != NULL, "%s", path);
	static char text[16384], keys[16384], samples[16384];
	text[fread(text, 1, sizeof(text) - 1, stream)] = '\0';
	fclose(stream);
	free(path);
	char *rest;
	size_t found = 0;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		bool key = line[0] == '#' && line[1] != ' ';
		bool sample = strncmp(line, "# [", 3) == 0 || (strncmp(line, "# ", 2) == 0 && strstr(line, " = "));
		bool own = (strncmp(line, "#socket", 7) == 0 && strncmp(line, "#socket_mode", 12) != 0) ||
			strncmp(line, "#command_log_dir", 16) == 0 ||
			strncmp(line, "#state_directory", 16) == 0 || strncmp(line, "#user =", 7) == 0 ||
			strncmp(line, "#read_paths", 11) == 0 || strncmp(line, "#write_paths", 12) == 0; /* not a default */
		found += key;
		strcat(keys, own ? "" : line + key);
		strcat(keys, "\n");
		strcat(samples, line + (sample ? 2 : key));
		strcat(samples, "\n");
	}
	size_t wanted = 0;
	for (size_t i = 0; i < config_n_keys; i++)
		wanted += strcmp(config_keys[i].section, "taskd") == 0 || strcmp(config_keys[i].section, "pool") == 0 ||
			strcmp(config_keys[i].section, "queue") == 0;
	ck_assert_uint_eq(found, wanted - 1); /* without a queue's pool */
	compare("", keys);
	ck_assert_str_eq(told, "");
	load(samples);
	ck_assert_int_eq(pool("io")->threads, 32);
	ck_assert_str_eq(template_parameters(command("thumbnail")->template), "input: path, lines: integer = 10");
	ck_assert_int_eq(queue("sims")->fair, 1);
}
END_TEST

/* The examples of taskd.conf(5), each as a file. */
START_TEST(the_manuals_examples_are_right)
{
	const char *top = getenv("top_srcdir");
	char *path = xasprintf("%s/daemon/config/taskd.conf.5.scd", top ? top : ".");
	FILE *stream = fopen(path, "r");
	ck_assert_msg(stream != NULL, "%s", path);
	static char text[65536];
	text[fread(text, 1, sizeof(text) - 1, stream)] = '\0';
	fclose(stream);
	free(path);
	size_t n = 0;
	for (char *begin = strstr(text, "\n```\n"), *end; begin; begin = strstr(end + 4, "\n```\n")) {
		end = strstr(begin + 5, "\n```\n");
		ck_assert_ptr_nonnull(end);
		end[1] = '\0';
		load(begin + 5);
		end[1] = '`';
		n++;
		if (config_command_find(config, "checksum"))
			ck_assert_str_eq(template_parameters(command("checksum")->template),
				"algorithm: sha256|sha512|md5, files: path...");
	}
	ck_assert_uint_ge(n, 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, no_file_is_all_defaults);
	tcase_add_test(tcase, missing_file_is_refused_only_where_it_must_exist);
	tcase_add_test(tcase, unreadable_file_is_refused_always);
	tcase_add_test(tcase, every_type_is_read);
	tcase_add_test(tcase, empty_sections_count);
	tcase_add_test(tcase, queue_goes_to_the_default_pool);
	tcase_add_test(tcase, a_command_is_read);
	tcase_add_test(tcase, there_is_a_pool_of_each_kind);
	tcase_add_test(tcase, where_nobody_runs_commands_there_are_no_processes_for_them);
	tcase_add_test(tcase, commands_are_compared);
	tcase_add_test(tcase, no_file_has_shares_and_rights);
	tcase_add_test(tcase, shares_are_read);
	tcase_add_test(tcase, confinement_is_read);
	tcase_add_test(tcase, access_is_read_in_its_order);
	tcase_add_test(tcase, so_many_access_sections_there_may_be);
	tcase_add_test(tcase, rights_and_shares_are_compared);
	tcase_add_loop_test(tcase, mistake_is_told_with_its_line, 0, sizeof(wrongs) / sizeof(wrongs[0]));
	tcase_add_test(tcase, where_something_stands_is_known_afterwards);
	tcase_add_test(tcase, nul_byte_is_refused);
	tcase_add_test(tcase, long_line_is_read_whole_or_refused);
	tcase_add_test(tcase, none_and_zero_are_no_limit);
	tcase_add_test(tcase, table_is_in_order);
	tcase_add_test(tcase, same_files_do_not_differ);
	tcase_add_test(tcase, each_difference_is_told_once);
	tcase_add_test(tcase, decimals_are_compared);
	tcase_add_test(tcase, removed_sections_are_told);
	tcase_add_test(tcase, semaphores_are_compared);
	tcase_add_test(tcase, example_says_the_defaults);
	tcase_add_test(tcase, the_manuals_examples_are_right);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
