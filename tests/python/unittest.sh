#!/usr/bin/env bash
# Usage: unittest.sh FLEXMIG PACKAGE
# The package's own tests, with the package as it lies in the source tree.
set -euo pipefail
command -v python3 >/dev/null || { echo "SKIPPED: no python3 here" >&2; exit 77; }
python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' ||
  { echo "SKIPPED: $(python3 --version) is older than 3.8" >&2; exit 77; }
for name in $(compgen -e | grep '^FLEXMIG_'); do unset "$name"; done
export FLEXMIG_TEST_PROGRAM=$1 PYTHONPATH=$2/src PYTHONDONTWRITEBYTECODE=1
exec python3 -W error::ResourceWarning -m unittest discover --start-directory "$2/tests"
