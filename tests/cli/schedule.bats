#!/usr/bin/env bats
# schedule add, list and remove: tasks that the daemon submits again and again.

load helpers

setup_file() {
	daemon_start </dev/null
}

teardown_file() {
	daemon_stop
}

@test "by a calendar" {
	run --separate-stderr -0 taskctl schedule add nightly --cron '30 4 * * mon-fri' --tag n --retries 2 fib 35
	[[ $output == "nightly runs next in "* && -z $stderr ]]
	run -0 taskctl schedule list
	[[ ${lines[0]} == SCHEDULE*WHEN*NEXT*TASK* ]]
	grep -qE '^nightly +30 4 \* \* mon-fri +in [0-9]+[smhd] +fib +\[35\] +default +0 +0 +- ' <<<"$output"
	taskctl --json schedule list | jq -e '.[0] | .name == "nightly" and .args == [35] and .tag == "n" and .retries == 2'
	run -0 taskctl schedule remove nightly
	[[ $output == "nightly is gone"* ]]
}

@test "by an interval: the runs are tasks, and name it" {
	run -0 taskctl schedule add often --every 50ms --tag often echo -5 word
	ran() { [[ $(taskctl --json list --tag often --state succeeded | jq length) -ge 2 ]]; }
	condition ran
	run -0 taskctl --json schedule remove often
	[[ $(jq -r '.name + " \(.runs >= 2)"' <<<"$output") == 'often true' ]]
	id=$(taskctl --json list --tag often --state succeeded | jq -r '.[0].id')
	[[ $(taskctl result "$id") == '[-5,"word"]' ]]
	run -0 taskctl status "$id"
	# its schedule is gone; what it has submitted stays
	[[ $output =~ state\ +succeeded ]]
}

@test "all of its options" {
	run -0 taskctl --json schedule add all --every 1h --catch-up --overlap --expires 5m --priority 3 --timeout 3s \
		--queue default --args '{"n": 3}' fib
	jq -e '.every == 3600 and .catch_up and .overlap and .expires == 300 and .priority == 3 and .timeout == 3
		and .args == {"n": 3}' <<<"$output"
	run -0 taskctl -q schedule remove all
	[[ -z $output ]]
	run --separate-stderr -0 taskctl schedule list
	[[ -z $output && $stderr == "no schedules" ]]
	[[ $(taskctl --json schedule list) == '[]' ]]
}

@test "what is refused" {
	run --separate-stderr -2 taskctl schedule add x fib 3
	[[ $stderr == *"either --cron or --every"*"hint: "* ]]
	run -2 taskctl schedule add x --cron @daily --every 3s fib 3
	run --separate-stderr -2 taskctl schedule add x --cron '30 25 * * *' fib 3
	[[ $stderr == *"hour: 25"* ]]
	run --separate-stderr -2 taskctl schedule add x --cron @dayly fib 3
	[[ $stderr == *@daily* ]]
	run -2 taskctl schedule add x --every soon fib 3
	run --separate-stderr -2 taskctl schedule add x --every 1h fibb 3
	[[ $stderr == *'did you mean "fib"?'* ]]
	run --separate-stderr -2 taskctl schedule add x --every 1h
	[[ $stderr == *"needs a NAME and a TASK"* ]]
	run -0 taskctl schedule add twice --every 1h noop
	run --separate-stderr -1 taskctl --json schedule add twice --every 1h noop
	[[ $(jq -r .error.kind <<<"$stderr") == exists ]]
	run --separate-stderr -3 taskctl schedule remove none twice
	[[ $output == "twice is gone"* && $stderr == *none* ]]
}
