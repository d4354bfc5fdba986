# The configuration: a table of keys, a file, and what differs between two.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libconfig.la
libconfig_la_SOURCES = \
	daemon/config/config.h \
	daemon/config/read.h \
	daemon/config/template.h \
	daemon/config/template_parts.h \
	daemon/config/value.h \
	daemon/config/config.c \
	daemon/config/keys.c \
	daemon/config/read.c \
	daemon/config/template.c \
	daemon/config/template_expand.c \
	daemon/config/template_parameters.c \
	daemon/config/template_words.c \
	daemon/config/value.c

# The page of the keys in keys.c.
dist_man_MANS += daemon/config/taskd.conf.5
