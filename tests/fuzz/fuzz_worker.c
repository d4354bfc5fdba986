/* What a worker says on its control socket, as the master reads it: of itself before it is ready, and answers to what it was
 * asked. The input's first byte says what kind of worker it is and whether it is ready; the rest are its messages, one a line. */
#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "fuzz.h"
#include "pool/internal.h"

const char fuzz_name[] = "worker";
const unsigned fuzz_runs = 4000;

#define SEATS 2
#define ASKS 3
#define PAGE 64
#define RENEW 256 /* types are kept for ever */

enum { OF_COMMANDS = 1, IS_READY = 2, WITH_DESCRIPTOR = 4 };

struct world {
	struct event_base *base;
	struct core *core;
	struct pools *pools;
	struct config config;
	struct config_pool pool_configs[2];
	struct config_queue queue_configs[2];
	unsigned runs;
	int n_answers;
};
static struct world world;

static char *text(const char *constant)
{
	return (char *)(uintptr_t)constant;
}

static struct config_pool pool_of(const char *name, bool commands)
{
	return (struct config_pool){ .name = text(name), .tasks = text("*"), .processes = 1, .threads = commands ? 1 : SEATS,
		.limit_memory = -1, .limit_cpu = -1, .limit_files = -1, .limit_core = -1, .recycle_memory = -1,
		.commands = commands, .capture_limit = 1 << 16 };
}

static void world_begin(void)
{
	const struct core_ops ops = { .context = &world };
	const struct core_limits limits = { .result_count = 10 };
	struct config *config = &world.config;
	world = (struct world){ .config = { .payload_limit = 1 << 20 } };
	STAILQ_INIT(&config->pools);
	STAILQ_INIT(&config->queues);
	STAILQ_INIT(&config->plugins);
	STAILQ_INIT(&config->commands);
	static const char *const names[] = { "default", "commands" };
	for (int i = 0; i < 2; i++) {
		world.pool_configs[i] = pool_of(names[i], i);
		world.queue_configs[i] = (struct config_queue){ .name = text(names[i]), .pool = text(names[i]) };
		STAILQ_INSERT_TAIL(&config->pools, &world.pool_configs[i], link);
		STAILQ_INSERT_TAIL(&config->queues, &world.queue_configs[i], link);
	}
	log_set_level((enum log_level)0); /* what it says of inits that fail is logged */
	setenv("TASKD_WORKER", "/bin/false", 1);
	world.base = event_base_new();
	world.core = core_new(&ops, &limits, 1, 1);
	world.pools = pools_new(world.base, world.core, config, -1);
}

static void world_end(void)
{
	pools_free(world.pools);
	core_free(world.core);
	event_base_free(world.base);
}

/* --- a process that is none --- */

static struct process *process_begin(bool commands, bool ready, int *socket)
{
	struct pool *pool = pools_find(world.pools, commands ? "commands" : "default");
	struct worker *worker = TAILQ_FIRST(&pool->workers);
	struct process *process = xcalloc(1, sizeof(*process) + SEATS * sizeof(struct seat));
	int pair[2];
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	process->worker = worker;
	process->commands = commands;
	process->control_fd = pair[0];
	process->leave_by_ns = process->kill_by_ns = CLOCK_NEVER;
	process->n_seats = pool->threads;
	STAILQ_INIT(&process->outbox);
	TAILQ_INIT(&process->asks);
	for (int i = 0; i < process->n_seats; i++) {
		process->seats[i].process = process;
		process->seats[i].index = i;
		process->seats[i].ready = ready;
		process->seats[i].slot = core_slot_new(pool->core_pool, &process->seats[i]);
	}
	process->n_ready = ready ? process->n_seats : 0;
	worker->process = process;
	worker->state = ready ? WORKER_READY : WORKER_STARTING;
	*socket = pair[1];
	return process;
}

static void process_end(struct process *process)
{
	orders_over(process, false);
	outbox_empty(process);
	for (int i = 0; i < process->n_seats; i++)
		core_slot_free(process->seats[i].slot);
	worker_forget_failures(process->worker);
	process->worker->process = NULL;
	process->worker->state = WORKER_WAITING;
	close(process->control_fd);
	free(process);
}

static void answered(void *user, const struct command_answer *answer)
{
	(void)user;
	FUZZ_CHECK(answer->length <= PAGE && (answer->length == 0 || answer->data));
	FUZZ_CHECK(answer->kind != COMMAND_REFUSED || answer->reason);
	fuzz_touch(answer->data, answer->length);
	if (answer->reason)
		fuzz_touch(answer->reason, strlen(answer->reason));
	world.n_answers++;
}

/* Their numbers are 1, 2 and 3. */
static void ask(struct process *process)
{
	world.pools->last_ask = 0;
	world.n_answers = 0;
	for (int i = 0; i < ASKS; i++)
		FUZZ_CHECK(pools_command_log(world.pools, 7, 1, CAPTURE_STDOUT, 0, PAGE, answered, NULL));
	FUZZ_CHECK(process->n_asks == ASKS);
}

/* --- what it says --- */

static bool say(int socket, const char *line, size_t length, bool with_descriptor)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = text(line), .iov_len = length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (with_descriptor) {
		control.header = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))
		};
		memcpy(CMSG_DATA(&control.header), &socket, sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static void check(const struct process *process)
{
	const struct worker *worker = process->worker;
	const struct worker_failure *failure;
	const struct pool_own *own = pool_own(worker->pool);
	size_t n = 0;
	STAILQ_FOREACH(failure, &worker->failures, link)
		n++;
	int ready = 0;
	for (int i = 0; i < process->n_seats; i++)
		ready += process->seats[i].ready;
	FUZZ_CHECK(n <= 256 && process->n_handlers <= 20000 && own->n_types <= 10001);
	FUZZ_CHECK(process->n_said <= 66 + (process->n_handlers + 1) * (size_t)process->n_seats);
	FUZZ_CHECK(ready == process->n_ready);
	FUZZ_CHECK((worker->state == WORKER_READY) == (ready == process->n_seats));
	FUZZ_CHECK(process->n_asks + world.n_answers == (process->commands && process->n_asks + world.n_answers ? ASKS : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t how = size ? data[0] : 0;
	bool commands = how & OF_COMMANDS, ready = how & IS_READY, descriptor = how & WITH_DESCRIPTOR;
	const char *at = (const char *)data + 1, *end = (const char *)data + size;
	int socket, code = 0;
	if (!size)
		return 0;
	if (world.runs++ % RENEW == 0) {
		if (world.base)
			world_end();
		world_begin();
		world.runs = 1;
	}
	struct process *process = process_begin(commands, ready, &socket);
	world.n_answers = 0;
	if (commands && ready)
		ask(process);
	while (at < end && code == 0) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((line_end ? line_end : end) - at);
		if (!say(socket, at, length, descriptor))
			break;
		code = messages_read(process);
		FUZZ_CHECK(code == 0 || code == -1);
		FUZZ_CHECK(!descriptor || (code == -1 && process->littered));
		at = line_end ? line_end + 1 : end;
		check(process);
	}
	close(socket);
	process_end(process);
	return 0;
}
