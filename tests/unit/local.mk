# A unit test is one libcheck program, tests/unit/test_NAME.c. It takes two lines here:
#
#	unit_tests += tests/unit/test_ring
#	tests_unit_test_ring_LDADD = liblane.la libbase.la $(CHECK_LIBS)
#
# (its source is found by its name; more than one: tests_unit_test_ring_SOURCES). What it links: libproto.la with
# $(JANSSON_LIBS); libbase.la; libcore.la libbase.la; liblane.la libbase.la; libworker.la or libserver.la, which each
# contain what they stand on; libclient.la (contains libproto.la).
unit_tests =

unit_tests += tests/unit/test_closer
tests_unit_test_closer_LDADD = libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_heap
tests_unit_test_heap_LDADD = libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_idmap
tests_unit_test_idmap_LDADD = libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_spawn
tests_unit_test_spawn_LDADD = libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_spawner
tests_unit_test_spawner_LDADD = libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_table
tests_unit_test_table_LDADD = libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_messages
tests_unit_test_messages_LDADD = libobject.la libbase.la $(CHECK_LIBS)

# Semaphores, events, barriers, message queues.
object_cast = tests/unit/object_cast.c tests/unit/object_cast.h tests/unit/object_world.c tests/unit/object_world.h
object_libraries = libobject.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_semaphore
tests_unit_test_semaphore_SOURCES = tests/unit/test_semaphore.c $(object_cast)
tests_unit_test_semaphore_LDADD = $(object_libraries)
unit_tests += tests/unit/test_semaphore_model
tests_unit_test_semaphore_model_SOURCES = tests/unit/test_semaphore_model.c $(object_cast)
tests_unit_test_semaphore_model_LDADD = $(object_libraries)
unit_tests += tests/unit/test_event_barrier
tests_unit_test_event_barrier_SOURCES = tests/unit/test_event_barrier.c $(object_cast)
tests_unit_test_event_barrier_LDADD = $(object_libraries)
mq_cast = tests/unit/mq_cast.c tests/unit/mq_cast.h $(object_cast)
unit_tests += tests/unit/test_mq
tests_unit_test_mq_SOURCES = tests/unit/test_mq.c $(mq_cast)
tests_unit_test_mq_LDADD = $(object_libraries)
unit_tests += tests/unit/test_mq_receipt
tests_unit_test_mq_receipt_SOURCES = tests/unit/test_mq_receipt.c $(mq_cast)
tests_unit_test_mq_receipt_LDADD = $(object_libraries)
unit_tests += tests/unit/test_mq_model
tests_unit_test_mq_model_SOURCES = tests/unit/test_mq_model.c $(mq_cast)
tests_unit_test_mq_model_LDADD = $(object_libraries)

# Named objects: their lives, locks, conditions, circles, tasks' claims.
object_world = tests/unit/object_world.c tests/unit/object_world.h
unit_tests += tests/unit/test_object
tests_unit_test_object_SOURCES = tests/unit/test_object.c $(object_world)
tests_unit_test_object_LDADD = libobject.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_object_lock
tests_unit_test_object_lock_SOURCES = tests/unit/test_object_lock.c $(object_world)
tests_unit_test_object_lock_LDADD = libobject.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_object_condition
tests_unit_test_object_condition_SOURCES = tests/unit/test_object_condition.c $(object_world)
tests_unit_test_object_condition_LDADD = libobject.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_object_deadlock
tests_unit_test_object_deadlock_SOURCES = tests/unit/test_object_deadlock.c $(object_world)
tests_unit_test_object_deadlock_LDADD = libobject.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_object_claim
tests_unit_test_object_claim_SOURCES = tests/unit/test_object_claim.c $(object_world)
tests_unit_test_object_claim_LDADD = libobject.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_object_model
tests_unit_test_object_model_SOURCES = tests/unit/test_object_model.c tests/unit/object_model.c tests/unit/object_model.h \
	$(object_world)
tests_unit_test_object_model_LDADD = libobject.la libbase.la $(CHECK_LIBS)

unit_tests += tests/unit/test_clock
tests_unit_test_clock_LDADD = libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_log
tests_unit_test_log_LDADD = libbase.la $(CHECK_LIBS)

# The core, with toy lanes and a clock that is moved by hand.
unit_tests += tests/unit/test_task
tests_unit_test_task_SOURCES = tests/unit/test_task.c tests/unit/life_page.c tests/unit/life_page.h tests/unit/toy.c \
	tests/unit/toy.h
tests_unit_test_task_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_queue
tests_unit_test_queue_SOURCES = tests/unit/test_queue.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_queue_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core
tests_unit_test_core_SOURCES = tests/unit/test_core.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_life
tests_unit_test_core_life_SOURCES = tests/unit/test_core_life.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_life_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_retry
tests_unit_test_core_retry_SOURCES = tests/unit/test_core_retry.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_retry_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_calendar
tests_unit_test_core_calendar_SOURCES = tests/unit/test_core_calendar.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_calendar_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_depend
tests_unit_test_core_depend_SOURCES = tests/unit/test_core_depend.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_depend_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_submit
tests_unit_test_core_submit_SOURCES = tests/unit/test_core_submit.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_submit_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_keep
tests_unit_test_core_keep_SOURCES = tests/unit/test_core_keep.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_keep_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_slots
tests_unit_test_core_slots_SOURCES = tests/unit/test_core_slots.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_slots_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_tell
tests_unit_test_core_tell_SOURCES = tests/unit/test_core_tell.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_tell_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_await
tests_unit_test_core_await_SOURCES = tests/unit/test_core_await.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_await_LDADD = libcore.la libbase.la $(CHECK_LIBS)
restore_world = tests/unit/restore_world.c tests/unit/restore_world.h tests/unit/toy.c tests/unit/toy.h
unit_tests += tests/unit/test_core_restore tests/unit/test_core_restore_links tests/unit/test_core_restore_kept
tests_unit_test_core_restore_SOURCES = tests/unit/test_core_restore.c $(restore_world)
tests_unit_test_core_restore_LDADD = libcore.la libbase.la $(CHECK_LIBS)
tests_unit_test_core_restore_links_SOURCES = tests/unit/test_core_restore_links.c $(restore_world)
tests_unit_test_core_restore_links_LDADD = libcore.la libbase.la $(CHECK_LIBS)
tests_unit_test_core_restore_kept_SOURCES = tests/unit/test_core_restore_kept.c $(restore_world)
tests_unit_test_core_restore_kept_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_durable tests/unit/test_core_durable_life tests/unit/test_core_durable_refused
tests_unit_test_core_durable_refused_SOURCES = tests/unit/test_core_durable_refused.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_durable_refused_LDADD = libcore.la libbase.la $(CHECK_LIBS)
tests_unit_test_core_durable_SOURCES = tests/unit/test_core_durable.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_durable_LDADD = libcore.la libbase.la $(CHECK_LIBS)
tests_unit_test_core_durable_life_SOURCES = tests/unit/test_core_durable_life.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_durable_life_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_durable_model
tests_unit_test_core_durable_model_SOURCES = tests/unit/test_core_durable_model.c tests/unit/crash_world.c \
	tests/unit/crash_world.h tests/unit/disk_model.c tests/unit/disk_model.h tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_durable_model_LDADD = libcore.la libbase.la $(CHECK_LIBS)
claims_world = tests/unit/claims_world.c tests/unit/claims_world.h tests/unit/toy.c tests/unit/toy.h
unit_tests += tests/unit/test_core_claims
tests_unit_test_core_claims_SOURCES = tests/unit/test_core_claims.c $(claims_world)
tests_unit_test_core_claims_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_claims_order
tests_unit_test_core_claims_order_SOURCES = tests/unit/test_core_claims_order.c $(claims_world)
tests_unit_test_core_claims_order_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_fair
tests_unit_test_core_fair_SOURCES = tests/unit/test_core_fair.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_fair_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_share
tests_unit_test_core_share_SOURCES = tests/unit/test_core_share.c $(claims_world)
tests_unit_test_core_share_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_share_keep
tests_unit_test_core_share_keep_SOURCES = tests/unit/test_core_share_keep.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_share_keep_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_share_model
tests_unit_test_core_share_model_SOURCES = tests/unit/test_core_share_model.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_share_model_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_gate
tests_unit_test_core_gate_SOURCES = tests/unit/test_core_gate.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_gate_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_select
tests_unit_test_core_select_SOURCES = tests/unit/test_core_select.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_select_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_core_model
tests_unit_test_core_model_SOURCES = tests/unit/test_core_model.c tests/unit/model.h tests/unit/model.c \
	tests/unit/model_order.c tests/unit/model_submit.c tests/unit/model_world.h tests/unit/model_world.c \
	tests/unit/model_compare.c tests/unit/model_tasks.c tests/unit/model_claims.c tests/unit/model_crowd.c
tests_unit_test_core_model_LDADD = libcore.la libbase.la $(CHECK_LIBS)

unit_tests += tests/unit/test_core_schedule
tests_unit_test_core_schedule_SOURCES = tests/unit/test_core_schedule.c tests/unit/toy.c tests/unit/toy.h
tests_unit_test_core_schedule_LDADD = libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_cron
tests_unit_test_cron_LDADD = libcore.la libbase.la $(CHECK_LIBS)

unit_tests += tests/unit/test_ring tests/unit/test_lane tests/unit/test_lane_hostile
tests_unit_test_ring_LDADD = liblane.la libbase.la $(CHECK_LIBS)
tests_unit_test_lane_LDADD = liblane.la libcore.la libbase.la $(CHECK_LIBS)
tests_unit_test_lane_hostile_LDADD = liblane.la libcore.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_lane_fds tests/unit/test_lane_output
tests_unit_test_lane_fds_LDADD = liblane.la libcore.la libbase.la $(CHECK_LIBS)
tests_unit_test_lane_output_LDADD = liblane.la libcore.la libbase.la $(CHECK_LIBS)
EXTRA_DIST += tests/unit/lane_fixture.h
unit_tests += tests/unit/test_channel
tests_unit_test_channel_LDADD = liblane.la libbase.la $(CHECK_LIBS)
store_samples = tests/unit/store_samples.c tests/unit/store_samples.h
unit_tests += tests/unit/test_store_record
tests_unit_test_store_record_SOURCES = tests/unit/test_store_record.c $(store_samples)
tests_unit_test_store_record_LDADD = libstorewire.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_store_client
tests_unit_test_store_client_SOURCES = tests/unit/test_store_client.c tests/unit/store_fake.c tests/unit/store_fake.h
tests_unit_test_store_client_LDADD = libstorewire.la liblane.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_store_oplog
tests_unit_test_store_oplog_LDADD = libstorewire.la libbase.la $(CHECK_LIBS)
unit_tests += tests/unit/test_capture
tests_unit_test_capture_LDADD = liblane.la libbase.la $(CHECK_LIBS)

unit_tests += tests/unit/test_cgroup tests/unit/test_cgroup_slot
tests_unit_test_cgroup_LDADD = libserver.la $(LIBEVENT_LIBS) $(JANSSON_LIBS) $(INIH_LIBS) $(CHECK_LIBS)
tests_unit_test_cgroup_slot_LDADD = libworker.la libcore.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_confine_server
tests_unit_test_confine_server_LDADD = libserver.la $(LIBEVENT_LIBS) $(JANSSON_LIBS) $(INIH_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_confine tests/unit/test_confine_directory
tests_unit_test_confine_LDADD = libworker.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_confine_directory_LDADD = $(tests_unit_test_confine_LDADD)
unit_tests += tests/unit/test_confine_paths
tests_unit_test_confine_paths_LDADD = $(tests_unit_test_confine_LDADD)
tests_unit_test_confine_paths_LDFLAGS = -Wl,--wrap=syscall
EXTRA_DIST += tests/unit/cgroup_fixture.h

unit_tests += tests/unit/test_config
tests_unit_test_config_LDADD = libconfig.la libproto.la libbase.la $(INIH_LIBS) $(JANSSON_LIBS) $(CHECK_LIBS)

unit_tests += tests/unit/test_template
tests_unit_test_template_LDADD = libconfig.la libproto.la libbase.la $(INIH_LIBS) $(JANSSON_LIBS) $(CHECK_LIBS)

unit_tests += tests/unit/test_call
tests_unit_test_call_LDADD = libworker.la libcore.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_registry
tests_unit_test_registry_LDADD = libworker.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_registry_LDFLAGS = $(AM_LDFLAGS) -rdynamic
unit_tests += tests/unit/test_worker
tests_unit_test_worker_LDADD = libworker.la libcore.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)

# Commands, with a slot of their own.
command_world = tests/unit/command_world.c tests/unit/command_world.h
command_libs = libworker.la libcore.la libbase.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_command_life
tests_unit_test_command_life_SOURCES = tests/unit/test_command_life.c $(command_world)
tests_unit_test_command_life_LDADD = $(command_libs)
unit_tests += tests/unit/test_command_rights
tests_unit_test_command_rights_SOURCES = tests/unit/test_command_rights.c $(command_world)
tests_unit_test_command_rights_LDADD = $(command_libs)
unit_tests += tests/unit/test_command_spawn tests/unit/test_command_tree tests/unit/test_command_inbox
tests_unit_test_command_spawn_LDADD = $(command_libs)
tests_unit_test_command_tree_SOURCES = tests/unit/test_command_tree.c $(command_world)
tests_unit_test_command_tree_LDADD = $(command_libs)
tests_unit_test_command_inbox_SOURCES = tests/unit/test_command_inbox.c $(command_world)
tests_unit_test_command_inbox_LDADD = $(command_libs)

# A command's streams, with a real command at the other end.
streams_world = tests/unit/streams_world.c tests/unit/streams_world.h
streams_libraries = libworker.la liblane.la libcore.la libbase.la libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_streams tests/unit/test_streams_reader tests/unit/test_streams_input
tests_unit_test_streams_SOURCES = tests/unit/test_streams.c $(streams_world)
tests_unit_test_streams_LDADD = $(streams_libraries)
tests_unit_test_streams_reader_SOURCES = tests/unit/test_streams_reader.c $(streams_world)
tests_unit_test_streams_reader_LDADD = $(streams_libraries)
tests_unit_test_streams_input_SOURCES = tests/unit/test_streams_input.c $(streams_world)
tests_unit_test_streams_input_LDADD = $(streams_libraries)
unit_tests += tests/unit/test_environment tests/unit/test_command_result tests/unit/test_command_log
tests_unit_test_environment_LDADD = $(streams_libraries)
tests_unit_test_command_result_LDADD = $(streams_libraries)
tests_unit_test_command_log_LDADD = $(streams_libraries)

unit_tests += tests/unit/test_json_scan
tests_unit_test_json_scan_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_json_pieces
tests_unit_test_json_pieces_SOURCES = tests/unit/test_json_pieces.c tests/fuzz/pieces.h tests/fuzz/fuzz.h
tests_unit_test_json_pieces_LDADD = libproto.la $(CHECK_LIBS)
unit_tests += tests/unit/test_framing
tests_unit_test_framing_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_jsonrpc
tests_unit_test_jsonrpc_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_params
tests_unit_test_params_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_base64
tests_unit_test_base64_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_command_params
tests_unit_test_command_params_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_units
tests_unit_test_units_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_suggest
tests_unit_test_suggest_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_errors
tests_unit_test_errors_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_methods
tests_unit_test_methods_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_strbuf
tests_unit_test_strbuf_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)

# Of libtaskd, each with a daemon that says what the test tells it to.
client_fake = tests/unit/client_fake.c tests/unit/client_fake.h
unit_tests += tests/unit/test_client tests/unit/test_client_end tests/unit/test_client_map tests/unit/test_client_wait
tests_unit_test_client_SOURCES = tests/unit/test_client.c $(client_fake)
tests_unit_test_client_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_client_end_SOURCES = tests/unit/test_client_end.c $(client_fake)
tests_unit_test_client_end_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_client_map_SOURCES = tests/unit/test_client_map.c $(client_fake)
tests_unit_test_client_map_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_client_wait_SOURCES = tests/unit/test_client_wait.c $(client_fake)
tests_unit_test_client_wait_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_client_exec tests/unit/test_client_command tests/unit/test_client_follow
tests_unit_test_client_follow_SOURCES = tests/unit/test_client_follow.c $(client_fake)
tests_unit_test_client_follow_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_client_exec_SOURCES = tests/unit/test_client_exec.c $(client_fake)
tests_unit_test_client_exec_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_client_command_SOURCES = tests/unit/test_client_command.c $(client_fake)
tests_unit_test_client_command_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_client_life tests/unit/test_client_events
tests_unit_test_client_life_SOURCES = tests/unit/test_client_life.c $(client_fake)
tests_unit_test_client_life_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_client_events_SOURCES = tests/unit/test_client_events.c $(client_fake)
tests_unit_test_client_events_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_client_reconnect tests/unit/test_client_outage tests/unit/test_client_reconnect_threads
tests_unit_test_client_reconnect_SOURCES = tests/unit/test_client_reconnect.c $(client_fake)
tests_unit_test_client_reconnect_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_client_outage_SOURCES = tests/unit/test_client_outage.c $(client_fake)
tests_unit_test_client_outage_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_client_reconnect_threads_SOURCES = tests/unit/test_client_reconnect_threads.c $(client_fake)
tests_unit_test_client_reconnect_threads_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_client_objects tests/unit/test_client_objects_threads
tests_unit_test_client_objects_SOURCES = tests/unit/test_client_objects.c $(client_fake)
tests_unit_test_client_objects_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_client_objects_threads_SOURCES = tests/unit/test_client_objects_threads.c $(client_fake)
tests_unit_test_client_objects_threads_LDADD = libclient.la $(JANSSON_LIBS) $(CHECK_LIBS)

edge_world = tests/unit/edge_world.c tests/unit/edge_world.h tests/unit/edge_commands.c tests/unit/edge_commands.h \
	tests/unit/durable_fake.c tests/unit/durable_fake.h
unit_tests += tests/unit/test_edge
tests_unit_test_edge_SOURCES = tests/unit/test_edge.c $(edge_world)
tests_unit_test_edge_LDADD = libedge.la libconfig.la libcore.la libbase.la libproto.la $(LIBEVENT_LIBS) $(JANSSON_LIBS) $(INIH_LIBS) \
	$(CHECK_LIBS)
unit_tests += tests/unit/test_edge_durable
tests_unit_test_edge_durable_SOURCES = tests/unit/test_edge_durable.c $(edge_world)
tests_unit_test_edge_durable_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_loading
tests_unit_test_edge_loading_SOURCES = tests/unit/test_edge_loading.c $(edge_world)
tests_unit_test_edge_loading_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_foreign
tests_unit_test_edge_foreign_SOURCES = tests/unit/test_edge_foreign.c $(edge_world)
tests_unit_test_edge_foreign_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_history
tests_unit_test_edge_history_SOURCES = tests/unit/test_edge_history.c $(edge_world)
tests_unit_test_edge_history_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_flow
tests_unit_test_edge_flow_SOURCES = tests/unit/test_edge_flow.c $(edge_world)
tests_unit_test_edge_flow_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_long
tests_unit_test_edge_long_SOURCES = tests/unit/test_edge_long.c $(edge_world)
tests_unit_test_edge_long_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_slice
tests_unit_test_edge_slice_SOURCES = tests/unit/test_edge_slice.c $(edge_world)
tests_unit_test_edge_slice_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_usage
tests_unit_test_edge_usage_SOURCES = tests/unit/test_edge_usage.c
tests_unit_test_edge_usage_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_many
tests_unit_test_edge_many_SOURCES = tests/unit/test_edge_many.c $(edge_world)
tests_unit_test_edge_many_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_batch
tests_unit_test_edge_batch_SOURCES = tests/unit/test_edge_batch.c $(edge_world)
tests_unit_test_edge_batch_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_ids
tests_unit_test_edge_ids_SOURCES = tests/unit/test_edge_ids.c $(edge_world)
tests_unit_test_edge_ids_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_life
tests_unit_test_edge_life_SOURCES = tests/unit/test_edge_life.c $(edge_world)
tests_unit_test_edge_life_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_watch
tests_unit_test_edge_watch_SOURCES = tests/unit/test_edge_watch.c $(edge_world)
tests_unit_test_edge_watch_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_queue
tests_unit_test_edge_queue_SOURCES = tests/unit/test_edge_queue.c $(edge_world)
tests_unit_test_edge_queue_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_access
tests_unit_test_edge_access_SOURCES = tests/unit/test_edge_access.c $(edge_world)
tests_unit_test_edge_access_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_shares
tests_unit_test_edge_shares_SOURCES = tests/unit/test_edge_shares.c $(edge_world)
tests_unit_test_edge_shares_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_rights
tests_unit_test_edge_rights_SOURCES = tests/unit/test_edge_rights.c $(edge_world)
tests_unit_test_edge_rights_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_schedule
tests_unit_test_edge_schedule_SOURCES = tests/unit/test_edge_schedule.c $(edge_world)
tests_unit_test_edge_schedule_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_peer
tests_unit_test_edge_peer_SOURCES = tests/unit/test_edge_peer.c
tests_unit_test_edge_peer_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_schedule_rights
tests_unit_test_edge_schedule_rights_SOURCES = tests/unit/test_edge_schedule_rights.c $(edge_world)
tests_unit_test_edge_schedule_rights_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_claims
tests_unit_test_edge_claims_SOURCES = tests/unit/test_edge_claims.c $(edge_world)
tests_unit_test_edge_claims_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_nested
tests_unit_test_edge_nested_SOURCES = tests/unit/test_edge_nested.c $(edge_world)
tests_unit_test_edge_nested_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_command
tests_unit_test_edge_command_SOURCES = tests/unit/test_edge_command.c $(edge_world)
tests_unit_test_edge_command_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_follow
tests_unit_test_edge_follow_SOURCES = tests/unit/test_edge_follow.c $(edge_world)
tests_unit_test_edge_follow_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_fds
tests_unit_test_edge_fds_SOURCES = tests/unit/test_edge_fds.c $(edge_world)
tests_unit_test_edge_fds_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_objects
tests_unit_test_edge_objects_SOURCES = tests/unit/test_edge_objects.c $(edge_world)
tests_unit_test_edge_objects_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_objects_kinds
tests_unit_test_edge_objects_kinds_SOURCES = tests/unit/test_edge_objects_kinds.c $(edge_world)
tests_unit_test_edge_objects_kinds_LDADD = $(tests_unit_test_edge_LDADD)
unit_tests += tests/unit/test_edge_objects_mq
tests_unit_test_edge_objects_mq_SOURCES = tests/unit/test_edge_objects_mq.c $(edge_world)
tests_unit_test_edge_objects_mq_LDADD = $(tests_unit_test_edge_LDADD)

# Pools, with workers that are the test's own program once more.
pool_world = tests/unit/pool_world.c tests/unit/pool_world.h
pool_libraries = libpool.la libconfig.la libcore.la liblane.la libbase.la libproto.la $(LIBEVENT_LIBS) $(JANSSON_LIBS) \
	$(INIH_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_pool_command tests/unit/test_pool_strays
tests_unit_test_pool_command_SOURCES = tests/unit/test_pool_command.c $(pool_world)
tests_unit_test_pool_command_LDADD = $(pool_libraries)
tests_unit_test_pool_strays_SOURCES = tests/unit/test_pool_strays.c $(pool_world)
tests_unit_test_pool_strays_LDADD = $(pool_libraries)
unit_tests += tests/unit/test_pool_types
tests_unit_test_pool_types_SOURCES = tests/unit/test_pool_types.c $(pool_world)
tests_unit_test_pool_types_LDADD = $(pool_libraries)

# The parts of taskctl run --each that know no daemon.
unit_tests += tests/unit/test_each_places tests/unit/test_each_input tests/unit/test_each_joblog
tests_unit_test_each_places_SOURCES = tests/unit/test_each_places.c client/taskctl/each_places.c \
	client/taskctl/shell_words.c
tests_unit_test_each_places_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_each_input_SOURCES = tests/unit/test_each_input.c client/taskctl/each_input.c \
	client/taskctl/each_sources.c
tests_unit_test_each_input_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)
tests_unit_test_each_joblog_SOURCES = tests/unit/test_each_joblog.c client/taskctl/each_joblog.c
tests_unit_test_each_joblog_LDADD = libproto.la $(JANSSON_LIBS) $(CHECK_LIBS)

# The store's file, in the test's own process.
store_world = tests/unit/store_world.c tests/unit/store_world.h
store_libraries = libstore.la $(SQLITE_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_store_open
tests_unit_test_store_open_SOURCES = tests/unit/test_store_open.c $(store_world)
tests_unit_test_store_open_LDADD = $(store_libraries)
unit_tests += tests/unit/test_store_log
tests_unit_test_store_log_SOURCES = tests/unit/test_store_log.c $(store_world)
tests_unit_test_store_log_LDADD = $(store_libraries)
# A store that is served, in a process of its own.
store_served = tests/unit/store_served.c tests/unit/store_served.h
store_story = tests/unit/store_story.c tests/unit/store_story.h $(store_served)
unit_tests += tests/unit/test_store_apply
tests_unit_test_store_apply_SOURCES = tests/unit/test_store_apply.c $(store_story)
tests_unit_test_store_apply_LDADD = $(store_libraries)
unit_tests += tests/unit/test_store_keep
tests_unit_test_store_keep_SOURCES = tests/unit/test_store_keep.c $(store_story)
tests_unit_test_store_keep_LDADD = $(store_libraries)
unit_tests += tests/unit/test_store_links
tests_unit_test_store_links_SOURCES = tests/unit/test_store_links.c $(store_story)
tests_unit_test_store_links_LDADD = $(store_libraries)
unit_tests += tests/unit/test_store_serve
tests_unit_test_store_serve_SOURCES = tests/unit/test_store_serve.c tests/unit/store_fault_vfs.c \
	tests/unit/store_fault_vfs.h $(store_served)
tests_unit_test_store_serve_LDADD = $(store_libraries)
unit_tests += tests/unit/test_store_schema
tests_unit_test_store_schema_LDADD = $(store_libraries)
unit_tests += tests/unit/test_store_query
tests_unit_test_store_query_SOURCES = tests/unit/test_store_query.c $(store_world) $(store_served)
tests_unit_test_store_query_LDADD = libcore.la $(store_libraries) $(JANSSON_LIBS)
unit_tests += tests/unit/test_store_small
tests_unit_test_store_small_SOURCES = tests/unit/test_store_small.c $(store_world) $(store_served)
tests_unit_test_store_small_LDADD = $(store_libraries)
store_history = tests/unit/store_history.c tests/unit/store_history.h $(store_world)
unit_tests += tests/unit/test_store_faults
tests_unit_test_store_faults_SOURCES = tests/unit/test_store_faults.c tests/unit/store_fault_vfs.c \
	tests/unit/store_fault_vfs.h $(store_history)
tests_unit_test_store_faults_LDADD = $(store_libraries)

# What is durable, with a real taskd-store.
durable_world = tests/unit/durable_world.c tests/unit/durable_world.h
durable_libraries = libdurable.la libstorewire.la libconfig.la libcore.la liblane.la libproto.la libbase.la $(JANSSON_LIBS) \
	$(INIH_LIBS) $(CHECK_LIBS)
unit_tests += tests/unit/test_durable
tests_unit_test_durable_SOURCES = tests/unit/test_durable.c $(durable_world)
tests_unit_test_durable_LDADD = $(durable_libraries)
unit_tests += tests/unit/test_durable_start
tests_unit_test_durable_start_SOURCES = tests/unit/test_durable_start.c $(durable_world)
tests_unit_test_durable_start_LDADD = $(durable_libraries)
unit_tests += tests/unit/test_durable_links
tests_unit_test_durable_links_SOURCES = tests/unit/test_durable_links.c $(durable_world)
tests_unit_test_durable_links_LDADD = $(durable_libraries)
unit_tests += tests/unit/test_durable_lock
tests_unit_test_durable_lock_LDADD = libdurable.la libbase.la $(CHECK_LIBS)

check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
