#!/usr/bin/env bats
# cancel, retry and forget: by ids, by what tasks have in common, or all. A daemon for each test.

load helpers

setup() {
	# shellcheck disable=SC2034 # for the helpers
	BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
	daemon_start <<END
[queue shut]
END
	taskctl -q pause shut
}

teardown() {
	daemon_stop
}

@test "cancel: by what they have in common; the numbers" {
	for n in 1 2 3; do taskctl submit --queue shut --tag group noop; done
	other=$(taskctl submit --queue shut --tag other noop)
	running=$(taskctl submit --tag group sleep 60)
	condition state_is "$running" running
	run --separate-stderr -0 taskctl cancel --tag group --queue shut
	[[ $output == "3 cancelled, 0 still stopping" && -z $stderr ]]
	run -0 taskctl --json cancel --tag group --state queued,running
	jq -e '.matched == 1 and .cancelled + .cancelling == 1' <<<"$output"
	run -0 taskctl -q cancel --task sleep
	[[ -z $output ]]
	condition state_is "$running" cancelled
	state_is "$other" queued
}

@test "cancel --all" {
	a=$(taskctl submit --queue shut noop) b=$(taskctl submit --delay 1h noop) c=$(taskctl submit --after "$b" noop)
	run -0 taskctl --json cancel --all
	[[ $(jq -r .matched <<<"$output") -ge 2 ]]
	for id in "$a" "$b" "$c"; do state_is "$id" cancelled; done
}

@test "which tasks: one way of saying it, and only one" {
	for command in cancel retry forget; do
		run --separate-stderr -2 taskctl "$command"
		[[ $stderr == *"$command needs an ID or something to find tasks by"*"--all"* ]]
		for words in '1 --tag x' '1 --all' '--tag x --all'; do
			# shellcheck disable=SC2086 # words
			run --separate-stderr -2 taskctl "$command" $words
			[[ $stderr == *"$command takes either IDs"* ]]
		done
		run --separate-stderr -2 taskctl "$command" --state runing
		[[ $stderr == *"did you mean running?"* ]]
	done
}

@test "retry: a new task, whose id is printed" {
	old=$(taskctl submit --tag again --priority 3 fib 1000)
	taskctl -q wait "$old" || true
	run --separate-stderr -0 taskctl retry "$old"
	new=$output
	[[ $new =~ ^[0-9]+$ && $new != "$old" && -z $stderr ]]
	taskctl -q wait "$new" || true
	taskctl --json status "$new" | jq -e --arg old "$old" '.retry_of == $old and .tag == "again" and .priority == 3'
	run -0 taskctl status "$old"
	[[ $output =~ retried\ as\ +$new && $output =~ state\ +failed ]]
	# once is enough
	[[ $(taskctl -q retry "$old") == "$new" ]]
	[[ $(taskctl --json retry "$old" | jq -c .) == "[{\"id\":\"$old\",\"retried_as\":\"$new\",\"durability\":\"memory\"}]" ]]
}

@test "retry: what cannot be" {
	fine=$(taskctl submit noop) waiting=$(taskctl submit --queue shut noop) failed=$(taskctl submit fib 1000)
	taskctl -q wait "$fine" "$failed" || true
	run --separate-stderr -1 taskctl --json retry "$fine"
	[[ -z $output && $(jq -r .error.kind <<<"$stderr") == not_failed ]]
	run --separate-stderr -1 taskctl --json retry "$waiting"
	[[ $(jq -r .error.kind <<<"$stderr") == not_over ]]
	run --separate-stderr -3 taskctl retry 999999999
	[[ $stderr == "error: task 999999999: "* ]]
	taskctl -q forget "$fine"
	run --separate-stderr -3 taskctl retry "$fine"
	# one that cannot does not keep the others from it
	run --separate-stderr -3 taskctl retry 999999999 "$failed"
	[[ $output =~ ^[0-9]+$ && $stderr == "error: task 999999999: "* ]]
}

@test "retry: by what they have in common; the numbers" {
	for n in 1 2; do failed[n]=$(taskctl submit --tag group fib 1000); done
	fine=$(taskctl submit --tag group noop)
	taskctl -q wait "${failed[@]}" "$fine" || true
	run --separate-stderr -0 taskctl --json retry --tag group
	jq -e '.retried == 2' <<<"$output"
	condition nothing_runs
	run -0 taskctl retry --state failed
	[[ $output == "2 tried again, 2 left as they are" ]]
}

@test "forget: by what they have in common, and all" {
	for n in 1 2 3; do id=$(taskctl submit --tag group noop) && taskctl -q wait "$id"; done
	waiting=$(taskctl submit --queue shut --tag group noop)
	run --separate-stderr -0 taskctl forget --tag group
	[[ $output == "3 forgotten" && -z $stderr ]]
	[[ $(taskctl --json list | jq -r '.[].id') == "$waiting" ]]
	id=$(taskctl submit noop) && taskctl -q wait "$id"
	run -0 taskctl --json forget --all
	jq -e '.forgotten == 1' <<<"$output"
	state_is "$waiting" queued
}
