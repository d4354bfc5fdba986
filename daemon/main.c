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
#include "server.h"

static const char usage[] =
	"usage: taskd [-c FILE] [-s SOCKET] [--check]\n"
	"\n"
	"The task server: runs in the foreground until SIGTERM. See taskd(8).\n"
	"\n"
	"  -c, --config FILE     read this configuration (default: " SYSCONFDIR "/taskd/taskd.conf,\n"
	"                        for a user's own daemon ~/.config/taskd/taskd.conf, where they exist)\n"
	"  -s, --socket SOCKET   listen here, whatever the configuration says (also: TASKD_SOCKET)\n"
	"      --check           only check the configuration: exit status 0, or 1 with the reason\n"
	"  -h, --help            show this\n"
	"  -V, --version         show the version\n";

struct arguments {
	const char *config_file;
	const char *socket;
	bool check;
};

static int arguments_read(struct arguments *arguments, int argc, char **argv)
{
	enum { OPTION_CHECK = 256 };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "check", no_argument, NULL, OPTION_CHECK },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int option;
	while ((option = getopt_long(argc, argv, "c:s:hV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments->config_file = optarg;
			break;
		case 's':
			arguments->socket = optarg;
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
	if (arguments.check) {
		printf("%s: fine\n", config->file ? config->file : "no configuration file, the defaults");
		config_free(config);
		free(file);
		return EXIT_SUCCESS;
	}
	log_open((enum log_target)config->log_target, (enum log_level)config->log_level, "taskd");
	char *path = socket_choose(&arguments, config);
	const struct server_options options = { .config_file = file, .socket = path };
	struct server *server = server_new(config, &options, &error);
	int status = EXIT_FAILURE;
	if (server)
		status = server_run(server);
	else
		log_error("%s", error);
	server_free(server);
	free(error);
	free(path);
	free(file);
	return status;
}
