# Tasks, queues, the scheduler.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libcore.la
libcore_la_SOURCES = \
	daemon/core/claim_group.h \
	daemon/core/core.h \
	daemon/core/cron.h \
	daemon/core/internal.h \
	daemon/core/task.h \
	daemon/core/batch.c \
	daemon/core/await.c \
	daemon/core/calendar.c \
	daemon/core/claim.c \
	daemon/core/claim_group.c \
	daemon/core/core.c \
	daemon/core/cron.c \
	daemon/core/depend.c \
	daemon/core/facet.c \
	daemon/core/gate.c \
	daemon/core/keep.c \
	daemon/core/life.c \
	daemon/core/line.c \
	daemon/core/queue.c \
	daemon/core/record.c \
	daemon/core/restore.c \
	daemon/core/retry.c \
	daemon/core/sched.c \
	daemon/core/schedule.c \
	daemon/core/select.c \
	daemon/core/share.c \
	daemon/core/slot.c \
	daemon/core/submit.c \
	daemon/core/task.c \
	daemon/core/tell.c \
	daemon/core/unique.c
libcore_la_LIBADD = libobject.la
