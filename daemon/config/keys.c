/* The table of keys: what each is called, what it takes, what it is where nothing is said, and whether a running daemon
 * can change it. taskd.conf(5) tells the same; a lint compares the two. */
#include "config/config.h"

#include "base/clock.h"
#include "base/log.h"

#define KIB (INT64_C(1) << 10)
#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)
#define TIB (INT64_C(1) << 40)
#define DAY (24 * 3600 * NS_PER_S)

#define TASKD(member) .section = "taskd", .name = #member, .offset = offsetof(struct config, member)
#define POOL(member) .section = "pool", .name = #member, .offset = offsetof(struct config_pool, member)
#define QUEUE(member) .section = "queue", .name = #member, .offset = offsetof(struct config_queue, member)
#define SEMAPHORE(member) .section = "semaphore", .name = #member, .offset = offsetof(struct config_semaphore, member)
#define COMMAND(member) .section = "command", .name = #member, .offset = offsetof(struct config_command, member)
#define PLUGIN(member) .section = "plugin", .name = #member, .offset = offsetof(struct config_plugin, member)
#define ACCESS(member) .section = "access", .name = #member, .offset = offsetof(struct config_access, member)

static const char *const target_words[] = { "auto", "stderr", "journal", NULL };
static const int64_t target_values[] = { -1, LOG_TARGET_STDERR, LOG_TARGET_JOURNAL };
static const char *const level_words[] = { "error", "warning", "notice", "info", "debug", NULL };
static const char *const order_words[] = { "priority", "fifo", "lifo", NULL };
static const char *const damaged_words[] = { "refuse", "aside", NULL };
static const char *const stop_words[] = { "finish", "interrupt", NULL };
static const char *const auto_words[] = { "no", "yes", "auto", NULL };
static const int64_t auto_values[] = { 0, 1, -1 };
static const char *const bool_words[] = { "no", "yes", NULL };
static const char *const calls_words[] = { "auto", "off", "default", "strict", NULL };
static const int64_t calls_values[] = { -1, 0, 1, 2 };
static const char *const scope_words[] = { "none", "own", "all", NULL };
static const int64_t level_values[] = {
	LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG,
};

const struct config_key config_keys[] = {
	/* [taskd] */
	{ TASKD(socket), .type = CONFIG_STRING, .absolute = true, .summary = "where clients connect" },
	{ TASKD(socket_mode), .type = CONFIG_OCTAL, .initial = "0660", .min = 0, .max = 0777,
		.summary = "the socket's file mode: who may connect" },
	{ TASKD(socket_group), .type = CONFIG_STRING, .summary = "the socket's group" },
	{ TASKD(max_connections), .type = CONFIG_INT, .initial = "4096", .reloadable = true, .min = 1, .max = 1000000,
		.summary = "clients at once" },
	{ TASKD(max_requests), .type = CONFIG_INT, .initial = "1048576", .reloadable = true, .min = 1, .max = INT64_C(1) << 30,
		.summary = "requests outstanding on one connection" },
	{ TASKD(frame_limit), .type = CONFIG_SIZE, .initial = "80M", .reloadable = true, .min = 1 * KIB, .max = 2 * GIB - 1,
		.summary = "the largest message from a client" },
	{ TASKD(payload_limit), .type = CONFIG_SIZE, .initial = "64M", .reloadable = true, .min = 1 * KIB, .max = 1 * GIB,
		.summary = "the largest arguments, and the largest result, of a task" },
	{ TASKD(output_limit), .type = CONFIG_SIZE, .initial = "256M", .reloadable = true, .min = 4 * KIB, .max = 1 * TIB,
		.summary = "what may wait for a client that does not read" },
	{ TASKD(send_timeout), .type = CONFIG_DURATION, .initial = "60s", .reloadable = true, .min = NS_PER_MS, .max = 365 * DAY,
		.summary = "how long a client may not read while something waits for it" },
	{ TASKD(result_ttl), .type = CONFIG_DURATION, .initial = "1h", .reloadable = true, .min = 0, .max = 3650 * DAY,
		.summary = "how long results are kept" },
	{ TASKD(failure_ttl), .type = CONFIG_DURATION, .initial = "24h", .reloadable = true, .min = 0, .max = 3650 * DAY,
		.summary = "how long failures are kept" },
	{ TASKD(result_bytes), .type = CONFIG_SIZE, .initial = "64M", .reloadable = true, .min = 0, .max = 1 * TIB,
		.summary = "how many bytes of results are kept" },
	{ TASKD(result_count), .type = CONFIG_INT, .initial = "100000", .reloadable = true, .min = 0, .max = 1000000000,
		.summary = "how many ended tasks are kept" },
	{ TASKD(kill_grace), .type = CONFIG_DURATION, .initial = "5s", .reloadable = true, .min = 0, .max = DAY,
		.summary = "time between a cancel and the kill" },
	{ TASKD(crash_limit), .type = CONFIG_INT, .initial = "3", .reloadable = true, .min = 0, .max = 100,
		.summary = "workers that a task may kill and still be tried again; 0: no limit" },
	{ TASKD(drain_timeout), .type = CONFIG_DURATION, .initial = "30s", .reloadable = true, .min = 0, .max = 30 * DAY,
		.summary = "how long a stop waits for what runs" },
	{ TASKD(start_timeout), .type = CONFIG_DURATION, .initial = "60s", .reloadable = true, .min = NS_PER_MS, .max = DAY,
		.summary = "how long a worker may take until it is ready" },
	{ TASKD(object_limit), .type = CONFIG_INT, .initial = "10000", .reloadable = true, .min = 0, .max = 1000000000,
		.summary = "locks, semaphores, … and message queues of each user; 0: no limit" },
	{ TASKD(waiter_limit), .type = CONFIG_INT, .initial = "100000", .reloadable = true, .min = 0, .max = 1000000000,
		.summary = "requests of each user that wait for one of them; 0: no limit" },
	{ TASKD(mq_bytes_limit), .type = CONFIG_SIZE, .initial = "256M", .reloadable = true, .min = 0, .max = 1024 * TIB,
		.summary = "bytes of each user's messages in message queues; 0: no limit" },
	{ TASKD(user_connections), .type = CONFIG_INT, .initial = "auto", .reloadable = true, .min = 0, .max = 1000000,
		.takes_none = true, .none = -1, .none_word = "auto", .summary = "connections of each user; 0: no limit" },
	{ TASKD(user_requests), .type = CONFIG_INT, .initial = "1048576", .reloadable = true, .min = 0, .max = INT64_C(1) << 40,
		.summary = "outstanding requests of each user; 0: no limit" },
	{ TASKD(user_rate), .type = CONFIG_DECIMAL, .initial = "0", .reloadable = true, .min = 0, .max = 1000000000,
		.summary = "requests of each user in a second; 0: no limit" },
	{ TASKD(user_burst), .type = CONFIG_INT, .initial = "1000", .reloadable = true, .min = 1, .max = 1000000000,
		.summary = "requests of a user that may come at once where the rate allowed more before" },
	{ TASKD(user_queued), .type = CONFIG_INT, .initial = "1000000", .reloadable = true, .min = 0, .max = INT64_C(1) << 40,
		.summary = "tasks of each user that have not started; 0: no limit" },
	{ TASKD(user_queued_bytes), .type = CONFIG_SIZE, .initial = "512M", .reloadable = true, .min = 0, .max = 1024 * TIB,
		.summary = "bytes of their arguments; 0: no limit" },
	{ TASKD(user_running), .type = CONFIG_INT, .initial = "0", .reloadable = true, .min = 0, .max = 1 << 30,
		.summary = "tasks of each user that run at once; 0: no limit" },
	{ TASKD(user_result_bytes), .type = CONFIG_SIZE, .initial = "auto", .reloadable = true, .min = 0, .max = 1024 * TIB,
		.takes_none = true, .none = -1, .none_word = "auto",
		.summary = "bytes of results that are kept of each user; 0: no limit" },
	{ TASKD(user_descriptors), .type = CONFIG_INT, .initial = "auto", .reloadable = true, .min = 0, .max = 1000000,
		.takes_none = true, .none = -1, .none_word = "auto",
		.summary = "descriptors that commands of each user have been sent; 0: no limit" },
	{ TASKD(user), .type = CONFIG_STRING, .summary = "what the daemon runs as, where root starts it" },
	{ TASKD(seccomp), .type = CONFIG_ENUM, .initial = "yes", .words = bool_words,
		.summary = "whether the daemon gives up the system calls that it does not need" },
	{ TASKD(core_dumps), .type = CONFIG_ENUM, .initial = "no", .words = bool_words,
		.summary = "whether the daemon leaves a core file when it crashes" },
	{ TASKD(exec_users), .type = CONFIG_STRING, .initial = "owner", .reloadable = true,
		.summary = "who may run any command" },
	{ TASKD(command_log_dir), .type = CONFIG_STRING, .reloadable = true, .absolute = true,
		.summary = "where all output of commands is kept, too" },
	{ TASKD(command_log_ttl), .type = CONFIG_DURATION, .initial = "7d", .reloadable = true, .min = 0, .max = 3650 * DAY,
		.summary = "how long it is kept there; 0: for ever" },
	{ TASKD(command_log_bytes), .type = CONFIG_SIZE, .initial = "1G", .reloadable = true, .min = 0, .max = 1024 * TIB,
		.summary = "how much of it is kept there; 0: no limit" },
	{ TASKD(state_directory), .type = CONFIG_STRING, .absolute = true, .summary = "where durable tasks are kept" },
	{ TASKD(store_damaged), .type = CONFIG_ENUM, .initial = "refuse", .words = damaged_words,
		.summary = "what to do about a damaged file there" },
	{ TASKD(store_backlog), .type = CONFIG_SIZE, .initial = "256M", .reloadable = true, .min = 1 * MIB, .max = 1 * TIB,
		.summary = "what may wait to be written there" },
	{ TASKD(history_ttl), .type = CONFIG_DURATION, .initial = "7d", .reloadable = true, .min = 0, .max = 3650 * DAY,
		.summary = "how long ended durable tasks are kept there; 0: for ever" },
	{ TASKD(history_count), .type = CONFIG_INT, .initial = "1000000", .reloadable = true, .min = 0, .max = 1000000000,
		.summary = "how many of them; 0: no limit" },
	{ TASKD(on_stop), .type = CONFIG_ENUM, .initial = "finish", .reloadable = true, .words = stop_words,
		.summary = "what becomes of durable tasks that run when the daemon is stopped" },
	{ TASKD(log_target), .type = CONFIG_ENUM, .initial = "auto", .words = target_words, .values = target_values,
		.summary = "where the log goes" },
	{ TASKD(log_level), .type = CONFIG_ENUM, .initial = "info", .reloadable = true, .words = level_words,
		.values = level_values, .summary = "the least urgent messages that are logged" },

	/* [pool NAME] */
	{ POOL(processes), .type = CONFIG_PROCESSES, .initial = "auto", .reloadable = true, .min = 1,
		.max = CONFIG_PROCESSES_LIMIT,
		.summary = "worker processes; auto: as many as there are CPUs, but 4 at least for commands" },
	{ POOL(threads), .type = CONFIG_INT, .initial = "1", .reloadable = true, .min = 1, .max = 256,
		.summary = "tasks that one process runs at once" },
	{ POOL(tasks), .type = CONFIG_STRING, .initial = "*", .reloadable = true,
		.summary = "names and patterns of the tasks that it serves" },
	{ POOL(nice), .type = CONFIG_INT, .initial = "0", .reloadable = true, .min = 0, .max = 19,
		.summary = "how much its workers stand back from other processes" },
	{ POOL(limit_memory), .type = CONFIG_SIZE, .initial = "none", .reloadable = true, .min = 16 * MIB, .max = 1024 * TIB,
		.takes_none = true, .none = -1, .summary = "address space of a worker" },
	{ POOL(limit_cpu), .type = CONFIG_DURATION, .initial = "none", .reloadable = true, .min = NS_PER_S, .max = 3650 * DAY,
		.step = NS_PER_S, .takes_none = true, .none = -1, .summary = "CPU time of a worker" },
	{ POOL(limit_files), .type = CONFIG_INT, .initial = "none", .reloadable = true, .min = 16, .max = 1 << 30,
		.takes_none = true, .none = -1, .summary = "open files of a worker" },
	{ POOL(limit_core), .type = CONFIG_SIZE, .initial = "0", .reloadable = true, .min = 0, .max = 1024 * TIB,
		.takes_none = true, .none = -1, .summary = "size of a worker's core file" },
	{ POOL(recycle_tasks), .type = CONFIG_INT, .initial = "none", .reloadable = true, .min = 1, .max = INT64_C(1) << 40,
		.takes_none = true, .none = 0, .summary = "tasks after which a worker is replaced" },
	{ POOL(recycle_memory), .type = CONFIG_SIZE, .initial = "none", .reloadable = true, .min = 1 * MIB, .max = 1024 * TIB,
		.takes_none = true, .none = -1, .summary = "resident size above which a worker is replaced" },
	{ POOL(nested_processes), .type = CONFIG_INT, .initial = "16", .reloadable = true, .min = 0,
		.max = CONFIG_PROCESSES_LIMIT, .summary = "processes beyond its number while all its tasks wait for tasks" },
	{ POOL(commands), .type = CONFIG_ENUM, .initial = "no", .words = bool_words,
		.summary = "whether it runs commands, and nothing else" },
	{ POOL(capture_limit), .type = CONFIG_SIZE, .initial = "1M", .reloadable = true, .min = 0, .max = 256 * MIB,
		.summary = "what the result of a command keeps of each of its outputs" },
	{ POOL(user), .type = CONFIG_STRING, .reloadable = true, .summary = "what its workers run as" },
	{ POOL(no_new_privs), .type = CONFIG_ENUM, .initial = "auto", .reloadable = true, .words = auto_words,
		.values = auto_values, .summary = "whether nothing that they execute can gain privileges" },
	{ POOL(seccomp), .type = CONFIG_ENUM, .initial = "auto", .reloadable = true, .words = calls_words,
		.values = calls_values, .summary = "which system calls they may make" },
	{ POOL(read_paths), .type = CONFIG_STRING, .reloadable = true, .summary = "all that they may read and execute" },
	{ POOL(write_paths), .type = CONFIG_STRING, .reloadable = true, .summary = "all that they may write" },
	{ POOL(private_directory), .type = CONFIG_ENUM, .initial = "no", .reloadable = true, .words = bool_words,
		.summary = "whether each has a folder of its own to work in" },

	/* [queue NAME] */
	{ QUEUE(pool), .type = CONFIG_STRING, .summary = "the pool that runs its tasks" },
	{ QUEUE(order), .type = CONFIG_ENUM, .initial = "priority", .reloadable = true, .words = order_words,
		.summary = "which of its tasks is next" },
	{ QUEUE(limit_running), .type = CONFIG_INT, .initial = "none", .reloadable = true, .min = 0, .max = 1 << 30,
		.takes_none = true, .none = 0, .summary = "tasks of it that may be started at once" },
	{ QUEUE(rate), .type = CONFIG_DECIMAL, .initial = "none", .reloadable = true, .min = 0, .max = 1000000,
		.takes_none = true, .none = 0, .summary = "tasks of it that are started in a second" },
	{ QUEUE(burst), .type = CONFIG_INT, .initial = "1", .reloadable = true, .min = 1, .max = 1000000,
		.summary = "tasks that may start at once where the rate allowed more before" },
	{ QUEUE(ageing), .type = CONFIG_DURATION, .initial = "none", .reloadable = true, .min = NS_PER_MS, .max = 365 * DAY,
		.takes_none = true, .none = 0, .summary = "the waiting time that counts for one priority more" },
	{ QUEUE(weight), .type = CONFIG_INT, .initial = "1", .reloadable = true, .min = 1, .max = 1000,
		.summary = "its share of its pool, among queues whose next tasks have equal priorities" },
	{ QUEUE(limit_queued), .type = CONFIG_INT, .initial = "10000000", .reloadable = true, .min = 1, .max = INT64_C(1) << 40,
		.takes_none = true, .none = 0, .summary = "tasks that may wait in it" },
	{ QUEUE(limit_bytes), .type = CONFIG_SIZE, .initial = "1G", .reloadable = true, .min = 1 * KIB, .max = 1024 * TIB,
		.takes_none = true, .none = 0, .summary = "bytes of arguments that may wait in it" },
	{ QUEUE(fair), .type = CONFIG_ENUM, .initial = "no", .reloadable = true, .words = bool_words,
		.summary = "whether users take turns in it" },
	{ QUEUE(as_submitter), .type = CONFIG_ENUM, .initial = "no", .reloadable = true, .words = bool_words,
		.summary = "whether its commands run as who submitted them" },
	{ QUEUE(durable), .type = CONFIG_ENUM, .initial = "auto", .reloadable = true, .words = auto_words,
		.values = auto_values, .summary = "whether its tasks are kept on disk" },

	/* [semaphore NAME] */
	{ SEMAPHORE(slots), .type = CONFIG_INT, .initial = "1", .reloadable = true, .min = 1, .max = INT32_MAX,
		.summary = "permits that it has" },

	/* [plugin NAME] */
	{ PLUGIN(path), .type = CONFIG_STRING, .reloadable = true, .absolute = true, .summary = "the shared object" },

	/* [command NAME] */
	{ COMMAND(argv), .type = CONFIG_STRING, .reloadable = true, .summary = "the program and its arguments" },
	{ COMMAND(parameters), .type = CONFIG_STRING, .reloadable = true, .summary = "what those who submit it can say" },
	{ COMMAND(summary), .type = CONFIG_STRING, .reloadable = true, .summary = "what it does, in one line" },
	{ COMMAND(cwd), .type = CONFIG_STRING, .reloadable = true, .absolute = true, .summary = "the folder that it runs in" },
	{ COMMAND(env), .type = CONFIG_STRING, .reloadable = true, .summary = "variables of its environment" },
	{ COMMAND(stdin_file), .type = CONFIG_STRING, .reloadable = true, .absolute = true,
		.summary = "what it reads as standard input" },
	{ COMMAND(umask), .type = CONFIG_STRING, .reloadable = true, .summary = "its umask" },
	{ COMMAND(success), .type = CONFIG_STRING, .reloadable = true, .summary = "exit statuses that are success" },
	{ COMMAND(nice), .type = CONFIG_INT, .initial = "0", .reloadable = true, .min = -20, .max = 19,
		.summary = "how much it stands back from other processes" },
	{ COMMAND(timeout), .type = CONFIG_DURATION, .initial = "none", .reloadable = true, .min = NS_PER_MS, .max = 3650 * DAY,
		.takes_none = true, .none = 0, .summary = "its time limit" },
	{ COMMAND(limit_memory), .type = CONFIG_SIZE, .initial = "none", .reloadable = true, .min = 1 * KIB, .max = 1024 * TIB,
		.takes_none = true, .none = -1, .summary = "its memory" },
	{ COMMAND(limit_processes), .type = CONFIG_INT, .initial = "none", .reloadable = true, .min = 1, .max = 1 << 30,
		.takes_none = true, .none = -1, .summary = "its processes at once" },
	{ COMMAND(limit_cpu), .type = CONFIG_DURATION, .initial = "none", .reloadable = true, .min = NS_PER_S, .max = 3650 * DAY,
		.step = NS_PER_S, .takes_none = true, .none = -1, .summary = "CPU time of each of its processes" },
	{ COMMAND(limit_files), .type = CONFIG_INT, .initial = "none", .reloadable = true, .min = 3, .max = 1 << 30,
		.takes_none = true, .none = -1, .summary = "open files of each of its processes" },
	{ COMMAND(limit_core), .type = CONFIG_SIZE, .initial = "0", .reloadable = true, .min = 0, .max = 1024 * TIB,
		.summary = "size of its core file" },
	{ COMMAND(limit_file_size), .type = CONFIG_SIZE, .initial = "none", .reloadable = true, .min = 0, .max = 1024 * TIB,
		.takes_none = true, .none = -1, .summary = "size of a file that it writes" },
	{ COMMAND(capture), .type = CONFIG_SIZE, .initial = "pool", .reloadable = true, .min = 0, .max = 256 * MIB,
		.takes_none = true, .none = -1, .none_word = "pool", .summary = "what its result keeps of each of its outputs" },
	{ COMMAND(secret), .type = CONFIG_STRING, .reloadable = true,
		.summary = "parameters that are shown to nobody" },

	/* [access NAME] */
	{ ACCESS(users), .type = CONFIG_STRING, .initial = "nobody", .reloadable = true, .summary = "whom it is about" },
	{ ACCESS(submit), .type = CONFIG_ENUM, .initial = "yes", .reloadable = true, .words = bool_words,
		.summary = "whether they may submit tasks" },
	{ ACCESS(tasks), .type = CONFIG_STRING, .initial = "*", .reloadable = true,
		.summary = "names and patterns of those tasks" },
	{ ACCESS(queues), .type = CONFIG_STRING, .initial = "*", .reloadable = true,
		.summary = "names and patterns of the queues into which" },
	{ ACCESS(objects), .type = CONFIG_STRING, .initial = "*", .reloadable = true,
		.summary = "names and patterns of the named objects that they may use" },
	{ ACCESS(read), .type = CONFIG_ENUM, .initial = "own", .reloadable = true, .words = scope_words,
		.summary = "whose tasks they may see" },
	{ ACCESS(cancel), .type = CONFIG_ENUM, .initial = "own", .reloadable = true, .words = scope_words,
		.summary = "whose tasks they may cancel, signal, write to and forget" },
	{ ACCESS(admin), .type = CONFIG_ENUM, .initial = "no", .reloadable = true, .words = bool_words,
		.summary = "whether they may do everything" },
};
const size_t config_n_keys = sizeof(config_keys) / sizeof(config_keys[0]);
