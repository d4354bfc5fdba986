/* What /proc says of processes that may not be ours: whose children they are, and how old. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pool/internal.h"

/* The name in the second field may have anything in it, parentheses too: what counts comes after the last one. */
bool proc_look(int pid, struct proc_look *out)
{
	char path[32], text[512];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	const char *rest = strrchr(text, ')');
	*out = (struct proc_look){ .pid = pid };
	return rest && sscanf(rest + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			       &out->state, &out->parent, &out->started) == 3;
}
