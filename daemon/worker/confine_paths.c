/* The files that can be reached, by Landlock. The kernel checks what is opened from then on: descriptors that are there stay
 * what they are, and connecting to a socket's path is no opening. */
#include "worker/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xmalloc.h"

#if defined(HAVE_LINUX_LANDLOCK_H) && defined(SYS_landlock_create_ruleset)
#include <linux/landlock.h>

/* Younger than some headers. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (UINT64_C(1) << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)
#endif

#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_EXECUTE LANDLOCK_ACCESS_FS_EXECUTE
#define RIGHTS_WRITE                                                                                                        \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_REFER |                           \
		LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |             \
		LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |                  \
		LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define RIGHTS_OF_FILES (RIGHTS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

/* What everybody expects to be there, and can do no harm with. */
static const struct {
	const char *path;
	uint64_t rights;
} everybodys[] = {
	{ "/dev/null", RIGHTS_READ | RIGHTS_WRITE },
	{ "/dev/zero", RIGHTS_READ | RIGHTS_WRITE },
	{ "/dev/full", RIGHTS_READ | RIGHTS_WRITE },
	{ "/dev/random", RIGHTS_READ },
	{ "/dev/urandom", RIGHTS_READ },
};
static const char *const libraries[] = { "/etc/ld.so.cache", "/lib", "/lib32", "/lib64", "/libx32", "/usr/lib", "/usr/lib32",
	"/usr/lib64", "/usr/libx32", "/usr/local/lib", "/usr/local/lib64" };

struct rules {
	int fd;
	uint64_t handled;
};

/* A path that is not there is nothing that could be reached: TELL says that it should be. */
static int allow(const struct rules *rules, const char *path, uint64_t rights, bool tell)
{
	struct stat about;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &about) < 0) {
		if (tell)
			log_warning("%s cannot be reached: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return 0;
	}
	if (!S_ISDIR(about.st_mode))
		rights &= RIGHTS_OF_FILES;
	const struct landlock_path_beneath_attr rule = { .allowed_access = rights & rules->handled, .parent_fd = fd };
	long status = rule.allowed_access ? syscall(SYS_landlock_add_rule, rules->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) : 0;
	int error = errno;
	close(fd);
	if (status < 0)
		log_error("%s cannot be allowed: %s", path, strerror(error));
	return status < 0 ? -1 : 0;
}

static int allow_words(const struct rules *rules, const char *words, uint64_t rights)
{
	char *copy = xstrdup(words ? words : ""), *rest, *word;
	int status = 0;
	for (word = strtok_r(copy, " \t", &rest); word && status == 0; word = strtok_r(NULL, " \t", &rest))
		status = allow(rules, word, rights, true);
	free(copy);
	return status;
}

static int allow_needs(const struct rules *rules, const struct confine_needs *needs)
{
	int status = 0;
	for (size_t i = 0; i < sizeof(everybodys) / sizeof(*everybodys) && status == 0; i++)
		status = allow(rules, everybodys[i].path, everybodys[i].rights, false);
	for (size_t i = 0; needs->libraries && i < sizeof(libraries) / sizeof(*libraries) && status == 0; i++)
		status = allow(rules, libraries[i], RIGHTS_READ, false);
	for (size_t i = 0; needs->files && needs->files[i] && status == 0; i++)
		status = allow(rules, needs->files[i], RIGHTS_READ, false);
	if (needs->terminal && status == 0)
		status = allow(rules, "/dev/tty", RIGHTS_READ | RIGHTS_WRITE, false);
	if (needs->directory && status == 0)
		status = allow(rules, needs->directory, RIGHTS_READ | RIGHTS_WRITE | RIGHTS_EXECUTE, true);
	return status;
}

/* Older kernels know fewer rights, and to ask for one that they do not know is an error. */
uint64_t confine_paths_handled(long version, bool reading)
{
	uint64_t rights = RIGHTS_WRITE | (reading ? RIGHTS_READ | RIGHTS_EXECUTE : 0);
	if (version < 3)
		rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_TRUNCATE;
	if (version < 2)
		rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
	return version < 1 ? 0 : rights;
}

int confine_paths_ruleset(const struct confine *confine, const struct confine_needs *needs, int *fd)
{
	struct rules rules;
	*fd = -1;
	long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 0 && errno != ENOSYS && errno != EOPNOTSUPP) { /* somebody's filter: what was to be limited is not */
		log_error("cannot limit the paths that can be reached: Landlock: %s", strerror(errno));
		return -1;
	}
	if (version < 1) {
		log_warning("read_paths and write_paths limit nothing: this kernel has no Landlock");
		return 0;
	}
	rules.handled = confine_paths_handled(version, confine->read_paths != NULL);
	const struct landlock_ruleset_attr attributes = { .handled_access_fs = rules.handled };
	rules.fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
	if (rules.fd < 0) {
		log_error("cannot limit the paths that can be reached: %s", strerror(errno));
		return -1;
	}
	if (allow_words(&rules, confine->read_paths, RIGHTS_READ | RIGHTS_EXECUTE) == 0 &&
		allow_words(&rules, confine->write_paths, RIGHTS_READ | RIGHTS_WRITE) == 0 && allow_needs(&rules, needs) == 0) {
		*fd = rules.fd;
		return 0;
	}
	close(rules.fd);
	return -1;
}

#else

uint64_t confine_paths_handled(long version, bool reading)
{
	(void)version;
	(void)reading;
	return 0;
}

int confine_paths_ruleset(const struct confine *confine, const struct confine_needs *needs, int *fd)
{
	(void)confine;
	(void)needs;
	*fd = -1;
	log_warning("read_paths and write_paths limit nothing: this taskd was built without Landlock");
	return 0;
}

#endif
