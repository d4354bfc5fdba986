#!/usr/bin/env bats
# What is secret of a command is shown by nothing: no list, record, history, log or schedule, and no title of taskctl's.

load helpers

word=hunter2-of-the-test

setup_file() {
	durable_start <<-END
		[taskd]
		log_level = debug
		[command login]
		argv = /bin/echo {name} {password}
		parameters = name:string password:string
		secret = password
	END
}

teardown_file() {
	daemon_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# Whatever can be asked of task ID says COMMAND of it, and nothing of the word.
shows() { # ID COMMAND
	{
		taskctl list --columns id,command
		taskctl history --columns id,command
		taskctl status "$1"
		taskctl --json list
		taskctl --json history
		taskctl --json status "$1"
		taskctl --json schedule list
		taskctl --json workers
		cat "$BATS_FILE_TMPDIR/taskd.log"
	} >said
	! grep -e "$word" said >&2
	[[ $(taskctl --json status "$1" | jq -r .command) == "$2" ]]
}

# shellcheck disable=SC2154 # stderr is what run sets
@test "an argument of run: while it runs, when it is over, and when it has failed" {
	mkfifo gate
	# shellcheck disable=SC2016 # it is for that shell
	id=$(taskctl run --detach --secret 3 -- sh -c 'read -r line <gate; echo ${#0}; exit 3' "$word" 3>&-)
	command="sh -c 'read -r line <gate; echo \${#0}; exit 3' ***"
	condition state_is "$id" running
	shows "$id" "$command"
	echo on >gate
	run --separate-stderr -1 taskctl result "$id"
	[[ $stderr != *"$word"* && $(taskctl log "$id") == "${#word}" ]]
	shows "$id" "$command"
}

@test "several of them, and what they are counted from" {
	id=$(taskctl run --detach --secret 1,3 --secret 1 echo "$word" plain "$word")
	taskctl wait "$id"
	shows "$id" 'echo *** plain ***'
	[[ $(taskctl --json result "$id" | jq -r '.stdout, .command') == "$word plain $word"$'\n\necho *** plain ***' ]]
	run --separate-stderr -2 taskctl run --secret 4 echo 1 2 3
	[[ $stderr == *'has 3 arguments'* ]]
	run -2 taskctl run --secret 0 echo 1
	run --separate-stderr -2 taskctl run --shell --secret 1 echo 1
	[[ $stderr == *'hint: '*--env* ]]
}

@test "the environment and standard input are shown by nothing anyway" {
	id=$(echo "$word" | taskctl run --detach --stdin - -e TOKEN="$word" -- sh -c 'cat; printenv TOKEN')
	taskctl wait "$id"
	[[ $(taskctl log "$id") == "$word"$'\n'"$word" ]]
	shows "$id" "sh -c 'cat; printenv TOKEN'"
}

@test "ps shows nothing of it for taskctl itself" {
	mkfifo gate
	taskctl run --secret 3 -e TOKEN="$word" -eOTHER="$word" --env="MORE=$word" -- \
		sh -c 'echo on >gate; sleep 60' "$word" 3>&- &
	read -r _ <gate
	tr '\0' ' ' <"/proc/$!/cmdline" >title
	kill $!
	wait $! || true
	[[ $(<title) == *'--secret 3 -e TOKEN=***'*'OTHER=***'*'--env=MORE=***'*' -- ** ** ***'* && $(<title) != *"${word:0:4}"* ]]
}

@test "run --each: in no job log, dry run or message" {
	run -0 taskctl run --each --dry-run --secret 2 -- echo {} "$word" ::: a b
	[[ ${lines[0]} == 'echo a ***' && ${lines[1]} == 'echo b ***' ]]
	run --separate-stderr -2 taskctl run --each --joblog log --secret 3 -- sh -c 'exit 1' "$word" ::: a b
	[[ $(grep -c "sh -c 'exit 1' \*\*\*" log) -eq 2 && $stderr != *"$word"* ]]
	run --separate-stderr -1 taskctl run --each --secret 1 no-such-program "$word" ::: a
	[[ $stderr == *'no-such-program *** a'* && $stderr != *"$word"* ]]
	run -0 taskctl run --each --secret 1 echo ::: "$word"
	[[ $output == "$word" ]]
}

@test "a named command says so itself" {
	id=$(taskctl submit login me "$word")
	taskctl wait "$id"
	[[ $(taskctl log "$id") == "me $word" ]]
	shows "$id" '/bin/echo me ***'
}

@test "a schedule: neither it nor its runs, also after a restart" {
	taskctl -q schedule add soon --every 1h --secret 1 exec "$(jq -cn --arg word "$word" '["echo", $word]')"
	run -0 taskctl schedule list
	[[ $output == *soon* && $output != *"$word"* ]]
	taskctl --json schedule list | jq -e '.[0].args | tostring | contains("***")'
	daemon_kill
	durable_again
	run -0 taskctl --json schedule list
	[[ $output == *soon* && $output != *"$word"* ]]
	run --separate-stderr -2 taskctl schedule add other --every 1h --secret 1 login me "$word"
	[[ $stderr == *'taskd.conf'* && $stderr != *"$word"* ]]
	taskctl -q schedule remove soon
}
