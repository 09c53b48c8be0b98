#!/usr/bin/env bash
# Usage: install.sh FLEXMIG PACKAGE
# `pip install` of the package without a network, into a folder, and a look at what came of it. Done
# with the first python3 that has pip, setuptools and, before setuptools 70.1, wheel.
set -euo pipefail
python=
for candidate in python3 /usr/bin/python3; do
  command -v "$candidate" >/dev/null || continue
  "$candidate" -W ignore - <<'END' 2>/dev/null && { python=$candidate; break; }
import sys, setuptools, pip
if tuple(int(n) for n in setuptools.__version__.split(".")[:2]) < (70, 1):
    import wheel
sys.exit(sys.version_info < (3, 8))
END
done
[ -n "$python" ] ||
  { echo "SKIPPED: no python3 here has pip, setuptools and wheel" >&2; exit 77; }

work=$(mktemp -d "${TMPDIR:-/tmp}/flexmig-pip-XXXXXXXX")
trap 'rm -rf "$work"' EXIT
cp -r "$2" "$work/source"  # setuptools writes beside its input
for name in $(compgen -e | grep '^FLEXMIG_'); do unset "$name"; done
export HOME=$work PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
"$python" -m pip install --quiet --no-build-isolation --no-index --no-deps --no-cache-dir \
  --target "$work/site" "$work/source"

[ -e "$work/site/flexmig/py.typed" ] || { echo "py.typed is not installed" >&2; exit 1; }
cd "$work"
export FLEXMIG_STATE_DIR=$work/state FLEXMIG_BACKEND=sim:a30x1 PATH=$(dirname "$1"):$PATH
flexmig apply >/dev/null
PYTHONPATH=$work/site "$python" - <<'END'
import importlib.metadata
import flexmig

assert importlib.metadata.version("flexmig"), "no metadata"
assert "site" in flexmig.__file__, flexmig.__file__
assert len(flexmig.leaves()) == 4
assert flexmig.run(["sh", "-c", "exit $WORLD_SIZE"], leaves=2) == 2
END
