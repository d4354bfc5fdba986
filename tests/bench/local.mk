# make bench; see design: ratios, interleaved in one run. Its programs are lines in EXTRA_PROGRAMS, so that only
# make bench builds them.
bench:
	@echo 'no bench yet'
