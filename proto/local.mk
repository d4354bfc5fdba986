# What crosses a process boundary to clients; linked into taskd, its worker and libtaskd.
# A new file of this folder is a line here; headers too, so that a tarball has them.
noinst_LTLIBRARIES += libproto.la
libproto_la_SOURCES = \
	proto/base64.h \
	proto/command.h \
	proto/errors.h \
	proto/framing.h \
	proto/json_scan.h \
	proto/jsonrpc.h \
	proto/method_objects.h \
	proto/method_params.h \
	proto/method_schemas.h \
	proto/methods.h \
	proto/object_params.h \
	proto/param_reader.h \
	proto/params.h \
	proto/strbuf.h \
	proto/suggest.h \
	proto/units.h \
	proto/utf8.h \
	proto/base64.c \
	proto/command.c \
	proto/command_signal.c \
	proto/command_text.c \
	proto/errors.c \
	proto/framing.c \
	proto/json_note.c \
	proto/json_scan.c \
	proto/json_scanner.h \
	proto/json_span.c \
	proto/json_token.c \
	proto/jsonrpc.c \
	proto/method_objects.c \
	proto/methods.c \
	proto/moment.c \
	proto/param_ids.c \
	proto/param_permits.c \
	proto/param_schema.c \
	proto/param_values.c \
	proto/params.c \
	proto/strbuf.c \
	proto/suggest.c \
	proto/units.c

dist_man_MANS += proto/taskd-protocol.7
