/* The loop that a worker exists for. What a task needs is the slot's own and is used again and again, so that a small
 * task costs no allocation, no system call, and no other thread's attention. */
#include "worker/slot.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "lane/lane.h"
#include "worker/call.h"
#include "worker/command.h"
#include "worker/control.h"
#include "worker/map.h"
#include "worker/registry.h"
#include "worker/text.h"

/* How often the process's size is looked at, at most. */
#define SIZE_PERIOD_NS (100 * NS_PER_MS)

struct slot {
	const struct slots *slots;
	int index;
	struct lane_end *end;
	void **states;      /* of the classes, by registry_entry.index */
	char **init_errors; /* the same; NULL where init went well */
	const struct registry_entry *last; /* what ran last, which is what most often runs next */
	int64_t size_looked_ns;
	uint32_t size_kib; /* not told yet; 0: nothing to tell */
	struct taskd_call call;
	struct lane_reply reply;
};

static pthread_mutex_t lives_lock = PTHREAD_MUTEX_INITIALIZER;
static int n_started, n_living;
static int statm_fd = -1;

void slot_prepare(void)
{
	statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

/* --- begin and end --- */

static void init_classes(struct slot *slot)
{
	const struct registry *registry = slot->slots->registry;
	for (size_t i = 0; i < registry->count; i++) {
		const struct taskd_handler *handler = registry->entries[i]->handler;
		char error[REGISTRY_TEXT_LIMIT] = "";
		if (!handler->init || handler->init(&slot->states[i], error, sizeof(error)) == 0)
			continue;
		char reason[REGISTRY_TEXT_LIMIT];
		text_line(reason, sizeof(reason), error, strnlen(error, sizeof(error) - 1));
		slot->states[i] = NULL;
		slot->init_errors[i] = xstrdup(reason[0] ? reason : "its init failed and did not say why");
		control_send_init_failed(slot->slots->control_fd, slot->index, handler->name, slot->init_errors[i]);
	}
}

static void fini_classes(struct slot *slot)
{
	const struct registry *registry = slot->slots->registry;
	for (size_t i = registry->count; i-- > 0;) {
		const struct taskd_handler *handler = registry->entries[i]->handler;
		if (handler->fini && !slot->init_errors[i])
			handler->fini(slot->states[i]);
		free(slot->init_errors[i]);
	}
}

static struct slot *slot_new(const struct slots *slots, int index, struct lane_end *end)
{
	struct slot *slot = xcalloc(1, sizeof(*slot));
	slot->slots = slots;
	slot->index = index;
	slot->end = end;
	slot->states = xcalloc(slots->registry->count + 1, sizeof(*slot->states));
	slot->init_errors = xcalloc(slots->registry->count + 1, sizeof(*slot->init_errors));
	call_init(&slot->call, end, slots->payload_limit);
	return slot;
}

static void slot_free(struct slot *slot)
{
	call_fini(&slot->call);
	lane_end_free(slot->end);
	free(slot->states);
	free(slot->init_errors);
	free(slot);
}

/* --- tasks --- */

/* Looked at between tasks, so that no task waits for it; the next reply tells. */
static void look_at_size(struct slot *slot, int64_t now_ns)
{
	char text[64];
	unsigned long total, resident;
	if (slot->size_looked_ns && now_ns - slot->size_looked_ns < SIZE_PERIOD_NS)
		return;
	slot->size_looked_ns = now_ns;
	ssize_t n = pread(statm_fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%lu %lu", &total, &resident) == 2)
		slot->size_kib = (uint32_t)(resident * (unsigned long)sysconf(_SC_PAGESIZE) / 1024);
}

static const struct registry_entry *find_handler(struct slot *slot, const struct lane_request *request)
{
	const struct registry_entry *last = slot->last;
	if (last && last->name_length == request->name_length &&
		memcmp(last->handler->name, request->name, request->name_length) == 0)
		return last;
	const struct registry_entry *entry = registry_find(slot->slots->registry, request->name, request->name_length);
	if (entry)
		slot->last = entry;
	return entry;
}

static void run(struct slot *slot, const struct lane_request *request)
{
	struct taskd_call *call = &slot->call;
	const struct registry_entry *entry = find_handler(slot, request);
	call_begin(call, request);
	if (!entry) {
		call_fail(call, LANE_FLAG_UNKNOWN_TASK, "this worker has no handler \"%.*s\"", (int)request->name_length,
			request->name);
	} else if (slot->init_errors[entry->index]) {
		call_fail(call, LANE_FLAG_INIT_FAILED, "%s", slot->init_errors[entry->index]);
	} else {
		call->state = slot->states[entry->index];
		if (request->items)
			map_run(call, entry->handler);
		else
			call_run(call, entry->handler);
	}
}

static int reply(struct slot *slot, int64_t ended_ns)
{
	const struct taskd_call *call = &slot->call;
	struct lane_reply *told = &slot->reply;
	bool good = call->outcome == CALL_RESULT;
	const struct strbuf *payload = good ? &call->result : &call->data;
	told->word = good ? LANE_SUCCEEDED : LANE_FAILED;
	told->started_ns = 0; /* the lane knows */
	told->ended_ns = ended_ns;
	told->code = good ? 0 : call->code;
	told->flags = call->flags;
	told->rss_kib = slot->size_kib;
	slot->size_kib = 0;
	if (good)
		told->message[0] = '\0';
	else
		memcpy(told->message, call->message, strlen(call->message) + 1);
	return lane_end_reply(slot->end, told, payload->data, payload->length);
}

static int serve(struct slot *slot)
{
	struct lane_request request;
	int code;
	while ((code = lane_end_take(slot->end, &request)) == LANE_OK) {
		run(slot, &request);
		int64_t now_ns = clock_mono_ns();
		code = reply(slot, now_ns);
		if (code != LANE_OK)
			break;
		call_end(&slot->call);
		look_at_size(slot, now_ns);
	}
	return code;
}

/* --- commands --- */

/* The process is about to be ended by its main thread, or by its master. */
static void __attribute__((noreturn)) wait_for_the_end(void)
{
	for (;;)
		pause();
}

static int serve_commands(struct slot *slot)
{
	const struct slots *slots = slot->slots;
	struct lane_request request;
	int code;
	command_slot_tidy(slots->commands);
	while ((code = lane_end_take(slot->end, &request)) == LANE_OK) {
		struct strbuf *payload = &slot->call.result;
		strbuf_reset(payload);
		bool goes_on = command_run(slots->commands, &request, &slot->reply, payload);
		slot->reply.rss_kib = slot->size_kib;
		slot->size_kib = 0;
		code = lane_end_reply(slot->end, &slot->reply, payload->data, payload->length);
		if (inbox_is_orphaned(slots->inbox))
			wait_for_the_end();
		inbox_settle(slots->inbox);
		if (code != LANE_OK)
			break;
		if (!goes_on)
			_exit(WORKER_EXIT_BROKEN);
		call_end(&slot->call);
		look_at_size(slot, clock_mono_ns());
		command_slot_tidy(slots->commands);
	}
	return code;
}

static void leave(void)
{
	pthread_mutex_lock(&lives_lock);
	bool last = --n_living == 0;
	pthread_mutex_unlock(&lives_lock);
	if (last)
		exit(0); /* not _exit: plugins may have something to do at the end, too */
}

static void *slot_main(void *user)
{
	struct slot *slot = user;
	char name[16];
	snprintf(name, sizeof(name), "slot %d", slot->index);
	pthread_setname_np(pthread_self(), name);
	init_classes(slot);
	control_send_ready(slot->slots->control_fd, slot->index);
	if ((slot->slots->commands ? serve_commands(slot) : serve(slot)) != LANE_NONE) {
		log_error("slot %d: its lane is broken", slot->index);
		_exit(WORKER_EXIT_BROKEN);
	}
	fini_classes(slot);
	if (slot->slots->commands)
		command_slot_free(slot->slots->commands); /* orders may still come, and the inbox looks at the lane: that stays */
	else
		slot_free(slot);
	leave();
	return NULL;
}

int slot_start(const struct slots *slots, int index, struct lane_end *end)
{
	pthread_t thread;
	struct slot *slot = slot_new(slots, index, end);
	pthread_mutex_lock(&lives_lock);
	/* Those that are still to come count as alive, so that the first to leave does not end the others. */
	n_living = n_started == 0 ? slots->expected : n_living + (n_started >= slots->expected);
	n_started++;
	pthread_mutex_unlock(&lives_lock);
	int error = pthread_create(&thread, NULL, slot_main, slot);
	if (error)
		slot_free(slot);
	else
		pthread_detach(thread);
	return error;
}
