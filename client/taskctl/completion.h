/* The shells' completion scripts, each printed from the tables of commands and options. */
#ifndef TASKCTL_COMPLETION_H
#define TASKCTL_COMPLETION_H

#include "client/taskctl/command.h"

void completion_bash(void);
void completion_zsh(void);
void completion_fish(void);

/* What "taskctl completion --words" calls it; NULL where it is nothing that the daemon knows. */
const char *completion_words_name(enum complete complete);

#endif
