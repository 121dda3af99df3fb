"""mslc: a Metal source to a shared object for the simulator's executor.

    python3 tests/metalsim/mslc SOURCE.metal -o LIBRARY.so [options]

Owns: the stages and the compiler's flags. The stages: clang's preprocessor with stubs for Metal's
headers; rewriting; the check pass (address spaces, nothing generated) and the compilation, side by
side. Messages name the lines of the source. Exit status 0, or 1 with messages on stderr.
"""
import argparse
import pathlib
import platform
import subprocess
import sys
import tempfile

import check
import reader
import rewriter
import writer
from lexer import SourceError, lex, text_of

HERE = pathlib.Path(__file__).resolve().parent
CLANG = "clang++-16"
LANGUAGE = ["-xc++", "-std=c++14"]
# Metal 3.0: what METAL.md names as the floor.
DEFINES = ["-D__METAL__=1", "-D__METAL_VERSION__=300", "-D__METAL_MACOS__=1"]
# Half in float registers would keep more bits than half has, and char is signed everywhere.
PROCESSOR = {"x86_64": ["-mavx2", "-mf16c", "-mfma", "-Xclang",
                        "-ffloat16-excess-precision=none"]}.get(platform.machine(), [])
# Values that nobody set are errors in any compiler; what is only suspicious is the author's affair.
WARNINGS = ["-Wno-everything", "-Werror=uninitialized", "-Werror=sometimes-uninitialized",
            "-Werror=return-type", "-ferror-limit=20"]
# Barriers are told apart by who calls them: a function that contains one must not be called from two
# copies of the same line, nor end in a jump to the barrier.
OPTIMISED = ["-O2", "-g1", "-fPIC", "-shared", "-fno-exceptions", "-fno-rtti",
             "-fconvergent-functions", "-fno-optimize-sibling-calls",
             "-fno-math-errno", "-fvisibility=hidden", "-fsigned-char"]
# Calls before every access of any size, answered by the executor (traffic.c). Accesses are counted
# as written: no vectorisation over iterations, no merging of equal reads.
COUNTED = ["-fsanitize=kernel-address", "-fno-vectorize", "-fno-slp-vectorize"] + [
    word for flag in (
        "-asan-instrumentation-with-call-threshold=0", "-asan-stack=0", "-asan-globals=0",
        "-asan-opt-same-temp=0", "-asan-kernel-mem-intrinsic-prefix=1") for word in ("-mllvm", flag)]
# A stack of fakes for every fiber, to catch pointers to locals that outlive them, costs memory and
# time; kernels have no such pointers to hand out.
SANITIZERS = {
    "none": [],
    "thread": ["-fsanitize=thread"],
    "address": ["-fsanitize=address,alignment,bounds", "-fno-sanitize-recover=alignment,bounds",
                "-fsanitize-address-use-after-return=never"],
    "count": COUNTED,
}


def arguments():
    parser = argparse.ArgumentParser(prog="mslc", description=__doc__.split("\n", 1)[0])
    parser.add_argument("source")
    parser.add_argument("-o", dest="output", help="shared object; left out: only check")
    parser.add_argument("-D", dest="defines", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("-I", dest="folders", action="append", default=[], metavar="FOLDER")
    parser.add_argument("--name", default="program_source", help="of the source in messages")
    parser.add_argument("--mode", choices=sorted(SANITIZERS), default="none")
    parser.add_argument("--fast-math", action="store_true")
    parser.add_argument("--no-check", action="store_true")
    parser.add_argument("--keep", metavar="FILE", help="write the rewritten source there")
    return parser.parse_args()


def preprocess(options):
    """The source without comments and macros; None after a message."""
    source = pathlib.Path(options.source).read_text(encoding="utf-8")
    command = [CLANG, "-E", *LANGUAGE, "-nostdinc", f"-I{HERE}/shim/include", *DEFINES,
               *(f"-D{define}" for define in options.defines),
               *(f"-I{folder}" for folder in options.folders), "-w", "-"]
    done = subprocess.run(command, input=f'# 1 "{options.name}"\n{source}', text=True,
                          capture_output=True, check=False)
    sys.stderr.write(done.stderr)
    return done.stdout if done.returncode == 0 else None


def start(command, text):
    """Begin; the input is a file, so that several run at once without anybody feeding them."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as code:
        code.write(text)
        code.seek(0)
        return subprocess.Popen(command, stdin=code, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)


def compile_command(options):
    math = ["-ffp-contract=fast", "-fassociative-math", "-fno-signed-zeros",
            "-fno-trapping-math"] if options.fast_math else ["-ffp-contract=off"]
    return [CLANG, *LANGUAGE, "-include", f"{HERE}/shim/msl.h", *WARNINGS, *OPTIMISED, *PROCESSOR,
            *math, *SANITIZERS[options.mode], "-o", options.output, "-", "-lm"]


def check_command():
    return [CLANG, *LANGUAGE, "-DSIM_CHECK", "-include", f"{HERE}/shim/msl.h", *WARNINGS,
            "-Wno-undefined-inline", "-fsyntax-only", "-"]


def main():
    options = arguments()
    text = preprocess(options)
    if text is None:
        return 1
    tasks = []
    try:
        tokens = lex(text)
        program = reader.read(tokens)
        if not options.no_check:
            check.check(tokens)
            tasks.append((check_command(), text_of(rewriter.rewrite(lex(text), check=True))))
        if options.output:
            code = text_of(rewriter.rewrite(tokens, check=False)) + writer.tables(program)
            if options.keep:
                pathlib.Path(options.keep).write_text(code, encoding="utf-8")
            tasks.append((compile_command(options), code))
    except SourceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    running = [start(*task) for task in tasks]
    for process in running:
        output, _ = process.communicate()
        sys.stderr.write(output)
        if process.returncode != 0:  # the others would say the same again
            for other in running:
                if other.poll() is None:
                    other.kill()
                    other.wait()
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
