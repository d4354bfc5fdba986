# Configuration, sockets, requests.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libedge.la
libedge_la_SOURCES = \
	daemon/edge/config.h \
	daemon/edge/edge.h
