/* A handler that uses its worker against the master: it lies in the lane, on the sockets and by the doorbell. Other than the
 * other plugins it knows what lies in a lane's memory (daemon/lane/records.h), as somebody who has read that would.
 *
 *   hostile CASE SEED      does CASE; then returns SEED, or stays until it is killed, or dies
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <taskd-plugin.h>
#include <time.h>
#include <unistd.h>

#include "lane/records.h"

#define CONTROL 3
#define LARGE 100000u

static struct lane_shared *shared;
static size_t shared_size;
static uint8_t *said;    /* the ring of completions */
static int doorbell, payloads; /* descriptors */
static long long seed;
static uint64_t random_state;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* --- finding what is shared --- */

static int find_lane(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], rights[8];
	unsigned long from, to, first = 0, last = 0;

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "memfd:taskd-lane") && sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 &&
			(!first || from == last)) {
			first = first ? first : from;
			last = to;
		}
	if (maps)
		fclose(maps);
	shared = (struct lane_shared *)first;
	shared_size = last - first;
	if (!first)
		return -1;
	said = (uint8_t *)shared + 4 * (size_t)sysconf(_SC_PAGESIZE) + shared->request_ring;
	return 0;
}

static void find_descriptors(void)
{
	char path[64], text[64];

	doorbell = payloads = -1;
	for (int fd = CONTROL + 1; fd < 256; fd++) {
		int type = 0;
		socklen_t length = sizeof(type);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		if (doorbell < 0 && strstr(text, "[eventfd"))
			doorbell = fd;
		if (payloads < 0 && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET)
			payloads = fd;
	}
}

static void ring(void)
{
	const uint64_t one = 1;

	(void)!write(doorbell, &one, sizeof(one));
}

/* --- saying things by hand --- */

static uint32_t own_seq(void)
{
	return (uint32_t)(atomic_load(&shared->current) - 1);
}

/* A record as the library would write it, behind what was said last. */
static void say_raw(const struct reply_record *record, const char *text, uint32_t text_length)
{
	uint32_t length = (uint32_t)sizeof(*record) + text_length, size = shared->completion_ring;
	uint32_t taken = 8 + ((length + 7) & ~7u), tail = atomic_load(&shared->completions.tail);
	uint32_t at = tail & (size - 1);
	uint32_t head[2] = { length, 0x52454331u }, pad[2] = { size - at - 8, 0x50414431u };

	while (size - (tail - atomic_load(&shared->completions.head)) < 2 * taken + 8)
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	if (taken > size - at) {
		memcpy(said + at, pad, sizeof(pad));
		tail += size - at;
		at = 0;
	}
	memcpy(said + at, head, sizeof(head));
	memcpy(said + at + 8, record, sizeof(*record));
	if (text_length)
		memcpy(said + at + 8 + sizeof(*record), text, text_length);
	atomic_store(&shared->completions.tail, tail + taken);
	if (atomic_exchange(&shared->master_asleep, MASTER_AWAKE) != MASTER_AWAKE)
		ring();
}

static struct reply_record answer_to(uint32_t seq)
{
	return (struct reply_record){ .word = LANE_SUCCEEDED, .seq = seq, .payload_length = 1 };
}

/* SEED, as its last word. */
static void say_result(void)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%lld", seed);
	struct reply_record record = answer_to(own_seq());

	record.payload_length = (uint64_t)length;
	say_raw(&record, text, (uint32_t)length);
}

static int send_fds(int socket, const void *data, size_t length, const int *fds, size_t n)
{
	static _Alignas(struct cmsghdr) char room[CMSG_SPACE(253 * sizeof(int))];
	struct iovec part = { (void *)(uintptr_t)data, length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (n) {
		message.msg_control = room;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

/* Whether it is told to leave, or 20 seconds have passed: nothing here goes on for ever. */
static bool goes_on(struct taskd_call *call)
{
	static _Thread_local uint64_t task;
	static _Thread_local struct timespec begun;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (task != taskd_task_id(call)) {
		task = taskd_task_id(call);
		begun = now;
	}
	return !taskd_cancelled(call) && now.tv_sec - begun.tv_sec < 20;
}

/* --- the lane --- */

static void lie_indices(struct taskd_call *call)
{
	(void)call;
	atomic_store(&shared->completions.tail, (uint32_t)next_random());
	atomic_store(&shared->requests.head, (uint32_t)next_random());
	ring();
}

static void lie_lengths(struct taskd_call *call)
{
	struct reply_record record = answer_to(own_seq());

	(void)call;
	record.payload_length = next_random();
	record.message_length = (uint32_t)next_random();
	say_raw(&record, "1", 1);
}

static void lie_ids(struct taskd_call *call)
{
	struct reply_record record = answer_to(own_seq() + 1 + (uint32_t)(next_random() % 1000));

	(void)call;
	say_raw(&record, "1", 1);
}

/* For each number that there is but its own. (One that is behind its own in this very lane was given to this process, and
 * is what it makes of it.) */
static void answer_for_others(struct taskd_call *call)
{
	struct reply_record record = answer_to(own_seq() + 1);

	(void)call;
	for (int i = 0; i < 500; i++, record.seq++)
		say_raw(&record, "0", 1);
}

static void answer_twice(struct taskd_call *call)
{
	struct reply_record record = answer_to(own_seq());

	(void)call;
	say_raw(&record, "1", 1);
	say_raw(&record, "1", 1);
}

/* Of all kinds: everything; a few words of the head; small lies about what is there. */
static void scribble(struct taskd_call *call)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *base = (uint8_t *)shared;
	unsigned kind = (unsigned)(next_random() % 4);

	(void)call;
	if (kind == 0) {
		for (size_t i = 0; i < shared_size; i += 8)
			memcpy(base + i, &(uint64_t){ next_random() }, 8);
	} else {
		for (int i = (int)(next_random() % 8); i >= 0; i--) {
			size_t room = kind == 1 ? sizeof(*shared) : kind == 2 ? 4 * page : shared_size;
			uint8_t *at = base + (next_random() % room & ~(size_t)3);
			uint32_t value = (uint32_t)next_random();
			if (next_random() % 2)
				value = *(uint32_t *)(void *)at + (value % 32) * 8 - 64;
			memcpy(at, &value, sizeof(value));
		}
	}
	ring();
}

/* As full as a semaphore can be, or none at all, and somebody sleeps. */
static void spoil_semaphores(struct taskd_call *call)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)call;
	memset((uint8_t *)shared + page - LANE_SEMAPHORE_SHARED, seed % 2 ? 0x7f : 0xff, page);
	memset((uint8_t *)shared + 3 * page - LANE_SEMAPHORE_SHARED, seed % 2 ? 0x7f : 0xff, page);
	atomic_store(&shared->slot_asleep, 1);
	atomic_store(&shared->slot_wants_room, 1);
	say_result();
	poll(NULL, 0, 20);
}

/* The memory is the same size, and nothing is in it any more. */
static void punch(struct taskd_call *call)
{
	(void)call;
	for (int i = 0; i < 100; i++)
		madvise(shared, shared_size, MADV_REMOVE);
	ring();
}

/* --- payloads --- */

static int lingering(void)
{
	static const char bytes[4096];
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct linger linger = { .l_onoff = 1, .l_linger = 600 };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0 ||
		getsockname(listener, (struct sockaddr *)&address, &length) < 0 ||
		connect(fd, (struct sockaddr *)&address, length) < 0 || accept(listener, NULL, NULL) < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return fd;
}

static int memory(uint64_t size, int seals)
{
	int fd = memfd_create("hostile", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, seals) < 0)
		return -1;
	return fd;
}

#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* FD as the result, which is said to have SIZE bytes. */
static void result_is(int fd, uint64_t size)
{
	struct {
		uint32_t seq, n_fds;
		uint64_t size;
	} header = { .seq = own_seq(), .size = size };
	struct reply_record record = answer_to(own_seq());

	send_fds(payloads, &header, sizeof(header), &fd, fd >= 0 ? 1 : 0);
	if (fd >= 0)
		close(fd);
	record.large = 1;
	record.payload_length = size;
	say_raw(&record, NULL, 0);
}

static void payload_none(struct taskd_call *call)
{
	(void)call;
	result_is(-1, LARGE);
}

static void payload_pipe(struct taskd_call *call)
{
	int ends[2];

	(void)call;
	if (pipe(ends) == 0)
		result_is(ends[0], LARGE);
}

static void payload_device(struct taskd_call *call)
{
	(void)call;
	result_is(open("/dev/zero", O_RDWR), LARGE);
}

static void payload_file(struct taskd_call *call)
{
	(void)call;
	result_is(open("/proc/self/exe", O_RDONLY), LARGE);
}

static void payload_unsealed(struct taskd_call *call)
{
	(void)call;
	result_is(memory(LARGE, (int)(next_random() % ALL_SEALS) & ALL_SEALS & ~F_SEAL_SHRINK), LARGE);
}

static void payload_short(struct taskd_call *call)
{
	(void)call;
	result_is(memory(1, ALL_SEALS), LARGE);
}

/* Nothing is in it, and it is larger than the machine. */
static void payload_sparse(struct taskd_call *call)
{
	(void)call;
	result_is(memory((uint64_t)1 << 40, ALL_SEALS), (uint64_t)1 << 40);
}

static void payload_nothing(struct taskd_call *call)
{
	(void)call;
	result_is(memory(LARGE, ALL_SEALS), LARGE); /* all of it NULs: no JSON */
}

static void payload_lingering(struct taskd_call *call)
{
	(void)call;
	result_is(lingering(), LARGE);
}

/* As many as a message takes, as often as there is room: a thousand and more. */
static void payload_flood(struct taskd_call *call)
{
	int fds[253];

	(void)call;
	for (size_t i = 0; i < 253; i++)
		fds[i] = i == 0 ? lingering() : 0;
	for (int i = 0; i < 100 && send_fds(payloads, "", (size_t)(i % 2), fds, 253) == 0; i++)
		;
	close(fds[0]);
	result_is(memory(LARGE, ALL_SEALS), LARGE);
}

static void progress_large(struct taskd_call *call)
{
	struct reply_record record = answer_to(own_seq());

	(void)call;
	record.word = LANE_PROGRESS;
	record.large = 1;
	record.payload_length = LARGE;
	say_raw(&record, NULL, 0);
}

/* --- what is said without an end --- */

/* SEED times, and then the result. */
static void progress_flood(struct taskd_call *call)
{
	static const char text[] = "one more";
	struct reply_record record = answer_to(own_seq());

	record.word = LANE_PROGRESS;
	record.payload_length = sizeof(text) - 1;
	for (long long i = 0; i < seed && goes_on(call); i++) {
		record.progress = (double)i / (double)seed;
		say_raw(&record, text, sizeof(text) - 1);
	}
	say_result();
}

static void doorbell_flood(struct taskd_call *call)
{
	fcntl(doorbell, F_SETFL, O_ASYNC); /* and it may block from now on */
	fcntl(doorbell, F_SETOWN, getppid());
	while (goes_on(call))
		ring();
}

/* So that nobody can ring it any more, and it may block. */
static void doorbell_full(struct taskd_call *call)
{
	(void)call;
	fcntl(doorbell, F_SETFL, 0);
	for (uint64_t most = UINT64_MAX - 1; most; most /= 2) {
		struct pollfd room = { .fd = doorbell, .events = POLLOUT };
		if (poll(&room, 1, 0) == 1)
			(void)!write(doorbell, &most, sizeof(most));
	}
	fcntl(doorbell, F_SETFL, O_NONBLOCK);
}

static void control_flood(struct taskd_call *call)
{
	static const char *const words[] = { "{\"ready\":0}", "{\"handlers\":[{\"name\":\"fib\",\"summary\":\"lies\"}]}",
		"{\"answer\":{\"ask\":1,\"word\":\"done\"}}", "" };
	const char *word = words[seed % 4];

	while (goes_on(call) && send(CONTROL, word, strlen(word), MSG_NOSIGNAL) >= 0)
		;
}

static void control_bomb(struct taskd_call *call)
{
	static char text[60000];

	memset(text, seed % 2 ? '[' : '{', sizeof(text));
	while (goes_on(call) && send(CONTROL, text, sizeof(text), MSG_NOSIGNAL) >= 0)
		;
}

static void control_descriptors(struct taskd_call *call)
{
	int fd = lingering();

	(void)call;
	send_fds(CONTROL, "{}", seed % 2 ? 2 : 0, &fd, 1);
	close(fd);
}

/* --- what stays --- */

/* Somebody who is not of the worker's group keeps all that it had, and goes on with it: for two seconds. */
static void keep_descriptors(struct taskd_call *call)
{
	(void)call;
	if (fork() == 0) {
		struct timespec begun, now;
		setsid();
		if (fork() > 0)
			_exit(0);
		clock_gettime(CLOCK_MONOTONIC, &begun);
		do {
			ring();
			send(CONTROL, "{\"ready\":0}", 11, MSG_NOSIGNAL | MSG_DONTWAIT);
			atomic_fetch_add(&shared->completions.tail, 8);
			clock_gettime(CLOCK_MONOTONIC, &now);
		} while (now.tv_sec - begun.tv_sec < 2);
		_exit(0);
	}
	poll(NULL, 0, 20);
}

/* Nothing goes over the sockets any more. */
static void shut_sockets(struct taskd_call *call)
{
	(void)call;
	shutdown(CONTROL, SHUT_RDWR);
	shutdown(payloads, SHUT_RDWR);
}

static const struct {
	const char *name;
	void (*run)(struct taskd_call *call);
	enum { RETURNS, STAYS, DIES } then;
} cases[] = {
	{ "indices", lie_indices, STAYS },
	{ "lengths", lie_lengths, STAYS },
	{ "ids", lie_ids, STAYS },
	{ "others", answer_for_others, STAYS },
	{ "twice", answer_twice, STAYS },
	{ "scribble", scribble, RETURNS },
	{ "semaphores", spoil_semaphores, DIES },
	{ "punch", punch, STAYS },
	{ "payload_none", payload_none, STAYS },
	{ "payload_pipe", payload_pipe, STAYS },
	{ "payload_device", payload_device, STAYS },
	{ "payload_file", payload_file, STAYS },
	{ "payload_unsealed", payload_unsealed, STAYS },
	{ "payload_short", payload_short, STAYS },
	{ "payload_sparse", payload_sparse, STAYS },
	{ "payload_nothing", payload_nothing, DIES },
	{ "payload_lingering", payload_lingering, STAYS },
	{ "payload_flood", payload_flood, STAYS },
	{ "progress_large", progress_large, STAYS },
	{ "progress_flood", progress_flood, DIES },
	{ "doorbell_flood", doorbell_flood, STAYS },
	{ "doorbell_full", doorbell_full, RETURNS },
	{ "control_flood", control_flood, STAYS },
	{ "control_bomb", control_bomb, STAYS },
	{ "control_descriptors", control_descriptors, STAYS },
	{ "keep_descriptors", keep_descriptors, DIES },
	{ "shut_sockets", shut_sockets, STAYS },
};

static int hostile(struct taskd_call *call)
{
	const char *name;

	if (taskd_arg_string(call, 0, "case", &name, NULL) || taskd_arg_int(call, 1, "seed", &seed))
		return TASKD_BAD_ARGS;
	random_state = (uint64_t)seed * 0x9e3779b97f4a7c15u + 1;
	if (find_lane() < 0)
		return taskd_fail(call, 1, "there is no lane");
	find_descriptors();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (strcmp(cases[i].name, name) != 0)
			continue;
		cases[i].run(call);
		while (cases[i].then == STAYS && goes_on(call))
			poll(NULL, 0, 1);
		if (cases[i].then == DIES)
			kill(getpid(), SIGKILL);
		return taskd_return_int(call, seed);
	}
	return TASKD_BAD_ARGS;
}

static const struct taskd_handler handlers[] = {
	{ .name = "hostile", .run = hostile, .parameters = "case:string seed:int" },
	{ 0 },
};
TASKD_PLUGIN(handlers)
