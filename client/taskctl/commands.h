/* The commands' records, each in the file of its group. */
#ifndef TASKCTL_COMMANDS_H
#define TASKCTL_COMMANDS_H

#include "client/taskctl/command.h"

/* cmd_submit.c */
extern const struct command command_submit, command_call;
/* cmd_map.c */
extern const struct command command_map;
/* cmd_wait.c */
extern const struct command command_result, command_wait;
/* cmd_task.c */
extern const struct command command_status, command_list, command_cancel, command_forget;
/* cmd_show.c */
extern const struct command command_tasks, command_queues, command_pools, command_workers, command_stats, command_ping;
/* cmd_admin.c */
extern const struct command command_reload, command_shutdown;
/* cmd_completion.c */
extern const struct command command_completion;
/* help.c */
extern const struct command command_help;

#endif
