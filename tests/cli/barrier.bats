#!/usr/bin/env bats
# barrier: who comes waits until all have come.

load helpers

setup_file() {
	daemon_start </dev/null
}

teardown_file() {
	daemon_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	barrier=barrier-$BATS_TEST_NUMBER
}

waited_at_by() { # N
	[[ $(taskctl --json locks barrier --name "$barrier" | jq '.[].waiting | length') == "$1" ]]
}

# Comes in the background, and is there.
come() { # NUMBER OPTION…
	taskctl barrier "$barrier" "${@:2}" >"out$1" 2>"err$1" 3>&- &
	parties+=($!)
	condition waited_at_by "$1"
}

@test "all go when the last has come, each told its place" {
	come 1 --parties 3
	come 2
	run --separate-stderr -0 taskctl barrier "$barrier" -p 3
	[[ $output == 2 && -z $stderr ]]
	wait "${parties[@]}"
	[[ $(<out1) == 0 && $(<out2) == 1 && ! -s err1 ]]
	run -0 taskctl --json barrier --parties 1 "$barrier"
	[[ $output == '{"index":0}' ]]
}

@test "one who goes breaks it, until it is reset" {
	come 1 --parties 3
	come 2 --parties 3
	kill -KILL "${parties[0]}"
	ended_with 1 "${parties[1]}"
	grep -q '^error: .*broken' err2
	grep -q "^hint: .*--reset" err2
	run --separate-stderr -1 taskctl --json barrier "$barrier" --parties 3
	[[ $(jq -r .error.kind <<<"$stderr") == barrier_broken ]]
	run -0 taskctl locks barrier --name "$barrier"
	grep -qE "^barrier +$barrier +broken " <<<"$output"
	run -0 taskctl barrier --reset "$barrier"
	[[ -z $output ]]
	run -0 taskctl barrier --parties 1 "$barrier"
}

@test "time that runs out breaks it: 124 for that one" {
	come 1 --parties 3
	run --separate-stderr -124 taskctl --json barrier "$barrier" --timeout 20ms
	[[ $(jq -r .error.kind <<<"$stderr") == wait_timed_out ]]
	ended_with 1 "${parties[0]}"
	taskctl barrier --reset "$barrier"
}

@test "--abort breaks it, --reset does for those who wait" {
	come 1 --parties 2
	run -0 taskctl --json barrier --abort "$barrier"
	[[ $output == true ]]
	ended_with 1 "${parties[0]}"
	taskctl barrier --reset "$barrier"
	come 1 --parties 2
	taskctl barrier --reset "$barrier"
	ended_with 1 "${parties[1]}"
	run -0 taskctl barrier --parties 1 "$barrier"
}

@test "barrier: what it refuses" {
	come 1 --parties 2
	run --separate-stderr -2 taskctl --json barrier "$barrier" --parties 3
	[[ $(jq -r .error.kind <<<"$stderr") == mismatch ]]
	taskctl barrier "$barrier"
	run -2 taskctl barrier
	run --separate-stderr -2 taskctl barrier "$barrier" --parties 0
	[[ $stderr == *'"0" will not do'* ]]
	run -2 taskctl barrier "$barrier" --reset --abort
	run -2 taskctl barrier "$barrier" --reset --parties 2
	# Nobody has said how many.
	run --separate-stderr -3 taskctl barrier "$barrier-new"
	[[ $stderr == "error: "* ]]
}
