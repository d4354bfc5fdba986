/* A few threads that close what is queued. They look for it now and then rather than be woken for each, which would cost
 * more than the closing does; one that has found nothing for a second leaves, so in a daemon that is sent no descriptors
 * there is none. Where as many as there may be are all stuck, the queue grows: descriptors are used up, which those who
 * send more are told. */
#include "base/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"

#define THREADS_MOST 32
#define STACK_SIZE (64 * 1024)
#define LOOK_NS (5 * NS_PER_MS)
#define LOOKS_MOST 200 /* in vain */
#define QUEUE_LONG 256 /* that is more than comes between two looks: one more thread may help */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static int *queue;
static size_t n_queued, room;
static int n_threads, n_resting;

/* With the lock, which it lets go meanwhile. False: nothing has come for a while. */
static bool rest(void)
{
	n_resting++;
	for (int looks = 0; !n_queued && looks < LOOKS_MOST; looks++) {
		pthread_mutex_unlock(&lock);
		nanosleep(&(const struct timespec){ .tv_nsec = LOOK_NS }, NULL);
		pthread_mutex_lock(&lock);
	}
	n_resting--;
	return n_queued > 0;
}

static void *closer_main(void *user)
{
	pthread_setname_np(pthread_self(), "closer");
	pthread_mutex_lock(&lock);
	while (n_queued || rest()) {
		int fd = queue[--n_queued];
		pthread_mutex_unlock(&lock);
		close(fd);
		pthread_mutex_lock(&lock);
	}
	n_threads--;
	pthread_mutex_unlock(&lock);
	return user;
}

/* With the lock. */
static bool start_thread(void)
{
	pthread_t thread;
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	bool started = pthread_create(&thread, &attributes, closer_main, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	n_threads += started;
	return started;
}

/* A pipe. That is not asked of fstat(2), which a file system may take long for, too. */
static bool is_quick(int fd)
{
	return fcntl(fd, F_GETPIPE_SZ) >= 0;
}

static void close_elsewhere(int fd)
{
	static bool told;
	pthread_mutex_lock(&lock);
	if (n_queued == room) {
		room = room ? 2 * room : 64;
		queue = xreallocarray(queue, room, sizeof(*queue));
	}
	queue[n_queued++] = fd;
	bool short_handed = n_resting == 0 || n_queued > QUEUE_LONG;
	if (short_handed && n_threads < THREADS_MOST) {
		if (!start_thread() && n_threads == 0)
			close(queue[--n_queued]); /* there is no other way */
	} else if (short_handed && !told) {
		told = true;
		log_warning("descriptors that others have sent take long to close: %zu wait for it", n_queued);
	}
	pthread_mutex_unlock(&lock);
}

void closer_close(int fd)
{
	int error = errno;
	if (is_quick(fd))
		close(fd);
	else
		close_elsewhere(fd);
	errno = error;
}

/* Whether nothing waits in it. An empty packet is told from none by the credentials that come with each. */
static bool has_no_packet(int fd)
{
	struct msghdr message = { 0 };
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)) < 0)
		return false;
	ssize_t length = recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT);
	return length < 0 ? errno == EAGAIN : length == 0 && !(message.msg_flags & MSG_CTRUNC);
}

void closer_close_packets(int fd)
{
	int error = errno;
	(void)shutdown(fd, SHUT_RD);
	if (has_no_packet(fd))
		close(fd);
	else
		close_elsewhere(fd);
	errno = error;
}

void closer_close_socket(int fd)
{
	int error = errno, unread = 0;
	/* From then on nothing more comes in, so that what is not there now will not be. */
	(void)shutdown(fd, SHUT_RD);
	if (ioctl(fd, FIONREAD, &unread) == 0 && unread == 0)
		close(fd);
	else
		close_elsewhere(fd);
	errno = error;
}
