# Named objects: locks, semaphores, events, conditions, barriers, message queues.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libobject.la
libobject_la_SOURCES = \
	daemon/object/internal.h \
	daemon/object/messages.h \
	daemon/object/object.h \
	daemon/object/messages.c \
	daemon/object/listing.c \
	daemon/object/object.c \
	daemon/object/owner.c \
	daemon/object/problem.c \
	daemon/object/ticket.c \
	daemon/object/wait.c
