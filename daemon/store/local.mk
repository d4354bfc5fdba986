# The store: what master and store tell each other, and the master's side of it.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libstorewire.la
libstorewire_la_SOURCES = \
	daemon/store/client.h \
	daemon/store/record.h \
	daemon/store/record.c

# taskd-store: a library of everything but main, which the tests link too, and the program. Nobody else links SQLite.
noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = \
	daemon/store/apply.h \
	daemon/store/db.h \
	daemon/store/open_file.h \
	daemon/store/query.h \
	daemon/store/reader.h \
	daemon/store/schema.h \
	daemon/store/apply.c \
	daemon/store/apply_life.c \
	daemon/store/apply_setting.c \
	daemon/store/apply_task.c \
	daemon/store/backup.c \
	daemon/store/check.c \
	daemon/store/db.c \
	daemon/store/open.c \
	daemon/store/open_file.c \
	daemon/store/query.c \
	daemon/store/reader.c \
	daemon/store/schema.c \
	daemon/store/stats.c \
	daemon/store/task_row.c
libstore_la_LIBADD = libstorewire.la liblane.la libbase.la
