#!/usr/bin/env bash
# Usage: check_exports.sh LIBRARY EXPORTS HEADER FUNCTIONS
# Fails unless the library exports exactly the names in EXPORTS, and those that match FUNCTIONS, an
# extended regular expression, are the functions that HEADER declares.
set -euo pipefail
exported=$(nm -D --defined-only "$1" | awk '{print $3}' | sort)
declared=$(grep -oE "\b$4\(" "$3" | tr -d '(' | sort -u)
diff <(sort "$2") <(echo "$exported") || { echo "exports (>) differ from $2 (<)" >&2; exit 1; }
diff <(grep -xE "$4" "$2" | sort) <(echo "$declared") || { echo "$3 (>) differs from $2 (<)" >&2; exit 1; }
