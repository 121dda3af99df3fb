"""The command as a process: help, exit codes, signals, pipes, closed streams, bare environments."""
import fcntl
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import termios
import time
import unittest

from driver import (BUNDLED, COMMANDS, CommandTest, DONE, FAILED, INTERRUPTED, METALLIC,
                    ROOT, TIMEOUT_SECONDS, USAGE, environment, run, schema, take_interrupts,
                    tap)


class Help(CommandTest):
    def test_every_subcommand_has_help_of_at_most_80_columns(self):
        texts = {self.done(*name, flag).text
                 for name in ((), *((c,) for c in COMMANDS), ("completions",))
                 for flag in ("--help", "-h")}
        self.assertEqual(len(texts), len(COMMANDS) + 2)
        for text in texts:
            self.assertTrue(text.startswith("Usage: metallic "))
            self.assertTrue(text.endswith("\n"))
            self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_the_main_help_lists_subcommands_and_variables(self):
        text = self.done("--help").text
        for name in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {name} ")
        for name in ("METALLIC_BACKEND", "METALLIC_THREADS", "FORCE_MATMUL_BACKEND",
                     "METALLIC_MAX_CONTEXT_LEN"):
            self.assertIn(name, text)
        self.assertNotIn("completions", text)

    def test_the_flags_of_the_contract_are_there(self):
        text = self.done("--help").text
        for flag in ("gguf-path prompt system max-tokens temperature top-k top-p min-p "
                     "repeat-penalty presence-penalty frequency-penalty repeat-last-n seed "
                     "context-length kv-type threads matmul backend output-format raw logprobs "
                     "stop prompt-file").split():
            self.assertRegex(text, rf"--{flag}\b")

    def test_help_is_a_word_too(self):
        self.assertEqual(self.done("help").text, self.done("--help").text)
        self.assertEqual(self.done("help", "bench").text, self.done("bench", "--help").text)
        self.fails(USAGE, "help", "nothing", says="unknown subcommand")

    def test_help_needs_no_model_and_no_sound_environment(self):
        self.done("--help", env={"METALLIC_THREADS": "many"})
        self.done("--gguf-path", "/absent", "--help")

    def test_the_version_is_that_of_the_project(self):
        build = (ROOT / "meson.build").read_text()
        version = re.search(r"version : '([^']+)'", build).group(1)
        self.assertEqual(self.done("--version").text, f"metallic {version}\n")
        self.assertEqual(self.done("tokenize", "--version").text, f"metallic {version}\n")
        self.assertEqual(self.done("--raw", "--version").text, f"metallic {version}\n")
        self.assertIn(f'"metallic {version}"', (ROOT / "docs" / "metallic.1").read_text())

    def test_an_unknown_subcommand_suggests_the_nearest(self):
        self.fails(USAGE, "tokenise", says=("tokenise", "did you mean tokenize?"))
        self.fails(USAGE, "inspekt", "x", says="did you mean inspect?")
        found = self.fails(USAGE, "zebra", says=("zebra", "--help"))
        self.assertNotIn(b"did you mean", found.err)

    def test_the_manual_tells_of_every_flag_subcommand_and_variable(self):
        manual = (ROOT / "docs" / "metallic.1").read_text().replace("\\-", "-")
        for name in re.findall(r"(?m)^  ([A-Z_]{8,})\b", self.done("--help").text):
            self.assertIn(f".B {name}\n", manual)
        for name in COMMANDS:
            self.assertRegex(manual, rf"(?m)^\.SS {name}\b")
        for name in ((), *((c,) for c in COMMANDS)):
            text = self.done(*name, "--help").text
            for flag in re.findall(r"(?m)^  (?:-\w, |    )(--[a-z-]+)", text):
                self.assertRegex(manual, rf"{flag}\b", name)

    def test_the_manual_names_no_flag_that_is_not_there(self):
        manual = (ROOT / "docs" / "metallic.1").read_text().replace("\\-", "-")
        known = "".join(self.done(*name, "--help").text
                        for name in ((), *((c,) for c in COMMANDS)))
        for flag in set(re.findall(r"--[a-z][a-z-]+", manual)):
            self.assertRegex(known, rf"{flag}\b")

    def test_groff_reads_the_manual_without_a_warning(self):
        if shutil.which("groff") is None:
            self.skipTest("groff is not installed")
        done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", ROOT / "docs" / "metallic.1"],
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"METALLIC", done.stdout.upper())


class Completions(CommandTest):
    def complete(self, *words):
        """What bash offers for the last of the words."""
        script = self.file("completion.bash", self.done("completions", "bash").out)
        code = (f"source {script}; COMP_WORDS=(metallic \"$@\"); COMP_CWORD=$#; _metallic; "
                "printf '%s\\n' \"${COMPREPLY[@]}\"")
        done = subprocess.run(["bash", "-c", code, "bash", *words], capture_output=True, check=True,
                              text=True, cwd=self.folder)
        self.assertEqual(done.stderr, "")
        return done.stdout.split("\n")[:-1]

    def test_bash_accepts_the_script_and_offers_what_fits(self):
        script = self.file("c.bash", self.done("completions", "bash").out)
        subprocess.run(["bash", "-n", script], check=True)
        self.assertEqual(self.complete("tok"), ["tokenize"])
        self.assertEqual(self.complete("--temp"), ["--temperature"])
        self.assertEqual(self.complete("--output-format", "j"), ["json", "jsonl"])
        self.assertEqual(self.complete("-o", "t"), ["tui", "text"])
        self.assertEqual(self.complete("--output-format", "=", "n"), ["none"])
        self.assertEqual(self.complete("--backend", ""), ["auto", "cpu", "metal"])
        self.assertEqual(self.complete("--matmul", ""), ["auto", "native", "vendor", "mlx", "mps"])
        self.assertEqual(self.complete("inspect", "--p"), ["--program"])
        self.assertEqual(self.complete("inspect", "--temp"), [""])
        self.file("a model.gguf", b"")
        self.assertEqual(self.complete("--gguf-path", "a m"), ["a model.gguf"])
        self.assertEqual(self.complete("inspect", "a"), ["a model.gguf"])

    def test_zsh_accepts_the_script(self):
        script = self.file("_metallic", self.done("completions", "zsh").out)
        self.assertTrue(script.read_bytes().startswith(b"#compdef metallic\n"))
        if shutil.which("zsh") is None:
            self.skipTest("zsh is not installed")
        done = subprocess.run(["zsh", "-n", script], capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_both_scripts_know_every_flag(self):
        for shell in ("bash", "zsh"):
            script = self.done("completions", shell).text
            for name in ((), *((c,) for c in COMMANDS)):
                text = self.done(*name, "--help").text
                for flag in re.findall(r"(?m)^  (?:-\w, |    )(--[a-z-]+)", text):
                    self.assertIn(flag, script)

    def test_another_shell_is_bad_usage(self):
        self.fails(USAGE, "completions", "fish", says=("fish", "bash or zsh"))
        self.fails(USAGE, "completions")


class Streams(CommandTest):
    def start(self, arguments, **options):
        return subprocess.run([METALLIC, *map(str, arguments)], check=False, env=environment(),
                              timeout=TIMEOUT_SECONDS, **options)

    def test_a_full_disk_is_a_failure_with_one_line(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full on this system")
        for arguments in (("--version",), ("--help",), ("inspect",), ("-p", "hello"),
                          ("tokenize", "x"), ("-p", "hello", "-o", "json"),
                          ("-p", "hello", "-o", "jsonl"), ("detokenize", "1"),
                          ("completions", "bash")):
            with open("/dev/full", "wb") as full:
                done = self.start(arguments, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, FAILED, arguments)
            self.assertEqual(done.stderr, b"metallic: standard output: No space left on device\n")

    def test_a_reader_that_leaves_ends_it_quietly(self):
        for arguments in (("--help",), ("inspect", "--json"), ("-p", "hello"),
                          ("-m", self.tiny(), "--raw", "-p", "x", "--ignore-end", "-o", "jsonl")):
            reading, writing = os.pipe()
            os.close(reading)
            done = self.start(arguments, stdout=writing, stderr=subprocess.PIPE)
            os.close(writing)
            self.assertEqual((done.returncode, done.stderr), (FAILED, b""), arguments)

    def test_head_takes_one_line_and_generation_ends(self):
        command = (f'"{METALLIC}" -m "{self.tiny()}" --raw -p x --ignore-end -o jsonl | head -n 1; '
                   'echo "${PIPESTATUS[0]}"')
        done = subprocess.run(["bash", "-c", command], capture_output=True, check=True,
                              timeout=TIMEOUT_SECONDS, env=environment())
        lines = done.stdout.splitlines()
        self.assertEqual(json.loads(lines[0])["event"], "start")
        self.assertEqual((lines[1:], done.stderr), ([b"1"], b""))

    def test_closed_streams_fail_as_such_and_are_not_mixed_up_with_files(self):
        shell = f'exec "{METALLIC}" "$@"'
        for closing, arguments, expected in (
                (">&-", ("--version",), (FAILED, b"")),
                (">&-", ("-p", "hello"), (FAILED, b"")),
                ("<&-", ("-p", "hello"), (DONE, None)),
                ("<&-", (), (FAILED, b"")),
                ("2>&-", ("-p", "hello"), (DONE, None)),
                ("2>&-", ("-m", "/absent", "-p", "x"), (FAILED, b"")),
                ("<&- 2>&-", ("inspect",), (DONE, None))):
            done = subprocess.run(["sh", "-c", f"{shell} {closing}", "sh", *arguments],
                                  capture_output=True, check=False, timeout=TIMEOUT_SECONDS,
                                  env=environment())
            self.assertEqual(done.returncode, expected[0], (closing, arguments, done.stderr))
            if expected[1] is not None:
                self.assertEqual(done.stdout, expected[1])
            if "2>" not in closing and done.returncode == FAILED:
                self.assertIn(b"Bad file descriptor", done.stderr)

    def test_it_needs_nothing_from_the_environment(self):
        plain = self.done("-p", "hello", "-o", "json").json["text"]
        for bare in ({}, {"LC_ALL": "C"}, {"LC_ALL": "de_DE.UTF-8", "TERM": "dumb"},
                     {"HOME": "/absent", "LC_ALL": "absent"}):
            result = self.done("-p", "hello", "-o", "json", "--temperature", "0.5", "--top-k", 1,
                               env=bare)
            self.assertEqual(result.json["text"], plain)
            self.assertEqual(result.json["settings"]["temperature"], 0.5)

    def test_no_program_name_is_no_crash(self):
        code = ("import os, sys; os.execve(sys.argv[1], [], {})")
        done = subprocess.run(["/usr/bin/python3", "-c", code, METALLIC], capture_output=True,
                              check=False, input=b"hello", timeout=TIMEOUT_SECONDS)
        # Linux gives the program one empty argument; other systems refuse.
        self.assertIn(done.returncode, (DONE, FAILED, USAGE))


class Interrupts(CommandTest):
    """Ctrl-C. The command writes into a pipe that nobody reads and that holds one page: when it is
    full, the command stands still within the callback of one token, and what it does after the
    signal can be counted."""

    def start(self, form, stdout, preexec=take_interrupts, model=None, flags=()):
        return subprocess.Popen(
            [METALLIC, "-m", str(model or self.tiny()), "--raw", "-p", "hello", "--ignore-end",
             "-o", form, *flags],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, env=environment(),
            preexec_fn=preexec)

    def stand_still(self, form, filled=0):
        """(process, read end, bytes in the pipe) with the process blocked in a write. The pipe
        begins with `filled` bytes."""
        if not hasattr(fcntl, "F_SETPIPE_SZ"):
            self.skipTest("needs Linux, where a pipe can be made small")
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        os.write(writing, b"." * filled)
        process = self.start(form, writing)
        self.addCleanup(process.stderr.close)
        os.close(writing)
        deadline, before, same = time.monotonic() + TIMEOUT_SECONDS, -1, 0
        while same < 10:  # half a second without news
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
            held = struct.unpack("i", fcntl.ioctl(reading, termios.FIONREAD, b"\0" * 4))[0]
            same, before = (same + 1, held) if held == before and held > filled else (0, held)
        self.assertIsNone(process.poll())
        return process, reading, before

    @staticmethod
    def drain(reading):
        parts = []
        while part := os.read(reading, 65536):
            parts.append(part)
        return b"".join(parts)

    def test_it_stops_within_one_token_and_keeps_what_it_has(self):
        process, reading, held = self.stand_still("jsonl")
        process.send_signal(signal.SIGINT)
        out = self.drain(reading)
        self.assertEqual(process.wait(TIMEOUT_SECONDS), INTERRUPTED)
        self.assertEqual(process.stderr.read(), b"")
        events = [json.loads(line) for line in out.decode().splitlines()]
        after = [json.loads(line) for line in out[held:].decode().splitlines()]
        # The token at hand, perhaps a text that was held back, and the end.
        self.assertEqual(after[0]["event"], "token")
        self.assertIsNotNone(after[0]["id"])
        self.assertTrue(all(e["id"] is None for e in after[1:-1]), after)
        self.assertEqual((events[-1]["event"], events[-1]["finish"]), ("end", "interrupted"))
        ids = [e["id"] for e in events if e.get("id") is not None]
        self.assertEqual(events[-1]["usage"]["generated_tokens"], len(ids))
        whole = self.done("-m", self.tiny(), "--raw", "-p", "hello", "--ignore-end", "-n",
                          len(ids), "-o", "json").json
        self.assertEqual(whole["tokens"], ids)

    def test_the_second_one_kills(self):
        process, reading, _ = self.stand_still("jsonl")
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(TIMEOUT_SECONDS), -signal.SIGINT)
        self.drain(reading)

    def interrupted_early(self, form):
        """Both outputs of a run that got SIGINT while it generated: it tells of each of its 2000
        steps, more than a pipe holds, so it cannot end before the log is read."""
        process = self.start(form, subprocess.PIPE, model=BUNDLED, flags=["-vvv"])
        while b"step: 1 tokens" not in process.stderr.readline():
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT_SECONDS)
        self.assertEqual(process.returncode, INTERRUPTED, err[-500:])
        return out, err

    def test_json_is_whole_and_text_is_a_prefix(self):
        out, err = self.interrupted_early("json")
        document = json.loads(out)
        self.assertNotIn(b"] error: ", err)
        self.assertEqual(document["finish"], "interrupted")
        self.assertEqual(document["usage"]["generated_tokens"], len(document["tokens"]))
        process, reading, _ = self.stand_still("text", filled=4000)
        process.send_signal(signal.SIGINT)
        text = self.drain(reading)[4000:]
        self.assertEqual(process.wait(TIMEOUT_SECONDS), INTERRUPTED)
        self.assertEqual(process.stderr.read(), b"")
        whole = run("-m", self.tiny(), "--raw", "-p", "hello", "--ignore-end", "-o", "text").out
        self.assertTrue(whole.startswith(text[:-1]))
        self.assertEqual(text[-1:], b"\n")

    def test_an_ignored_signal_stays_ignored(self):
        process = self.start("json", subprocess.PIPE,
                             preexec=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=TIMEOUT_SECONDS)
        self.assertEqual(process.returncode, DONE)
        self.assertEqual(json.loads(out)["finish"], "context")


class RandomArguments(CommandTest):
    def test_whatever_the_arguments_the_end_is_orderly(self):
        flags = re.findall(r"(?m)^  (?:(-\w), |    )(--[a-z-]+)", "".join(
            self.done(*name, "--help").text for name in ((), *((c,) for c in COMMANDS))))
        flags = sorted({flag for pair in flags for flag in pair if flag})
        values = ["", "-", "--", "=", "0", "-1", "1", "2", "1e999", "99999999999999999999", "x",
                  "\u00e9\U0001f600", "a\nb", "\x1b[2J", "%s%n", "json", "jsonl", "/dev/null", ".",
                  str(self.tiny()), "A" * 5000]
        random_ = random.Random(2026)
        codes = set()
        for _ in range(250):
            arguments = [random_.choice(COMMANDS[:-1])] if random_.random() < 0.6 else []
            for _ in range(random_.randrange(6)):
                kind = random_.random()
                if kind < 0.45:
                    arguments += [random_.choice(flags), random_.choice(values)]
                elif kind < 0.7:
                    arguments.append(f"{random_.choice(flags)}={random_.choice(values)}")
                elif kind < 0.85:
                    arguments.append(random_.choice(flags))
                else:
                    arguments.append(random_.choice(values))
            result = subprocess.run([METALLIC, *arguments], capture_output=True, check=False,
                                    timeout=TIMEOUT_SECONDS, env=environment(), input=b"[1]",
                                    cwd=self.folder)
            codes.add(result.returncode)
            self.assertIn(result.returncode, (DONE, FAILED, USAGE), (arguments, result.stderr))
            if result.returncode != DONE:
                self.assertRegex(result.stderr, rb"\Ametallic: [^\n]+\n\Z", arguments)
        self.assertEqual(codes, {DONE, FAILED, USAGE})


class HostileFiles(CommandTest):
    def both(self, path, *says):
        """Refused by everything that opens a model."""
        for arguments in (("-m", path, "-p", "x"), ("inspect", path), ("inspect", path, "--json"),
                          ("tokenize", "-m", path, "x"), ("detokenize", "-m", path, "1"),
                          ("logits", "-m", path, "--tokens", "1", "-o", self.folder / "o.npy"),
                          ("perplexity", "-m", path, "--file", __file__),
                          ("inspect", path, "--program")):
            out = None if "--json" in arguments else b""
            self.fails(FAILED, *arguments, says=says, out=out)
        self.assertFalse((self.folder / "o.npy").exists())
        self.assertEqual([p for p in self.folder.iterdir() if "part" in p.name], [])

    def test_what_is_no_file_is_refused_by_name(self):
        self.both(self.folder / "absent.gguf", "absent.gguf", "No such file")
        self.both(self.folder, str(self.folder))

    def test_what_is_no_model_is_refused_by_name(self):
        for name, content in (("empty", b""), ("four", b"GGUF"), ("text", b"hello world\n" * 99),
                              ("zeros", bytes(4096)), ("magic", b"GGUF" + b"\xff" * 400)):
            self.both(self.file(name, content), name)

    def test_a_model_cut_anywhere_is_refused(self):
        whole = self.tiny("q8_0").read_bytes()
        for keep in (5, 23, 24, 100, 1000, len(whole) // 2, len(whole) - 1):
            path = self.file(f"cut-{keep}", whole[:keep])
            self.fails(FAILED, "-m", path, "-p", "x", says=f"cut-{keep}")
            self.fails(FAILED, "inspect", path, says=f"cut-{keep}")

    def test_a_model_truncated_while_it_runs_ends_with_one_line_and_whole_documents(self):
        for form in ("text", "json", "jsonl"):
            path = self.file("used.gguf", BUNDLED.read_bytes())
            # It tells of each of its 2000 steps, more than a pipe holds: it cannot end before.
            process = subprocess.Popen(
                [METALLIC, "-m", path, "-p", "hello", "--ignore-end", "-vvv", "-o", form,
                 "--backend", "cpu"],
                env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            while b"step: 1 tokens" not in process.stderr.readline():
                self.assertIsNone(process.poll())
            os.truncate(path, 4096)
            out, err = process.communicate(timeout=TIMEOUT_SECONDS)
            self.assertEqual(process.returncode, FAILED, err[-500:])
            last = err.splitlines()[-1].decode()
            self.assertRegex(last, "^metallic: a file in use cannot be read any more")
            if form == "text":
                continue
            documents = [json.loads(line) for line in out.decode().splitlines()]
            self.assertEqual(documents[-1]["error"],
                             {"code": "MET_E_IO", "text": last.removeprefix("metallic: ")})
            for document in documents:
                schema.check(document)

    def test_a_model_truncated_under_logits_leaves_no_part_of_a_file(self):
        path, out = self.file("used.gguf", BUNDLED.read_bytes()), self.folder / "half.npy"
        process = subprocess.Popen(
            [METALLIC, "logits", "-m", path, "--backend", "cpu", "--threads", "1", "--tokens",
             ",".join(map(str, range(2000))), "-o", out],
            env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not list(self.folder.glob("half.npy.part-*")):  # made before the first token
            self.assertIsNone(process.poll())
        os.truncate(path, 4096)
        output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
        self.assertEqual((process.returncode, output), (FAILED, b""))
        self.assertRegex(errors, rb"\Ametallic: a file in use cannot be read any more[^\n]*\n\Z")
        self.assertEqual(list(self.folder.glob("half*")), [])

    def test_a_file_that_may_not_grow_is_a_failure_with_one_line(self):
        out = self.folder / "limited.gguf"
        done = subprocess.run([METALLIC, "synth", "tiny", "f16", str(out)], env=environment(),
                              capture_output=True, check=False, timeout=TIMEOUT_SECONDS,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                                    (4096, 4096)))
        self.assertEqual((done.returncode, done.stderr.decode()),
                         (FAILED, f"metallic: {out}: cannot write: File too large\n"))
        self.assertEqual(list(self.folder.glob("limited*")), [])

    def test_an_unreadable_file_is_refused(self):
        if os.geteuid() == 0:
            self.skipTest("runs as root, who may read everything")
        path = self.file("secret", b"GGUF")
        path.chmod(0)
        self.both(path, "Permission denied")

    def test_a_name_with_control_characters_does_not_reach_the_terminal(self):
        path = pathlib.Path(os.fsdecode(os.fsencode(self.folder) + b"/a\x1b[2J\nb"))
        self.fails(FAILED, "-m", path, "-p", "x")


if __name__ == "__main__":
    tap.main()
