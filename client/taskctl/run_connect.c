/* The descriptors of a run that is attached. Standard input is the command's as it is, unless it is a terminal: that
 * has rules of its own about who may read it. What the command writes comes through pipes, so that it can be kept on
 * the way. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/taskctl/run_attached.h"
#include "client/taskctl/run_options.h"
#include "client/taskctl/taskctl.h"

/* Whether it can be read (O_RDONLY), or written (O_WRONLY). */
static bool serves(int fd, int mode)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && ((flags & O_ACCMODE) == mode || (flags & O_ACCMODE) == O_RDWR);
}

/* A pipe between it and us; what is the command's end in *THEIRS. */
static int connect_output(struct pump *pump, int to, int *theirs)
{
	int ends[2];

	if (!serves(to, O_WRONLY))
		return 0;
	if (pump_pipe(ends) < 0)
		return -1;
	pump_begin(pump, ends[0], to);
	*theirs = ends[1];
	return 0;
}

static int connect_input(struct attached *a, const struct run_values *values, int *theirs)
{
	int ends[2];

	if (values->no_stdin || (values->stdin_file && strcmp(values->stdin_file, "-") != 0))
		return 0;
	if (!serves(STDIN_FILENO, O_RDONLY))
		return 0;
	if (!isatty(STDIN_FILENO)) {
		*theirs = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		return *theirs < 0 ? -1 : 0;
	}
	if (pump_pipe(ends) < 0)
		return -1;
	*theirs = ends[0];
	pump_begin(&a->in, fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), ends[1]);
	a->in.copies = true;
	a->in.gentle = !a->tty;
	return 0;
}

int attached_connect(struct attached *a, const struct run_values *values, int theirs[3])
{
	if (connect_input(a, values, &theirs[0]) < 0)
		return -1;
	if (a->ctl->json) /* then the output is in the result */
		return 0;
	if (values->direct) {
		theirs[1] = serves(STDOUT_FILENO, O_WRONLY) ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
		if (!values->merge && serves(STDERR_FILENO, O_WRONLY))
			theirs[2] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		return 0;
	}
	if (connect_output(&a->out, STDOUT_FILENO, &theirs[1]) < 0)
		return -1;
	return a->tty || values->merge ? 0 : connect_output(&a->err, STDERR_FILENO, &theirs[2]);
}

void attached_close_input(struct attached *a)
{
	pump_end(&a->in);
	if (a->in.to >= 0)
		close(a->in.to);
	a->in.to = -1;
}
