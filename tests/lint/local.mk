# Lints: scripts that say what breaks the house's rules. A new one is a line here.
lints =
TESTS += $(lints)
EXTRA_DIST += $(lints)
