/* taskd: reads its options and its configuration, and runs the server. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "config/config.h"
#include "edge/rules.h"
#include "pool/pool.h"
#include "rights.h"
#include "server.h"

static const char usage[] =
	"usage: taskd [-c FILE] [-s SOCKET] [-d DIR | --ephemeral] [--check]\n"
	"\n"
	"The task server: runs in the foreground until SIGTERM. See taskd(8).\n"
	"\n"
	"  -c, --config FILE     read this configuration (default: " SYSCONFDIR "/taskd/taskd.conf,\n"
	"                        for a user's own daemon ~/.config/taskd/taskd.conf, where they exist)\n"
	"  -s, --socket SOCKET   listen here, whatever the configuration says (also: TASKD_SOCKET)\n"
	"  -d, --state-directory DIR\n"
	"                        keep durable tasks there, whatever STATE_DIRECTORY and the configuration say\n"
	"      --ephemeral       keep nothing, whatever they say\n"
	"      --check           only check the configuration: exit status 0, or 1 with the reason\n"
	"  -h, --help            show this\n"
	"  -V, --version         show the version\n";

struct arguments {
	const char *config_file;
	const char *socket;
	const char *state_directory;
	bool ephemeral;
	bool check;
};

static int arguments_read(struct arguments *arguments, int argc, char **argv)
{
	enum { OPTION_CHECK = 256, OPTION_EPHEMERAL };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "state-directory", required_argument, NULL, 'd' },
		{ "ephemeral", no_argument, NULL, OPTION_EPHEMERAL },
		{ "check", no_argument, NULL, OPTION_CHECK },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int option;
	while ((option = getopt_long(argc, argv, "c:s:d:hV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments->config_file = optarg;
			break;
		case 's':
			arguments->socket = optarg;
			break;
		case 'd':
			arguments->state_directory = optarg;
			break;
		case OPTION_EPHEMERAL:
			arguments->ephemeral = true;
			break;
		case OPTION_CHECK:
			arguments->check = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			puts("taskd " PACKAGE_VERSION);
			exit(EXIT_SUCCESS);
		default:
			fputs("hint: taskd --help\n", stderr);
			return -1;
		}
	}
	if (arguments->ephemeral && arguments->state_directory) {
		fputs("error: -d and --ephemeral exclude each other\nhint: taskd --help\n", stderr);
		return -1;
	}
	if (arguments->state_directory && !*arguments->state_directory) {
		fputs("error: -d needs a directory\nhint: --ephemeral keeps nothing\n", stderr);
		return -1;
	}
	if (optind < argc) {
		fprintf(stderr, "error: unexpected argument \"%s\"\nhint: taskd --help\n", argv[optind]);
		return -1;
	}
	return 0;
}

/* Where the configuration is looked for when nobody says. */
static char *config_default(void)
{
	const char *home = getenv("XDG_CONFIG_HOME");
	if (geteuid() == 0)
		return xstrdup(SYSCONFDIR "/taskd/taskd.conf");
	char *path = NULL;
	if (home && *home)
		path = xasprintf("%s/taskd/taskd.conf", home);
	else if ((home = getenv("HOME")) && *home)
		path = xasprintf("%s/.config/taskd/taskd.conf", home);
	if (path && access(path, F_OK) == 0)
		return path;
	free(path);
	return xstrdup(SYSCONFDIR "/taskd/taskd.conf");
}

static char *socket_choose(const struct arguments *arguments, const struct config *config)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *named = getenv("TASKD_SOCKET");
	if (arguments->socket)
		return xstrdup(arguments->socket);
	if (named && *named)
		return xstrdup(named);
	if (config->socket)
		return xstrdup(config->socket);
	if (geteuid() != 0 && runtime && *runtime)
		return xasprintf("%s/taskd.sock", runtime);
	if (geteuid() == 0 && mkdir("/run/taskd", 0755) < 0 && errno != EEXIST)
		fprintf(stderr, "warning: cannot make /run/taskd: %s\n", strerror(errno));
	return xstrdup("/run/taskd/taskd.sock");
}

/* --- the state directory --- */

/* systemd may name several, with colons between them: the first is ours. */
static char *state_directory_of_service(void)
{
	const char *named = getenv("STATE_DIRECTORY");
	return named && *named ? xstrndup(named, strcspn(named, ":")) : NULL;
}

static char *make_absolute(const char *path)
{
	char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0);
	char *whole = folder ? xasprintf("%s/%s", folder, path) : xstrdup(path);
	free(folder);
	return whole;
}

/* NULL: none. */
static char *state_directory_choose(const struct arguments *arguments, const struct config *config)
{
	if (arguments->ephemeral)
		return NULL;
	if (arguments->state_directory)
		return make_absolute(arguments->state_directory);
	char *named = state_directory_of_service();
	if (named)
		return named;
	return config->state_directory && *config->state_directory ? xstrdup(config->state_directory) : NULL;
}

static bool is_directory(const char *path)
{
	struct stat file;
	return stat(path, &file) == 0 && S_ISDIR(file.st_mode);
}

/* Whether it can be what it is said to be: NULL, or what is wrong (malloc'ed). Nothing is made here. */
static char *state_directory_problem(const char *path)
{
	if (path[0] != '/')
		return xasprintf("state directory %s: not an absolute path", path);
	if (is_directory(path))
		return access(path, W_OK | X_OK) < 0 ? xasprintf("state directory %s: %s", path, strerror(errno)) : NULL;
	if (access(path, F_OK) == 0)
		return xasprintf("state directory %s: it is not a directory", path);
	char *parent = xstrdup(path);
	size_t length = strlen(parent);
	while (length > 1 && parent[length - 1] == '/')
		parent[--length] = '\0';
	*strrchr(parent, '/') = '\0';
	char *problem = NULL;
	if (*parent && !is_directory(parent))
		problem = xasprintf("state directory %s: %s, where it would be made, is no directory", path, parent);
	free(parent);
	return problem;
}

static void warn(const char *problem)
{
	fprintf(stderr, "warning: %s\n", problem);
}

/* Where a queue of the pool has as_submitter: whether another has not, whose commands would have to be root's. */
static bool is_half_nobodys(const struct config *config, const struct config_pool *pool)
{
	const struct config_queue *queue;
	bool found = false;
	if (pool->user || !pools_as_submitter(config, pool->name))
		return false;
	STAILQ_FOREACH(queue, &config->queues, link)
		found |= !queue->as_submitter && strcmp(queue->pool, pool->name) == 0;
	return found;
}

static char *half_nobodys_problem(const struct config *config, const struct config_pool *pool)
{
	char *where = config_where(config, pools_submitters_queue(config, pool->name), "as_submitter");
	char *problem = xasprintf("%s[pool %s] has no user, and taskd stays root: only commands in queues with as_submitter run, those "
				  "in its other queues fail",
		where, pool->name);
	free(where);
	return problem;
}

/* What a configuration that is fine cannot do where it is looked at. -1 with *ERROR (malloc'ed): taskd would not start. */
static int check_users(const struct config *config, char **error)
{
	const struct config_pool *pool;
	struct rights rights;
	if (rights_choose(&rights, config, error) < 0)
		return -1;
	rules_check(config, warn);
	STAILQ_FOREACH(pool, &config->pools, link) {
		char *problem = pools_user_problem(config, pool);
		if (!problem && geteuid() == 0 && !rights.becomes && is_half_nobodys(config, pool))
			problem = half_nobodys_problem(config, pool);
		if (problem)
			warn(problem);
		free(problem);
	}
	rights_free(&rights);
	return 0;
}

/* 0, or an exit status, and the reason is told. */
static int check(const struct config *config, const char *state_directory)
{
	char *problem = state_directory ? state_directory_problem(state_directory) : NULL;
	if (problem || check_users(config, &problem) < 0) {
		fprintf(stderr, "error: %s\n", problem);
		free(problem);
		return EXIT_FAILURE;
	}
	printf("%s: fine\n", config->file ? config->file : "no configuration file, the defaults");
	return EXIT_SUCCESS;
}

static int serve(struct config *config, const struct server_options *options)
{
	char *error = options->state_directory ? state_directory_problem(options->state_directory) : NULL;
	struct server *server = NULL;
	int status = EXIT_FAILURE;
	log_open((enum log_target)config->log_target, (enum log_level)config->log_level, "taskd");
	if (error)
		config_free(config);
	else
		server = server_new(config, options, &error);
	if (server)
		status = server_run(server);
	else
		log_error("%s", error);
	server_free(server);
	free(error);
	return status;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	if (arguments_read(&arguments, argc, argv) < 0)
		return 2;

	char *error = NULL;
	char *file = arguments.config_file ? xstrdup(arguments.config_file) : config_default();
	struct config *config = config_load(file, arguments.config_file != NULL, &error);
	if (!config) {
		fprintf(stderr, "error: %s\n", error);
		free(error);
		free(file);
		return EXIT_FAILURE;
	}
	char *state_directory = state_directory_choose(&arguments, config);
	char *path = NULL;
	int status;
	if (arguments.check) {
		status = check(config, state_directory);
		config_free(config);
	} else {
		path = socket_choose(&arguments, config);
		const struct server_options options = {
			.config_file = file, .socket = path, .state_directory = state_directory,
		};
		status = serve(config, &options);
	}
	free(state_directory);
	free(path);
	free(file);
	return status;
}
