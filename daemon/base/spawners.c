/* The spawners' other side. The two take turns, as long as both live: so each is known to be of use. What was asked of one
 * that died over it may have been done or not: that is the caller's to sort out, but for signals, which may be sent twice.
 *
 * One that dies has its successor at once. One that dies soon, without having done anything, has died young: the second such
 * death in a row costs a pause, which doubles up to a minute, as that of a worker does. */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/spawn_parts.h"
#include "base/spawn_wire.h"
#include "base/xmalloc.h"

#define ANSWER_SECONDS 20 /* one that has not answered by then is dead */
#define N_SPAWNERS 2
#define YOUNG_NS (10 * NS_PER_S)
#define PAUSE_FIRST_NS (100 * NS_PER_MS)
#define PAUSE_LONGEST_NS (60 * NS_PER_S)

struct spawner {
	int pid; /* 0: none */
	int fd;  /* -1: it is not asked any more */
	bool used; /* it has answered */
	int64_t started_ns;
	int64_t start_at_ns; /* where there is none: when its successor may be started */
	int young_deaths;    /* in a row */
};
static struct spawner spawners[N_SPAWNERS] = { { .fd = -1 }, { .fd = -1 } };
/* What they were started with. */
static struct {
	char **argv;
	char **programs;
	size_t n_programs;
	struct spawn_user *users; /* without what they point to */
	size_t n_users;
	bool as_first;
	uid_t started_as;
} rules;
static uint32_t last_number;
static size_t turn;

bool spawners_are_there(void)
{
	return rules.argv != NULL;
}

/* --- asking --- */

struct letter {
	struct spawn_request request;
	char text[SPAWN_TEXT_LIMIT];
	size_t length; /* of the text */
	int fds[SPAWN_FDS_LIMIT];
	size_t n_fds;
};

static int letter_send(int fd, const struct letter *letter)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(SPAWN_FDS_LIMIT * sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)letter, .iov_len = sizeof(letter->request) + letter->length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	static_assert(offsetof(struct letter, text) == sizeof(struct spawn_request), "the text is right behind");
	if (letter->n_fds) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(letter->n_fds * sizeof(int));
		struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(letter->n_fds * sizeof(int));
		memcpy(CMSG_DATA(rights), letter->fds, letter->n_fds * sizeof(int));
	}
	ssize_t sent;
	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static int answer_receive(int fd, uint32_t number, struct spawn_answer *answer)
{
	for (;;) {
		ssize_t length = recv(fd, answer, sizeof(*answer), 0);
		if (length == sizeof(*answer) && answer->number == number)
			return 0;
		if (length < 0 && errno == EINTR)
			continue;
		return length < 0 ? -errno : -ECONNRESET;
	}
}

/* It is asked nothing any more: it ends, if it has not. */
static void give_up(struct spawner *spawner)
{
	int pid = spawner->pid;
	close(spawner->fd);
	spawner->fd = -1;
	if (pid)
		(void)spawn_signal(pid, SIGKILL);
}

/* 0; -EPIPE: it is dead, and has not got it; -ECONNRESET: it is dead, and may have done it; another errno: it lives, and
 * could not be asked. */
static int ask_one(struct spawner *spawner, struct letter *letter, struct spawn_answer *answer)
{
	letter->request.number = ++last_number;
	int code = letter_send(spawner->fd, letter);
	if (code == -EPIPE || code == -ECONNRESET || code == -ENOTCONN) {
		give_up(spawner);
		return -EPIPE;
	}
	if (code < 0)
		return code;
	if (answer_receive(spawner->fd, letter->request.number, answer) < 0) {
		give_up(spawner);
		return -ECONNRESET;
	}
	spawner->used = true;
	/* A child that came no further than its exec. */
	while (answer->dead > 0 && waitpid(answer->dead, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* The answer's result, or as ask_one has it. */
static int ask(struct letter *letter)
{
	struct spawn_answer answer;
	int code = -EPIPE;
	turn++;
	for (size_t i = 0; i < N_SPAWNERS && code == -EPIPE; i++) {
		struct spawner *spawner = &spawners[(turn + i) % N_SPAWNERS];
		if (spawner->fd >= 0)
			code = ask_one(spawner, letter, &answer);
	}
	return code < 0 ? code : answer.result;
}

/* --- children --- */

static int text_add(struct letter *letter, const char *text)
{
	size_t size = strlen(text) + 1;
	if (size > sizeof(letter->text) - letter->length)
		return -E2BIG;
	memcpy(letter->text + letter->length, text, size);
	letter->length += size;
	return 0;
}

static int program_find(const char *path, uint32_t *place)
{
	for (size_t i = 0; i < rules.n_programs; i++)
		if (strcmp(rules.programs[i], path) == 0) {
			*place = (uint32_t)i;
			return 0;
		}
	return -EPERM;
}

static int user_find_place(const struct spawn *spawn, uint32_t *place)
{
	*place = rules.as_first ? 0 : SPAWN_AS_STARTED;
	if (!spawn->as_other)
		return 0;
	for (size_t i = 0; i < rules.n_users; i++)
		if (rules.users[i].uid == spawn->uid && rules.users[i].capabilities == spawn->capabilities) {
			*place = (uint32_t)i;
			return 0;
		}
	return !rules.as_first && spawn->uid == rules.started_as && spawn->uid != 0 ? 0 : -EPERM;
}

static int letter_write(struct letter *letter, const struct spawn *spawn)
{
	int code = program_find(spawn->path, &letter->request.program);
	if (code == 0)
		code = user_find_place(spawn, &letter->request.user);
	for (size_t i = 0; spawn->argv[i] && code == 0; i++) {
		code = i < SPAWN_ARGS_LIMIT ? text_add(letter, spawn->argv[i]) : -E2BIG;
		letter->request.n_args++;
	}
	if (spawn->variable && code == 0) {
		letter->request.variable = 1;
		code = text_add(letter, spawn->variable);
	}
	for (size_t i = 0; i < spawn->n_fds; i++)
		if (spawn->fds[i] >= 0) {
			letter->request.places |= 1u << i;
			letter->fds[letter->n_fds++] = spawn->fds[i];
		}
	return code;
}

int spawners_spawn(const struct spawn *spawn)
{
	assert(spawn->n_fds <= SPAWN_FDS_LIMIT);
	struct letter letter;
	letter.request = (struct spawn_request){ .what = SPAWN_START };
	letter.length = letter.n_fds = 0;
	int code = letter_write(&letter, spawn);
	return code < 0 ? code : ask(&letter);
}

int spawn_signal(int pid, int number)
{
	if (kill(pid, number) == 0)
		return 0;
	if (errno != EPERM || !spawners_are_there())
		return -errno;
	struct letter letter;
	letter.request = (struct spawn_request){ .what = SPAWN_SIGNAL, .pid = pid, .signal = number };
	letter.length = letter.n_fds = 0;
	int code = ask(&letter);
	return code == -ECONNRESET ? ask(&letter) : code;
}

/* --- their own lives --- */

static int pair_new(int pair[2])
{
	const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return 0;
}

static void spawner_begins(struct spawner *spawner, int pid, int fd)
{
	spawner->pid = pid;
	spawner->fd = fd;
	spawner->used = false;
	spawner->started_ns = clock_mono_ns();
}

/* By the one that lives. */
static int successor_start(struct spawner *spawner)
{
	int pair[2], code = pair_new(pair);
	if (code < 0)
		return code;
	struct letter letter;
	letter.request = (struct spawn_request){ .what = SPAWN_SUCCESSOR };
	letter.length = 0;
	letter.fds[0] = pair[1];
	letter.n_fds = 1;
	int pid = ask(&letter);
	close(pair[1]);
	if (pid > 0)
		spawner_begins(spawner, pid, pair[0]);
	else
		close(pair[0]);
	return pid;
}

static struct spawner *spawner_find(int pid)
{
	for (size_t i = 0; i < N_SPAWNERS; i++)
		if (pid > 0 && spawners[i].pid == pid)
			return &spawners[i];
	return NULL;
}

bool spawners_include(int pid)
{
	return spawner_find(pid) != NULL;
}

bool spawners_may_be(uid_t uid, uint64_t capabilities)
{
	const struct spawn spawn = { .as_other = true, .uid = uid, .capabilities = capabilities };
	uint32_t place;
	return spawners_are_there() ? user_find_place(&spawn, &place) == 0 : geteuid() == 0;
}

bool spawners_lost(void)
{
	return spawners_are_there() && spawners[0].fd < 0 && spawners[1].fd < 0;
}

static void put_off(struct spawner *spawner, bool young)
{
	int64_t pause = 0;
	spawner->young_deaths = young ? spawner->young_deaths + 1 : 0;
	if (spawner->young_deaths > 1) {
		int doublings = spawner->young_deaths - 2 < 20 ? spawner->young_deaths - 2 : 20;
		pause = PAUSE_FIRST_NS << doublings;
		if (pause > PAUSE_LONGEST_NS)
			pause = PAUSE_LONGEST_NS;
		log_warning("a spawner keeps dying young: its next start is in %.1f s", (double)pause / 1e9);
	}
	spawner->start_at_ns = clock_mono_ns() + pause;
}

/* One that could not be started has died as young as can be. */
static void mend(void)
{
	for (size_t i = 0; i < N_SPAWNERS; i++) {
		if (spawners[i].pid || spawners_lost() || clock_mono_ns() < spawners[i].start_at_ns)
			continue;
		int pid = successor_start(&spawners[i]);
		if (pid > 0) {
			log_notice("a spawner has died: the other one has started its successor (pid %d)", pid);
		} else if (!spawners_lost()) {
			log_error("a spawner has died, and no other can be started: %s", strerror(-pid));
			put_off(&spawners[i], true);
		}
	}
}

int64_t spawners_next_ns(void)
{
	int64_t next_ns = CLOCK_NEVER;
	for (size_t i = 0; i < N_SPAWNERS && spawners_are_there() && !spawners_lost(); i++)
		if (!spawners[i].pid && spawners[i].start_at_ns < next_ns)
			next_ns = spawners[i].start_at_ns;
	return next_ns;
}

void spawners_timer(void)
{
	if (spawners_are_there())
		mend();
}

bool spawners_reaped(int pid)
{
	struct spawner *spawner = spawner_find(pid);
	if (spawner) {
		if (spawner->fd >= 0)
			close(spawner->fd);
		spawner->pid = 0;
		spawner->fd = -1;
		put_off(spawner, !spawner->used && clock_mono_ns() - spawner->started_ns < YOUNG_NS);
	}
	if (spawners_are_there())
		mend();
	return spawner != NULL;
}

/* --- the start and the end --- */

static char *describe_user(const struct spawn_user *user)
{
	char *groups = xstrdup("");
	for (size_t i = 0; i < user->n_groups; i++) {
		char *longer = xasprintf("%s%s%u", groups, i ? "," : "", (unsigned)user->groups[i]);
		free(groups);
		groups = longer;
	}
	char *text = xasprintf(SPAWNER_USER "%u:%u:%llx:%s:%s:%s:%s", (unsigned)user->uid, (unsigned)user->gid,
		(unsigned long long)user->capabilities, groups, user->name ? user->name : "", user->home ? user->home : "",
		user->shell ? user->shell : "");
	free(groups);
	return text;
}

static void rules_keep(const struct spawn_rules *from, char *path)
{
	size_t n = 0;
	rules.argv = xcalloc(3 + from->n_programs + from->n_users + 2, sizeof(*rules.argv));
	rules.programs = xcalloc(from->n_programs + 1, sizeof(*rules.programs));
	rules.users = xcalloc(from->n_users + 1, sizeof(*rules.users));
	rules.n_programs = from->n_programs;
	rules.n_users = from->n_users;
	rules.as_first = from->as_first;
	rules.started_as = geteuid();
	rules.argv[n++] = xstrdup("taskd-spawn");
	rules.argv[n++] = xasprintf("%d", (int)getpid());
	rules.argv[n++] = path;
	for (size_t i = 0; i < from->n_programs; i++) {
		rules.argv[n++] = xasprintf(SPAWNER_PROGRAM "%s", from->programs[i]);
		rules.programs[i] = xstrdup(from->programs[i]);
	}
	for (size_t i = 0; i < from->n_users; i++) {
		rules.argv[n++] = describe_user(&from->users[i]);
		rules.users[i] = (struct spawn_user){ .uid = from->users[i].uid, .capabilities = from->users[i].capabilities };
	}
	if (!from->as_first)
		rules.argv[n++] = xstrdup(SPAWNER_AS_STARTED);
}

static void rules_forget(void)
{
	for (size_t i = 0; rules.argv && rules.argv[i]; i++)
		free(rules.argv[i]);
	for (size_t i = 0; i < rules.n_programs; i++)
		free(rules.programs[i]);
	free(rules.argv);
	free(rules.programs);
	free(rules.users);
	memset(&rules, 0, sizeof(rules));
}

static int first_start(struct spawner *spawner)
{
	int pair[2], code = pair_new(pair);
	if (code < 0)
		return code;
	const struct spawn spawn = { .path = rules.argv[2], .argv = rules.argv, .fds = &pair[1], .n_fds = 1 };
	int pid = spawn_directly(&spawn);
	close(pair[1]);
	if (pid > 0)
		spawner_begins(spawner, pid, pair[0]);
	else
		close(pair[0]);
	return pid < 0 ? pid : 0;
}

int spawners_start(const struct spawn_rules *from)
{
	if (spawners_are_there() || from->n_programs > SPAWN_PROGRAMS_LIMIT || from->n_users > SPAWN_USERS_LIMIT)
		return -EINVAL;
	rules_keep(from, spawn_find("TASKD_SPAWN", "taskd-spawn"));
	int code = 0;
	for (size_t i = 0; i < N_SPAWNERS && code == 0; i++)
		code = first_start(&spawners[i]);
	if (code < 0)
		spawners_stop();
	return code;
}

void spawners_stop(void)
{
	for (size_t i = 0; i < N_SPAWNERS; i++)
		if (spawners[i].fd >= 0) {
			close(spawners[i].fd);
			spawners[i].fd = -1;
		}
	for (size_t i = 0; i < N_SPAWNERS; i++) {
		while (spawners[i].pid && waitpid(spawners[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
		spawners[i] = (struct spawner){ .fd = -1 };
	}
	rules_forget();
}
