#!/usr/bin/env bash
# check_reference.sh HSM_PERF PAGE: the page's table of flags and the help text name the same flags.
set -euo pipefail
in_help=$("$1" --help | grep -oE '^ +(-[a-z],)?--[a-z-]+' | tr -d ' ' | sort)
in_page=$(grep -oE '^\| `(-[a-z],)?--[a-z-]+' "$2" | sed 's/^| `//' | sort)
diff <(echo "$in_help") <(echo "$in_page") >&2 || { echo "$2 differs from --help" >&2; exit 1; }
