# Tasks, queues, the scheduler.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libcore.la
libcore_la_SOURCES = \
	daemon/core/bytes.h \
	daemon/core/core.h \
	daemon/core/task.h
