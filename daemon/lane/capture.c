/* What commands have said, in memory that the worker writes and the master reads. Here because it is the lane's kind of
 * work: two processes, no lock, one of which may lie. */
#include "lane/capture.h"
#include "lane/capture_memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a task leaves of each stream's memory to the next one; beyond it is given back. */
#define CAPTURE_LEFT (64u * 1024)

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t memory_size(size_t limit)
{
	return page_size() + CAPTURE_N_STREAMS * limit;
}

static void memory_divide(struct capture_memory *memory)
{
	memory->head = (struct capture_head *)memory->base;
	for (int i = 0; i < CAPTURE_N_STREAMS; i++)
		memory->data[i] = memory->base + page_size() + (size_t)i * memory->limit;
}

static int memory_map(struct capture_memory *memory, int fd, size_t limit)
{
	void *base = mmap(NULL, memory_size(limit), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -1;
	memory->base = base;
	memory->limit = limit;
	memory_divide(memory);
	return 0;
}

static void memory_unmap(struct capture_memory *memory)
{
	munmap(memory->base, memory_size(memory->limit));
}

/* Nothing that is done before it is seen after what is done behind it. ThreadSanitizer does not know of fences; where
 * it has no other reason to be content, tests read through a mapping of their own. */
#if defined __SANITIZE_THREAD__ && !defined __clang__
#pragma GCC diagnostic ignored "-Wtsan"
#endif
static void barrier(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

/* --- the master's side --- */

struct capture {
	struct capture_memory memory;
	int fd;
};

struct capture *capture_new(size_t limit)
{
	size_t page = page_size();
	if (limit > CAPTURE_LIMIT_MAX) {
		errno = EINVAL;
		return NULL;
	}
	limit = limit ? (limit + page - 1) / page * page : page;
	struct capture *capture = calloc(1, sizeof *capture);
	if (!capture)
		return NULL;
	capture->fd = memfd_create("taskd-capture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* A worker that could shorten it would kill the master with SIGBUS. */
	if (capture->fd < 0 || ftruncate(capture->fd, (off_t)memory_size(limit)) < 0 ||
		fcntl(capture->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ||
		memory_map(&capture->memory, capture->fd, limit) < 0)
		goto fail;
	return capture;
fail:;
	int reason = errno;
	capture_handed_over(capture);
	free(capture);
	errno = reason;
	return NULL;
}

void capture_free(struct capture *capture)
{
	if (!capture)
		return;
	capture_handed_over(capture);
	memory_unmap(&capture->memory);
	free(capture);
}

int capture_fd(const struct capture *capture)
{
	return capture->fd;
}

void capture_handed_over(struct capture *capture)
{
	if (capture->fd >= 0)
		close(capture->fd);
	capture->fd = -1;
}

const struct capture_memory *capture_memory_of(const struct capture *capture)
{
	return &capture->memory;
}

/* The generation in which it is about that attempt; false: it is not, or is about to be. */
static bool generation_of(const struct capture_head *head, uint64_t task_id, uint32_t attempt, uint64_t *generation)
{
	*generation = atomic_load(&head->generation);
	return *generation % 2 == 0 && task_id != 0 && atomic_load(&head->task_id) == task_id &&
		atomic_load(&head->attempt) == attempt;
}

/* Whether what was read since belongs to that generation. */
static bool is_still(const struct capture_head *head, uint64_t generation)
{
	barrier();
	return atomic_load(&head->generation) == generation;
}

/* How much of a stream is there: never more than there is room for, nor than was said. */
static uint64_t kept_of(const struct capture *capture, enum capture_stream stream, uint64_t *total)
{
	const struct capture_flow *flow = &capture->memory.head->flows[stream];
	uint64_t kept = atomic_load_explicit(&flow->kept, memory_order_acquire);
	*total = atomic_load_explicit(&flow->total, memory_order_acquire);
	if (kept > capture->memory.limit)
		kept = capture->memory.limit;
	if (*total > INT64_MAX)
		*total = INT64_MAX;
	if (*total < kept)
		*total = kept;
	return kept;
}

bool capture_look(const struct capture *capture, uint64_t task_id, uint32_t attempt, struct capture_state *out)
{
	const struct capture_head *head = capture->memory.head;
	uint64_t generation;
	if (!generation_of(head, task_id, attempt, &generation))
		return false;
	*out = (struct capture_state){ .pid = atomic_load(&head->pid), .suspended = atomic_load(&head->suspended) };
	if (out->pid < 0)
		out->pid = 0;
	for (int i = 0; i < CAPTURE_N_STREAMS; i++)
		out->kept[i] = kept_of(capture, (enum capture_stream)i, &out->total[i]);
	return is_still(head, generation);
}

long capture_read(const struct capture *capture, uint64_t task_id, uint32_t attempt, enum capture_stream stream,
	uint64_t offset, void *room, size_t size)
{
	const struct capture_head *head = capture->memory.head;
	uint64_t generation, total;
	if (!generation_of(head, task_id, attempt, &generation))
		return -1;
	uint64_t kept = kept_of(capture, stream, &total);
	if (offset >= kept)
		size = 0;
	else if (size > kept - offset)
		size = (size_t)(kept - offset);
	if (size)
		memcpy(room, capture->memory.data[stream] + offset, size);
	return is_still(head, generation) ? (long)size : -1;
}

void capture_follow(struct capture *capture, uint64_t task_id, uint32_t attempt, bool on)
{
	struct capture_head *head = capture->memory.head;
	atomic_store_explicit(&head->followed_attempt, on ? attempt : 0, memory_order_relaxed);
	atomic_store_explicit(&head->followed_id, on ? task_id : 0, memory_order_release);
}

/* --- the worker's side --- */

struct capture_end {
	struct capture_memory memory;
	bool owns_memory;
	uint64_t generation;
	uint64_t task_id;
	uint32_t attempt;
	size_t keep;
	/* What was written to the head: nobody but this side decides how much there is. */
	size_t kept[CAPTURE_N_STREAMS];
	uint64_t total[CAPTURE_N_STREAMS];
};

struct capture_end *capture_end_attach(const struct capture_memory *memory)
{
	struct capture_end *end = calloc(1, sizeof *end);
	if (end)
		end->memory = *memory;
	return end;
}

/* Maps what FD is. */
static int memory_open(struct capture_memory *memory, int fd)
{
	struct stat about;
	size_t page = page_size();
	if (fstat(fd, &about) < 0)
		return -1;
	size_t size = about.st_size < 0 ? 0 : (size_t)about.st_size;
	size_t limit = size < page ? 0 : (size - page) / CAPTURE_N_STREAMS;
	if (limit == 0 || limit % page != 0 || memory_size(limit) != size) {
		errno = EINVAL;
		return -1;
	}
	return memory_map(memory, fd, limit);
}

struct capture_end *capture_end_new(int fd)
{
	struct capture_memory memory;
	int status = memory_open(&memory, fd), reason = errno;
	close(fd);
	if (status < 0) {
		errno = reason;
		return NULL;
	}
	struct capture_end *end = capture_end_attach(&memory);
	if (end)
		end->owns_memory = true;
	else
		memory_unmap(&memory);
	return end;
}

void capture_end_free(struct capture_end *end)
{
	if (!end)
		return;
	if (end->owns_memory)
		memory_unmap(&end->memory);
	free(end);
}

size_t capture_end_limit(const struct capture_end *end)
{
	return end->memory.limit;
}

/* Empties a stream. That its memory is not given back, where the kernel has not punched the hole, costs memory only. */
static void flow_empty(struct capture_end *end, int i)
{
	struct capture_flow *flow = &end->memory.head->flows[i];
	atomic_store(&flow->kept, 0);
	atomic_store(&flow->total, 0);
	if (end->kept[i] > CAPTURE_LEFT) {
		size_t page = page_size(), left = (CAPTURE_LEFT + page - 1) / page * page;
		size_t used = (end->kept[i] + page - 1) / page * page;
		if (used > left)
			madvise(end->memory.data[i] + left, used - left, MADV_REMOVE);
	}
	end->kept[i] = 0;
	end->total[i] = 0;
}

void capture_begin(struct capture_end *end, uint64_t task_id, uint32_t attempt, size_t keep)
{
	struct capture_head *head = end->memory.head;
	atomic_store(&head->generation, ++end->generation);
	barrier();
	for (int i = 0; i < CAPTURE_N_STREAMS; i++)
		flow_empty(end, i);
	atomic_store(&head->pid, 0);
	atomic_store(&head->suspended, 0);
	atomic_store(&head->task_id, task_id);
	atomic_store(&head->attempt, attempt);
	atomic_store(&head->generation, ++end->generation);
	end->task_id = task_id;
	end->attempt = attempt;
	end->keep = keep < end->memory.limit ? keep : end->memory.limit;
}

void capture_put(struct capture_end *end, enum capture_stream stream, const void *data, size_t length)
{
	void *room;
	size_t size;
	capture_room(end, stream, &room, &size);
	if (size > length)
		size = length;
	if (size)
		memcpy(room, data, size);
	capture_add(end, stream, length, size);
}

void capture_room(struct capture_end *end, enum capture_stream stream, void **room, size_t *size)
{
	*room = end->memory.data[stream] + end->kept[stream];
	*size = end->kept[stream] < end->keep ? end->keep - end->kept[stream] : 0;
}

void capture_add(struct capture_end *end, enum capture_stream stream, size_t length, size_t kept)
{
	struct capture_flow *flow = &end->memory.head->flows[stream];
	assert(kept <= length && (kept == 0 || end->kept[stream] + kept <= end->keep));
	end->kept[stream] += kept;
	end->total[stream] += length;
	atomic_store_explicit(&flow->total, end->total[stream], memory_order_release);
	atomic_store_explicit(&flow->kept, end->kept[stream], memory_order_release);
}

void capture_set_pid(struct capture_end *end, int pid)
{
	atomic_store(&end->memory.head->pid, pid);
}

void capture_set_suspended(struct capture_end *end, bool suspended)
{
	atomic_store(&end->memory.head->suspended, suspended);
}

bool capture_followed(const struct capture_end *end)
{
	const struct capture_head *head = end->memory.head;
	return atomic_load_explicit(&head->followed_id, memory_order_acquire) == end->task_id && end->task_id != 0 &&
		atomic_load_explicit(&head->followed_attempt, memory_order_relaxed) == end->attempt;
}

const char *capture_data(const struct capture_end *end, enum capture_stream stream, size_t *length, uint64_t *total)
{
	*length = end->kept[stream];
	*total = end->total[stream];
	return (const char *)end->memory.data[stream];
}
