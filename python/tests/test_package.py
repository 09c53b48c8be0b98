"""The package against a built `flexmig` on simulated nodes. FLEXMIG_TEST_PROGRAM names it."""

import array
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path
from typing import Dict
from unittest import mock

import flexmig

PROGRAM = os.environ.get("FLEXMIG_TEST_PROGRAM", "flexmig")
SOURCE = Path(__file__).resolve().parents[2]


class OnSimulatedNode(unittest.TestCase):
    """A state folder of its own, and a flattened node of one A30 with four leaves."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        variables = {"FLEXMIG_STATE_DIR": str(self.folder / "state"), "FLEXMIG_BACKEND": "sim:a30x1"}
        patch = mock.patch.dict(os.environ, variables)
        patch.start()
        self.addCleanup(patch.stop)
        os.environ.pop("FLEXMIG_NCCL_DROPIN", None)
        subprocess.run([PROGRAM, "apply"], check=True, capture_output=True)

    def run_ranks(self, script: str, **arguments: object) -> str:
        """Runs a Python script on leaves, and returns what it wrote to the file $OUT."""
        out = self.folder / "out"
        os.environ["OUT"] = str(out)
        script = "import flexmig, os, array, sys\n" + textwrap.dedent(script)
        code = flexmig.run(
            [sys.executable, "-c", script],
            program=PROGRAM,
            env={**os.environ, "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}"},
            **arguments,  # type: ignore[arg-type]
        )
        self.assertEqual(code, 0)
        return out.read_text()


class LeavesTest(OnSimulatedNode):
    def test_all_leaves_with_their_facts(self) -> None:
        leaves = flexmig.leaves(program=PROGRAM)
        self.assertEqual([leaf.index for leaf in leaves], [0, 1, 2, 3])
        self.assertEqual({leaf.profile for leaf in leaves}, {"1g.6gb"})
        self.assertEqual({leaf.state for leaf in leaves}, {"free"})
        self.assertEqual(len({leaf.uuid for leaf in leaves}), 4)
        self.assertTrue(leaves[0].uuid.startswith("MIG-"))
        self.assertGreater(leaves[0].sms or 0, 0)

    def test_errors_carry_message_and_exit_code(self) -> None:
        with self.assertRaises(flexmig.FlexmigError) as caught:
            flexmig.leaves(backend="sim:none", program=PROGRAM)
        self.assertEqual(caught.exception.exit_code, 4)
        self.assertIn("none", str(caught.exception))

    def test_a_missing_program_is_named(self) -> None:
        with self.assertRaises(flexmig.FlexmigError) as caught:
            flexmig.leaves(program="/no/flexmig")
        self.assertEqual(caught.exception.exit_code, 127)
        self.assertIn("/no/flexmig", str(caught.exception))


class RunTest(OnSimulatedNode):
    def test_exit_codes_pass_through(self) -> None:
        for code in (0, 3, 42):
            ran = flexmig.run(["/bin/sh", "-c", f"exit {code}"], leaves=2, program=PROGRAM)
            self.assertEqual(ran, code)

    def test_arguments_are_not_parsed_by_a_shell(self) -> None:
        out = self.folder / "out"
        argv = ["/bin/sh", "-c", 'printf "%s|" "$@" > "$0"', str(out), "a b", "-n", "$HOME", ""]
        self.assertEqual(flexmig.run(argv, leaves=1, program=PROGRAM), 0)
        self.assertEqual(out.read_text(), "a b|-n|$HOME||")

    def test_sizes_are_one_of_three(self) -> None:
        for sizes in ({}, {"leaves": 1, "like": "1g.6gb"}):
            with self.assertRaises(ValueError):
                flexmig.run(["true"], program=PROGRAM, **sizes)  # type: ignore[arg-type]
        size = ["/bin/sh", "-c", "exit $WORLD_SIZE"]
        self.assertEqual(flexmig.run(size, like="1g.6gb", program=PROGRAM), 1)
        self.assertEqual(flexmig.run(size, gpu_fraction=0.7, program=PROGRAM), 3)

    def test_a_text_is_no_argument_list(self) -> None:
        for argv in ("true", [], b"true"):
            with self.assertRaises(ValueError):
                flexmig.run(argv, leaves=1, program=PROGRAM)  # type: ignore[arg-type]

    def test_collectives_and_environment_are_passed_on(self) -> None:
        env = {**os.environ, "NCCL_HOSTID": "", "SEEN": "yes"}
        script = '[ "$SEEN" = yes ] && [ "$NCCL_HOSTID" = flexmig-job-$RANK ]'
        code = flexmig.run(
            ["/bin/sh", "-c", script],
            leaves=2,
            job_id="job",
            collectives="nccl",
            flags=["--nccl", str(self.old_nccl())],
            env=env,
            program=PROGRAM,
        )
        self.assertEqual(code, 0)

    def old_nccl(self) -> Path:
        """The head of a library of this machine, and NCCL's version text."""
        path = self.folder / "libnccl.so.2"
        head = Path("/bin/sh").read_bytes()[:64]
        path.write_bytes(head + b"NCCL version 2.28.9+cuda13.0\0")
        return path


class EnvTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.library = Path(folder.name) / "libnccl.so.2"
        self.library.write_bytes(b"")
        patch = mock.patch.dict(os.environ, {"FLEXMIG_NCCL_DROPIN": str(self.library)})
        patch.start()
        self.addCleanup(patch.stop)

    def preload(self, base: Dict[str, str]) -> str:
        return flexmig.env(base)["LD_PRELOAD"]

    def test_the_library_goes_in_front(self) -> None:
        self.assertEqual(flexmig.nccl_library(), self.library)
        self.assertEqual(self.preload({}), str(self.library))
        self.assertEqual(self.preload({"LD_PRELOAD": "/x.so /y.so"}), f"{self.library}:/x.so /y.so")
        twice = flexmig.env(flexmig.env({"LD_PRELOAD": "/x.so"}))
        self.assertEqual(twice["LD_PRELOAD"], f"{self.library}:/x.so")

    def test_the_base_is_not_changed(self) -> None:
        base = {"A": "1"}
        self.assertEqual(flexmig.env(base)["A"], "1")
        self.assertEqual(base, {"A": "1"})

    def test_what_cannot_be_preloaded_is_refused(self) -> None:
        os.environ["FLEXMIG_NCCL_DROPIN"] = str(self.library) + ".none"
        with self.assertRaisesRegex(flexmig.FlexmigError, "no file"):
            flexmig.env({})
        blank = self.library.with_name("a b.so")
        blank.write_bytes(b"")
        os.environ["FLEXMIG_NCCL_DROPIN"] = str(blank)
        with self.assertRaisesRegex(flexmig.FlexmigError, "blank"):
            flexmig.env({})


class CollectivesTest(OnSimulatedNode):
    def test_every_collective_moves_what_it_says(self) -> None:
        out = self.run_ranks(
            """
            with flexmig.Communicator.from_environment() as world:
                r, n = world.rank, world.world_size
                a = array.array("f", [r + 1.0, 10.0 * r])
                world.all_reduce(a)
                assert a.tolist() == [n * (n + 1) / 2, 10.0 * n * (n - 1) / 2], a
                a, b = array.array("i", [r, -r]), array.array("i", [9, 9])
                world.all_reduce(a, b, op="max")
                assert (a.tolist(), b.tolist()) == ([r, -r], [n - 1, 0])
                b = array.array("i", [0])
                world.reduce_scatter(array.array("i", range(n)), b)
                assert b.tolist() == [n * r]
                b = array.array("q", [0] * n)
                world.all_gather(array.array("q", [r * r]), b)
                assert b.tolist() == [i * i for i in range(n)]
                world.gather(array.array("q", [r]), b if r == 1 else None, root=1)
                assert r != 1 or b.tolist() == list(range(n))
                a = bytearray(b"root!" if r == 2 else b"-----")
                world.broadcast(a, root=2)
                assert a == b"root!"
                a = array.array("d", [0.0])
                world.scatter(array.array("d", range(n)) if r == 0 else None, a)
                assert a[0] == r
                b = array.array("h", [0] * n)
                world.all_to_all(
                    array.array("h", [10 * r + p for p in range(n)]), b, dtype="float16")
                assert b.tolist() == [10 * p + r for p in range(n)]
                a = array.array("I", [r])
                world.reduce(a, root=0, op="sum")
                assert r != 0 or a[0] == n * (n - 1) // 2
                if r == 0:
                    world.send(b"hello", 1)
                if r == 1:
                    a = bytearray(5)
                    world.receive(a, 0)
                    assert a == b"hello"
                pair = world.split(r // 2, key=-r)
                assert (pair.rank, pair.world_size) == (1 - r % 2, 2)
                pair.close()
                assert world.split(-1 if r else 0) is None or r == 0
                world.barrier()
                world.check()
                if r == 0:
                    open(os.environ["OUT"], "w").write("done")
            """,
            leaves=4,
        )
        self.assertEqual(out, "done")

    def test_errors_have_a_code_and_name_the_mend(self) -> None:
        with self.assertRaises(flexmig.CollectiveError) as caught:
            with mock.patch.dict(os.environ):
                os.environ.pop("FLEXMIG_SEGMENT", None)
                flexmig.Communicator.from_environment(
                    library=flexmig.coll_library(program=PROGRAM)
                )
        self.assertEqual(caught.exception.code, "NOT_FOUND")
        self.assertIn("flexmig run", str(caught.exception))

    def alone(self) -> flexmig.Communicator:
        library = flexmig.coll_library(program=PROGRAM)
        world = flexmig.Communicator.create("alone", 0, 1, library=library)
        self.addCleanup(world.close)
        return world

    def test_buffers_that_do_not_fit_are_refused(self) -> None:
        world = self.alone()
        with self.assertRaisesRegex(ValueError, "read-only"):
            world.all_reduce(b"1234")
        with self.assertRaisesRegex(ValueError, "whole number of float64"):
            world.all_reduce(bytearray(12), dtype="float64")
        with self.assertRaisesRegex(ValueError, "send has 2 elements and receive 3"):
            world.all_reduce(array.array("f", [1, 2]), array.array("f", [1, 2, 3]))
        with self.assertRaisesRegex(ValueError, "send holds float32, receive float64"):
            world.all_reduce(array.array("f", [1]), array.array("d", [1]))
        with self.assertRaisesRegex(ValueError, "no element type 'complex'"):
            world.all_reduce(bytearray(8), dtype="complex")
        with self.assertRaisesRegex(ValueError, "no reduction 'xor'"):
            world.all_reduce(bytearray(8), op="xor")
        with self.assertRaisesRegex(ValueError, "not contiguous"):
            world.all_reduce(memoryview(bytearray(8))[::2])
        with self.assertRaisesRegex(ValueError, "dtype="):
            world.all_reduce(array.array("h", [1]))

    def test_empty_buffers_are_allowed(self) -> None:
        self.alone().all_reduce(array.array("f"))

    def test_a_closed_one_says_so(self) -> None:
        world = self.alone()
        world.close()
        world.close()
        with self.assertRaisesRegex(ValueError, "closed"):
            world.barrier()

    def test_abort_reaches_every_call(self) -> None:
        world = self.alone()
        world.abort("enough")
        with self.assertRaises(flexmig.CollectiveError) as caught:
            world.check()
        self.assertEqual(caught.exception.code, "ABORTED")
        self.assertIn("enough", str(caught.exception))

    def test_numpy_arrays_are_taken(self) -> None:
        try:
            import numpy  # type: ignore[import-not-found]
        except ImportError:
            self.skipTest("no NumPy here")
        data = numpy.arange(6, dtype=numpy.float32).reshape(2, 3)
        self.alone().all_reduce(data, op="avg")
        self.assertEqual(data.tolist(), [[0, 1, 2], [3, 4, 5]])
        half = numpy.ones(3, dtype=numpy.float16)
        self.alone().all_reduce(half)
        self.assertEqual(half.tolist(), [1, 1, 1])


class SourceTest(unittest.TestCase):
    def test_the_version_is_the_projects(self) -> None:
        if not (SOURCE / "VERSION").exists():
            self.skipTest("not in the source tree")
        text = (SOURCE / "python" / "pyproject.toml").read_text()
        version = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
        assert version is not None
        self.assertEqual(version.group(1), (SOURCE / "VERSION").read_text().strip())

    def test_the_numbers_are_those_of_the_header(self) -> None:
        header_path = SOURCE / "src/coll/include/flexmig/coll/c_api.h"
        if not header_path.exists():
            self.skipTest("not in the source tree")
        from flexmig import _collectives

        numbers = dict(re.findall(r"FLEXMIG_([A-Z0-9_]+) = (\d+)", header_path.read_text()))
        for i, name in enumerate(_collectives._STATUS_NAMES):
            self.assertEqual(numbers.pop(name), str(i))
        for name, (number, _) in _collectives._TYPES.items():
            self.assertEqual(numbers.pop(name.upper()), str(number))
        for name, number in _collectives._OPS.items():
            self.assertEqual(numbers.pop(name.upper()), str(number))
        self.assertEqual(set(numbers), {"PREMUL_SUM"}, "names that Python does not know")


if __name__ == "__main__":
    unittest.main()
