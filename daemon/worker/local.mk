# taskd-worker: a library of everything but main, which the tests link too, and the program.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libworker.la
libworker_la_SOURCES = \
	daemon/worker/heritage.h
libworker_la_LIBADD = liblane.la libbase.la libproto.la

if HAVE_WORKER_MAIN
pkglibexec_PROGRAMS += taskd-worker
taskd_worker_SOURCES = daemon/worker/main.c
taskd_worker_LDADD = libworker.la $(JANSSON_LIBS)
# Plugins find the functions of taskd-plugin.h in the program that loads them, and nothing else of it.
taskd_worker_LDFLAGS = $(AM_LDFLAGS) -Wl,--export-dynamic-symbol='taskd_*'
endif

include_HEADERS += daemon/worker/taskd-plugin.h
