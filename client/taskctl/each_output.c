/* Files without names, and what is in them on its way out. They are opened for appending: a command's processes share
 * them with us, and a file that has been emptied begins at its beginning again. */
#include "client/taskctl/each_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/taskctl/progress.h"
#include "client/taskctl/taskctl.h"

#define HELD ((size_t)64 << 10)
#define SPARE_MAX 256 /* pairs that wait for the next command */

struct each_output {
	bool one;
	bool shows; /* standard output is a terminal, so a bar is in its way */
	struct each_files spare[SPARE_MAX];
	size_t n_spare;
	char held[HELD]; /* what goes to standard output, and has not gone */
	size_t n_held;
};

struct each_output *each_output_new(bool one)
{
	struct each_output *output = must(calloc(1, sizeof *output));

	output->one = one;
	output->shows = isatty(STDOUT_FILENO);
	return output;
}

static void close_files(struct each_files *files)
{
	if (files->out >= 0)
		close(files->out);
	if (files->err >= 0)
		close(files->err);
	files->out = files->err = -1;
}

void each_output_free(struct each_output *output)
{
	if (!output)
		return;
	for (size_t i = 0; i < output->n_spare; i++)
		close_files(&output->spare[i]);
	free(output);
}

/* Not every file system has files without names. */
static int open_named(const char *folder)
{
	char path[4096];
	int fd;

	if (snprintf(path, sizeof path, "%s/taskctl-XXXXXX", folder) >= (int)sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_APPEND | O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static int open_file(void)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	if (!folder || !*folder)
		folder = "/tmp";
	fd = open(folder, O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC | O_EXCL, 0600);
	return fd >= 0 || errno == EMFILE || errno == ENOENT ? fd : open_named(folder);
}

int each_output_take(struct each_output *output, struct each_files *files)
{
	if (output->n_spare > 0) {
		*files = output->spare[--output->n_spare];
		return 0;
	}
	*files = (struct each_files){ .out = open_file(), .err = -1 };
	if (files->out >= 0 && !output->one)
		files->err = open_file();
	if (files->out >= 0 && (files->err >= 0 || output->one))
		return 0;
	int saved = errno;
	close_files(files);
	errno = saved;
	return -1;
}

static off_t size_of(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_size : 0;
}

bool each_output_measure(struct each_files *files)
{
	files->out_size = size_of(files->out);
	files->err_size = size_of(files->err);
	return files->out_size > 0 || files->err_size > 0;
}

static bool empty(int fd, off_t size)
{
	return size == 0 || ftruncate(fd, 0) == 0;
}

void each_output_give(struct each_output *output, struct each_files *files, bool dirty)
{
	if (files->out < 0)
		return;
	if (dirty || output->n_spare == SPARE_MAX || !empty(files->out, files->out_size) ||
		!empty(files->err, files->err_size)) {
		close_files(files);
		return;
	}
	output->spare[output->n_spare++] = *files;
	files->out = files->err = -1;
}

/* --- on its way out --- */

/* -1: errno. A signal that is only noted does not end it. */
static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, data, length);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -1;
		if (n > 0) {
			data += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

void each_output_flush(struct each_output *output)
{
	if (output->n_held == 0)
		return;
	if (output->shows)
		progress_clear();
	if (write_all(STDOUT_FILENO, output->held, output->n_held) < 0) {
		progress_clear();
		fprintf(stderr, "error: cannot write to standard output: %s\n", strerror(errno));
		_Exit(EXIT_FAILED);
	}
	output->n_held = 0;
}

static void print_out(struct each_output *output, int fd, off_t size)
{
	off_t offset = 0;

	while (offset < size) {
		ssize_t n;

		if (output->n_held == HELD)
			each_output_flush(output);
		n = pread(fd, output->held + output->n_held, HELD - output->n_held, offset);
		if (n <= 0)
			return;
		output->n_held += (size_t)n;
		offset += n;
	}
}

static void print_err(struct each_output *output, int fd, off_t size)
{
	char chunk[8192];
	off_t offset = 0;
	ssize_t n;

	if (size == 0)
		return;
	each_output_flush(output); /* what it said before is seen before */
	progress_clear();
	while (offset < size && (n = pread(fd, chunk, sizeof chunk, offset)) > 0) {
		if (write_all(STDERR_FILENO, chunk, (size_t)n) < 0)
			return; /* nobody to be told */
		offset += n;
	}
}

void each_output_print(struct each_output *output, const struct each_files *files)
{
	print_out(output, files->out, files->out_size);
	print_err(output, files->err, files->err_size);
}

void each_output_puts(struct each_output *output, const char *text)
{
	size_t length = strlen(text);

	while (length > 0) {
		size_t part = length < HELD - output->n_held ? length : HELD - output->n_held;

		memcpy(output->held + output->n_held, text, part);
		output->n_held += part;
		text += part;
		length -= part;
		if (output->n_held == HELD)
			each_output_flush(output);
	}
}
