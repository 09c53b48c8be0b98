#!/usr/bin/env bash
# usage: check_page.sh <report-sample> <folder for pages and screenshots> report|comparison
# Exit code 77: skipped, and why.
set -uo pipefail
here=$(dirname "$0")
for program in python3 chromium chromedriver; do
  if ! command -v "$program" >/dev/null; then
    echo "skipped: no $program; scripts/install_deps.sh browser installs it"
    exit 77
  fi
done
mkdir -p "$2" || exit 1
"$1" "$2" || exit
exec python3 "$here/check_$3.py" "$2/$3.html" "$2"
