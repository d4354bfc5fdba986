# Sockets, connections, requests.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libedge.la
libedge_la_SOURCES = \
	daemon/edge/batch.c \
	daemon/edge/command.c \
	daemon/edge/command.h \
	daemon/edge/connection.c \
	daemon/edge/descriptors.c \
	daemon/edge/descriptors.h \
	daemon/edge/discover.c \
	daemon/edge/dispatch.c \
	daemon/edge/edge.c \
	daemon/edge/edge.h \
	daemon/edge/filter.c \
	daemon/edge/follow.h \
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
	daemon/edge/rpc_command.c \
	daemon/edge/rpc_follow.c \
	daemon/edge/rpc_list.c \
	daemon/edge/rpc_log.c \
	daemon/edge/rpc_many.c \
	daemon/edge/rpc_map.c \
	daemon/edge/rpc_queue.c \
	daemon/edge/rpc_schedule.c \
	daemon/edge/rpc_task.c \
	daemon/edge/rpc_wait.c \
	daemon/edge/rpc_watch.c \
	daemon/edge/said.c \
	daemon/edge/said.h \
	daemon/edge/submission.c \
	daemon/edge/tally.h \
	daemon/edge/users.c \
	daemon/edge/users.h
