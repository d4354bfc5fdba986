#!/usr/bin/env bats
# What one user may have of what all share, and who has how much. By real users, so for root.

load helpers

games=5 lp=7

setup_file() {
	[[ $EUID -eq 0 ]] || return 0
	daemon_start <<-END
		[taskd]
		socket_mode = 0666
		user_queued = 4
		user_connections = 3
		user_result_bytes = 64k
		user_descriptors = 4
		exec_users = *
		[access all]
		users = *
		[queue slow]
		limit_running = 1
	END
}

teardown_file() {
	daemon_stop
}

setup() {
	[[ $EUID -eq 0 ]] || skip 'for root'
	cd / || return
}

submit_some() { # UID N ARGUMENT…
	local i
	for ((i = 0; i < $2; i++)); do
		taskctl_as "$1" submit "${@:3}" || return
	done
}

row() { # UID
	taskctl --json stats --users | jq ".[] | select(.uid == $1)"
}

has() { # UID FIGURE N
	[[ $(row "$1" | jq ".$2") -eq $3 ]]
}

# shellcheck disable=SC2154 # stderr is what run sets
@test "one task too many: of what, what can be done, and exit status 6; others are not concerned" {
	taskctl -q pause slow
	submit_some $games 4 --queue slow --tag many noop
	run --separate-stderr -6 taskctl_as $games submit --queue slow noop
	[[ -z $output && $stderr == 'error: user games has 4 tasks waiting, and may have 4'*'hint: '*user_queued*'stats --users'* ]]
	run --separate-stderr -6 taskctl_as $games --json submit --queue slow noop
	jq -e '.error | .kind == "over_share" and .data.limit == "user_queued" and .data.most == 4 and .data.has == 4' <<<"$stderr"
	submit_some $lp 1 --queue slow --tag many noop
	submit_some 0 6 --queue slow --tag many noop
	has $games queued 4
	taskctl -q cancel --tag many
	submit_some $games 1 --queue slow --tag many noop
	taskctl -q cancel --tag many
	taskctl -q resume slow
}

@test "stats --users: a line for each, who is at his limits first" {
	taskctl -q pause slow
	submit_some $games 4 --queue slow --tag many echo 0123456789
	submit_some $lp 2 --queue slow --tag many noop
	submit_some 0 9 --queue slow --tag many noop
	run -0 taskctl stats --users
	[[ ${lines[0]} == USER*CONNECTIONS*REQUESTS*QUEUED*BYTES*RUNNING*RESULTS*OBJECTS* ]]
	[[ $(awk 'NR > 1 { print $1 }' <<<"$output" | head -n 2 | xargs) == 'games lp' && $output == *100%*queued* ]]
	[[ $output == *$'\nroot'* ]]
	taskctl --json stats --users | jq -e 'map(select(.uid == 0)) | .[0].queued == 9 and .[0].connections == 1'
	# Who may see his own, sees himself.
	taskctl_as $lp --json stats --users | jq -e 'length == 1 and .[0].user == "lp" and .[0].queued == 2'
	taskctl -q cancel --tag many
	taskctl -q resume slow
	run --separate-stderr -2 taskctl stats --user
	[[ $stderr == *'did you mean --users?'* ]]
}

@test "one connection too many is told so, and others get in" {
	for i in 1 2 3; do
		taskctl_as $games mq get "wait-$i" >/dev/null 3>&- &
	done
	condition has $games waiters 3
	run --separate-stderr -6 taskctl_as $games ping
	[[ $stderr == 'error: '*games*user_connections*'hint: '*user_connections* ]]
	run --separate-stderr -6 taskctl_as $games --json submit noop
	[[ $(jq -r .error.kind <<<"$stderr") == over_share ]]
	run -0 taskctl_as $lp ping
	[[ $(row $games | jq .refused) -ge 2 ]]
	for i in 1 2 3; do
		taskctl mq put "wait-$i" 1 || taskctl mq delete "wait-$i"
	done
	wait
	run -0 taskctl_as $games ping
}

@test "descriptors of commands that wait or run count, and others have theirs" {
	run_it() { echo line | taskctl_as "$1" run -- cat; }
	taskctl -q pause commands
	run_it $games >"$BATS_TEST_TMPDIR/first" 2>&1 3>&- &
	local first=$!
	condition has $games descriptors 3
	run --separate-stderr -125 run_it $games
	[[ $stderr == 'error: '*games*user_descriptors*4*'hint: '*user_descriptors*'stats --users'* ]]
	run_it $lp >"$BATS_TEST_TMPDIR/other" 2>&1 3>&- &
	local other=$!
	condition has $lp descriptors 3
	run -0 taskctl stats --users
	[[ ${lines[0]} == *DESCRIPTORS* && $output == *75%*descriptors* ]]
	taskctl -q resume commands
	wait "$first" "$other"
	[[ $(cat "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/other") == $'line\nline' ]]
	condition has $games descriptors 0
	run_it $games
}

@test "queue add and queue set: fair; the column is there where one is" {
	run -0 taskctl queues
	[[ ${lines[0]} != *FAIR* ]]
	taskctl -q queue add turns --fair yes
	run -0 taskctl queues
	[[ ${lines[0]} == *FAIR* && $(grep ^turns <<<"$output") == *yes* ]]
	taskctl -q queue set turns --fair no
	taskctl --json queues | jq -e '.[] | select(.name == "turns") | .fair == false'
	taskctl -q queue remove turns
	run --separate-stderr -2 taskctl queue add x --fair perhaps
	[[ $stderr == *'one of yes, no'* ]]
}

@test "a fair queue: the second user's one task does not wait for the first one's many" {
	taskctl -q queue add turns --fair yes --limit-running 1
	taskctl -q pause turns
	first=$(submit_some $games 4 --queue turns noop | tail -n 1)
	second=$(taskctl_as $lp submit --queue turns noop)
	taskctl -q resume turns
	taskctl wait "$first" "$second"
	taskctl --json status "$first" "$second" | jq -se '.[1].started_at < .[0].started_at'
	taskctl -q queue remove turns
}
