"""Runs kernels for the simulator's tests: builds `drive` in the three build modes and calls it.

Owns: where things are built (MSLC_TEST_FOLDER, or a folder of the system's temporary one) and how
arrays become buffers. Test programs skip where clang-16 is missing: `reason_to_skip()`.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
COMPILER = HERE / "mslc"
FOLDER = pathlib.Path(os.environ.get(
    "METALSIM_TEST_FOLDER", pathlib.Path(tempfile.gettempdir()) / f"metalsim-{os.getuid()}"))
SOURCES = [HERE / f"{name}.c" for name in (
    "compiler", "executor", "fault", "fiber", "group", "group_memory", "library", "schedule",
    "traffic")]
MODES = {"plain": ([], []), "address": (["-DSIM_ASAN"], ["-fsanitize=address"]),
         "thread": (["-DSIM_TSAN"], ["-fsanitize=thread"])}
FLAGS = ["-std=gnu11", "-O2", "-g", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wshadow",
         "-Wconversion", "-Wmissing-prototypes", "-Wwrite-strings", "-Wundef", "-Wvla",
         "-Wstrict-prototypes", "-Wpedantic"]


def reason_to_skip():
    return None if shutil.which("clang-16") else "needs clang-16: tools/setup metal"


def build(name, sources, mode="plain", libraries=()):
    """Compile the executor with a program; what is newer than its sources stays."""
    defines, sanitizer = MODES[mode]
    folder = FOLDER / mode
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    inputs = [*HERE.glob("*.[ch]"), *sources]
    if program.exists() and all(program.stat().st_mtime > path.stat().st_mtime for path in inputs):
        return program
    objects = []
    for path in SOURCES:
        objects.append(folder / f"{name}-{path.stem}.o")
        subprocess.run(["clang-16", "-c", *FLAGS, "-fno-builtin", *defines, path, "-o", objects[-1]],
                       check=True)
    part = program.with_suffix(f".{os.getpid()}")
    subprocess.run(["clang-16", *FLAGS, *sanitizer, *defines, f"-I{HERE}", "-rdynamic", *sources,
                    *objects, "-o", part, *libraries, "-lpthread", "-ldl"], check=True)
    part.rename(program)
    return program


class Result:
    """What a run printed, and its buffers afterwards."""

    def __init__(self, done, arrays):
        self.status, self.output, self.complaints = done.returncode, done.stdout, done.stderr
        self.arrays = arrays

    @property
    def ok(self):
        return self.status == 0

    def __repr__(self):
        return f"exit {self.status}\n{self.output}{self.complaints[:4000]}"


def dispatch(kernel, grid, group, buffers=None, memory=None, constants=None):
    """One --kernel of drive; buffers are {slot: name of an array}."""
    command = ["--kernel", kernel, "--grid", ",".join(map(str, np.atleast_1d(grid))),
               "--group", ",".join(map(str, np.atleast_1d(group)))]
    for slot, name in (buffers or {}).items():
        command += ["--buffer", f"{slot}={name}"]
    for slot, count in (memory or {}).items():
        command += ["--memory", f"{slot}={count}"]
    for index, value in (constants or {}).items():
        command += ["--constant", f"{index}:{value}"]
    return command


def run(source, dispatches, arrays, mode="plain", options=(), cache=None):
    """Run dispatches of a source (a path) on arrays by name; see dispatch()."""
    program = build("drive", [HERE / "drive.c"], mode)
    with tempfile.TemporaryDirectory() as folder:
        for name, array in arrays.items():
            np.ascontiguousarray(array).tofile(f"{folder}/{name}")
        done = subprocess.run(
            [program, "--compiler", COMPILER, "--cache", cache or FOLDER / "cache", "--source", source,
             *options, *(word for words in dispatches for word in words)],
            cwd=folder, capture_output=True, text=True, errors="replace", check=False,
            env={**os.environ, "TSAN_OPTIONS": "exitcode=66", "ASAN_OPTIONS": "exitcode=67"})
        after = {name: np.fromfile(f"{folder}/{name}", dtype=array.dtype).reshape(array.shape)
                 for name, array in arrays.items()}
    return Result(done, after)
