#!/usr/bin/env bash
# Downloads Debian packages and unpacks them into a folder, without installing anything: programs that
# are not ours and that judge the simulated driver library. Some of them are in Debian's section
# contrib, which need not be enabled: the mirror and the release are the machine's own, with contrib
# added, in apt folders of their own.
# Usage: scripts/fetch_judges.sh FOLDER PACKAGE...
# Exit code 5 if a package cannot be had.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: $0 FOLDER PACKAGE..." >&2; exit 2; }
folder=$1; shift
mkdir -p "$folder/unpacked"
folder=$(cd "$folder" && pwd)

missing=()
for package in "$@"; do [ -e "$folder/unpacked/.$package" ] || missing+=("$package"); done
[ ${#missing[@]} -eq 0 ] && exit 0
command -v apt-get >/dev/null || { echo "no apt-get here" >&2; exit 5; }

# Two tests may want packages at once.
exec 9>"$folder/lock"
flock --wait 120 9 || { echo "another download does not end" >&2; exit 5; }

apt=$folder/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/sources"
# Debian's own key; without the file apt looks where it always does.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
key=""
[ -e "$keyring" ] && key="[signed-by=$keyring] "
apt-get indextargets --format '$(COMPONENT) $(REPO_URI) $(RELEASE) $(ORIGIN)' 'Created-By: Packages' |
  awk -v key="$key" '$1 == "main" && ($4 == "Debian" || $4 ~ /^\$/) { print "deb " key $2 " " $3 " main contrib" }' |
  sort -u >"$apt/sources/contrib.list"
[ -s "$apt/sources/contrib.list" ] || { echo "apt has no source of Debian's main section" >&2; exit 5; }
options=(-qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/sources"
         -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=
         -o Acquire::Retries=2 -o Acquire::http::Timeout=20)
log=$folder/log
if ! timeout 90 apt-get "${options[@]}" update >"$log" 2>&1 ||
   ! (cd "$apt" && timeout 120 apt-get "${options[@]}" download "${missing[@]}") >>"$log" 2>&1; then
  tail -n 3 "$log" >&2
  echo "these packages cannot be had: ${missing[*]}" >&2
  exit 5
fi
for package in "${missing[@]}"; do
  dpkg-deb -x "$apt/$package"_*.deb "$folder/unpacked"
  touch "$folder/unpacked/.$package"
done
