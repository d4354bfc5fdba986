#!/usr/bin/env bats
# event wait, set, clear, is-set.

load helpers

setup_file() {
	daemon_start </dev/null
}

teardown_file() {
	daemon_stop
}

setup() {
	event=event-$BATS_TEST_NUMBER
}

waited_for_by() { # N
	[[ $(taskctl --json locks event --name "$event" | jq '.[].waiting | length') == "$1" ]]
}

@test "all who wait go on when it is set, and who comes then does not wait" {
	taskctl event wait "$event" 3>&- &
	one=$!
	taskctl event wait --timeout 1h "$event" 3>&- &
	two=$!
	condition waited_for_by 2
	run --separate-stderr -0 taskctl event set "$event"
	[[ -z $output && -z $stderr ]]
	ended_with 0 $one
	ended_with 0 $two
	run -0 taskctl event wait --timeout 0 "$event"
	[[ -z $output ]]
}

@test "is-set: by the exit status" {
	run --separate-stderr -1 taskctl event is-set "$event"
	[[ -z $output && -z $stderr ]]
	taskctl event set "$event"
	run --separate-stderr -0 taskctl event is-set "$event"
	[[ -z $output && -z $stderr ]]
	taskctl event clear "$event"
	run -1 taskctl --json event is-set "$event"
	[[ $output == '{"set":false}' ]]
}

@test "cleared: who comes waits again" {
	taskctl event set "$event"
	taskctl event clear "$event"
	run --separate-stderr -124 taskctl --json event wait --timeout 20ms "$event"
	[[ $(jq -r .error.kind <<<"$stderr") == wait_timed_out ]]
	taskctl event wait "$event" 3>&- &
	waiter=$!
	condition waited_for_by 1
	kill -TERM $waiter
	ended_with 143 $waiter
	condition eval '! waited_for_by 1'
}

@test "several at once, and as JSON" {
	run -0 taskctl --json event set "$event-a" "$event-b"
	[[ $output == $'true\ntrue' ]]
	taskctl event is-set "$event-a"
	taskctl event is-set "$event-b"
	[[ $(taskctl --json event wait "$event-a") == true ]]
	taskctl event clear "$event-a" "$event-b"
	run -1 taskctl event is-set "$event-b"
}

@test "event: what it refuses" {
	run --separate-stderr -2 taskctl event
	[[ $stderr == *"event wait|set|clear|is-set"* ]]
	for word in wait set clear is-set; do
		run --separate-stderr -2 taskctl event "$word"
		[[ $stderr == *"event $word needs a NAME"* ]]
	done
	run --separate-stderr -2 taskctl event sett "$event"
	[[ $stderr == *"did you mean event set?"* ]]
	run -2 taskctl event wait --timeout soon "$event"
	run -2 taskctl event set ''
}
