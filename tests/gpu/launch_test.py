"""launch.py with scripts that need nothing."""

import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")


class LaunchTest(unittest.TestCase):
    def launch(self, script: str, *flags: str) -> "subprocess.CompletedProcess[str]":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "script.py"
            path.write_text("import os, signal, sys, time\nR = int(os.environ['RANK'])\n" + script)
            return subprocess.run(
                [sys.executable, str(LAUNCH), *flags, str(path)],
                capture_output=True,
                text=True,
                timeout=60,
            )

    def test_ranks_get_torchruns_variables_and_one_device(self) -> None:
        done = self.launch(
            "names = 'WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE MASTER_ADDR CUDA_VISIBLE_DEVICES'\n"
            "print(R, *(os.environ[name] for name in names.split()))\n"
            "assert int(os.environ['MASTER_PORT']) > 0",
            "-n",
            "3",
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        device = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
        self.assertEqual(done.stdout, f"0 3 0 3 127.0.0.1 {device}\n")

    def test_the_library_goes_in_front_and_host_ids_differ(self) -> None:
        done = self.launch(
            "assert os.environ['LD_PRELOAD'].split(':')[0] == '/no/libnccl.so.2'\n"
            "assert os.environ['NCCL_HOSTID'] == f'rank-{R}'",
            "--nccl",
            "/no/libnccl.so.2",
            "--host-ids",
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_failing_rank_is_named_with_its_words(self) -> None:
        done = self.launch("sys.exit('too bad' if R == 1 else 0)", "-n", "2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("---- rank 1 exited with 1\ntoo bad", done.stderr)

    def test_a_rank_that_hangs_is_killed_at_the_timeout(self) -> None:
        begin = time.monotonic()
        done = self.launch("if R == 1: time.sleep(60)", "-n", "2", "--timeout", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("rank 1 was killed", done.stderr)
        self.assertIn("not done in 1 s", done.stderr)
        self.assertLess(time.monotonic() - begin, 20)

    def test_skips_are_passed_on(self) -> None:
        done = self.launch("print('SKIPPED: no reason', file=sys.stderr); sys.exit(77)")
        self.assertEqual(done.returncode, 77)
        self.assertIn("SKIPPED: no reason", done.stderr)

    def test_a_rank_that_is_to_be_killed_has_to_be(self) -> None:
        killed = "if R == 1: os.kill(os.getpid(), signal.SIGKILL)"
        self.assertEqual(self.launch(killed, "-n", "2", "--killed", "1").returncode, 0)
        self.assertEqual(self.launch("pass", "-n", "2", "--killed", "1").returncode, 1)
        others = killed + "\nsys.exit(3)"
        self.assertEqual(self.launch(others, "-n", "2", "--killed", "1").returncode, 1)


if __name__ == "__main__":
    unittest.main()
