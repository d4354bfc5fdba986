/* The output of many commands, each's together. A command writes to files of its own, which have no name and are used
 * again by others; what is in them is printed when it has ended. */
#ifndef TASKCTL_EACH_OUTPUT_H
#define TASKCTL_EACH_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct each_output;

/* Standard output and standard error of one command; -1: there is none (ONE: both go to the first). */
struct each_files {
	int out, err;
	off_t out_size, err_size; /* as each_output_measure has found them */
};

struct each_output *each_output_new(bool one);
void each_output_free(struct each_output *output);
/* Files that are empty. 0, or -1 with errno. */
int each_output_take(struct each_output *output, struct each_files *files);
/* They have been measured, and are of no use any more. DIRTY: something may still write there, so nobody else gets
 * them. */
void each_output_give(struct each_output *output, struct each_files *files, bool dirty);
/* Looks how much is in them, now that nobody writes there any more; false: nothing. */
bool each_output_measure(struct each_files *files);
/* Prints as much. What goes to standard output may be held back until each_output_flush. */
void each_output_print(struct each_output *output, const struct each_files *files);
/* Text of our own, to standard output. */
void each_output_puts(struct each_output *output, const char *text);
/* Where standard output cannot be written, the program ends. */
void each_output_flush(struct each_output *output);

#endif
