/* The files of a cgroup's folder: short texts that the kernel reads and writes. */
#ifndef BASE_CGROUP_FILE_H
#define BASE_CGROUP_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* 0, or -1 with errno. */
int cgroup_file_write(int folder_fd, const char *name, const char *text) __attribute__((warn_unused_result));
/* What the file says, terminated and cut to SIZE - 1 bytes. 0, or -1 with errno. */
int cgroup_file_read(int folder_fd, const char *name, char *text, size_t size) __attribute__((warn_unused_result));
/* Lets children have limits of their own, of memory and of processes, where the kernel counts these here: in *memory and
 * *processes whether they have (NULL: nobody asks). */
void cgroup_file_enable(int folder_fd, bool *memory, bool *processes);

#endif
