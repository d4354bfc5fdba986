# What ./quickstart and ./runtests share: messages, the packages that a build needs, and their installation.
# shellcheck shell=bash

# shellcheck disable=SC2034 # for those who read this file
readonly build_packages=(build-essential autoconf automake libtool pkg-config libevent-dev libjansson-dev libinih-dev
	libsqlite3-dev libsmartcols-dev libseccomp-dev check scdoc)

fail() { # MESSAGE [HINT]
	echo "error: $1" >&2
	[[ -z ${2-} ]] || echo "hint: $2" >&2
	exit 1
}

say() { # WHAT HAPPENS NOW
	printf '\n== %s\n' "$*"
}

# Installs those of the named Debian packages that are not there yet, and says which.
install_packages() { # PACKAGE…
	local missing=() package as_root=()

	command -v dpkg-query >/dev/null ||
		fail 'this is not Debian, so its packages cannot be installed' "install the likes of: $*; then ./bootstrap, configure and make by hand (README.md)"
	for package in "$@"; do
		# shellcheck disable=SC2016 # dpkg-query's own format
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
	done
	[[ ${#missing[@]} -gt 0 ]] || return 0

	say "installing: ${missing[*]}"
	if [[ $EUID -ne 0 ]]; then
		command -v sudo >/dev/null || fail "missing packages: ${missing[*]}" "as root: apt-get install ${missing[*]}"
		as_root=(sudo)
	fi
	"${as_root[@]}" apt-get update -q || fail 'apt-get update did not work'
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" ||
		fail "could not install: ${missing[*]}"
}
