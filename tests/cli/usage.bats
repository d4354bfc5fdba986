#!/usr/bin/env bats
# The command line itself: what needs no daemon.

load helpers

setup() {
	export TASKD_SOCKET=$BATS_TEST_TMPDIR/none.sock
}

names() {
	taskctl help | awk '/^  [a-z]/ { print $1 }'
}

@test "every command of the overview explains itself" {
	[[ $(names | wc -l) -ge 19 ]]
	for name in $(names); do
		run --separate-stderr taskctl "$name" --help
		[[ $status -eq 0 && -z $stderr ]]
		[[ ${lines[0]} == "usage: taskctl $name"* ]]
		[[ $output == *"--socket SOCKET"* ]]
		[[ $(taskctl help "$name") == "$output" ]]
	done
}

@test "help fits 100 columns" {
	for name in $(names); do
		run -0 awk 'length > 100' <(taskctl help "$name")
		[[ -z $output ]]
	done
}

@test "without a command: a usage error" {
	run --separate-stderr -2 taskctl
	[[ -z $output && $stderr == *"error: a COMMAND is missing"* && $stderr == *"hint: "* ]]
}

@test "--version and -V" {
	run -0 taskctl --version
	[[ $output =~ ^taskctl\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	run -0 taskctl -V
}

@test "an unknown command: did you mean" {
	run --separate-stderr -2 taskctl sumbit
	[[ -z $output ]]
	# shellcheck disable=SC2154 # of bats
	[[ ${stderr_lines[0]} == 'error: unknown command "sumbit"' ]]
	[[ ${stderr_lines[1]} == 'hint: did you mean submit?' ]]
	run -2 taskctl help resutl
	[[ $output == *"did you mean result?"* ]]
}

@test "an unknown option: did you mean" {
	run -2 taskctl submit --prioritty 3 fib
	[[ $output == *"unknown option --prioritty"* && $output == *"did you mean --priority?"* ]]
	run -2 taskctl --jsno ping
	[[ $output == *"did you mean --json?"* ]]
	run -2 taskctl submit -Z fib
	[[ $output == *"unknown option -Z"* ]]
}

@test "options that lack something, or have too much" {
	run -2 taskctl submit fib --priority
	[[ $output == *"--priority needs its N"* ]]
	run -2 taskctl submit fib --priority high
	[[ $output == *'--priority: "high" will not do'* ]]
	run -2 taskctl submit fib --priority 99999999999
	run -2 taskctl submit --wait=yes fib
	[[ $output == *"--wait takes no value"* ]]
	run -2 taskctl call --timeout soon fib
	[[ $output == *"no duration"* ]]
	run -2 taskctl list --state queued,faild
	[[ $output == *"did you mean failed?"* ]]
	run -2 taskctl --color sometimes ping
	[[ $output == *"auto, always, never"* ]]
}

@test "operands that are missing, or too many" {
	run -2 taskctl submit
	[[ $output == *"submit needs a TASK"* && $output == *"hint: usage: taskctl submit"* ]]
	for command in result wait status cancel forget; do
		run -2 taskctl "$command"
		[[ $output == *"$command needs an ID"* ]]
		run -2 taskctl "$command" seventeen
		[[ $output == *'"seventeen" is no task'* ]]
	done
	run -2 taskctl ping pong
	[[ $output == *'"pong" is one too many'* ]]
	run -2 taskctl map fib 1 2 3
	[[ $output == *":::"* ]]
}

@test "arguments that are no JSON, or twice" {
	run -2 taskctl call fib --args '[1,'
	[[ $output == *"--args: no JSON"* ]]
	run -2 taskctl call fib --args 3
	run -2 taskctl call fib 3 --args '{"n":3}'
	run -2 taskctl call echo - - </dev/null
	[[ $output == *"once only"* ]]
	run -2 taskctl call echo $'\xff'
	[[ $output == *"not UTF-8"* ]]
}

@test "no daemon: exit status 4, and how to start one" {
	for command in ping tasks list 'call fib 3' 'submit fib 3' 'map fib ::: 1 2' 'result 1' shutdown; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr -4 taskctl $command
		[[ -z $output && ${stderr_lines[0]} == "error: "*"$TASKD_SOCKET"* ]]
		[[ $stderr == *"hint: start taskd with"* && $stderr == *"systemctl start taskd"* ]]
	done
}

@test "taskd listens where TASKD_SOCKET says, whatever its configuration says" {
	printf '[taskd]\nsocket = %s/configured.sock\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/taskd.conf"
	taskd -c "$BATS_TEST_TMPDIR/taskd.conf" </dev/null >/dev/null 2>&1 3>&- &
	condition workers_are_ready
	[[ -S $TASKD_SOCKET && ! -e $BATS_TEST_TMPDIR/configured.sock ]]
	kill $!
	wait $!
}

@test "no daemon: -s and TASKD_SOCKET name the place" {
	run -4 taskctl -s /nowhere/a.sock ping
	[[ $output == *"/nowhere/a.sock"* ]]
	run -4 taskctl ping --socket=/nowhere/b.sock
	[[ $output == *"/nowhere/b.sock"* ]]
	run -4 taskctl ping -s/nowhere/c.sock
	[[ $output == *"/nowhere/c.sock"* ]]
}

@test "--json: an error is one JSON value on stderr" {
	run --separate-stderr -4 taskctl --json ping
	[[ -z $output ]]
	[[ $(jq -r .error.kind <<<"$stderr") == cannot_connect ]]
	jq -e '.error.message | length > 0' <<<"$stderr"
	run --separate-stderr -2 taskctl submit --json
	[[ $(jq -r .error.kind <<<"$stderr") == usage ]]
	# also where the command line was wrong before --json was read
	run --separate-stderr -2 taskctl --jsno ping --json
	[[ $(jq -r .error.kind <<<"$stderr") == usage ]]
}

@test "-q: no hint" {
	run --separate-stderr -4 taskctl -q ping
	[[ $stderr == "error: "* && $stderr != *"hint"* ]]
}

@test "what many say at a time, into one file, comes in pieces of an error and its hint" {
	for _ in {1..40}; do
		taskctl -s "$BATS_TEST_TMPDIR/nowhere" ping 2>>"$BATS_TEST_TMPDIR/said" 3>&- &
	done
	wait
	[[ $(wc -l <"$BATS_TEST_TMPDIR/said") -eq 80 ]]
	[[ $(sort "$BATS_TEST_TMPDIR/said" | uniq -c | awk '{ print $1 }' | xargs) == '40 40' ]]
	[[ $(awk 'NR % 2 && /^error: /' "$BATS_TEST_TMPDIR/said" | wc -l) -eq 40 ]]
}

@test "the words after -- are no options" {
	run -4 taskctl call echo -- --wait -x
	run -2 taskctl call echo --wiat
}

@test "a full disk is an error" {
	[[ -c /dev/full ]] || skip 'no /dev/full'
	run -1 bash -c 'taskctl help >/dev/full'
	[[ $output == *"No space left on device"* ]]
}

@test "a reader that went away ends it quietly" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec 8<>"$BATS_TEST_TMPDIR/pipe"
	exec 9>"$BATS_TEST_TMPDIR/pipe"
	exec 8<&-
	run -141 bash -c 'taskctl help >&9'
	[[ -z $output ]]
	exec 9>&-
}

@test "errors are coloured on a terminal only, and not with NO_COLOR" {
	run in_terminal "taskctl ping"
	[[ $status -eq 4 && $output == *$'\e[1;31merror:'* ]]
	run in_terminal "NO_COLOR=1 taskctl ping"
	[[ $status -eq 4 && $output == *"error:"* && $output != *$'\e'* ]]
	run in_terminal "TERM=dumb taskctl ping"
	[[ $output != *$'\e'* ]]
	run in_terminal "taskctl --color=never ping"
	[[ $output != *$'\e'* ]]
	run taskctl ping
	[[ $output != *$'\e'* ]]
	run taskctl --color=always ping
	[[ $output == *$'\e'* ]]
}
