# taskd-worker: a library of everything but main, which the tests link too, and the program.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libworker.la
libworker_la_SOURCES = \
	daemon/worker/call.h \
	daemon/worker/chunk.h \
	daemon/worker/command.h \
	daemon/worker/command_life.h \
	daemon/worker/confine.h \
	daemon/worker/control.h \
	daemon/worker/heritage.h \
	daemon/worker/keys.h \
	daemon/worker/map.h \
	daemon/worker/order.h \
	daemon/worker/plugin.h \
	daemon/worker/registry.h \
	daemon/worker/run_as.h \
	daemon/worker/slot.h \
	daemon/worker/start.h \
	daemon/worker/streams.h \
	daemon/worker/text.h \
	daemon/worker/arena.c \
	daemon/worker/args.c \
	daemon/worker/builtin.c \
	daemon/worker/call.c \
	daemon/worker/cgroup_slot.c \
	daemon/worker/chunk.c \
	daemon/worker/command.c \
	daemon/worker/command_life.c \
	daemon/worker/command_log.c \
	daemon/worker/command_oom.c \
	daemon/worker/command_orders.c \
	daemon/worker/command_result.c \
	daemon/worker/command_rights.c \
	daemon/worker/command_start.c \
	daemon/worker/confine.c \
	daemon/worker/confine_calls.c \
	daemon/worker/confine_directory.c \
	daemon/worker/confine_paths.c \
	daemon/worker/control.c \
	daemon/worker/environment.c \
	daemon/worker/inbox.c \
	daemon/worker/keys.c \
	daemon/worker/map.c \
	daemon/worker/order.c \
	daemon/worker/plugin.c \
	daemon/worker/registry.c \
	daemon/worker/result.c \
	daemon/worker/run_as.c \
	daemon/worker/slot.c \
	daemon/worker/spawn_command.c \
	daemon/worker/start.c \
	daemon/worker/streams.c \
	daemon/worker/streams_inlet.c \
	daemon/worker/streams_open.c \
	daemon/worker/streams_outlet.c \
	daemon/worker/text.c \
	daemon/worker/tree.c
libworker_la_LIBADD = liblane.la libbase.la libproto.la $(SECCOMP_LIBS)

pkglibexec_PROGRAMS += taskd-worker
taskd_worker_SOURCES = daemon/worker/main.c
taskd_worker_LDADD = libworker.la $(JANSSON_LIBS)
# Plugins find the functions of taskd-plugin.h in the program that loads them, and nothing else of it.
taskd_worker_LDFLAGS = $(AM_LDFLAGS) -rdynamic -Wl,--version-script=$(srcdir)/daemon/worker/worker.map
EXTRA_taskd_worker_DEPENDENCIES = daemon/worker/worker.map
EXTRA_DIST += daemon/worker/worker.map

include_HEADERS += daemon/worker/taskd-plugin.h
dist_man_MANS += daemon/worker/taskd-plugin.3
