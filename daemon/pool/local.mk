# Pools, workers as processes, supervision.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libpool.la
libpool_la_SOURCES = \
	daemon/pool/internal.h \
	daemon/pool/command.h \
	daemon/pool/pool.h \
	daemon/pool/attach.c \
	daemon/pool/command.c \
	daemon/pool/configure.c \
	daemon/pool/hear.c \
	daemon/pool/messages.c \
	daemon/pool/nested.c \
	daemon/pool/orders.c \
	daemon/pool/outbox.c \
	daemon/pool/pools.c \
	daemon/pool/proc.c \
	daemon/pool/process.c \
	daemon/pool/queues.c \
	daemon/pool/reap.c \
	daemon/pool/route.c \
	daemon/pool/spawn.c \
	daemon/pool/strays.c \
	daemon/pool/sweep.c \
	daemon/pool/turn.c \
	daemon/pool/types.c
