#!/usr/bin/env bash
# Usage: check_library.sh LIBRARY EXPORTS HEADER [unsanitized]
# Fails unless the library exports exactly the names in EXPORTS, which are the functions that HEADER
# declares; has the SONAME that programs ask for; and, if it was built as it is installed, needs
# nothing but the C library, so that it loads into any process.
set -euo pipefail
library=$1 exports=$2 header=$3
exported=$(nm -D --defined-only "$library" | awk '{print $3}' | LC_ALL=C sort)
diff <(LC_ALL=C sort "$exports") <(echo "$exported") ||
  { echo "exports (>) differ from $exports (<)" >&2; exit 1; }
declared=$({ grep -A1 'FLEXMIG_NCCL_FUNCTION(' "$header" | tr '\n' ' ' |
  grep -oE 'FLEXMIG_NCCL_FUNCTION\([^,]+, +[A-Za-z0-9]+' | sed 's/.*[, ]//' |
  grep -vx name | sed 's/.*/nccl&\npnccl&/'; echo ncclResetDebugInitInternal; } | LC_ALL=C sort -u)
diff <(LC_ALL=C sort "$exports") <(echo "$declared") ||
  { echo "$header (>) differs from $exports (<)" >&2; exit 1; }
dynamic=$(objdump -p "$library")
grep -qE 'SONAME +libnccl\.so\.2$' <<< "$dynamic" || { echo "wrong SONAME" >&2; exit 1; }
# The first names are weak, for tools that put their own in front.
nm -D --defined-only "$library" | awk '$2 == "W" && $3 ~ /^p/ || $2 == "T" && $3 ~ /^nccl/' |
  grep -v ncclResetDebugInitInternal && { echo "wrong kind of symbol" >&2; exit 1; }
if [ "${4:-}" = unsanitized ]; then
  needed=$(awk '$1 == "NEEDED" {print $2}' <<< "$dynamic")
  unexpected=$(grep -vE '^(libc|libm|libpthread|libdl|librt)\.so\.[0-9]+$|^ld-linux' <<< "$needed" || true)
  [ -z "$unexpected" ] || { echo "the library needs $unexpected" >&2; exit 1; }
fi
echo ok
