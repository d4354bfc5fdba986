/* A lane's memory: makes it, maps it, and keeps the master's semaphores out of the worker's reach (records.h). */
#include "lane/records.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(sizeof(sem_t) > LANE_SEMAPHORE_SHARED, "a semaphore can lie across two pages");
static_assert(_Alignof(sem_t) <= LANE_SEMAPHORE_SHARED, "…and is aligned there");

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Whether this libc keeps what is counted in the first 8 bytes, and what it believes behind them. glibc's and musl's
 * 64-bit ones do. */
static bool semaphore_splits(void)
{
	union {
		sem_t semaphore;
		uint8_t bytes[sizeof(sem_t)];
	} own, shared, before;
	memset(&own, 0, sizeof own);
	memset(&shared, 0, sizeof shared);
	if (sem_init(&own.semaphore, 0, 0) < 0 || sem_init(&shared.semaphore, 1, 0) < 0)
		return false;
	before = shared;
	bool posts_in_front = sem_post(&shared.semaphore) == 0 &&
		memcmp(shared.bytes + LANE_SEMAPHORE_SHARED, before.bytes + LANE_SEMAPHORE_SHARED,
			sizeof(sem_t) - LANE_SEMAPHORE_SHARED) == 0;
	bool kind_behind = memcmp(own.bytes, before.bytes, LANE_SEMAPHORE_SHARED) == 0;
	sem_destroy(&own.semaphore);
	sem_destroy(&shared.semaphore);
	return posts_in_front && kind_behind;
}

static void memory_divide(struct lane_memory *memory)
{
	size_t page = page_size();
	memory->shared = (struct lane_shared *)memory->base;
	memory->requests_posted = (sem_t *)(memory->base + page - LANE_SEMAPHORE_SHARED);
	memory->room_posted = (sem_t *)(memory->base + 3 * page - LANE_SEMAPHORE_SHARED);
	memory->request_data = memory->base + 4 * page;
	memory->completion_data = memory->request_data + memory->request_ring;
}

/* From here on the page at AT is this process's own, with what it holds now, and nobody writes it. */
static int page_take(uint8_t *at)
{
	uint8_t kept[sizeof(sem_t)];
	memcpy(kept, at, sizeof kept);
	size_t page = page_size();
	if (mmap(at, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return -1;
	memcpy(at, kept, sizeof kept);
	return mprotect(at, page, PROT_READ);
}

static bool ring_size_fits(uint32_t size)
{
	return size >= LANE_RING_MIN && size <= LANE_RING_MAX && (size & (size - 1)) == 0;
}

int lane_memory_new(struct lane_memory *memory, uint32_t request_ring, uint32_t completion_ring, int *fd)
{
	*memory = (struct lane_memory){ .request_ring = request_ring, .completion_ring = completion_ring };
	if (!ring_size_fits(request_ring) || !ring_size_fits(completion_ring)) {
		errno = EINVAL;
		return -1;
	}
	if (!semaphore_splits()) {
		errno = ENOTSUP;
		return -1;
	}
	memory->size = 4 * page_size() + request_ring + completion_ring;
	*fd = memfd_create("taskd-lane", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return -1;
	/* A worker that could shorten it would kill the master with SIGBUS. */
	if (ftruncate(*fd, (off_t)memory->size) < 0 || fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		goto fail;
	memory->base = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (memory->base == MAP_FAILED) {
		memory->base = NULL;
		goto fail;
	}
	memory_divide(memory);
	memory->shared->magic = LANE_MAGIC;
	memory->shared->request_ring = request_ring;
	memory->shared->completion_ring = completion_ring;
	ring_shared_init(&memory->shared->requests);
	ring_shared_init(&memory->shared->completions);
	if (sem_init(memory->requests_posted, 1, 0) < 0 || sem_init(memory->room_posted, 1, 0) < 0)
		goto fail;
	if (page_take(memory->base + page_size()) < 0 || page_take(memory->base + 3 * page_size()) < 0)
		goto fail;
	return 0;
fail:;
	int reason = errno;
	lane_memory_close(memory);
	close(*fd);
	*fd = -1;
	errno = reason;
	return -1;
}

int lane_memory_open(struct lane_memory *memory, int fd)
{
	struct stat about;
	*memory = (struct lane_memory){ 0 };
	if (fstat(fd, &about) < 0)
		return -1;
	memory->size = (size_t)about.st_size;
	if (about.st_size < (off_t)(4 * page_size() + 2 * LANE_RING_MIN)) {
		errno = EINVAL;
		return -1;
	}
	memory->base = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory->base == MAP_FAILED) {
		memory->base = NULL;
		return -1;
	}
	const struct lane_shared *shared = (const struct lane_shared *)memory->base;
	memory->request_ring = shared->request_ring;
	memory->completion_ring = shared->completion_ring;
	if (shared->magic != LANE_MAGIC || !ring_size_fits(memory->request_ring) || !ring_size_fits(memory->completion_ring) ||
		memory->size != 4 * page_size() + memory->request_ring + memory->completion_ring) {
		lane_memory_close(memory);
		errno = EINVAL;
		return -1;
	}
	memory_divide(memory);
	return 0;
}

void lane_memory_close(struct lane_memory *memory)
{
	if (memory->base)
		munmap(memory->base, memory->size);
	memory->base = NULL;
}
