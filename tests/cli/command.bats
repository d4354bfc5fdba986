#!/usr/bin/env bats
# Commands that run: log, send, signal, suspend, continue, and how they are listed.

load helpers

setup_file() {
	export LOGS=$BATS_FILE_TMPDIR/logs
	mkdir "$LOGS"
	daemon_start <<END
[pool commands]
processes = 3
capture_limit = 8k
[taskd]
command_log_dir = $LOGS
[queue shut]
pool = commands
[access everybody]
users = *
END
	taskctl -q pause shut
}

teardown_file() {
	daemon_stop
}

# Submits the command line as the task exec; prints the id.
shell() { # LINE [OPTION…]
	local line=$1
	shift
	taskctl submit "$@" --args "$(jq -cn --arg line "$line" '{shell: $line}')" exec
}

# One that copies what it is sent.
cat_live() {
	local id
	id=$(taskctl submit --args '{"argv":["cat"],"stdin_live":true}' exec)
	condition runs "$id"
	echo "$id"
}

# It has started: a command that is on its way to its worker has no process.
runs() { # ID
	taskctl --json status "$1" | jq -e .pid >/dev/null
}

# A process that runs for task ID.
pid_of() { # ID
	taskctl --json status "$1" | jq -e .pid
}

# A log that is followed in the background, into out.
follow() { # OPTION… ID
	: >"$BATS_TEST_TMPDIR/out"
	taskctl log -f "$@" >"$BATS_TEST_TMPDIR/out" 3>&- &
	follower=$!
}

sleeps_on_the_socket() {
	process_state_is "$follower" S && readlink "/proc/$follower/fd/"* | grep -q socket
}

out_is() { # TEXT
	[[ $(<"$BATS_TEST_TMPDIR/out") == "$1" ]]
}

has_written() { # ID TEXT
	[[ $(taskctl log "$1" 2>/dev/null) == "$2" ]]
}

@test "log: each stream to its own, as the bytes that they are" {
	id=$(shell 'printf "out\377\0"; echo err >&2')
	taskctl -q wait "$id"
	taskctl log "$id" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	[[ $(od -An -c "$BATS_TEST_TMPDIR/out" | xargs -0 echo) =~ 'o'\ +'u'\ +'t'\ +377\ +\\0 ]]
	[[ $(<"$BATS_TEST_TMPDIR/err") == err ]]
	run --separate-stderr -0 taskctl log --stderr "$id"
	[[ -z $output && $stderr == err ]]
	run --separate-stderr -0 taskctl log -o "$id"
	[[ -z $stderr && $output == out* ]]
}

@test "log --json: an object a line" {
	id=$(shell 'echo out; printf "\377" >&2')
	taskctl -q wait "$id"
	run -0 taskctl --json log "$id"
	[[ ${lines[0]} == '{"attempt":1,"stream":"stdout","offset":0,"data":"out\n"}' ]]
	[[ ${lines[1]} == '{"attempt":1,"stream":"stderr","offset":0,"data_base64":"/w=="}' ]]
	[[ ${#lines[@]} -eq 2 ]]
	run -0 taskctl --json log -f "$id"
	[[ ${#lines[@]} -eq 2 ]] # there is nothing to follow
}

@test "log: of one that runs, what it has said so far" {
	id=$(cat_live)
	taskctl send "$id" one
	condition has_written "$id" one
	taskctl send "$id" two
	condition has_written "$id" $'one\ntwo'
	taskctl -q cancel "$id"
}

@test "log: one that has not started has said nothing" {
	id=$(shell 'echo x' --queue shut)
	run --separate-stderr -0 taskctl log "$id"
	[[ -z $output && -z $stderr ]]
	taskctl -q cancel "$id"
}

@test "log -f: goes on until the end, with status 0 however it ends" {
	id=$(cat_live)
	taskctl send "$id" before
	follow "$id"
	condition out_is before
	taskctl send "$id" after
	condition out_is $'before\nafter'
	taskctl -q signal TERM "$id"
	ended_with 0 $follower
	state_is "$id" failed
}

@test "log -f: waits for one that has not started" {
	taskctl -q pause commands
	id=$(shell 'echo here; echo there >&2')
	follow --json "$id"
	condition sleeps_on_the_socket
	taskctl -q resume commands
	ended_with 0 $follower
	jq -es 'map(select(.stream == "stdout").data) == ["here\n"] and map(select(.stream == "stderr").data) == ["there\n"]
		and .[-1] == {end: true, state: "succeeded"}' "$BATS_TEST_TMPDIR/out"
}

@test "log -f: all of what is written faster than it is read, from the folder of logs" {
	id=$(shell 'seq 1 200000')
	taskctl log -f "$id" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	cmp "$BATS_TEST_TMPDIR/out" <(seq 1 200000)
	[[ ! -s $BATS_TEST_TMPDIR/err ]]
	taskctl log "$id" | cmp - <(seq 1 200000)
}

@test "log: what was not kept is told, and how much" {
	id=$(shell 'head -c 30000 /dev/zero; echo x >&2')
	taskctl -q wait "$id"
	rm "$LOGS/$id".1.stdout
	taskctl log "$id" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	[[ $(wc -c <"$BATS_TEST_TMPDIR/out") -eq 8192 ]]
	grep -qx 'warning: 21808 bytes of standard output were not kept, from byte 8192 on' "$BATS_TEST_TMPDIR/err"
	grep -qx x "$BATS_TEST_TMPDIR/err"
	taskctl --json log -e "$id" 2>&1 | jq -e .data # and only where it is asked for
}

@test "log: attempts" {
	go=$BATS_TEST_TMPDIR/go
	id=$(shell "echo \$TASKD_ATTEMPT; while [ ! -e '$go' ]; do sleep 0.01; done; exit 1" --retries 2 --backoff 50ms)
	follow "$id" 2>"$BATS_TEST_TMPDIR/err"
	condition grep -qx 1 "$BATS_TEST_TMPDIR/out"
	touch "$go"
	ended_with 0 "$follower"
	[[ $(<"$BATS_TEST_TMPDIR/out") == $'1\n2\n3' && $(<"$BATS_TEST_TMPDIR/err") == *"attempt 2"*"attempt 3"* ]]
	[[ $(taskctl log --attempt 1 "$id") == 1 && $(taskctl log --attempt 2 "$id") == 2 && $(taskctl log "$id") == 3 ]]
	run --separate-stderr -2 taskctl log --attempt 4 "$id"
	[[ $stderr == "error: task $id has had 3 attempts" ]]
	run --separate-stderr -2 taskctl log -f --attempt 1 "$id"
	[[ $stderr == *"--follow is about the last attempt"* ]]
	rm "$LOGS/$id".1.*
	run --separate-stderr -0 taskctl log --attempt 1 "$id"
	[[ -z $output && $stderr == 'warning: what attempt 1 has written was not kept' ]]
}

@test "log: what has no log" {
	id=$(taskctl submit noop)
	run --separate-stderr -2 taskctl log "$id"
	[[ $stderr == "error: task $id (\"noop\") is not a command" ]]
	run --separate-stderr -3 taskctl log 999999999
	[[ $stderr == "error: task 999999999: "* ]]
	run --separate-stderr -2 taskctl log x
	[[ $stderr == *'"x" is no task'* ]]
}

@test "a command that has failed is told with where it says why" {
	id=$(shell 'echo why >&2; exit 3')
	run --separate-stderr -1 taskctl result "$id"
	[[ $stderr == *"exit status 3"*"hint: "*"taskctl log $id"* ]]
	run --separate-stderr -1 taskctl result "$(shell false)"
	[[ $stderr != *hint:* ]]
}

@test "log -f: a reader that goes away ends it" {
	id=$(shell 'yes')
	[[ $(taskctl log -f "$id" | head -n 3 | xargs) == 'y y y' ]]
	taskctl -q cancel "$id"
}

@test "send: each text is a line" {
	id=$(cat_live)
	taskctl send "$id" 'a b' c
	taskctl send -n "$id" d e
	taskctl send "$id" '' --eof
	taskctl -q wait "$id"
	[[ $(taskctl log "$id") == $'a b\nc\nde' ]]
}

@test "send -: standard input as it is" {
	id=$(cat_live)
	head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	taskctl send --eof "$id" - <"$BATS_TEST_TMPDIR/in"
	taskctl -q wait "$id"
	taskctl log "$id" | cmp - "$BATS_TEST_TMPDIR/in"
}

@test "send: to one that does not read" {
	id=$(taskctl submit --args '{"argv":["sleep","60"],"stdin_live":true}' exec)
	condition runs "$id"
	run --separate-stderr -124 taskctl send -t 200ms "$id" - < <(head -c 500000 /dev/zero)
	[[ $stderr == *"has not read what was sent"* ]]
	taskctl -q cancel "$id"
}

@test "send: to one that has no input, or is over" {
	id=$(shell 'sleep 60')
	condition runs "$id"
	run --separate-stderr -1 taskctl --json send "$id" x
	[[ $(jq -r .error.kind <<<"$stderr") == input_closed ]]
	taskctl -q cancel "$id"
	taskctl -q wait "$id" || true
	run --separate-stderr -1 taskctl --json send "$id" x
	[[ $(jq -r .error.kind <<<"$stderr") == not_running ]]
}

@test "send: something, and one thing" {
	run --separate-stderr -2 taskctl send 1
	[[ $stderr == *"send needs a TEXT, - or --eof"* ]]
	run --separate-stderr -2 taskctl send 1 - x
	[[ $stderr == *"stands alone"* ]]
	run --separate-stderr -2 taskctl send x y
	[[ $stderr == *'"x" is no task'* ]]
}

@test "signal: by its name or number, to several" {
	for signal in USR1 SIGUSR1 10; do
		ids=()
		for _ in 1 2; do ids+=("$(shell 'trap "echo got it; exit 0" USR1; echo ready; while :; do sleep 0.01; done')"); done
		for id in "${ids[@]}"; do condition has_written "$id" ready; done
		run --separate-stderr -0 taskctl signal "$signal" "${ids[@]}"
		[[ ${#lines[@]} -eq 3 && $output =~ ID\ +STATE && $output == *"${ids[0]} "*"${ids[1]} "* ]]
		taskctl -q wait "${ids[@]}"
		[[ $(taskctl log -o "${ids[0]}") == $'ready\ngot it' ]]
	done
}

@test "signal: one that could not be sent does not keep the others from theirs" {
	id=$(shell 'echo ready; exec sleep 60') over=$(shell :)
	condition has_written "$id" ready
	taskctl -q wait "$over"
	run --separate-stderr -3 taskctl signal KILL 999999999 "$over" "$id"
	[[ $stderr == *"error: task 999999999: "*"error: task $over is over: it has ended as succeeded"* ]]
	[[ ${#lines[@]} -eq 2 ]]
	run -1 taskctl wait "$id"
	[[ $output == *"killed by SIGKILL"* ]]
	run --separate-stderr -1 taskctl --json signal TERM "$over"
	[[ -z $output && $(jq -r .error.kind <<<"$stderr") == not_running ]]
}

@test "signal: names that are none" {
	run --separate-stderr -2 taskctl signal TREM 1
	[[ $stderr == *'"TREM" is no signal'*'did you mean TERM?'* ]]
	run --separate-stderr -2 taskctl signal TERM
	[[ $stderr == *"a SIGNAL and an ID"* ]]
}

@test "suspend and continue: all of its processes, and it shows" {
	id=$(shell 'sleep 60 & echo $!; wait')
	first_line() { child=$(taskctl log "$id") && [[ -n $child ]]; }
	condition first_line
	run -0 taskctl suspend "$id"
	[[ $output =~ SUSPENDED.*$id\ +running\ +yes ]]
	condition process_state_is "$child" T
	condition process_state_is "$(pid_of "$id")" T
	[[ $(taskctl status "$id") =~ suspended\ +yes ]]
	[[ $(taskctl list --columns id,suspended | awk -v id="$id" '$1 == id { print $2 }') == yes ]]
	run -0 taskctl continue "$id"
	[[ $output =~ $id\ +running\ +no ]]
	condition process_state_is "$child" S
	[[ ! $(taskctl status "$id") =~ suspended ]]
	taskctl -q cancel "$id"
	run --separate-stderr -0 taskctl -q wait "$id" || true
	run --separate-stderr -1 taskctl suspend "$id"
	[[ $stderr == *"task $id is over: it has ended as cancelled"* ]]
}

@test "list and status show the command's line" {
	id=$(taskctl submit --tag shown exec '["printf","%s","a b"]')
	taskctl -q wait "$id"
	[[ $(taskctl status "$id") == *"command  printf %s 'a b'"* ]]
	[[ $(taskctl list --tag shown) == *COMMAND*"printf %s 'a b'"* ]]
	[[ $(taskctl list --tag shown --columns command | tail -n 1) == "printf %s 'a b'" ]]
	taskctl submit --tag plain noop
	[[ $(taskctl list --tag plain) != *COMMAND* ]]
}

@test "list: a long line gives way on a terminal of 80 columns" {
	taskctl -q wait "$(shell "echo $(printf '%0200d' 0)" --tag long)"
	run in_terminal 'stty cols 80; taskctl --color never list --tag long'
	[[ $output == *COMMAND* && $output == *"echo 000"* ]]
	while IFS= read -r line; do
		line=${line%$'\r'}
		[[ ${#line} -le 80 ]]
	done <<<"$output"
}

@test "commands are for their owner" {
	command -v setpriv >/dev/null || skip 'setpriv is not installed'
	[[ $(id -u) -eq 0 ]] || skip 'only root can be somebody else'
	id=$(cat_live)
	chmod 666 "$TASKD_SOCKET"
	for words in "log $id" "log -f $id" "send $id x" "signal TERM $id" "suspend $id" "continue $id"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr -3 taskctl_as_nobody $words
		[[ $stderr == "error: "*"$id"* && $stderr != *uid* ]]
	done
	taskctl -q cancel "$id"
}
