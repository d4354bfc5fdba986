# libtaskd. libclient.la is all of it as a convenience library: taskctl, the bench and the tests link that one, so that
# they run from a build tree and reach what libtaskd.so does not export.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libclient.la
libclient_la_SOURCES = \
	client/taskd.h \
	client/client.h \
	client/object.h \
	client/reconnect.h \
	client/barrier.c \
	client/batch.c \
	client/bytes.c \
	client/callback.c \
	client/condition.c \
	client/connection.c \
	client/control.c \
	client/environment.c \
	client/error.c \
	client/event.c \
	client/events.c \
	client/exec.c \
	client/failure.c \
	client/follow.c \
	client/future.c \
	client/futures.c \
	client/identity.c \
	client/lock.c \
	client/map.c \
	client/mq.c \
	client/mq_message.c \
	client/object.c \
	client/options.c \
	client/output.c \
	client/path.c \
	client/ran.c \
	client/reader.c \
	client/reconnect.c \
	client/replies.c \
	client/request.c \
	client/resend.c \
	client/running.c \
	client/semaphore.c \
	client/socket.c \
	client/subscription.c \
	client/wait.c
libclient_la_LIBADD = libproto.la
libclient_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden

lib_LTLIBRARIES += libtaskd.la
libtaskd_la_SOURCES =
libtaskd_la_LIBADD = libclient.la $(JANSSON_LIBS)
libtaskd_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -version-info $(LIBTASKD_VERSION_INFO) \
	-Wl,--version-script=$(srcdir)/client/libtaskd.map
libtaskd_la_DEPENDENCIES = libclient.la client/libtaskd.map
EXTRA_DIST += client/libtaskd.map client/libtaskd.pc.in

include_HEADERS += client/taskd.h
pkgconfig_DATA += client/libtaskd.pc
CLEANFILES += client/libtaskd.pc
dist_man_MANS += client/libtaskd.3

# The page's examples, built as the page says but for where the library is.
client_examples = client/examples/barrier client/examples/batch client/examples/durable client/examples/fib client/examples/lock \
	client/examples/loop client/examples/mq client/examples/run client/examples/sum
check_PROGRAMS += $(client_examples)
client_examples_cppflags = -I$(srcdir)/client
client_examples_barrier_SOURCES = client/examples/barrier.c
client_examples_barrier_CPPFLAGS = $(client_examples_cppflags)
client_examples_barrier_LDADD = libtaskd.la
client_examples_batch_SOURCES = client/examples/batch.c
client_examples_batch_CPPFLAGS = $(client_examples_cppflags)
client_examples_batch_LDADD = libtaskd.la
client_examples_durable_SOURCES = client/examples/durable.c
client_examples_durable_CPPFLAGS = $(client_examples_cppflags)
client_examples_durable_LDADD = libtaskd.la
client_examples_fib_SOURCES = client/examples/fib.c
client_examples_fib_CPPFLAGS = $(client_examples_cppflags)
client_examples_fib_LDADD = libtaskd.la
client_examples_lock_SOURCES = client/examples/lock.c
client_examples_lock_CPPFLAGS = $(client_examples_cppflags)
client_examples_lock_LDADD = libtaskd.la
client_examples_loop_SOURCES = client/examples/loop.c
client_examples_loop_CPPFLAGS = $(client_examples_cppflags)
client_examples_loop_LDADD = libtaskd.la
client_examples_mq_SOURCES = client/examples/mq.c
client_examples_mq_CPPFLAGS = $(client_examples_cppflags)
client_examples_mq_LDADD = libtaskd.la
client_examples_run_SOURCES = client/examples/run.c
client_examples_run_CPPFLAGS = $(client_examples_cppflags)
client_examples_run_LDADD = libtaskd.la
client_examples_sum_SOURCES = client/examples/sum.c
client_examples_sum_CPPFLAGS = $(client_examples_cppflags)
client_examples_sum_LDADD = libtaskd.la
TESTS += client/examples/check
EXTRA_DIST += client/examples/check
