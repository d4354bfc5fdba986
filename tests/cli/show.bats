#!/usr/bin/env bats
# tasks, queues, pools, workers, stats, ping: how the daemon stands; and the manners of tables.

load helpers

setup_file() {
	daemon_start <<'END'
[pool side]
processes = 1
threads = 3
tasks = sleep
[pool commands]
commands = yes
processes = 2
END
}

teardown_file() {
	daemon_stop
}

@test "ping" {
	run --separate-stderr -0 taskctl ping
	[[ $output =~ ^ok:\ 5\ of\ 5\ workers\ ready,\ no\ store,\ answered\ in\  && -z $stderr ]]
	[[ $(taskctl --json ping | jq .ok) == true ]]
	run -0 taskctl -q ping
	[[ -z $output ]]
}

@test "tasks" {
	taskctl call fib 10
	run --separate-stderr -0 taskctl tasks
	[[ ${lines[0]} == TASK* && -z $stderr ]]
	for task in echo fib sleep noop; do grep -qE "^$task " <<<"$output"; done
	taskctl --json tasks | jq -e 'map(select(.task == "fib"))[0].succeeded >= 1'
}

@test "pools, queues and workers" {
	run -0 taskctl pools
	[[ ${lines[0]} == POOL* ]]
	grep -qE '^side +1 +3 +1 +3 ' <<<"$output"
	taskctl --json pools | jq -e 'map(.name) | contains(["commands", "default", "side"])'
	run -0 taskctl queues
	[[ ${lines[0]} == QUEUE* ]]
	grep -qE '^default ' <<<"$output"
	run -0 taskctl workers
	[[ ${lines[0]} =~ ^\ *PID && ${#lines[@]} -eq 6 ]]
	taskctl --json workers | jq -e 'length == 5 and all(.pid > 0)'
}

@test "workers says what runs where" {
	id=$(taskctl submit sleep 60)
	condition state_is "$id" running
	run -0 taskctl workers
	grep -qE "side .*\b$id\b" <<<"$output"
	taskctl -q cancel "$id"
}

@test "stats" {
	run --separate-stderr -0 taskctl stats
	[[ $output =~ version\ +[0-9] && $output =~ workers\ ready\ +5 && $output =~ socket\ +"$TASKD_SOCKET" ]]
	taskctl --json stats | jq -e '.tasks.submitted >= 0 and .server.name == "taskd"'
}

@test "every listing is one JSON value with --json" {
	for command in tasks queues pools workers list; do
		[[ $(taskctl --json "$command" | jq -s 'length') -eq 1 ]]
		[[ $(taskctl --json "$command" | jq -r type) == array ]]
	done
	for command in stats ping; do
		[[ $(taskctl --json "$command" | jq -r type) == object ]]
	done
}

@test "tables: colour on a terminal only, and not with NO_COLOR" {
	id=$(taskctl submit --tag colour fib 10)
	taskctl -q wait "$id"
	run in_terminal "taskctl list --tag colour"
	[[ $output == *$'\e[32m'*succeeded* ]]
	run in_terminal "NO_COLOR=1 taskctl list --tag colour"
	[[ $output == *succeeded* && $output != *$'\e'* ]]
	run taskctl list --tag colour
	[[ $output == *succeeded* && $output != *$'\e'* ]]
	run taskctl --color always list --tag colour
	[[ $output == *$'\e[32m'* ]]
}

@test "tables: cut on a narrow terminal, whole elsewhere" {
	tag=$(printf 'long-%.0s' {1..40})
	id=$(taskctl submit --tag "$tag" fib 10)
	taskctl -q wait "$id"
	run -0 taskctl list --tag "$tag"
	[[ ${lines[1]} == *"$tag"* ]]
	run in_terminal "stty cols 80; taskctl list --tag '$tag'"
	[[ $output != *"$tag"* && $output == *long-* ]]
	[[ $(tr -d '\r' <<<"$output" | sed 's/\x1b\[[0-9;]*m//g' | awk '{ if (length($0) > n) n = length($0) } END { print n }') -le 80 ]]
}

@test "what others wrote does not steer the terminal" {
	id=$(taskctl submit --tag $'a\e[31mb' noop)
	taskctl -q wait "$id"
	run in_terminal "taskctl --color=never list --task noop; taskctl --color=never status $id"
	[[ $output != *$'\e[31m'* ]]
}

@test "completion asks the daemon for its words" {
	[[ $(taskctl completion --words tasks | sort | xargs) == 'echo exec fib noop sleep' ]]
	taskctl completion --words queues | grep -qx default
	[[ $(taskctl completion --words pools | sort | xargs) == 'commands default side' ]]
	id=$(taskctl submit noop)
	taskctl completion --words ids | grep -qx "$id"
	taskctl -q schedule add hourly --every 1h noop
	[[ $(taskctl completion --words schedules) == hourly ]]
	offers() {
		# shellcheck disable=SC2016 # the other bash expands it
		bash -c 'source <(taskctl completion bash)
			COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
			_taskctl
			echo "${COMPREPLY[@]}"' - "$@"
	}
	[[ $(offers taskctl submit 'fi') == fib ]]
	[[ $(offers taskctl schedule add x 'fi') == fib ]]
	[[ $(offers taskctl schedule remove h) == hourly ]]
	[[ $(offers taskctl pause defa) == default ]]
	[[ $(offers taskctl resize si) == side ]]
}
