# make check: unit tests and lints, by automake's parallel driver; a log for each beside it in the build tree.
# make check-integration, check-cli: what is in $(integration_tests) and $(cli_tests), a few at once, by tests/run.
integration_tests =
cli_tests =
integration_programs =

include $(srcdir)/tests/unit/local.mk
include $(srcdir)/tests/integration/local.mk
include $(srcdir)/tests/cli/local.mk
include $(srcdir)/tests/fuzz/local.mk
include $(srcdir)/tests/plugins/local.mk
include $(srcdir)/tests/bench/local.mk
include $(srcdir)/tests/lint/local.mk

# Every test, of whichever kind, finds these in its environment. A libcheck test's own limit of time ends what hangs, and
# says nothing about speed: three times as long for machines that are slow or busy.
test_environment = top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
	TASKD_WORKER='$(abs_top_builddir)/taskd-worker' CK_VERBOSITY=normal CK_DEFAULT_TIMEOUT=60 \
	CK_TIMEOUT_MULTIPLIER=3 \
	NM='$(NM)' CC='$(CC)' BATS='$(BATS)' SANITIZE='$(enable_sanitize)'
AM_TESTS_ENVIRONMENT = export $(test_environment);

check-integration: all $(integration_programs) $(test_plugins)
	$(test_environment) $(srcdir)/tests/run tests/integration $(integration_tests)
check-cli: all $(test_plugins)
	$(test_environment) $(srcdir)/tests/run tests/cli $(cli_tests)
# Not a part of the others: it installs packages from npm, into tests/node of the build tree.
check-clients: all $(test_plugins)
	$(test_environment) $(srcdir)/tests/run tests/clients tests/integration/clients/run

# The same under sanitizers, each in a build tree of its own below this one.
check-sanitize: check-sanitize-address check-sanitize-thread
check-sanitize-address:
	$(MKDIR_P) sanitize-address && cd sanitize-address && \
	{ test -f Makefile || $(abs_srcdir)/configure --enable-sanitize=address,undefined; } && \
	$(MAKE) check TESTS='$$(unit_tests)' && $(MAKE) check-integration
check-sanitize-thread:
	$(MKDIR_P) sanitize-thread && cd sanitize-thread && \
	{ test -f Makefile || $(abs_srcdir)/configure --enable-sanitize=thread; } && \
	$(MAKE) check TESTS='$$(unit_tests)' && $(MAKE) check-integration

# In a tree configured with --enable-coverage: what the tests ran, by folder and file.
coverage: all
	@test -n '$(COVERAGE_TRUE)' && { echo 'error: configure with --enable-coverage first' >&2; exit 1; } || :
	find . -name '*.gcda' -exec rm -f {} +
	-$(MAKE) check check-integration check-cli
	$(srcdir)/tests/coverage '$(abs_top_srcdir)' .

clean-local:
	rm -rf sanitize-address sanitize-thread tests/node fuzz

EXTRA_DIST += tests/setup.sh tests/installed tests/run tests/count tests/failures tests/coverage \
	$(filter-out $(integration_programs),$(integration_tests)) $(cli_tests)
.PHONY: check-integration check-cli check-clients check-sanitize check-sanitize-address check-sanitize-thread coverage bench
