# What outlives the daemon: between the core and the store.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libdurable.la
libdurable_la_SOURCES = \
	daemon/durable/durable.h \
	daemon/durable/internal.h \
	daemon/durable/lock.h \
	daemon/durable/confirm.c \
	daemon/durable/durable.c \
	daemon/durable/hear.c \
	daemon/durable/lock.c \
	daemon/durable/numbers.c \
	daemon/durable/queues.c \
	daemon/durable/read.c \
	daemon/durable/schedules.c \
	daemon/durable/start.c \
	daemon/durable/vocabulary.c \
	daemon/durable/write.c
