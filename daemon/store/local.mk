# The store: what master and store tell each other, and the master's side of it.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libstorewire.la
libstorewire_la_SOURCES = \
	daemon/store/client.h \
	daemon/store/record.h \
	daemon/store/record.c
