/* Descriptors that clients have sent along with commands. They are kept until the task has ended, since it may be tried
 * again; a worker gets them anew with each start. */
#include <assert.h>
#include <asm/ioctls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/closer.h"
#include "base/xmalloc.h"
#include "lane/lane.h"
#include "pool/command.h"
#include "pool/internal.h"

struct attached {
	uint64_t task_id;
	size_t n_fds;
	int fds[LANE_FDS_LIMIT];
	bool are_files;
};

static uint64_t attached_key(const void *value)
{
	return ((const struct attached *)value)->task_id;
}

static void attached_free(struct attached *attached)
{
	for (size_t i = 0; i < attached->n_fds; i++)
		closer_close(attached->fds[i]);
	free(attached);
}

void attach_init(struct pools *pools)
{
	table_init(&pools->attached, attached_key);
}

void attach_fini(struct pools *pools)
{
	struct attached *attached;
	size_t cursor = 0;
	while ((attached = table_next(&pools->attached, &cursor)))
		attached_free(attached);
	table_fini(&pools->attached);
}

/* A regular file, or a folder. That is a question that the kernel answers by itself, unlike fstat(2): a file system may
 * take its time for that. */
static bool is_file(int fd)
{
	loff_t bytes;
	return ioctl(fd, FIOQSIZE, &bytes) == 0;
}

void pools_command_attach(struct pools *pools, struct task *task, const int *fds, size_t n_fds)
{
	struct attached *attached = xcalloc(1, sizeof(*attached));
	assert(n_fds <= LANE_FDS_LIMIT && !task_state_is_terminal(task->state));
	attached->task_id = task->id;
	attached->n_fds = n_fds;
	memcpy(attached->fds, fds, n_fds * sizeof(*fds));
	attached->are_files = true;
	for (size_t i = 0; i < n_fds; i++)
		attached->are_files &= is_file(fds[i]);
	table_put(&pools->attached, attached);
}

void attach_lend(const struct pools *pools, const struct task *task, struct lane_request *request)
{
	const struct attached *attached = pools->attached.count ? table_get(&pools->attached, task->id) : NULL;
	if (!attached)
		return;
	memcpy(request->fds, attached->fds, attached->n_fds * sizeof(*attached->fds));
	request->n_fds = (uint32_t)attached->n_fds;
	request->fds_are_files = attached->are_files;
}

void pools_op_ended(void *context, const struct task *task)
{
	struct pools *pools = context;
	struct attached *attached = pools->attached.count ? table_remove(&pools->attached, task->id) : NULL;
	if (attached)
		attached_free(attached);
}
