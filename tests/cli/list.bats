#!/usr/bin/env bats
# list: which tasks, in which order, which columns; and --watch.

load helpers

setup_file() {
	daemon_start <<END
[queue shut]
END
	taskctl -q pause shut
}

teardown_file() {
	daemon_stop
}

ids_of() { # OPTION…
	taskctl --json list "$@" | jq -r '.[].id' | xargs
}

@test "--order: the newest or the oldest, and which ones the limit leaves" {
	for n in 1 2 3; do ids[n]=$(taskctl submit --tag order fib $n); done
	[[ $(ids_of --tag order) == "${ids[3]} ${ids[2]} ${ids[1]}" ]]
	[[ $(ids_of --tag order --order oldest) == "${ids[1]} ${ids[2]} ${ids[3]}" ]]
	[[ $(ids_of --tag order --order newest -n 1) == "${ids[3]}" ]]
	run --separate-stderr -0 taskctl list --tag order --order oldest -n 1
	[[ ${lines[1]} == *"${ids[1]} "* && $stderr == "the oldest 1; --limit shows more" ]]
	run -2 taskctl list --order odlest
	[[ $output == *"did you mean oldest?"* ]]
}

@test "--limit 0: all" {
	seq 150 | taskctl map --tag many noop >/dev/null
	for n in {1..150}; do echo '{"task": "noop", "tag": "all"}'; done | jq -s . | taskctl -q submit --batch - >/dev/null
	[[ $(taskctl --json list --tag all | jq length) -eq 100 ]]
	run --separate-stderr -0 taskctl --json list --tag all --limit 0
	[[ $(jq length <<<"$output") -eq 150 && -z $stderr ]]
	run -2 taskctl list --limit -1
}

@test "by user and by time" {
	id=$(taskctl submit --tag mine noop)
	[[ $(ids_of --tag mine --user "$(id -u)") == "$id" && $(ids_of --tag mine --user "$(id -un)") == "$id" ]]
	[[ -z $(ids_of --tag mine --user 4000000000) ]]
	run --separate-stderr -2 taskctl list --user no-such-user-here
	[[ $stderr == "error: "*no-such-user-here* ]]
	[[ $(ids_of --tag mine --since 1h) == "$id" && $(ids_of --tag mine --since 2020-01-01T00:00:00Z) == "$id" ]]
	[[ -z $(ids_of --tag mine --since 2099-01-01T00:00:00Z) ]]
	run -2 taskctl list --since yesterday
}

@test "by states that wait" {
	a=$(taskctl submit --tag waits --delay 1h noop)
	b=$(taskctl submit --tag waits --after "$a" noop)
	c=$(taskctl submit --tag waits --queue shut noop)
	[[ $(ids_of --tag waits --state scheduled) == "$a" ]]
	[[ $(ids_of --tag waits --state blocked) == "$b" ]]
	[[ $(ids_of --tag waits --state blocked,queued) == "$c $b" ]]
	taskctl -q cancel --tag waits
}

@test "--columns: these, in this order" {
	id=$(taskctl submit --wait --tag columns fib 10 >/dev/null && ids_of --tag columns)
	run --separate-stderr -0 taskctl list --tag columns --columns state,id,due
	[[ ${lines[0]} =~ ^STATE\ +ID\ +DUE$ && ${lines[1]} =~ ^succeeded\ +$id\ +-$ && -z $stderr ]]
	# for programs, records are whole
	[[ $(taskctl --json list --tag columns --columns id | jq -r '.[0].state') == succeeded ]]
}

@test "--columns help: all there are, and each of them works" {
	run --separate-stderr -0 taskctl list --columns help
	[[ ${#lines[@]} -gt 20 && ${lines[0]} == "id  "* && -z $stderr ]]
	names=$(awk '{ print $1 }' <<<"$output" | paste -sd ,)
	taskctl submit --wait noop
	run -0 taskctl -q list --columns "$names" -n 1
	[[ ${#lines[@]} -eq 2 ]]
}

@test "what is not ASCII, in a locale that knows nothing else" {
	id=$(taskctl submit --queue shut --tag 'Grüße' noop)
	for locale in C POSIX no_SUCH.locale C.UTF-8; do
		run --separate-stderr -0 env LC_ALL=$locale timeout 60 taskctl list --tag 'Grüße' --columns tag,state
		[[ ${lines[0]} == 'TAG    STATE' && ${lines[1]} == "Grüße  queued" && -z $stderr ]]
	done
	taskctl -q cancel "$id"
}

@test "--columns and --sort: unknown ones" {
	run --separate-stderr -2 taskctl list --columns id,sate
	[[ $stderr == *'"sate" will not do'*"did you mean state?"* ]]
	run --separate-stderr -2 taskctl list --sort sate
	[[ $stderr == *'"sate" is no column'*"did you mean state?"* ]]
	run --separate-stderr -2 taskctl list --sort xyzzy
	[[ $stderr == *"list --columns help"* ]]
}

@test "--sort: by a column, downwards too; what has none comes last" {
	a=$(taskctl submit --queue shut --tag sort --priority 5 noop)
	b=$(taskctl submit --queue shut --tag sort --priority -10 --timeout 3s noop)
	c=$(taskctl submit --queue shut --tag sort --priority 7 --timeout 20s noop)
	[[ $(ids_of --tag sort --sort priority) == "$b $a $c" ]]
	[[ $(ids_of --tag sort --sort -priority) == "$c $a $b" ]]
	[[ $(ids_of --tag sort --sort id) == "$a $b $c" ]]
	[[ $(ids_of --tag sort --sort timeout) == "$b $c $a" ]]
	[[ $(ids_of --tag sort --sort -timeout) == "$c $b $a" ]]
	# nothing to sort by: as they came
	[[ $(ids_of --tag sort --sort progress) == "$c $b $a" ]]
	taskctl -q cancel --tag sort
}

@test "--sort id: as numbers" {
	seq 12 | taskctl map noop >/dev/null
	ids_of --order oldest --limit 0 --sort id | tr ' ' '\n' | sort -nc
}

@test "--watch: a line for each change where there is no terminal" {
	env --default-signal=INT taskctl list --watch --tag watched >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	lister=$!
	hears() { taskctl -q submit --tag watched noop >/dev/null && grep -q succeeded "$BATS_TEST_TMPDIR/out"; }
	condition hears
	kill -INT $lister
	ended_with 0 $lister
	[[ ! -s $BATS_TEST_TMPDIR/err ]]
}

@test "--watch: a table that is drawn anew on a terminal, until Ctrl-C" {
	mkfifo "$BATS_TEST_TMPDIR/keys"
	exec 8<>"$BATS_TEST_TMPDIR/keys"
	id=$(taskctl submit --tag drawn sleep 60)
	TERM=xterm env --default-signal=INT script -q -e -f -c 'stty cols 80 rows 10; exec taskctl list --watch --tag drawn' \
		"$BATS_TEST_TMPDIR/out" <&8 >/dev/null 3>&- &
	screen=$!
	condition grep -qE "$id +sleep .*running" "$BATS_TEST_TMPDIR/out"
	taskctl -q cancel "$id"
	condition grep -qE "$id +sleep .*cancelled" "$BATS_TEST_TMPDIR/out"
	printf '\003' >&8
	ended_with 0 $screen
	exec 8<&-
	# the other screen, and back
	grep -qF $'\e[?1049h' "$BATS_TEST_TMPDIR/out"
	grep -qF $'\e[?1049l' "$BATS_TEST_TMPDIR/out"
}

@test "--watch: as many tasks as the terminal has room for, also when it grows, each on one line" {
	mkfifo "$BATS_TEST_TMPDIR/keys"
	exec 8<>"$BATS_TEST_TMPDIR/keys"
	first=$(taskctl submit --tag grows noop)
	for _ in 1 2 3; do
		last=$(taskctl submit --tag grows noop)
	done
	TERM=xterm env --default-signal=INT script -q -e -f -c \
		"tty >'$BATS_TEST_TMPDIR/tty'; stty cols 30 rows 6; exec taskctl list --watch -n 50 --tag grows" \
		"$BATS_TEST_TMPDIR/out" <&8 >/dev/null 3>&- &
	screen=$!
	condition grep -qE "^ *$last +noop" "$BATS_TEST_TMPDIR/out"
	condition grep -qF 'the newest 2 tasks' "$BATS_TEST_TMPDIR/out"
	run ! grep -qE "^ *$first +noop" "$BATS_TEST_TMPDIR/out"
	stty -F "$(<"$BATS_TEST_TMPDIR/tty")" rows 20
	condition grep -qE "^ *$first +noop" "$BATS_TEST_TMPDIR/out"
	printf '\003' >&8
	ended_with 0 $screen
	exec 8<&-
	# lines are not wrapped meanwhile, and are again
	grep -qF $'\e[?7l' "$BATS_TEST_TMPDIR/out"
	grep -qF $'\e[?7h' "$BATS_TEST_TMPDIR/out"
}
