# Tests of the real daemon in a directory of its own. A line for each file in integration_tests: *.bats is run by bats,
# *.py by python3, and what has no suffix is a program or script; a C program is also a line in check_PROGRAMS.
