# Plugins that tests load, and the example of the documentation: tests/plugins/NAME.so is made of tests/plugins/NAME.c
# and the installed header alone. A line for each:
#
#	test_plugins += tests/plugins/example.so
test_plugins = \
	tests/plugins/confined.so \
	tests/plugins/example.so \
	tests/plugins/hostile.so \
	tests/plugins/life.so \
	tests/plugins/nasty.so \
	tests/plugins/nested.so \
	tests/plugins/other_abi.so

tests/plugins/%.so: tests/plugins/%.c daemon/worker/taskd-plugin.h
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && $(CC) -std=gnu17 -g -O1 -Wall -Wextra -fPIC -shared -I$(srcdir)/daemon/worker $(plugin_flags) -o $@ $< \
		$(plugin_libs)
tests/plugins/confined.so: plugin_flags = -D_GNU_SOURCE
# Knows a lane from within.
tests/plugins/hostile.so: daemon/lane/records.h
tests/plugins/hostile.so: plugin_flags = -D_GNU_SOURCE -I$(srcdir)/daemon
# A client of libtaskd, too.
tests/plugins/nested.so: libtaskd.la client/taskd.h
tests/plugins/nested.so: plugin_flags = -I$(srcdir)/client
tests/plugins/nested.so: plugin_libs = .libs/libtaskd.so -Wl,-rpath,$(abs_builddir)/.libs
check_DATA = $(test_plugins)
EXTRA_DIST += $(test_plugins:.so=.c)
CLEANFILES += $(test_plugins)
