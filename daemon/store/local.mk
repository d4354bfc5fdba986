# The store: what master and store tell each other, and the master's side of it.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libstorewire.la
libstorewire_la_SOURCES = \
	daemon/store/client.h \
	daemon/store/client_parts.h \
	daemon/store/oplog.h \
	daemon/store/record.h \
	daemon/store/wire.h \
	daemon/store/client.c \
	daemon/store/client_ask.c \
	daemon/store/client_hear.c \
	daemon/store/client_load.c \
	daemon/store/client_ops.c \
	daemon/store/client_process.c \
	daemon/store/client_send.c \
	daemon/store/oplog.c \
	daemon/store/record.c

# taskd-store: a library of everything but main, which the tests link too, and the program. Nobody else links SQLite.
noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = \
	daemon/store/apply.h \
	daemon/store/batch.h \
	daemon/store/db.h \
	daemon/store/inbox.h \
	daemon/store/keeper.h \
	daemon/store/open_file.h \
	daemon/store/query.h \
	daemon/store/reader.h \
	daemon/store/schema.h \
	daemon/store/store.h \
	daemon/store/writer.h \
	daemon/store/apply.c \
	daemon/store/apply_life.c \
	daemon/store/apply_setting.c \
	daemon/store/apply_task.c \
	daemon/store/backup.c \
	daemon/store/batch.c \
	daemon/store/check.c \
	daemon/store/db.c \
	daemon/store/inbox.c \
	daemon/store/keeper.c \
	daemon/store/load.c \
	daemon/store/log_room.c \
	daemon/store/open.c \
	daemon/store/open_file.c \
	daemon/store/prune.c \
	daemon/store/query.c \
	daemon/store/reader.c \
	daemon/store/schema.c \
	daemon/store/stats.c \
	daemon/store/store.c \
	daemon/store/task_row.c \
	daemon/store/writer.c
libstore_la_LIBADD = libstorewire.la liblane.la libbase.la

pkglibexec_PROGRAMS += taskd-store
taskd_store_SOURCES = daemon/store/main.c
taskd_store_LDADD = libstore.la $(SQLITE_LIBS)
