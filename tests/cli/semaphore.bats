#!/usr/bin/env bats
# semaphore: so many commands at a time.
# What stands in single quotes is for the shells of the commands.
# shellcheck disable=SC2016,SC2030,SC2031

load helpers

setup_file() {
	daemon_start <<-'END'
		[semaphore configured]
		slots = 3
	END
}

teardown_file() {
	daemon_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkfifo gate
	semaphore=semaphore-$BATS_TEST_NUMBER
}

of_semaphore() { # FILTER
	taskctl --json locks semaphore --name "$semaphore" | jq -r ".[] | $1"
}

free_permits_are() { # N
	[[ $(of_semaphore .value) == "$1" ]]
}

waited_for_by() { # N
	[[ $(of_semaphore '.waiting | length') == "$1" ]]
}

hold() { # OPTION…
	taskctl semaphore "$@" "$semaphore" -- sh -c 'read -r line <gate' 3>&- &
	holders+=($!)
}

let_all_go() {
	# Opened for both, so that no reader is missed; each takes a line.
	exec 7<>gate
	for _ in "${holders[@]}"; do echo >&7; done
	wait "${holders[@]}"
	exec 7>&-
}

@test "as many as it has permits, and the next one waits" {
	hold --slots 2
	condition free_permits_are 1
	hold --slots 2
	condition free_permits_are 0
	run --separate-stderr -124 taskctl semaphore -n "$semaphore" true
	# shellcheck disable=SC2154 # by run
	[[ ${stderr_lines[0]} == "error: the semaphore \"$semaphore\" is not to be had now" ]]
	[[ ${stderr_lines[1]} == "hint: held by "*", "*"pid "* ]]
	hold
	condition waited_for_by 1
	let_all_go
	# With the last of them it is gone, and may be made anew.
	run -0 taskctl semaphore --slots 5 "$semaphore" true
}

@test "--count: several at once, or none" {
	hold --slots 3 --count 2
	condition free_permits_are 1
	run -124 taskctl semaphore -n --count 2 "$semaphore" true
	run -0 taskctl semaphore -n "$semaphore" true
	run --separate-stderr -2 taskctl --json semaphore --count 4 "$semaphore" true
	# shellcheck disable=SC2154 # by run
	[[ $(jq -r .error.kind <<<"$stderr") == mismatch ]]
	let_all_go
}

@test "its command is as lock's: streams, status, TASKD_FENCE, and who died" {
	run --separate-stderr -3 taskctl semaphore "$semaphore" -- sh -c 'cat; echo err >&2; exit 3' <<<in
	[[ $output == in && $stderr == err ]]
	hold --slots 1
	condition free_permits_are 0
	kill -KILL "${holders[0]}"
	run --separate-stderr -0 taskctl semaphore "$semaphore" sh -c 'echo "$TASKD_HOLDER_DIED $((TASKD_FENCE > 0))"'
	[[ $output == '1 1' && $stderr == "warning: "*"semaphore \"$semaphore\" died holding it"* ]]
}

@test "another size than it has is an error" {
	hold --slots 2
	condition free_permits_are 1
	run --separate-stderr -2 taskctl --json semaphore --slots 3 "$semaphore" true
	[[ $(jq -r .error.kind <<<"$stderr") == mismatch ]]
	run -2 taskctl semaphore --slots 0 "$semaphore" true
	let_all_go
}

@test "one of the configuration is there from the start" {
	run -0 taskctl locks semaphore --name configured
	grep -qE '^semaphore +configured +3 of 3 free ' <<<"$output"
	run -0 taskctl semaphore --count 3 configured true
	run -2 taskctl semaphore --slots 4 configured true
	grep -qx configured <(taskctl completion --words semaphores)
}

@test "one of the configuration that is made smaller while it is held" {
	semaphore=configured
	hold --count 3
	condition free_permits_are 0
	sed -i 's/^slots = 3$/slots = 1/' "$CONFIG"
	taskctl reload
	run -0 taskctl locks semaphore --name configured
	grep -qE '^semaphore +configured +0 of 1 free, 2 too many held ' <<<"$output"
	let_all_go
	condition free_permits_are 1
	sed -i 's/^slots = 1$/slots = 3/' "$CONFIG"
	taskctl reload
}

@test "semaphore: what it refuses" {
	run --separate-stderr -2 taskctl semaphore
	[[ $stderr == *"semaphore needs a NAME"* ]]
	run --separate-stderr -2 taskctl semaphore "$semaphore" --slots 2
	[[ $stderr == *"semaphore needs a COMMAND"* ]]
	run --separate-stderr -2 taskctl semaphore "$semaphore" --slots two true
	[[ $stderr == *'"two" will not do'* ]]
}
