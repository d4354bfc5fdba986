# Sockets, connections, requests.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libedge.la
libedge_la_SOURCES = \
	daemon/edge/batch.c \
	daemon/edge/connection.c \
	daemon/edge/discover.c \
	daemon/edge/dispatch.c \
	daemon/edge/edge.c \
	daemon/edge/edge.h \
	daemon/edge/filter.c \
	daemon/edge/gather.c \
	daemon/edge/input.c \
	daemon/edge/internal.h \
	daemon/edge/listener.c \
	daemon/edge/map_result.c \
	daemon/edge/map_result.h \
	daemon/edge/nested.c \
	daemon/edge/outcome.c \
	daemon/edge/peer.c \
	daemon/edge/peer.h \
	daemon/edge/record.c \
	daemon/edge/reply.c \
	daemon/edge/reply.h \
	daemon/edge/refusal.c \
	daemon/edge/request.c \
	daemon/edge/request.h \
	daemon/edge/room.c \
	daemon/edge/rpc.h \
	daemon/edge/rpc_admin.c \
	daemon/edge/rpc_batch.c \
	daemon/edge/rpc_list.c \
	daemon/edge/rpc_many.c \
	daemon/edge/rpc_map.c \
	daemon/edge/rpc_queue.c \
	daemon/edge/rpc_schedule.c \
	daemon/edge/rpc_task.c \
	daemon/edge/rpc_wait.c \
	daemon/edge/rpc_watch.c \
	daemon/edge/submission.c
