#!/usr/bin/env bats
# queues, pause, resume, drain, queue add|set|remove, resize: what the queues let through.

load helpers

setup_file() {
	daemon_start <<END
[queue narrow]
order = lifo
limit_running = 1

[queue turns]
fair = yes
END
}

teardown_file() {
	daemon_stop
}

entry_of() { # QUEUE FILTER
	taskctl --json queues | jq -r --arg name "$1" ".[] | select(.name == \$name) | $2"
}

@test "queues: what they are, in columns" {
	taskctl submit --queue narrow --delay 1h noop
	run --separate-stderr -0 taskctl queues
	[[ ${lines[0]} =~ ^QUEUE\ +POOL\ +STATE\ +ORDER\ +WAITING\ .*SCHEDULED.*LIMIT-RUNNING && ${lines[0]} != *RATE* ]]
	grep -qE '^narrow +default +open +lifo +0 ' <<<"$output"
	grep -qE '^default +default +open +priority ' <<<"$output"
	[[ $(entry_of narrow '"\(.order) \(.limit_running) \(.scheduled) \(.paused) \(.configured)"') == 'lifo 1 1 false true' ]]
	taskctl -q cancel --queue narrow
}

@test "queues: fair where the configuration says so" {
	[[ $(entry_of turns .fair) == true && $(entry_of narrow .fair) == false ]]
}

@test "pause and resume" {
	run --separate-stderr -0 taskctl pause narrow
	[[ $output == "narrow is paused: 0 waiting, 0 running" && -z $stderr ]]
	id=$(taskctl submit --queue narrow fib 10)
	state_is "$id" queued
	run -0 taskctl queues
	grep -qE '^narrow +default +paused ' <<<"$output"
	run -0 taskctl --json resume narrow
	[[ $(jq -c 'map(.name)' <<<"$output") == '["narrow"]' ]]
	[[ $(taskctl result "$id") == 55 ]]
}

@test "pause: several, and quietly" {
	run -0 taskctl -q pause narrow default
	[[ -z $output ]]
	[[ $(entry_of narrow .paused) == true && $(entry_of default .paused) == true ]]
	run -0 taskctl resume narrow default
	[[ ${lines[0]} == "narrow is open: "* && ${lines[1]} == "default is open: "* ]]
}

@test "pause --wait: until nothing of it runs" {
	id=$(taskctl submit --queue narrow sleep 60)
	condition state_is "$id" running
	run --separate-stderr -124 taskctl pause --wait --timeout 50ms narrow
	[[ $stderr == "error: "* ]]
	taskctl pause --wait narrow >"$BATS_TEST_TMPDIR/out" 3>&- &
	waiter=$!
	taskctl -q cancel "$id"
	ended_with 0 $waiter
	grep -qx "narrow is paused: 0 waiting, 0 running" "$BATS_TEST_TMPDIR/out"
	taskctl -q resume narrow
}

@test "drain: takes nothing more in, and runs empty" {
	taskctl -q pause narrow
	id=$(taskctl submit --queue narrow fib 10)
	taskctl -q resume narrow
	run -0 taskctl drain --wait narrow
	[[ $output == "narrow is draining: 0 waiting, 0 running" ]]
	state_is "$id" succeeded
	run --separate-stderr -6 taskctl --json submit --queue narrow noop
	[[ $(jq -r .error.kind <<<"$stderr") == queue_draining ]]
	taskctl -q resume narrow
	run -0 taskctl submit --wait --queue narrow noop
}

@test "pause, resume, drain: bad words" {
	for command in pause resume drain; do
		run --separate-stderr -2 taskctl "$command"
		[[ $stderr == *"$command needs a QUEUE"* ]]
		run --separate-stderr -2 taskctl "$command" narow
		[[ $stderr == *"did you mean \"narrow\"?"* ]]
	done
	run -2 taskctl pause --timeout 3s narrow
	[[ $output == *"--timeout without --wait"* ]]
}

@test "queue add, set, remove" {
	run --separate-stderr -0 taskctl queue add slow --order fifo --limit-running 2 --limit-queued 10 --limit-bytes 64k \
		--rate 2.5 --burst 3 --ageing 30s --weight 5 --pool default
	[[ $output == "queue slow is made" && -z $stderr ]]
	[[ $(entry_of slow '[.order, .limit_running, .limit_queued, .limit_bytes, .rate, .burst, .ageing, .weight] | join(" ")') == \
		'fifo 2 10 65536 2.5 3 30 5' ]]
	run -0 taskctl queues
	[[ ${lines[0]} == *LIMIT-RUNNING*RATE*BURST*AGEING*WEIGHT* ]]
	grep -qE '^slow .* 2 +2\.5 +3 +30\.0s +5 +.*no$' <<<"$output"
	run -0 taskctl --json queue set slow --limit-running 0 --order lifo
	[[ $(jq -r '"\(.limit_running) \(.order) \(.rate) \(.limit_queued)"' <<<"$output") == '0 lifo 2.5 10' ]]
	[[ $(taskctl call --queue slow fib 10) == 55 ]]
	run -0 taskctl -q queue remove slow
	[[ -z $output && -z $(entry_of slow .name) ]]
}

@test "queue: what it refuses" {
	run --separate-stderr -2 taskctl queue add x --order fofo
	[[ $stderr == *"did you mean fifo?"* ]]
	run --separate-stderr -2 taskctl queue add x --limit-bytes lots
	[[ $stderr == *'"lots" is no size'* ]]
	run --separate-stderr -2 taskctl queue add x --rate -1
	run --separate-stderr -2 taskctl queue add x --weight 1001
	[[ $stderr == *'from 1 to 1000'* ]]
	run --separate-stderr -2 taskctl queue add x --pool defautl
	[[ $stderr == *'did you mean "default"?'* ]]
	run --separate-stderr -1 taskctl --json queue add narrow
	[[ $(jq -r .error.kind <<<"$stderr") == exists ]]
	run --separate-stderr -1 taskctl --json queue remove narrow
	[[ $(jq -r .error.kind <<<"$stderr") == queue_busy ]]
	run --separate-stderr -2 taskctl queue set narrow
	[[ $stderr == *"nothing is to be changed"* ]]
	run --separate-stderr -2 taskctl queue set narow --rate 3
	[[ $stderr == *'did you mean "narrow"?'* ]]
	run --separate-stderr -2 taskctl queue remove
	[[ $stderr == *"queue remove needs a QUEUE"* ]]
}

@test "resize" {
	run --separate-stderr -0 taskctl resize default 3
	[[ $output == "pool default is to have 3 processes" && -z $stderr ]]
	three() { [[ $(taskctl --json pools | jq '.[0].ready') -eq 3 ]]; }
	condition three
	run -0 taskctl --json resize default 2
	[[ $(jq -r .name <<<"$output") == default ]]
	run --separate-stderr -2 taskctl resize default many
	[[ $stderr == *'"many" will not do'* ]]
	run -2 taskctl resize default 0
	run -2 taskctl resize default
	[[ $output == *"needs a POOL and a number"* ]]
	run --separate-stderr -2 taskctl resize defalt 2
	[[ $stderr == *'did you mean "default"?'* ]]
}

@test "queues are for who runs the daemon: exit status 5" {
	[[ $EUID -eq 0 ]] || skip 'needs root, to be somebody else'
	command -v setpriv >/dev/null || skip 'setpriv is not installed'
	chmod 0666 "$TASKD_SOCKET"
	for words in 'pause narrow' 'resize default 2' 'queue add mine'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr -5 taskctl_as_nobody $words
		[[ $stderr == "error: "* ]]
	done
	chmod 0660 "$TASKD_SOCKET"
}
