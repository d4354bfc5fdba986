/* The configuration: one table of keys, read from a file in inih's dialect. Nothing here has an effect: the server
 * takes a struct config and applies it. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct config_pool { /* [pool NAME] */
	char *name;
	int64_t processes; /* 0 in the file ("auto"): as many as there are CPUs; resolved here */
	int64_t threads;
	char *tasks;             /* names and patterns (fnmatch) separated by spaces; "*" serves everything */
	int64_t nice;            /* 0…19 */
	int64_t limit_memory;    /* RLIMIT_AS bytes; -1: none */
	int64_t limit_cpu;       /* RLIMIT_CPU ns, whole seconds; -1 */
	int64_t limit_files;     /* RLIMIT_NOFILE; -1 */
	int64_t limit_core;      /* RLIMIT_CORE bytes; -1; default 0 */
	int64_t recycle_tasks;   /* a worker is replaced after so many tasks; 0: never */
	int64_t recycle_memory;  /* …or when its resident size is above this; -1: never */
	int64_t nested_processes; /* so many more while all its tasks wait for tasks */
	int64_t commands;        /* 1: it runs commands and nothing else; then threads is 1, `tasks` concerns commands only, and
				  * "auto" is at least 4 processes. The default in [pool commands], where the key is absent */
	int64_t capture_limit;   /* commands: bytes of each output stream that a result keeps; default 1M */
	char *user;              /* its workers run as this user, with its groups; NULL: as the master. Where a queue of a pool
				  * of commands has as_submitter, the workers keep root, and each command runs as this user or as its
				  * submitter */
	int64_t no_new_privs;    /* 0, 1; -1 (auto): 1, but for commands 0 */
	int64_t seccomp;         /* 0 off, 1 default, 2 strict (not for commands); -1 (auto): default, but for commands off */
	char *read_paths;        /* absolute paths, separated by spaces: nothing else can be read or executed; NULL: no limit */
	char *write_paths;       /* …nor written; what may be written may be read, too; NULL: nothing where read_paths are
				  * there, else no limit */
	int64_t private_directory; /* 1: a directory of its own for each worker, of commands for each command */
	STAILQ_ENTRY(config_pool) link;
};
struct config_queue { /* [queue NAME]; each pool has one of its own name: it is here also where no section describes it */
	char *name;
	char *pool; /* not in the file: the pool of that name, else "default"; resolved here */
	int64_t limit_queued; /* 0: none */
	int64_t limit_bytes;  /* 0: none */
	int64_t limit_running; /* 0: none */
	int64_t order; /* enum queue_order of the core */
	double rate;   /* starts a second; 0: no limit */
	int64_t burst;
	int64_t ageing; /* ns; 0: none */
	int64_t weight;
	int64_t fair; /* 1: users take turns in it, at each priority */
	int64_t as_submitter; /* 1: its commands run as who submitted them; its pool is one of commands, and the master is started
			       * as root */
	int64_t durable; /* its tasks are recorded: -1 (auto): as they say, else submitted ones are and called ones are not; 0; 1 */
	STAILQ_ENTRY(config_queue) link;
};
struct config_semaphore { /* [semaphore NAME] */
	char *name;
	int64_t slots;
	STAILQ_ENTRY(config_semaphore) link;
};
struct config_plugin { /* [plugin NAME] */
	char *name;
	char *path;
	STAILQ_ENTRY(config_plugin) link;
};

struct template;
struct config_command { /* [command NAME]; see config/template.h */
	char *name;
	char *argv;
	char *parameters; /* NULL: none */
	char *summary;    /* NULL: none */
	char *cwd;        /* absolute, may have places; NULL: "/" */
	char *env;        /* NAME=value words; NULL */
	char *stdin_file; /* absolute, may have places; NULL: /dev/null */
	char *umask;      /* octal; NULL: 022 */
	char *success;    /* exit statuses that are success, separated by spaces; NULL: 0 */
	int64_t nice;
	int64_t timeout;  /* ns; 0: none. A submission may ask for less, not for more */
	int64_t limit_memory, limit_processes, limit_cpu, limit_files, limit_core, limit_file_size; /* -1: none; core: 0 */
	int64_t capture;  /* -1: the pool's */
	char *secret;     /* names of parameters, separated by blanks, whose values are shown to nobody; NULL */
	struct template *template; /* made of the above; never NULL after config_load */
	STAILQ_ENTRY(config_command) link;
};

/* What some users may do; what several sections say adds up. See edge/access.h and taskd.conf(5). */
struct config_access { /* [access NAME] */
	char *name;
	char *users;    /* words: a user, a uid, @group, "owner" (root and the daemon's own user), "members" (of the socket's group),
			 * "*"; default "nobody" */
	int64_t submit; /* default 1: tasks whose names match `tasks` into queues whose names match `queues` */
	char *tasks, *queues; /* names and patterns (fnmatch) separated by spaces; default "*" */
	char *objects;  /* names and patterns of the named objects that they may use; default "*" */
	int64_t read;   /* enum access_scope: 0 none, 1 own (default), 2 all */
	int64_t cancel; /* the same */
	int64_t admin;  /* 1: everything; default 0 */
	STAILQ_ENTRY(config_access) link;
};
#define CONFIG_ACCESS_LIMIT 64 /* sections */

/* Where a section begins, or a key of it stands; see config_where. */
struct config_place {
	const void *section;
	const char *key; /* NULL: its beginning */
	int line;
};

struct config {
	char *file;   /* where it was read from; NULL: all defaults */
	struct config_place *places;
	size_t n_places;
	/* [taskd] */
	char *socket; /* NULL: the default place */
	int64_t socket_mode; /* octal in the file; default 0660 */
	char *socket_group;  /* NULL: unchanged */
	int64_t log_target;  /* enum log_target; -1 (auto): journal where stderr is journald's, else stderr */
	int64_t log_level;   /* enum log_level; default info */
	int64_t frame_limit;   /* bytes; the largest message from a client; default 80M */
	int64_t payload_limit; /* bytes; the largest arguments and the largest result of a task; default 64M */
	int64_t output_limit;  /* bytes that may wait for a client that does not read; default 256M */
	int64_t send_timeout;  /* ns that a client may not read at all while something waits for it; default 60s */
	int64_t max_connections;          /* default 4096… */
	int64_t max_requests;  /* outstanding on one connection; default 1048576 */
	int64_t drain_timeout; /* ns that a stop waits for what runs; default 30s */
	int64_t kill_grace;    /* ns between a cancel and the kill; default 5s */
	int64_t crash_limit;   /* a task that has killed so many workers is not tried again; 0: no limit */
	int64_t result_ttl;    /* ns; default 1h */
	int64_t failure_ttl;   /* ns; default 24h */
	int64_t result_bytes;  /* default 64M */
	int64_t result_count;  /* default 100000 */
	int64_t object_limit;   /* named objects of each user; default 10000; 0: no limit */
	int64_t waiter_limit;   /* …his requests that wait for one; default 100000; 0: no limit */
	int64_t mq_bytes_limit; /* …bytes of messages that he has put; default 256M; 0: no limit */
	int64_t start_timeout; /* ns that a worker may take until it is ready; default 60s */
	STAILQ_HEAD(, config_pool) pools; /* never empty: "default" where the file has none (of handlers), and "commands" where it has
					   * none of commands, but for exec_users = nobody without any [command] */
	STAILQ_HEAD(, config_queue) queues;
	STAILQ_HEAD(, config_semaphore) semaphores;
	STAILQ_HEAD(, config_plugin) plugins;
	STAILQ_HEAD(, config_command) commands;
	/* [taskd], of the store: */
	char *state_directory;  /* absolute; NULL: where -d or $STATE_DIRECTORY says, else there is no store */
	int64_t store_damaged;  /* 0 (refuse): the daemon does not start with a damaged file; 1 (aside): it is renamed */
	int64_t store_backlog;  /* bytes that may wait to be written before durable submissions are refused; default 256M */
	int64_t history_ttl;    /* ns that the store keeps ended tasks; default 7d; 0: for ever */
	int64_t history_count;  /* …at most so many; default 1000000; 0: no limit */
	int64_t on_stop;        /* of what runs when the daemon is stopped: 0 (finish): it has drain_timeout; 1 (interrupt): durable
				 * tasks that may be run again are interrupted at once */
	/* [taskd], of rights and shares: */
	char *user;         /* the master becomes this user, where root starts it; NULL: "taskd" where there is such a user, else it
			     * stays root */
	int64_t seccomp;    /* 1 (default): the master may only make the system calls that it needs */
	int64_t core_dumps; /* 0 (default): the master and the store leave none, and cannot be looked into */
	/* Of each user but root and the daemon's own; 0: no limit. Each is a word in data.limit of "over_share". */
	int64_t user_connections;  /* -1 (auto, the default): half of max_connections, and of the descriptors that there are */
	int64_t user_requests;     /* outstanding, on all connections; default 1048576 */
	double user_rate;          /* requests a second; default 0 */
	int64_t user_burst;        /* so many may come at once after a pause; default 1000 */
	int64_t user_queued;       /* tasks that have not started; default 1000000 */
	int64_t user_queued_bytes; /* …what limit_bytes counts of them; default 512M */
	int64_t user_running;      /* tasks in workers: those beyond wait; default 0 */
	int64_t user_result_bytes; /* kept records: his oldest go first where he has more; -1 (auto, the default): half of
				    * result_bytes */
	int64_t user_descriptors;  /* sent along with commands that have not ended; -1 (auto, the default): a quarter of those that
				    * clients may have */
	STAILQ_HEAD(, config_access) access; /* never empty: where the file has none, one named "default" whose users are
					      * "members". Root and the daemon's user are admins whatever it says */
	/* [taskd], of commands: */
	char *exec_users;      /* who may run any command: words, each a user, @group, "owner" (root and the daemon's own user), "*"
				* (everyone who may connect) or "nobody"; default "owner" */
	char *command_log_dir; /* absolute: all output of commands is kept there, too; NULL: it is not */
	int64_t command_log_ttl;   /* ns; default 7d; 0: for ever */
	int64_t command_log_bytes; /* of all logs; default 1G; 0: no limit */
};

#define CONFIG_NAME_LIMIT 64
#define CONFIG_PROCESSES_LIMIT 1024

enum config_type {
	CONFIG_STRING,
	CONFIG_INT,
	CONFIG_OCTAL,
	CONFIG_DECIMAL, /* a double; its bounds are whole */
	CONFIG_DURATION,
	CONFIG_SIZE,
	CONFIG_ENUM,
	CONFIG_PROCESSES,
};
struct config_key {
	const char *section; /* "taskd", "pool", "queue", "semaphore", "plugin", "command", "access" */
	const char *name;
	enum config_type type;
	const char *initial; /* as it would be written; NULL: none */
	bool reloadable;
	size_t offset;
	int64_t min, max; /* both 0: no bounds */
	int64_t step;     /* a multiple of this; 0: any */
	bool takes_none;  /* the word "none" is allowed, and stands for the number `none` */
	const char *none_word; /* …instead of "none"; NULL */
	int64_t none;
	bool absolute;    /* CONFIG_STRING: a path that begins with a slash */
	const char *const *words; /* CONFIG_ENUM: ends with NULL */
	const int64_t *values;    /* CONFIG_ENUM: what each word stands for; NULL: its index */
	const char *summary;
};
/* The table, in the order of the man page. */
extern const struct config_key config_keys[];
extern const size_t config_n_keys;

/* Reads FILE (NULL: defaults only). NULL on error: *error is malloc'ed, "FILE:LINE: reason" with a did-you-mean where a
 * section or key is not known. MUST_EXIST false: a missing file is as no file. */
struct config *config_load(const char *file, bool must_exist, char **error);
void config_free(struct config *config);
/* What goes before a word about KEY of a section, of which SECTION is the struct (CONFIG itself: [taskd]): "FILE:LINE: ", of
 * the section's beginning where it does not say the key, "" where the file does not have the section. malloc'ed. */
char *config_where(const struct config *config, const void *section, const char *key);
/* What differs between two configurations, each as "[pool io] threads": for every difference CHANGED is called (its
 * section_name is NULL for [taskd]). A section that is in one of them only is told as a key named "(new)" or
 * "(removed)", which is not in the table. */
void config_compare(const struct config *from, const struct config *to,
	void (*changed)(void *user, const struct config_key *key, const char *section_name), void *user);
/* Whether pools, queues, semaphores, plugins and commands may be called that. */
bool config_name_is_sound(const char *name);
/* The [command] of that name, or NULL. */
const struct config_command *config_command_find(const struct config *config, const char *name);
/* The [semaphore] of that name, or NULL. */
const struct config_semaphore *config_semaphore_find(const struct config *config, const char *name);
/* The pool of that name, or NULL. */
const struct config_pool *config_pool_find(const struct config *config, const char *name);

#endif
