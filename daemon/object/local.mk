# Named objects: locks, semaphores, events, conditions, barriers, message queues.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libobject.la
libobject_la_SOURCES = \
	daemon/object/internal.h \
	daemon/object/messages.h \
	daemon/object/mq.h \
	daemon/object/object.h \
	daemon/object/search.h \
	daemon/object/barrier.c \
	daemon/object/claim.c \
	daemon/object/condition.c \
	daemon/object/deadlock.c \
	daemon/object/event.c \
	daemon/object/hope.c \
	daemon/object/listing.c \
	daemon/object/lock.c \
	daemon/object/messages.c \
	daemon/object/mq.c \
	daemon/object/mq_get.c \
	daemon/object/mq_put.c \
	daemon/object/mq_receipt.c \
	daemon/object/mq_wait.c \
	daemon/object/object.c \
	daemon/object/owner.c \
	daemon/object/problem.c \
	daemon/object/semaphore.c \
	daemon/object/ticket.c \
	daemon/object/wait.c
