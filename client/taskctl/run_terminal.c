/* The terminal's settings. They are touched only while we are in the foreground: in the background they are the
 * business of whoever is there, and to change them would stop us. */
#include "client/taskctl/run_terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static int raw_fd = -1;

bool terminal_is_ours(int fd)
{
	return isatty(fd) && tcgetpgrp(fd) == getpgrp();
}

void terminal_raw(int fd)
{
	static bool registered;
	struct termios raw;

	if (raw_fd >= 0 || tcgetattr(fd, &before) < 0)
		return;
	raw = before;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
		return;
	raw_fd = fd;
	if (!registered)
		registered = atexit(terminal_restore) == 0;
}

bool terminal_is_raw(void)
{
	return raw_fd >= 0;
}

void terminal_restore(void)
{
	if (raw_fd >= 0 && terminal_is_ours(raw_fd))
		tcsetattr(raw_fd, TCSADRAIN, &before);
	raw_fd = -1;
}

bool terminal_size(int *rows, int *columns)
{
	static const int fds[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
	struct winsize size;

	for (int i = 0; i < 3; i++) {
		if (ioctl(fds[i], TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
			continue;
		*rows = size.ws_row;
		*columns = size.ws_col;
		return true;
	}
	return false;
}
