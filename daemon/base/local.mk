# Log, clock, containers; everybody's.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = \
	daemon/base/bytes.h \
	daemon/base/cgroup_file.h \
	daemon/base/cgroup_tree.h \
	daemon/base/clock.h \
	daemon/base/closer.h \
	daemon/base/heap.h \
	daemon/base/idmap.h \
	daemon/base/log.h \
	daemon/base/log_format.h \
	daemon/base/spawn.h \
	daemon/base/spawn_parts.h \
	daemon/base/spawn_wire.h \
	daemon/base/table.h \
	daemon/base/users.h \
	daemon/base/xmalloc.h \
	daemon/base/bytes.c \
	daemon/base/cgroup_file.c \
	daemon/base/clock.c \
	daemon/base/closer.c \
	daemon/base/heap.c \
	daemon/base/idmap.c \
	daemon/base/log.c \
	daemon/base/log_format.c \
	daemon/base/spawn.c \
	daemon/base/spawners.c \
	daemon/base/table.c \
	daemon/base/users.c \
	daemon/base/xmalloc.c
