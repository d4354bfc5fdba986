# taskctl. Its files are a line each here; headers too, so that a tarball has them.
if HAVE_TASKCTL_MAIN
bin_PROGRAMS += taskctl
taskctl_SOURCES = \
	client/taskctl/main.c
taskctl_LDADD = libclient.la $(JANSSON_LIBS) $(SMARTCOLS_LIBS)
endif
