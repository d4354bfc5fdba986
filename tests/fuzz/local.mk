# Fuzzing. A target is tests/fuzz/fuzz_NAME.c, with tests/fuzz/NAME.dict and tests/fuzz/corpus/NAME/, and three programs' worth
# of lines here: with driver.c it is a unit test, which runs its corpus and some thousand mutations of it; with libFuzzer it
# is what make fuzz runs, for as long as one wants. (That the former lie in tests/unit is so that they count there.)
#
#	make fuzz                                       a minute for each (it has a build tree of its own, fuzz/ below this one)
#	make fuzz FUZZ_TARGETS='json lane' FUZZ_SECONDS=600
#	tests/unit/test_fuzz_json FILE…                 one input again; so does fuzz/tests/fuzz/json FILE…
fuzz_targets = framing json request command config template time ring lane capture channel worker store
FUZZ_TARGETS = $(fuzz_targets)
FUZZ_SECONDS = 60
FUZZ_CC = clang

fuzz_driver = tests/fuzz/driver.c tests/fuzz/mutate.c tests/fuzz/mutate.h tests/fuzz/fuzz.h
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_config_libraries = libconfig.la libproto.la libbase.la $(INIH_LIBS) $(JANSSON_LIBS)

unit_tests += tests/unit/test_fuzz_framing
tests_unit_test_fuzz_framing_SOURCES = tests/fuzz/fuzz_framing.c $(fuzz_driver)
tests_unit_test_fuzz_framing_LDADD = libproto.la
EXTRA_PROGRAMS += tests/fuzz/framing
tests_fuzz_framing_SOURCES = tests/fuzz/fuzz_framing.c
tests_fuzz_framing_LDADD = libproto.la
tests_fuzz_framing_LDFLAGS = $(fuzz_ldflags)
unit_tests += tests/unit/test_fuzz_json
tests_unit_test_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c tests/fuzz/pieces.h $(fuzz_driver)
tests_unit_test_fuzz_json_LDADD = libproto.la $(JANSSON_LIBS)
EXTRA_PROGRAMS += tests/fuzz/json
tests_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c tests/fuzz/pieces.h
tests_fuzz_json_LDADD = libproto.la $(JANSSON_LIBS)
tests_fuzz_json_LDFLAGS = $(fuzz_ldflags)
unit_tests += tests/unit/test_fuzz_request
tests_unit_test_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c tests/fuzz/pieces.h $(fuzz_driver)
tests_unit_test_fuzz_request_LDADD = libproto.la
EXTRA_PROGRAMS += tests/fuzz/request
tests_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c tests/fuzz/pieces.h
tests_fuzz_request_LDADD = libproto.la
tests_fuzz_request_LDFLAGS = $(fuzz_ldflags)
unit_tests += tests/unit/test_fuzz_command
tests_unit_test_fuzz_command_SOURCES = tests/fuzz/fuzz_command.c $(fuzz_driver)
tests_unit_test_fuzz_command_LDADD = libproto.la
EXTRA_PROGRAMS += tests/fuzz/command
tests_fuzz_command_SOURCES = tests/fuzz/fuzz_command.c
tests_fuzz_command_LDADD = libproto.la
tests_fuzz_command_LDFLAGS = $(fuzz_ldflags)
unit_tests += tests/unit/test_fuzz_config
tests_unit_test_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c $(fuzz_driver) tests/fuzz/config_text.h
tests_unit_test_fuzz_config_LDADD = $(fuzz_config_libraries)
EXTRA_PROGRAMS += tests/fuzz/config
tests_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c
tests_fuzz_config_LDADD = $(fuzz_config_libraries)
tests_fuzz_config_LDFLAGS = $(fuzz_ldflags)
unit_tests += tests/unit/test_fuzz_template
tests_unit_test_fuzz_template_SOURCES = tests/fuzz/fuzz_template.c $(fuzz_driver) tests/fuzz/config_text.h
tests_unit_test_fuzz_template_LDADD = $(fuzz_config_libraries)
EXTRA_PROGRAMS += tests/fuzz/template
tests_fuzz_template_SOURCES = tests/fuzz/fuzz_template.c
tests_fuzz_template_LDADD = $(fuzz_config_libraries)
tests_fuzz_template_LDFLAGS = $(fuzz_ldflags)
unit_tests += tests/unit/test_fuzz_time
tests_unit_test_fuzz_time_SOURCES = tests/fuzz/fuzz_time.c $(fuzz_driver)
tests_unit_test_fuzz_time_LDADD = libcore.la libbase.la libproto.la
EXTRA_PROGRAMS += tests/fuzz/time
tests_fuzz_time_SOURCES = tests/fuzz/fuzz_time.c
tests_fuzz_time_LDADD = libcore.la libbase.la libproto.la
tests_fuzz_time_LDFLAGS = $(fuzz_ldflags)
unit_tests += tests/unit/test_fuzz_ring
tests_unit_test_fuzz_ring_SOURCES = tests/fuzz/fuzz_ring.c $(fuzz_driver)
tests_unit_test_fuzz_ring_LDADD = liblane.la libbase.la
EXTRA_PROGRAMS += tests/fuzz/ring
tests_fuzz_ring_SOURCES = tests/fuzz/fuzz_ring.c
tests_fuzz_ring_LDADD = liblane.la libbase.la
tests_fuzz_ring_LDFLAGS = $(fuzz_ldflags)
unit_tests += tests/unit/test_fuzz_lane
tests_unit_test_fuzz_lane_SOURCES = tests/fuzz/fuzz_lane.c $(fuzz_driver) tests/fuzz/scribble.h
tests_unit_test_fuzz_lane_LDADD = liblane.la libbase.la
EXTRA_PROGRAMS += tests/fuzz/lane
tests_fuzz_lane_SOURCES = tests/fuzz/fuzz_lane.c
tests_fuzz_lane_LDADD = liblane.la libbase.la
tests_fuzz_lane_LDFLAGS = $(fuzz_ldflags)
unit_tests += tests/unit/test_fuzz_capture
tests_unit_test_fuzz_capture_SOURCES = tests/fuzz/fuzz_capture.c $(fuzz_driver) tests/fuzz/scribble.h
tests_unit_test_fuzz_capture_LDADD = liblane.la libbase.la
EXTRA_PROGRAMS += tests/fuzz/capture
tests_fuzz_capture_SOURCES = tests/fuzz/fuzz_capture.c
tests_fuzz_capture_LDADD = liblane.la libbase.la
tests_fuzz_capture_LDFLAGS = $(fuzz_ldflags)
unit_tests += tests/unit/test_fuzz_channel
tests_unit_test_fuzz_channel_SOURCES = tests/fuzz/fuzz_channel.c $(fuzz_driver) tests/fuzz/scribble.h
tests_unit_test_fuzz_channel_LDADD = liblane.la libbase.la
EXTRA_PROGRAMS += tests/fuzz/channel
tests_fuzz_channel_SOURCES = tests/fuzz/fuzz_channel.c
tests_fuzz_channel_LDADD = liblane.la libbase.la
tests_fuzz_channel_LDFLAGS = $(fuzz_ldflags)
unit_tests += tests/unit/test_fuzz_worker
tests_unit_test_fuzz_worker_SOURCES = tests/fuzz/fuzz_worker.c $(fuzz_driver)
tests_unit_test_fuzz_worker_LDADD = $(pool_libraries)
EXTRA_PROGRAMS += tests/fuzz/worker
tests_fuzz_worker_SOURCES = tests/fuzz/fuzz_worker.c
tests_fuzz_worker_LDADD = $(pool_libraries)
tests_fuzz_worker_LDFLAGS = $(fuzz_ldflags)
unit_tests += tests/unit/test_fuzz_store
tests_unit_test_fuzz_store_SOURCES = tests/fuzz/fuzz_store.c $(fuzz_driver)
tests_unit_test_fuzz_store_LDADD = libstorewire.la libbase.la
EXTRA_PROGRAMS += tests/fuzz/store
tests_fuzz_store_SOURCES = tests/fuzz/fuzz_store.c
tests_fuzz_store_LDADD = libstorewire.la libbase.la
tests_fuzz_store_LDFLAGS = $(fuzz_ldflags)

fuzz:
	@$(srcdir)/tests/fuzz/run --check '$(FUZZ_CC)'
	$(MKDIR_P) fuzz && cd fuzz && \
	{ test -f Makefile || $(abs_srcdir)/configure --quiet CC='$(FUZZ_CC)' \
		--enable-sanitize=fuzzer-no-link,address,undefined; } && \
	$(MAKE) $(FUZZ_TARGETS:%=tests/fuzz/%) && \
	$(abs_srcdir)/tests/fuzz/run '$(FUZZ_SECONDS)' $(FUZZ_TARGETS)
.PHONY: fuzz

EXTRA_DIST += tests/fuzz/run $(fuzz_targets:%=tests/fuzz/%.dict) tests/fuzz/corpus
