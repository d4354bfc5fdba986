/* The store as a process: started, found dead, started again. */
#include "store/client_parts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/spawn.h"
#include "base/xmalloc.h"

#define PAUSE_FIRST_NS (100 * NS_PER_MS)
#define START_TRIES 3 /* where a spawner died over it */
#define OLD_NS (10 * NS_PER_S) /* one that was open for so long does not count among deaths in a row */

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* 0, or -1 with errno: ECONNRESET where there may be a process all the same. */
static int start_once(struct store_client *client)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	char *argv[] = { (char *)(uintptr_t)"taskd-store",
		client->options.core_dumps ? (char *)(uintptr_t)STORE_CORE_DUMPS : NULL, NULL };
	const int fds[] = { pair[1], channel_memory_fd(client->channel), channel_doorbell_fd(client->channel),
		client->options.alive_fd };
	static_assert(STORE_CONTROL_FD == 3 && STORE_MEMORY_FD == 4 && STORE_DOORBELL_FD == 5 && STORE_ALIVE_FD == 6,
		"where spawn_child puts them");
	const struct spawn spawn = { .path = client->program, .argv = argv, .fds = fds, .n_fds = 4 };
	int pid = spawn_child(&spawn), error = pid < 0 ? -pid : 0;
	close(pair[1]);
	int pidfd = error ? -1 : pidfd_open(pid, 0);
	if (!error && pidfd < 0) {
		error = errno;
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (error) {
		close(pair[0]);
		errno = error;
		return -1;
	}
	client->pid = pid;
	client->pidfd = pidfd;
	client->control_fd = pair[0];
	client->opened = client->condemned = client->blocked = false;
	client->lie = NULL;
	client_request(client, STORE_OPEN, 0, &client->open);
	return 0;
}

/* A process that nobody knows of has nothing to its name: the end of its socket tells it to leave, before it has been told
 * what to open. */
int client_start(struct store_client *client)
{
	int code;
	for (int tries = 0; (code = start_once(client)) < 0 && errno == ECONNRESET && tries < START_TRIES; tries++)
		;
	return code;
}

void client_kill(struct store_client *client)
{
	client->condemned = true;
	if (client->pidfd >= 0)
		pidfd_send_signal(client->pidfd, SIGKILL, NULL, 0);
}

/* Nothing of this process's is left; what it has not committed is the next one's. */
static void process_forget(struct store_client *client)
{
	client->pid = 0;
	fd_close(&client->pidfd);
	fd_close(&client->control_fd);
	client->opened = client->condemned = false;
	client->stop_sent = false;
	client->requests.length = client->requests_sent = 0;
	client->heard.length = client->heard_from = 0;
	/* The next one has refused nothing. */
	client->again_ns = CLOCK_NEVER;
}

static void put_off(struct store_client *client)
{
	if (client->opened_ns && clock_mono_ns() - client->opened_ns >= OLD_NS)
		client->deaths = 0;
	client->opened_ns = 0;
	client->deaths++;
	int64_t pause_ns = client->deaths < 2 ? 0 : PAUSE_FIRST_NS << (client->deaths - 2);
	client->start_ns = clock_mono_ns() + pause_ns;
}

/* TEXT says how it ended. */
static void process_died(struct store_client *client, const char *text)
{
	put_off(client);
	if (client->deaths >= CLIENT_DEATHS_MOST) {
		char *why = xasprintf("the store has died %d times without committing anything; the last time it %s",
			client->deaths, text);
		client_fail(client, why);
		free(why);
		return;
	}
	char *why = xasprintf("the store %s; it is started again", text);
	client_enter(client, client->stopping ? STORE_STOPPING : STORE_OPENING, why);
	free(why);
}

static char *end_text(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return xasprintf("has ended with status %d", info->si_status);
	if (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED)
		return xasprintf("was ended by signal %d (%s)", info->si_status, strsignal(info->si_status));
	return xstrdup("has ended");
}

static void process_ended(struct store_client *client, const siginfo_t *info)
{
	/* As the disk was full it did not even open; that is no death. */
	bool waits_for_room = client->start_ns != CLOCK_NEVER;
	/* Where nothing is known of how it ended, it ended as it was told. */
	bool as_told =
		client->stop_sent && (info->si_code == 0 || (info->si_code == CLD_EXITED && info->si_status == 0));
	bool failed = client->state == STORE_BROKEN || !client->ever_opened;
	process_forget(client);
	if (client->stopping && (as_told || failed || client->log.bytes == 0)) {
		client->start_ns = CLOCK_NEVER;
		client_enter(client, STORE_CLOSED, NULL);
		return;
	}
	if (client->state == STORE_BROKEN || waits_for_room)
		return;
	char *text = client->lie ? xasprintf("has said what makes no sense (%s)", client->lie) : end_text(info);
	process_died(client, text);
	free(text);
}

static int64_t coarse_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void client_look(struct store_client *client)
{
	siginfo_t info = { 0 };
	int64_t now_ms = coarse_ms();
	/* No system call a turn: it is a few milliseconds early enough. */
	if (!client->pid || now_ms == client->looked_ms)
		return;
	client->looked_ms = now_ms;
	/* ECHILD: somebody else has had its status. */
	if (waitid(P_PIDFD, (id_t)client->pidfd, &info, WEXITED | WNOHANG) < 0 ? errno != ECHILD : info.si_pid == 0)
		return;
	while (client_hear(client))
		;
	process_ended(client, &info);
}

void client_restart(struct store_client *client)
{
	if (client->start_ns == CLOCK_NEVER || client->pid || clock_mono_ns() < client->start_ns)
		return;
	client->start_ns = CLOCK_NEVER;
	client->respawns++;
	if (channel_renew(client->channel) == 0 && client_start(client) == 0)
		return;
	char *text = xasprintf("cannot be started: %s", strerror(errno));
	process_died(client, text);
	free(text);
}
