# The shared memory between the master and a worker's slot.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += liblane.la
liblane_la_SOURCES = \
	daemon/lane/lane.h \
	daemon/lane/ring.h
