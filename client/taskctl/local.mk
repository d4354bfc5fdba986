# taskctl. Its files are a line each here; headers too, so that a tarball has them.
bin_PROGRAMS += taskctl
taskctl_SOURCES = \
	client/taskctl/again.c \
	client/taskctl/again.h \
	client/taskctl/arguments.c \
	client/taskctl/batch.c \
	client/taskctl/batch.h \
	client/taskctl/cell.c \
	client/taskctl/cmd_admin.c \
	client/taskctl/cmd_barrier.c \
	client/taskctl/cmd_change.c \
	client/taskctl/cmd_completion.c \
	client/taskctl/cmd_event.c \
	client/taskctl/cmd_history.c \
	client/taskctl/cmd_list.c \
	client/taskctl/cmd_lock.c \
	client/taskctl/cmd_locks.c \
	client/taskctl/cmd_log.c \
	client/taskctl/cmd_map.c \
	client/taskctl/cmd_mq.c \
	client/taskctl/cmd_pool.c \
	client/taskctl/cmd_queue.c \
	client/taskctl/cmd_queue_admin.c \
	client/taskctl/cmd_result.c \
	client/taskctl/cmd_run.c \
	client/taskctl/cmd_schedule.c \
	client/taskctl/cmd_semaphore.c \
	client/taskctl/cmd_send.c \
	client/taskctl/cmd_show.c \
	client/taskctl/cmd_signal.c \
	client/taskctl/cmd_stats.c \
	client/taskctl/cmd_status.c \
	client/taskctl/cmd_store.c \
	client/taskctl/cmd_submit.c \
	client/taskctl/cmd_wait.c \
	client/taskctl/cmd_watch.c \
	client/taskctl/cmd_whoami.c \
	client/taskctl/command.c \
	client/taskctl/command.h \
	client/taskctl/commands.h \
	client/taskctl/completion.h \
	client/taskctl/completion_bash.c \
	client/taskctl/completion_fish.c \
	client/taskctl/completion_zsh.c \
	client/taskctl/each_input.c \
	client/taskctl/each_input.h \
	client/taskctl/each_job.c \
	client/taskctl/each_job.h \
	client/taskctl/each_joblog.c \
	client/taskctl/each_joblog.h \
	client/taskctl/each_output.c \
	client/taskctl/each_output.h \
	client/taskctl/each_places.c \
	client/taskctl/each_places.h \
	client/taskctl/each_run.c \
	client/taskctl/each_signals.c \
	client/taskctl/each_signals.h \
	client/taskctl/each_sources.c \
	client/taskctl/each_sources.h \
	client/taskctl/each_tell.c \
	client/taskctl/each_tell.h \
	client/taskctl/events.c \
	client/taskctl/events.h \
	client/taskctl/filter.c \
	client/taskctl/filter.h \
	client/taskctl/help.c \
	client/taskctl/interrupt.c \
	client/taskctl/listing.c \
	client/taskctl/listing.h \
	client/taskctl/listing_watch.c \
	client/taskctl/log.c \
	client/taskctl/log.h \
	client/taskctl/log_follow.c \
	client/taskctl/main.c \
	client/taskctl/mq.h \
	client/taskctl/mq_get.c \
	client/taskctl/mq_put.c \
	client/taskctl/options.c \
	client/taskctl/parse.c \
	client/taskctl/parties.c \
	client/taskctl/parties.h \
	client/taskctl/paths.c \
	client/taskctl/progress.c \
	client/taskctl/progress.h \
	client/taskctl/records.c \
	client/taskctl/records.h \
	client/taskctl/report.c \
	client/taskctl/report_hint.c \
	client/taskctl/report_hint.h \
	client/taskctl/results.h \
	client/taskctl/run.h \
	client/taskctl/run_attached.c \
	client/taskctl/run_attached.h \
	client/taskctl/run_connect.c \
	client/taskctl/run_detached.c \
	client/taskctl/run_ending.c \
	client/taskctl/run_options.c \
	client/taskctl/run_options.h \
	client/taskctl/run_relay.c \
	client/taskctl/run_signals.c \
	client/taskctl/run_signals.h \
	client/taskctl/run_streams.c \
	client/taskctl/run_streams.h \
	client/taskctl/run_terminal.c \
	client/taskctl/run_terminal.h \
	client/taskctl/secret.c \
	client/taskctl/secret.h \
	client/taskctl/session.c \
	client/taskctl/shell_words.c \
	client/taskctl/shell_words.h \
	client/taskctl/submission.c \
	client/taskctl/submission.h \
	client/taskctl/taskctl.h \
	client/taskctl/under.c \
	client/taskctl/under.h \
	client/taskctl/under_command.c \
	client/taskctl/waiting.c \
	client/taskctl/waiting.h \
	client/taskctl/writer.h \
	client/taskctl/writer_json.c \
	client/taskctl/writer_text.c
taskctl_LDADD = libclient.la $(JANSSON_LIBS) $(SMARTCOLS_LIBS)

# The shells' completions are what the built taskctl says; each shell wants its own name for the file.
bashcompletion_DATA = client/taskctl/completion/taskctl
zshcompletion_DATA = client/taskctl/completion/_taskctl
fishcompletion_DATA = client/taskctl/completion/taskctl.fish
client/taskctl/completion/taskctl: taskctl$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ./taskctl$(EXEEXT) completion bash >$@.tmp && mv -f $@.tmp $@
client/taskctl/completion/_taskctl: taskctl$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ./taskctl$(EXEEXT) completion zsh >$@.tmp && mv -f $@.tmp $@
client/taskctl/completion/taskctl.fish: taskctl$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ./taskctl$(EXEEXT) completion fish >$@.tmp && mv -f $@.tmp $@
CLEANFILES += $(bashcompletion_DATA) $(zshcompletion_DATA) $(fishcompletion_DATA)

dist_man_MANS += client/taskctl/taskctl.1
