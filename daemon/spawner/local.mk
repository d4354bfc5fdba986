# taskd-spawn: small, and with nothing of anybody else's rooms.
# A new file of this folder is a line here; headers too, so that a tarball has them.
pkglibexec_PROGRAMS += taskd-spawn
taskd_spawn_SOURCES = \
	daemon/spawner/spawner.h \
	daemon/spawner/child.c \
	daemon/spawner/kin.c \
	daemon/spawner/main.c \
	daemon/spawner/request.c \
	daemon/spawner/rules.c
taskd_spawn_LDADD = libbase.la
