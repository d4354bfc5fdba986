/* Requests, of which nothing is believed: who asks may have been taken over by whoever talked to it. */
#include "spawner/spawner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/xmalloc.h"

/* The environment of a child: ours, with up to this many in the place of what is there. */
#define ADDED_LIMIT 5

/* --- the environment --- */

static bool replaces(char *const *added, const char *entry)
{
	size_t name = strcspn(entry, "=") + 1;
	for (; *added; added++)
		if (strncmp(*added, entry, name) == 0)
			return true;
	return false;
}

/* malloc'ed, but not what is in it. */
static char **environment_with(char *const *added)
{
	size_t n = 0, kept = 0;
	while (environ[n])
		n++;
	char **copy = xcalloc(n + ADDED_LIMIT + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		if (!replaces(added, environ[i]))
			copy[kept++] = environ[i];
	for (; *added; added++)
		copy[kept++] = *added;
	return copy;
}

static char *variable_of(const char *name, const char *value)
{
	return xasprintf("%s=%s", name, value);
}

/* Who a child is, in its environment; malloc'ed. How many. */
static size_t describe_user(const struct spawn_user *user, char **added)
{
	size_t n = 0;
	if (user && user->name) {
		added[n++] = variable_of("USER", user->name);
		added[n++] = variable_of("LOGNAME", user->name);
	}
	if (user && user->home)
		added[n++] = variable_of("HOME", user->home);
	if (user && user->shell)
		added[n++] = variable_of("SHELL", user->shell);
	return n;
}

/* --- a child --- */

static void start(struct spawner *spawner, struct child *child, const char *variable, bool is_other,
	struct spawn_answer *answer)
{
	char *added[ADDED_LIMIT + 1] = { NULL };
	size_t n = describe_user(child->user, added);
	added[n] = (char *)(uintptr_t)variable;
	char **environment = environment_with(added);
	child->environment = environment;
	int pid = child_start(child);
	if (pid > 0 && child->error) {
		answer->dead = pid;
		close(child->pidfd);
		pid = -child->error;
	} else if (pid > 0) {
		family_add(&spawner->family, pid, child->pidfd, is_other);
	}
	free(environment);
	for (size_t i = 0; i < n; i++)
		free(added[i]);
	answer->result = pid;
}

/* Exactly N texts in LENGTH bytes, of which the last is VARIABLE where one is said to be there. */
static int texts_read(char *text, size_t length, const struct spawn_request *request, char **argv, const char **variable)
{
	size_t n = request->n_args + request->variable;
	if (request->variable > 1 || request->n_args < 1 || request->n_args > SPAWN_ARGS_LIMIT)
		return -1;
	for (size_t i = 0; i < n; i++) {
		char *end = memchr(text, '\0', length);
		if (!end)
			return -1;
		argv[i] = text;
		length -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	*variable = NULL;
	if (request->variable) {
		*variable = argv[n - 1];
		argv[n - 1] = NULL;
		if (strncmp(*variable, SPAWN_VARIABLE, strlen(SPAWN_VARIABLE)) != 0)
			return -1;
	}
	return length == 0 ? 0 : -1;
}

/* As many descriptors as there are places for them. */
static int places_fill(struct child *child, uint32_t places, const int *fds, size_t n_fds)
{
	size_t taken = 0;
	if (places >> SPAWN_FDS_LIMIT || (size_t)__builtin_popcount(places) != n_fds)
		return -1;
	for (size_t i = 0; i < SPAWN_FDS_LIMIT && places >> i; i++) {
		child->fds[i] = places >> i & 1 ? fds[taken++] : -1;
		child->n_fds = i + 1;
	}
	return 0;
}

static void serve_start(struct spawner *spawner, const struct spawn_request *request, char *text, size_t length,
	const int *fds, size_t n_fds, struct spawn_answer *answer)
{
	const struct rules *rules = &spawner->rules;
	char *argv[SPAWN_ARGS_LIMIT + 2] = { NULL };
	const char *variable;
	bool as_started = request->user == SPAWN_AS_STARTED;
	struct child child = { .argv = argv };
	if (texts_read(text, length, request, argv, &variable) < 0 || places_fill(&child, request->places, fds, n_fds) < 0) {
		answer->result = -EINVAL;
		return;
	}
	if (request->program >= rules->n_programs || (as_started ? !rules->as_started : request->user >= rules->n_users)) {
		answer->result = -EPERM;
		return;
	}
	child.path = rules->programs[request->program];
	child.user = as_started ? NULL : &rules->users[request->user];
	start(spawner, &child, variable, !as_started, answer);
}

static bool is_socket(int fd)
{
	int type;
	socklen_t size = sizeof(type);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

static void serve_successor(struct spawner *spawner, size_t length, const int *fds, size_t n_fds, struct spawn_answer *answer)
{
	if (length != 0 || n_fds != 1 || !is_socket(fds[0])) {
		answer->result = -EINVAL;
		return;
	}
	struct child child = {
		.path = spawner->rules.self, .argv = spawner->rules.argv, .fds = { fds[0] }, .n_fds = 1,
	};
	start(spawner, &child, NULL, false, answer);
}

void request_serve(struct spawner *spawner, const char *message, size_t length, int *fds, size_t n_fds,
	struct spawn_answer *answer)
{
	struct spawn_request request = { 0 };
	char text[SPAWN_TEXT_LIMIT];
	size_t n_text = length - sizeof(request);
	*answer = (struct spawn_answer){ .result = -EINVAL };
	family_purge(&spawner->family);
	if (length >= sizeof(request) && n_text <= sizeof(text)) {
		memcpy(&request, message, sizeof(request));
		memcpy(text, message + sizeof(request), n_text);
		answer->number = request.number;
		switch (request.what) {
		case SPAWN_START:
			serve_start(spawner, &request, text, n_text, fds, n_fds, answer);
			break;
		case SPAWN_SUCCESSOR:
			serve_successor(spawner, n_text, fds, n_fds, answer);
			break;
		case SPAWN_SIGNAL:
			if (n_text == 0 && n_fds == 0)
				answer->result = family_signal(&spawner->family, spawner->rules.master, request.pid, request.signal);
			break;
		}
	}
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
}
