/* The commands' records, each in the file of its group. */
#ifndef TASKCTL_COMMANDS_H
#define TASKCTL_COMMANDS_H

#include "client/taskctl/command.h"

/* cmd_submit.c */
extern const struct command command_submit, command_call;
/* cmd_map.c */
extern const struct command command_map;
/* cmd_run.c */
extern const struct command command_run;
/* cmd_result.c */
extern const struct command command_result;
/* cmd_wait.c */
extern const struct command command_wait;
/* cmd_status.c */
extern const struct command command_status;
/* cmd_list.c */
extern const struct command command_list;
/* cmd_history.c */
extern const struct command command_history;
/* cmd_watch.c */
extern const struct command command_watch;
/* cmd_log.c */
extern const struct command command_log;
/* cmd_send.c */
extern const struct command command_send;
/* cmd_signal.c; "_record": a function is called command_signal */
extern const struct command command_signal_record, command_suspend, command_continue;
/* cmd_change.c */
extern const struct command command_cancel, command_retry, command_forget;
/* cmd_schedule.c */
extern const struct command command_schedule_add, command_schedule_list, command_schedule_remove;
/* cmd_lock.c */
extern const struct command command_lock;
/* cmd_semaphore.c */
extern const struct command command_semaphore;
/* cmd_event.c */
extern const struct command command_event_wait, command_event_set, command_event_clear, command_event_is_set;
/* cmd_barrier.c */
extern const struct command command_barrier;
/* mq_put.c, mq_get.c, cmd_mq.c */
extern const struct command command_mq_put, command_mq_get, command_mq_peek, command_mq_len, command_mq_list,
	command_mq_create, command_mq_delete, command_mq_clear, command_mq_join, command_mq_task_done;
/* cmd_locks.c */
extern const struct command command_locks;
/* cmd_queue.c */
extern const struct command command_queues, command_pause, command_resume, command_drain;
/* cmd_queue_admin.c */
extern const struct command command_queue_add, command_queue_set, command_queue_remove;
/* cmd_pool.c */
extern const struct command command_pools, command_resize;
/* cmd_show.c */
extern const struct command command_tasks, command_workers, command_ping;
/* cmd_stats.c */
extern const struct command command_stats;
/* cmd_whoami.c */
extern const struct command command_whoami;
/* cmd_store.c */
extern const struct command command_store_stats, command_store_check, command_store_backup;
/* cmd_admin.c */
extern const struct command command_reload, command_shutdown;
/* cmd_completion.c */
extern const struct command command_completion;
/* help.c */
extern const struct command command_help;

#endif
