#!/usr/bin/env bats
# Completion: the scripts are scripts, and offer what the tables have. No daemon.

load helpers

# What bash offers for the last of these words.
offers() {
	bash -c 'source <(taskctl completion bash)
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		_taskctl
		printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}

checked_by() { # SHELL
	command -v "$1" >/dev/null || skip "$1 is not installed"
	taskctl completion "$1" >"$BATS_TEST_TMPDIR/script"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/script") -gt 50 ]]
	run -0 "$1" -n "$BATS_TEST_TMPDIR/script"
	[[ -z $output ]]
}

@test "bash's script is one" {
	checked_by bash
}

@test "zsh's script is one" {
	checked_by zsh
	[[ $(head -n 1 "$BATS_TEST_TMPDIR/script") == '#compdef taskctl' ]]
}

@test "fish's script is one" {
	checked_by fish
}

@test "an unknown shell: did you mean" {
	run -2 taskctl completion bsh
	[[ $output == *"did you mean bash?"* ]]
	run -2 taskctl completion
	[[ $output == *"needs a SHELL"* ]]
}

@test "bash offers commands, options and words" {
	[[ $(offers taskctl sub) == submit ]]
	[[ $(offers taskctl submit --pri) == --priority ]]
	[[ $(offers taskctl -s /tmp/x --json result --ti) == --timeout ]]
	[[ $(offers taskctl list --state fa) == failed ]]
	[[ $(offers taskctl completion f) == fish ]]
	[[ $(offers taskctl help wo) == workers ]]
	[[ $(offers taskctl --color n) == never ]]
	[[ $(offers taskctl signal TE) == TERM ]]
	[[ $(offers taskctl log --fol) == --follow ]]
	[[ $(offers taskctl submit --key-mode at) == attach ]]
	[[ $(offers taskctl list --columns pri) == priority ]]
	[[ $(offers taskctl list --columns id,state,pri) == id,state,priority ]]
	[[ $(offers taskctl list --state queued,sc) == queued,scheduled ]]
	[[ $(offers taskctl who) == whoami && $(offers taskctl stats --us) == --users ]]
	[[ $(offers taskctl queue set x --fair y) == yes && $(offers taskctl mq create --sh) == --shared ]]
	[[ -z $(offers taskctl ping x) ]]
}

@test "bash offers the words of commands that have two" {
	[[ $(offers taskctl queue | xargs) == 'queues queue' ]]
	[[ $(offers taskctl queue '' | xargs) == 'add set remove' ]]
	[[ $(offers taskctl --json schedule re) == remove ]]
	[[ $(offers taskctl queue add --wei) == --weight ]]
	[[ $(offers taskctl queue add --order li) == lifo ]]
	[[ $(offers taskctl schedule add x --cat) == --catch-up ]]
	[[ -z $(offers taskctl schedule list x) ]]
}

@test "bash offers run's options before the command, and nothing of ours after it" {
	[[ $(offers taskctl run --each --joi) == '' && $(offers taskctl run --each --jobl) == --joblog ]]
	[[ $(offers taskctl run -t --queue commands bash_no_such) == '' ]]
	offers taskctl run -k -t mkfi | grep -qx mkfifo
	[[ -z $(offers taskctl run -j 2 ls --all --que) ]]
	cd "$BATS_TEST_TMPDIR" || return
	touch a-file
	[[ $(offers taskctl run --tag x ls --queue a-fi) == a-file ]]
	# A letter that takes something for one command need not for another.
	[[ $(offers taskctl call -k key ech --tag x --prior) == --priority ]]
}

@test "bash offers what stands under a lock: options before the command, programs, and nothing of ours after it" {
	[[ $(offers taskctl lock --sha) == --shared && $(offers taskctl lock x --sha) == --shared ]]
	offers taskctl lock x mkfi | grep -qx mkfifo
	offers taskctl semaphore --slots 2 x -- mkfi | grep -qx mkfifo
	[[ -z $(offers taskctl lock x ls --sha) && -z $(offers taskctl lock x -- ls --sha) ]]
	cd "$BATS_TEST_TMPDIR" || return
	touch a-file
	[[ $(offers taskctl lock -t 5 x ls a-fi) == a-file ]]
	[[ $(offers taskctl mq '' | xargs) == 'put get peek len list create delete clear join task-done' ]]
	[[ $(offers taskctl mq put x --order pri) == priority ]]
	[[ $(offers taskctl locks sem) == semaphore ]]
}

@test "fish offers commands, options and words" {
	command -v fish >/dev/null || skip 'fish is not installed'
	# shellcheck disable=SC2317 # called by name
	fish_offers() {
		HOME=$BATS_TEST_TMPDIR fish -c "taskctl completion fish | source; complete -C '$1'" | cut -f 1
	}
	[[ $(fish_offers 'taskctl sub') == submit ]]
	[[ $(fish_offers 'taskctl submit --pri') == --priority ]]
	[[ $(fish_offers 'taskctl list --state fa') == failed ]]
	[[ $(fish_offers 'taskctl run --ea' 2>&1) == --each ]]
	fish_offers 'taskctl run ec' | grep -qx echo
	fish_offers 'taskctl run -- ec' | grep -qx echo
	fish_offers 'taskctl run ' | grep -qx echo
	[[ $(fish_offers 'taskctl completion z') == zsh ]]
	[[ $(fish_offers 'taskctl queue ' | xargs) == 'add remove set' ]]
	[[ $(fish_offers 'taskctl queue add --wei') == --weight ]]
	[[ $(fish_offers 'taskctl queue add --order li') == lifo ]]
	[[ $(fish_offers 'taskctl run -t --jobl') == --joblog ]]
	[[ -z $(fish_offers 'taskctl run -t ls --jobl') ]]
	fish_offers 'taskctl run -k mkfi' | grep -qx mkfifo
	[[ $(fish_offers 'taskctl lock --sha') == --shared && $(fish_offers 'taskctl lock x --sha') == --shared ]]
	fish_offers 'taskctl lock -t 5 x mkfi' | grep -qx mkfifo
	[[ -z $(fish_offers 'taskctl lock x ls --sha') ]]
}

@test "the page names every command and option" {
	page=${top_srcdir:?}/client/taskctl/taskctl.1.scd
	for name in $(taskctl help | awk '/^  [a-z]/ { print $1 }'); do
		grep -qE -- "^\*${name}[* ]" "$page"
		for option in $(taskctl help "$name" | grep -oE -- '^ +(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
			grep -qF -- "*$option*" "$page" || { echo "$name $option"; false; }
		done
	done
}
