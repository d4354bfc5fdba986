/* A lane whose other end lies, scribbles, or dies: it costs the lane, and the master nothing. */
#include "lane_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static struct both b;

static void setup(void)
{
	b = both_make(LANE_RING_MIN);
}

static void teardown(void)
{
	both_free(&b);
}

/* --- what a reply may say --- */

struct lie {
	const char *what;
	uint32_t length; /* of the record; 0: as it ought to be */
	uint32_t word, seq, message_length, large; /* added to the truth */
	uint64_t payload_length;
	int status;
};
#define TRUE_MESSAGE 3u
#define TRUE_PAYLOAD 5u
static const struct lie lies[] = {
	{ "the truth", .status = LANE_OK },
	{ "nothing at all", .length = 1, .status = LANE_BROKEN },
	{ "half a record", .length = sizeof(struct reply_record) - 1, .status = LANE_BROKEN },
	{ "a record without its message", .length = sizeof(struct reply_record) + 2, .status = LANE_BROKEN },
	{ "a record without its payload", .length = sizeof(struct reply_record) + 7, .status = LANE_BROKEN },
	{ "word 0", .word = (uint32_t)-LANE_SUCCEEDED, .status = LANE_BROKEN },
	{ "output with a message", .word = 3, .status = LANE_BROKEN },
	{ "word 5", .word = 4, .status = LANE_BROKEN },
	{ "a word of nonsense", .word = 0x80000000u, .status = LANE_BROKEN },
	{ "the next request's number", .seq = 1, .status = LANE_BROKEN },
	{ "a number of the past", .seq = (uint32_t)-1, .status = LANE_BROKEN },
	{ "a message beyond the record", .message_length = 6, .status = LANE_BROKEN },
	{ "a message beyond its room", .message_length = 509, .length = 2000, .status = LANE_BROKEN },
	{ "a message of everything", .message_length = UINT32_MAX - TRUE_MESSAGE, .status = LANE_BROKEN },
	{ "a payload beyond the record", .payload_length = 1, .status = LANE_BROKEN },
	{ "a payload of everything", .payload_length = UINT64_MAX - TRUE_PAYLOAD, .status = LANE_BROKEN },
	{ "a payload of 4 GiB", .payload_length = UINT64_C(1) << 32, .status = LANE_BROKEN },
	{ "a payload over the inline limit", .payload_length = LANE_INLINE_LIMIT, .length = 20000, .status = LANE_BROKEN },
	{ "a large payload that is small", .large = 1, .status = LANE_BROKEN },
	{ "a large payload that was not sent", .large = 1, .payload_length = 100000, .status = LANE_BROKEN },
	{ "large progress", .word = 2, .large = 1, .payload_length = 100000, .status = LANE_BROKEN },
	{ "a large payload over the limit", .large = 1, .payload_length = PAYLOAD_LIMIT, .status = LANE_BROKEN },
};

/* Publishes a reply by hand. */
static void say_record(const struct reply_record *record, uint32_t length, const char *text)
{
	const struct lane_memory *memory = lane_memory_of(b.lane);
	struct ring ring;
	ring_init(&ring, &memory->shared->completions, memory->completion_data, memory->completion_ring);
	void *room;
	ck_assert_int_eq(ring_reserve(&ring, length, 0, &room, NULL), RING_OK);
	memset(room, 0, length);
	memcpy(room, record, length < sizeof *record ? length : sizeof *record);
	if (length > sizeof *record)
		memcpy((char *)room + sizeof *record, text, strlen(text) < length - sizeof *record ? strlen(text) : length - sizeof *record);
	ring_publish(&ring);
}

static struct reply_record reply_to(uint32_t seq)
{
	return (struct reply_record){ .word = LANE_SUCCEEDED, .seq = seq, .message_length = TRUE_MESSAGE,
		.payload_length = TRUE_PAYLOAD };
}

START_TEST(lie_breaks_the_lane)
{
	const struct lie *lie = &lies[_i];
	struct lane_reply reply;
	uint32_t seq = send_ok(b.lane, "1");
	send_ok(b.lane, "2");
	struct reply_record record = reply_to(seq);
	record.word += lie->word;
	record.seq += lie->seq;
	record.message_length += lie->message_length;
	record.payload_length += lie->payload_length;
	record.large += lie->large;
	uint32_t truth = sizeof record + TRUE_MESSAGE + TRUE_PAYLOAD;
	say_record(&record, lie->length ? lie->length : truth, "msgbytes");
	int status = lane_receive(b.lane, &reply);
	ck_assert_msg(status == lie->status, "%s: %d", lie->what, status);
	if (status == LANE_OK) {
		ck_assert_str_eq(reply.message, "msg");
		ck_assert_int_eq(memcmp(reply.payload->data, "bytes", 5), 0);
		bytes_unref(reply.payload);
		return;
	}
	/* And it stays broken. */
	ck_assert_int_eq(lane_receive(b.lane, &reply), LANE_BROKEN);
	ck_assert_int_eq(send_args(b.lane, "", 0, &seq), LANE_BROKEN);
}
END_TEST

START_TEST(answer_twice_or_to_nothing_is_refused)
{
	uint32_t seq = send_ok(b.lane, "1");
	const struct lane_memory *memory = lane_memory_of(b.lane);
	struct reply_record record = reply_to(seq);
	record.message_length = 0;
	record.payload_length = 0;
	struct ring ring;
	ring_init(&ring, &memory->shared->completions, memory->completion_data, memory->completion_ring);
	for (int i = 0; i < 2; i++) {
		void *room;
		ck_assert_int_eq(ring_reserve(&ring, sizeof record, 0, &room, NULL), RING_OK);
		memcpy(room, &record, sizeof record);
		ring_publish(&ring);
	}
	ck_assert_int_eq(hear(b.lane), LANE_OK);
	ck_assert_int_eq(hear(b.lane), LANE_BROKEN);
}
END_TEST

START_TEST(answer_to_what_was_revoked_is_refused)
{
	uint32_t seq = send_ok(b.lane, "1");
	ck_assert(lane_revoke(b.lane, seq));
	struct reply_record record = reply_to(seq);
	say_record(&record, sizeof record + TRUE_MESSAGE + TRUE_PAYLOAD, "msgbytes");
	ck_assert_int_eq(hear(b.lane), LANE_BROKEN);
}
END_TEST

/* --- what may come as a large payload --- */

#define LARGE 100000u
enum wrong { RIGHT, NO_SEALS, NO_WRITE_SEAL, NO_SHRINK_SEAL, NO_GROW_SEAL, SHORT, LONG, OTHER_SEQ, OTHER_SIZE, NO_DESCRIPTOR,
	TWO_DESCRIPTORS, A_PIPE, A_FILE, SHORT_HEADER, LONG_HEADER, N_WRONGS };

static int memory_of(enum wrong wrong)
{
	static const int seals[N_WRONGS] = { [NO_SEALS] = 0, [NO_WRITE_SEAL] = F_SEAL_SHRINK | F_SEAL_GROW,
		[NO_SHRINK_SEAL] = F_SEAL_WRITE | F_SEAL_GROW, [NO_GROW_SEAL] = F_SEAL_WRITE | F_SEAL_SHRINK };
	int fd = memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, wrong == SHORT ? LARGE - 1 : wrong == LONG ? LARGE + 1 : LARGE), 0);
	bool some = wrong >= NO_SEALS && wrong <= NO_GROW_SEAL;
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, some ? seals[wrong] : F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
	return fd;
}

static void send_wrongly(int socket, uint32_t seq, enum wrong wrong)
{
	struct {
		uint32_t seq, zero;
		uint64_t size;
		char more[8];
	} header = { .seq = seq + (wrong == OTHER_SEQ), .size = LARGE + (wrong == OTHER_SIZE) };
	int fds[2] = { -1, -1 }, pipe_fds[2] = { -1, -1 };
	if (wrong == A_PIPE) {
		ck_assert_int_eq(pipe(pipe_fds), 0);
		fds[0] = pipe_fds[0];
	} else {
		fds[0] = wrong == A_FILE ? open("/proc/self/exe", O_RDONLY | O_CLOEXEC) : memory_of(wrong);
	}
	fds[1] = fds[0];
	size_t n = wrong == NO_DESCRIPTOR ? 0 : wrong == TWO_DESCRIPTORS ? 2 : 1;
	union {
		struct cmsghdr aligned;
		char room[CMSG_SPACE(sizeof fds)];
	} control = { .room = { 0 } };
	struct iovec part = { &header, wrong == SHORT_HEADER ? 8 : wrong == LONG_HEADER ? 24 : 16 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (n) {
		message.msg_control = control.room;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(socket, &message, 0), (ssize_t)part.iov_len);
	close(fds[0]);
	close(pipe_fds[1]);
}

static int open_descriptors(void)
{
	int n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* What comes from a slot and is not wanted is closed elsewhere. */
static void wait_for_descriptors(int n)
{
	for (int ms = 0; ms < BOUND_MS && open_descriptors() != n; ms++)
		poll(NULL, 0, 1);
	ck_assert_int_eq(open_descriptors(), n);
}

START_TEST(wrong_payload_breaks_the_lane_and_leaks_nothing)
{
	struct lane_reply reply;
	uint32_t seq = send_ok(b.lane, "1");
	int before = open_descriptors();
	send_wrongly(lane_socket_fd(b.lane), seq, (enum wrong)_i);
	struct reply_record record = reply_to(seq);
	record.message_length = 0;
	record.large = 1;
	record.payload_length = LARGE;
	say_record(&record, sizeof record, "");
	int status = lane_receive(b.lane, &reply);
	ck_assert_msg(status == (_i == RIGHT ? LANE_OK : LANE_BROKEN), "%d: %d", _i, status);
	if (status == LANE_OK) {
		ck_assert_uint_eq(reply.payload->size, LARGE);
		bytes_unref(reply.payload);
	}
	lane_free(b.lane);
	b.lane = NULL;
	wait_for_descriptors(before - 3); /* its memory, and both ends of its socket */
}
END_TEST

/* --- what takes long to close --- */

#define LONG_S 600 /* longer than a test may take */

/* A connection over which nothing goes any more: to close it takes LONG_S, or until *OTHER is closed. */
static int lingering(int *other)
{
	static const char bytes[4096];
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct linger linger = { .l_onoff = 1, .l_linger = LONG_S };
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
	*other = accept(listener, NULL, NULL);
	ck_assert_int_ge(*other, 0);
	close(listener);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
	while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		;
	return fd;
}

enum { AS_PAYLOAD, AMONG_OTHERS, UNREAD, UNREAD_AND_EMPTY, N_LONG };

/* Its sender has closed it: the last copy is on its way. */
static void send_lingering(int socket, uint32_t seq, int how, int *other)
{
	struct {
		uint32_t seq, n_fds;
		uint64_t size;
	} header = { .seq = seq, .size = LARGE };
	int fds[2] = { lingering(other), memory_of(RIGHT) };
	size_t n = how == AMONG_OTHERS ? 2 : 1;
	union {
		struct cmsghdr aligned;
		char room[CMSG_SPACE(sizeof fds)];
	} control = { .room = { 0 } };
	struct iovec part = { &header, how == UNREAD_AND_EMPTY ? 0 : sizeof header };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), how == AMONG_OTHERS ? (int[]){ fds[1], fds[0] } : fds, n * sizeof(int));
	ck_assert_int_eq(sendmsg(socket, &message, 0), (ssize_t)part.iov_len);
	close(fds[0]);
	close(fds[1]);
}

START_TEST(master_does_not_wait_for_a_descriptor_that_takes_long_to_close)
{
	int other, before = open_descriptors();
	uint32_t seq = send_ok(b.lane, "1");
	send_lingering(lane_socket_fd(b.lane), seq, _i, &other);
	if (_i == AS_PAYLOAD || _i == AMONG_OTHERS) {
		struct reply_record record = reply_to(seq);
		record.message_length = 0;
		record.large = 1;
		record.payload_length = LARGE;
		say_record(&record, sizeof record, "");
		ck_assert_int_eq(hear(b.lane), LANE_BROKEN);
	}
	lane_free(b.lane);
	b.lane = NULL;
	close(other);
	wait_for_descriptors(before - 3);
}
END_TEST

/* A process has room for some 65,000 mappings: results that are kept are not one each for ever. */
START_TEST(many_large_results_do_not_take_all_mappings)
{
	enum { N = 9000 };
	static struct bytes *kept[N];
	char *text = calloc(1, LANE_INLINE_LIMIT + 1);
	int status = LANE_OK;
	size_t right = 0, maps = 0;
	char line[512];
	for (int i = 0; i < N && status == LANE_OK; i++) {
		struct lane_reply reply = { 0 };
		struct lane_request request;
		send_ok(b.lane, "1");
		status = lane_end_take(b.end, &request) == LANE_OK ? LANE_OK : LANE_BROKEN;
		text[0] = (char)('a' + i % 26);
		if (status == LANE_OK)
			status = say(b.end, LANE_SUCCEEDED, text, LANE_INLINE_LIMIT + 1);
		if (status == LANE_OK)
			status = lane_receive(b.lane, &reply);
		kept[i] = reply.payload;
	}
	ck_assert_int_eq(status, LANE_OK);
	FILE *file = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, file))
		maps += strstr(line, "memfd:taskd-payload") != NULL;
	fclose(file);
	for (int i = 0; i < N; i++) {
		right += kept[i] && kept[i]->size == LANE_INLINE_LIMIT + 1 && kept[i]->data[0] == 'a' + i % 26;
		bytes_unref(kept[i]);
	}
	ck_assert_uint_eq(right, N);
	ck_assert_uint_gt(maps, 4000);
	ck_assert_uint_lt(maps, N);
	free(text);
}
END_TEST

START_TEST(memory_cannot_be_shortened)
{
	ck_assert_int_lt(ftruncate(lane_memory_fd(b.lane), 4096), 0);
	ck_assert_int_lt(ftruncate(lane_memory_fd(b.lane), 1 << 24), 0);
}
END_TEST

/* --- scribbling --- */

/* The worker's view of the memory, where it may write anywhere. */
static uint8_t *worker_view(const struct lane *lane)
{
	size_t size = lane_memory_of(lane)->size;
	uint8_t *view = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, lane_memory_fd(lane), 0);
	ck_assert(view != MAP_FAILED);
	return view;
}

/* A post to a semaphore whose innards were scribbled over kills who posts, or hangs him, with a plain sem_t. */
START_TEST(scribbled_semaphores_hurt_nobody)
{
	size_t size = lane_memory_of(b.lane)->size;
	uint8_t *view = worker_view(b.lane);
	static const uint8_t fills[] = { 0xff, 0x00, 0x80, 0x7f, 0x01, 0xa5 };
	long page = sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < sizeof fills; i++) {
		memset(view, fills[i], (size_t)(4 * page));
		struct lane_shared *shared = (struct lane_shared *)view;
		atomic_store(&shared->slot_asleep, 1);
		lane_stop(b.lane);
		sem_post(lane_memory_of(b.lane)->room_posted);
		uint32_t seq;
		ck_assert_int_ne(send_args(b.lane, "1", 1, &seq), LANE_NO_MEMORY);
	}
	munmap(view, size);
}
END_TEST

static void scribble(uint8_t *view, size_t size, unsigned *seed)
{
	size_t header = sizeof(struct lane_shared);
	unsigned kind = (unsigned)rand_r(seed) % 8;
	size_t at = kind < 4 ? (size_t)rand_r(seed) % header : (size_t)rand_r(seed) % (size - 8);
	if (kind == 7)
		memset(view + at, rand_r(seed), (size_t)rand_r(seed) % (size - at));
	else if (kind % 2)
		view[at] = (uint8_t)rand_r(seed);
	else
		memcpy(view + (at & ~(size_t)7), &(uint64_t){ (uint64_t)rand_r(seed) & ~UINT64_C(7) }, 8);
}

/* One of the things that a master does. False: the lane is broken. */
static bool master_step(struct lane *lane, unsigned *seed, const char *large)
{
	static uint32_t last;
	uint32_t seq = last - (uint32_t)rand_r(seed) % 4;
	int status = LANE_OK;
	switch (rand_r(seed) % 8) {
	case 0:
	case 1:
		status = send_args(lane, large, (size_t)rand_r(seed) % 2000, &last);
		break;
	case 2:
		status = rand_r(seed) % 8 ? LANE_OK : send_args(lane, large, LARGE, &last);
		break;
	case 3:
	case 4:
		status = hear(lane);
		break;
	case 5:
		lane_revoke(lane, seq);
		break;
	case 6:
		ck_assert_int_le(lane_started(lane, seq, 10, 20), 20);
		lane_interrupt(lane, seq);
		break;
	case 7:
		if (lane_sleep(lane, false))
			lane_wake(lane);
		break;
	}
	return status != LANE_BROKEN;
}

START_TEST(scribbling_over_everything_breaks_the_lane_only)
{
	char *large = calloc(1, LARGE);
	unsigned seed = 7;
	int broken = 0;
	for (int round = 0; round < 300; round++) {
		struct both one = both_make(LANE_RING_MIN);
		size_t size = lane_memory_of(one.lane)->size;
		uint8_t *view = worker_view(one.lane);
		bool alive = true;
		for (int step = 0; step < 400 && alive; step++) {
			alive = master_step(one.lane, &seed, large);
			if (step > 50 && rand_r(&seed) % 4 == 0)
				scribble(view, size, &seed);
			else if (rand_r(&seed) % 2 == 0)
				for (int steps = 0; steps < 2 && alive; steps++)
					alive = master_step(one.lane, &seed, large);
		}
		broken += !alive;
		munmap(view, size);
		both_free(&one);
	}
	ck_assert_int_gt(broken, 0);
	free(large);
}
END_TEST

/* --- another process --- */

static pid_t slot_spawn(struct lane *lane, int doorbell, void (*run)(struct lane_end *end, uint8_t *view, size_t size))
{
	pid_t master = getpid(), pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != master)
			_exit(1);
		struct lane_end *end = lane_end_new(dup(lane_memory_fd(lane)), dup(lane_socket_fd(lane)), doorbell, PAYLOAD_LIMIT);
		if (end)
			run(end, worker_view(lane), lane_memory_of(lane)->size);
		_exit(0);
	}
	lane_handed_over(lane);
	return pid;
}

static void slot_end(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static bool echo_next(struct lane_end *end)
{
	struct lane_request request;
	return lane_end_take(end, &request) == LANE_OK &&
		say(end, LANE_SUCCEEDED, request.args, request.args_length) == LANE_OK;
}

static void run_echo(struct lane_end *end, uint8_t *view, size_t size)
{
	(void)view;
	(void)size;
	while (echo_next(end))
		;
}

static void run_scribbler(struct lane_end *end, uint8_t *view, size_t size)
{
	unsigned seed = (unsigned)getpid();
	for (int i = 0; i < 20 && echo_next(end); i++)
		;
	for (;;)
		scribble(view, size, &seed);
}

START_TEST(scribbling_at_the_same_time_breaks_the_lane_only)
{
	char *large = calloc(1, LARGE);
	unsigned seed = 3;
	for (int round = 0; round < 40; round++) {
		struct lane *lane = lane_make(LANE_RING_MIN);
		pid_t pid = slot_spawn(lane, b.doorbell, run_scribbler);
		for (int step = 0; step < 3000 && master_step(lane, &seed, large); step++)
			;
		slot_end(pid);
		lane_free(lane);
	}
	free(large);
}
END_TEST

/* Whatever the slot was doing when it died: what it said before is heard whole, each answer once and in order, and the
 * books know the rest. */
START_TEST(killed_slot_leaves_a_lane_that_can_be_read_to_its_end)
{
	char *text = malloc(LARGE);
	unsigned seed = 11;
	for (size_t i = 0; i < LARGE; i++)
		text[i] = (char)('a' + i % 26);
	for (int round = 0; round < 150; round++) {
		struct lane *lane = lane_make(LANE_RING_MIN);
		pid_t pid = slot_spawn(lane, b.doorbell, run_echo);
		uint32_t first = 0, seq;
		unsigned sent = 0, heard = 0;
		size_t lengths[256];
		int quota = rand_r(&seed) % 600;
		bool killed = false;
		for (;;) {
			size_t length = rand_r(&seed) % 50 == 0 ? LARGE : (size_t)rand_r(&seed) % 3000;
			if (!killed && send_args(lane, text, length, &seq) == LANE_OK) {
				first = sent == 0 ? seq : first;
				lengths[sent++ % 256] = length;
			}
			struct lane_reply reply;
			int status = lane_receive(lane, &reply);
			if (status == LANE_OK) {
				ck_assert_uint_eq(reply.seq, first + heard);
				ck_assert_uint_eq(reply.payload ? reply.payload->size : 0, lengths[heard % 256]);
				ck_assert(!reply.payload || memcmp(reply.payload->data, text, reply.payload->size) == 0);
				bytes_unref(reply.payload);
				heard++;
			}
			ck_assert_int_ne(status, LANE_BROKEN);
			if (killed && status == LANE_NONE)
				break;
			if (!killed && quota-- == 0) {
				slot_end(pid);
				killed = true;
			}
		}
		/* What is left is either still in the ring, or the one that it was running. */
		unsigned running = 0;
		for (unsigned i = heard; i < sent; i++)
			running += !lane_revoke(lane, first + i);
		ck_assert_uint_le(running, 1);
		lane_free(lane);
	}
	free(text);
}
END_TEST

START_TEST(slot_whose_master_is_gone_hears_of_it)
{
	char *large = calloc(1, LARGE);
	struct lane *lane = lane_make(LANE_RING_MIN);
	struct lane_end *end = lane_end_new(dup(lane_memory_fd(lane)), dup(lane_socket_fd(lane)), b.doorbell, PAYLOAD_LIMIT);
	struct lane_request request;
	send_ok(lane, "1");
	ck_assert_int_eq(lane_end_take(end, &request), LANE_OK);
	lane_free(lane);
	ck_assert_int_eq(say(end, LANE_SUCCEEDED, large, LARGE), LANE_BROKEN);
	lane_end_free(end);
	free(large);
}
END_TEST

START_TEST(large_request_to_a_dead_slot_breaks_the_lane)
{
	char *large = calloc(1, LARGE);
	uint32_t seq;
	lane_end_free(b.end);
	b.end = NULL;
	lane_handed_over(b.lane);
	ck_assert_int_eq(send_args(b.lane, "1", 1, &seq), LANE_OK); /* nobody can know yet */
	ck_assert_int_eq(send_args(b.lane, large, LARGE, &seq), LANE_BROKEN);
	free(large);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lane, hostile");
	TCase *tcase = tcase_create("lies");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, lie_breaks_the_lane, 0, sizeof lies / sizeof *lies);
	tcase_add_test(tcase, answer_twice_or_to_nothing_is_refused);
	tcase_add_test(tcase, answer_to_what_was_revoked_is_refused);
	tcase_add_loop_test(tcase, wrong_payload_breaks_the_lane_and_leaks_nothing, 0, N_WRONGS);
	tcase_add_loop_test(tcase, master_does_not_wait_for_a_descriptor_that_takes_long_to_close, 0, N_LONG);
	tcase_add_test(tcase, many_large_results_do_not_take_all_mappings);
	tcase_add_test(tcase, memory_cannot_be_shortened);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("scribbling");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, scribbled_semaphores_hurt_nobody);
	tcase_add_test(tcase, scribbling_over_everything_breaks_the_lane_only);
	tcase_add_test(tcase, scribbling_at_the_same_time_breaks_the_lane_only);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("death");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, killed_slot_leaves_a_lane_that_can_be_read_to_its_end);
	tcase_add_test(tcase, slot_whose_master_is_gone_hears_of_it);
	tcase_add_test(tcase, large_request_to_a_dead_slot_breaks_the_lane);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
