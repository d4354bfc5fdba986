# The shared memory between the master and a worker's slot.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += liblane.la
liblane_la_SOURCES = \
	daemon/lane/capture.h \
	daemon/lane/capture_memory.h \
	daemon/lane/channel.h \
	daemon/lane/channel_memory.h \
	daemon/lane/lane.h \
	daemon/lane/payload.h \
	daemon/lane/records.h \
	daemon/lane/ring.h \
	daemon/lane/stream.h \
	daemon/lane/capture.c \
	daemon/lane/channel.c \
	daemon/lane/channel_end.c \
	daemon/lane/lane.c \
	daemon/lane/lane_end.c \
	daemon/lane/memory.c \
	daemon/lane/payload.c \
	daemon/lane/ring.c \
	daemon/lane/stream.c
