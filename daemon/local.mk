# taskd: a library of everything but main, which the tests link too, and the program.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libserver.la
libserver_la_SOURCES = \
	daemon/cgroup.h \
	daemon/confine.h \
	daemon/internal.h \
	daemon/listen.h \
	daemon/machine.h \
	daemon/manager.h \
	daemon/notify.h \
	daemon/ops.h \
	daemon/reload.h \
	daemon/rights.h \
	daemon/server.h \
	daemon/state.h \
	daemon/tasklog.h \
	daemon/wallclock.h \
	daemon/cgroup.c \
	daemon/confine.c \
	daemon/host.c \
	daemon/listen.c \
	daemon/machine.c \
	daemon/manager.c \
	daemon/notify.c \
	daemon/ops.c \
	daemon/phases.c \
	daemon/reload.c \
	daemon/rights.c \
	daemon/server.c \
	daemon/state.c \
	daemon/tasklog.c \
	daemon/wallclock.c
dist_man_MANS += daemon/taskd.8
libserver_la_LIBADD = libedge.la libdurable.la libstorewire.la libpool.la libconfig.la libcore.la liblane.la libbase.la libproto.la \
	$(SECCOMP_LIBS)

bin_PROGRAMS += taskd
taskd_SOURCES = daemon/main.c
taskd_LDADD = libserver.la $(LIBEVENT_LIBS) $(JANSSON_LIBS) $(INIH_LIBS)
