#!/usr/bin/env bash
# Usage: torch.sh LIBRARY
# Debian's python3-torch imports and computes with the library preloaded. Exit code 77: it is not
# installed.
set -euo pipefail
library=$1
if ! python3 -c 'import torch' 2> /dev/null; then
  echo "skipped: python3 has no torch (apt-get install python3-torch, some 300 MB)"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
LD_PRELOAD=$library TMPDIR=$folder python3 - <<'EOF'
import tempfile
import torch
import torch.distributed as dist
from torch.utils.data import DataLoader

assert float(torch.ones(3) @ torch.ones(3)) == 3.0
store = dist.FileStore(tempfile.mkdtemp() + "/store", 1)
dist.init_process_group("gloo", store=store, rank=0, world_size=1)
value = torch.ones(4)
dist.all_reduce(value)
assert value.tolist() == [1.0] * 4
# Its workers are forked.
assert sum(int(x) for batch in DataLoader(range(10), batch_size=2, num_workers=2) for x in batch) == 45
dist.destroy_process_group()
print("torch", torch.__version__, "is unharmed")
EOF
