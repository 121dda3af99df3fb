"""What the command measures about itself: files of spans, traces, the summary on standard error."""
import json
import os
import pty
import re
import signal
import subprocess
import time
import unittest

from driver import (CommandTest, DONE, METALLIC, TIMEOUT_SECONDS, environment, run, schema, tap)

ASK = ("-p", "What is 17 + 25?")
STEPS = ("prefill", "decode")


class MetricsTest(CommandTest):
    def measured(self, *arguments, **variables):
        """A run that writes both files: (its result, lines of JSON, events of the trace)."""
        lines, trace = self.folder / "m.jsonl", self.folder / "t.json"
        result = self.done(*arguments, env=environment(
            METALLIC_METRICS_JSONL_PATH=str(lines), METALLIC_TRACE_PATH=str(trace), **variables))
        return result, self.lines_of(lines), json.loads(trace.read_text())

    @staticmethod
    def lines_of(path):
        found = [json.loads(line) for line in path.read_text().splitlines()]
        for line in found:
            schema.check(line)
        return found

    @staticmethod
    def of(lines, kind):
        return [line for line in lines if line["event"] == kind]


class Lines(MetricsTest):
    @unittest.skipIf(schema.jsonschema is None, "needs python3-jsonschema")
    def test_every_line_is_what_its_schema_says_and_every_kind_occurs(self):
        _, lines, _ = self.measured(*ASK, "--threads", 2)
        self.assertEqual({line["event"] for line in lines},
                         {"start", "track", "span", "summary", "counters", "end"})
        self.assertEqual((lines[0]["event"], lines[-1]["event"]), ("start", "end"))
        for line in lines:
            for key in line:
                less = {k: v for k, v in line.items() if k != key}
                self.assertIsNotNone(schema.error(less, "metallic.metrics/1"), key)
            self.assertIsNotNone(schema.error({**line, "more": 1}))

    def test_spans_nest_and_every_one_but_the_process_has_a_parent(self):
        for threads in (1, 3):
            _, lines, _ = self.measured(*ASK, "--threads", threads)
            spans = {span["id"]: span for span in self.of(lines, "span")}
            self.assertEqual(len(spans), len(self.of(lines, "span")))
            for span in spans.values():
                self.assertLessEqual(span["begin_ns"], span["end_ns"])
                if span["id"] == 1:
                    self.assertEqual((span["name"], span["parent"]), ("process", 0))
                    continue
                parent = spans[span["parent"]]
                self.assertLessEqual(parent["begin_ns"], span["begin_ns"])
                self.assertLessEqual(span["end_ns"], parent["end_ns"])
            self.assertEqual({span["track"] for span in spans.values()},
                             {line["track"] for line in self.of(lines, "track")})

    def test_operations_tile_layers_and_layers_tile_the_token(self):
        _, lines, _ = self.measured(*ASK, "--threads", 2)
        spans = self.of(lines, "span")
        children = {}
        for span in spans:
            children.setdefault((span["parent"], span["track"]), []).append(span)
        seen = 0
        for span in spans:
            if span["name"] not in (*STEPS, "layer"):
                continue
            seen += 1
            parts = children[span["id"], span["track"]]
            borders = [span["begin_ns"], *(part["end_ns"] for part in parts)]
            self.assertEqual(borders[:-1], [part["begin_ns"] for part in parts])
            self.assertEqual(borders[-1], span["end_ns"])
            for key in ("wait_ns", "bytes", "macs"):
                self.assertEqual(sum(part[key] for part in parts), span[key], key)
        self.assertGreater(seen, 10)

    def test_the_stages_of_the_load_are_there(self):
        _, lines, _ = self.measured("-m", self.tiny(), "-p", "x", "-n", 3)
        load = next(s for s in self.of(lines, "span") if s["name"] == "load")
        self.assertEqual(load["detail"], str(self.tiny()))
        self.assertEqual([s["name"] for s in self.of(lines, "span") if s["parent"] == load["id"]],
                         ["map", "header", "bind", "vocabulary", "template", "upload"])

    def test_counters_summary_and_the_result_say_the_same(self):
        for more in ((), ("--speculate", 6), ("-n", 1), ("--ignore-end", "-n", 40)):
            result, lines, _ = self.measured(*ASK, "-o", "json", *more)
            usage = result.json["usage"]
            last, summary = self.of(lines, "counters")[-1], self.of(lines, "summary")
            self.assertEqual(len(summary), 1)
            for key, value in usage.items():
                self.assertEqual((last[key], summary[0][key]), (value, value), (key, more))
            self.assertEqual(summary[0]["finish"], result.json["finish"])
            self.assertEqual(last["generations"], 1)
            self.assertEqual(last["loads"], 1)
            self.assertEqual(last["dropped_events"], 0)
            self.assertEqual(last["events"], len(self.of(lines, "span")) - 1)  # the process
            for name in STEPS:
                steps = [s for s in self.of(lines, "span") if s["name"] == name]
                self.assertEqual(last[f"{name}_steps"], len(steps))
                for key, of in (("tokens", "tokens"), ("bytes", "bytes")):
                    self.assertEqual(last[f"{name}_{key}"], sum(s[of] for s in steps))
            self.assertEqual(last["prefill_tokens"],
                             usage["prompt_tokens"] - usage["reused_tokens"])

    def test_memory_is_at_most_what_was_planned(self):
        _, lines, _ = self.measured(*ASK, "--context-length", 256)
        memory = self.of(lines, "summary")[0]["memory"]
        for kind, use in memory.items():
            self.assertLessEqual(use["bytes"], use["peak_bytes"], kind)
            self.assertLessEqual(use["peak_bytes"], use["planned_bytes"], kind)
        for kind in ("mapped", "kv", "scratch", "tokenizer"):
            self.assertGreater(memory[kind]["bytes"], 0, kind)

    def test_a_level_is_what_it_says(self):
        for level, names in (("off", set()),
                             ("token", {"load", "generate", *STEPS, "sample", "show"}),
                             ("layer", {"layer", "dispatch"}),
                             ("op", {"rope, kv_append, attention"})):
            _, lines, trace = self.measured(*ASK, METALLIC_ENABLE_PROFILING=level)
            found = {span["name"] for span in self.of(lines, "span")}
            self.assertLessEqual(names | {"process"}, found)
            self.assertEqual("layer" in found, level in ("layer", "op"))
            self.assertEqual("rope, kv_append, attention" in found, level == "op")
            self.assertEqual(lines[0]["level"], level)
            self.assertEqual("generate" in {event["name"] for event in trace}, level != "off")


class Trace(MetricsTest):
    def test_it_is_an_array_of_complete_events_with_named_threads(self):
        _, _, trace = self.measured(*ASK, "--threads", 3)
        named = {e["tid"]: e["args"]["name"] for e in trace if e["name"] == "thread_name"}
        self.assertEqual(set(named.values()), {"main", "session 1", "worker 1", "worker 2"})
        process = [e for e in trace if e["name"] == "process_name"]
        self.assertRegex(process[0]["args"]["name"], r"^metallic, process \d+$")
        for event in trace:
            self.assertIn(event["ph"], ("M", "X", "C"))
            self.assertIsInstance(event["args"], dict)
            if event["ph"] == "X":
                self.assertIn(event["tid"], named)
                self.assertGreaterEqual(event["ts"], 0)
                self.assertGreaterEqual(event["dur"], 0)

    def test_the_slices_of_a_thread_nest_as_a_viewer_stacks_them(self):
        """By beginning, of equals the one that comes first in the file below: what viewers do."""
        _, _, trace = self.measured(*ASK, "--threads", 2)
        threads = {}
        for event in trace:
            if event["ph"] == "X":
                # Whole nanoseconds: a viewer rounds the decimals to them.
                begin, took = round(event["ts"] * 1000), round(event["dur"] * 1000)
                threads.setdefault(event["tid"], []).append((begin, begin + took, event["name"]))
        deepest = 0
        for slices in threads.values():
            stack = []
            for begin, end, name in sorted(slices, key=lambda s: s[0]):
                while stack and stack[-1][0] <= begin < end:
                    stack.pop()
                if stack:
                    self.assertLessEqual(end, stack[-1][0], (name, stack))
                stack.append((end, name))
                deepest = max(deepest, len(stack))
        self.assertEqual(deepest, 4)  # generate, decode, layer, operation

    def test_layers_are_named_by_their_number_and_operations_by_their_weights(self):
        _, _, trace = self.measured("-m", self.tiny(), "-p", "x", "-n", 2)
        names = {event["name"] for event in trace}
        self.assertLessEqual({"layer 0", "layer 1"}, names)
        details = {event["args"].get("detail") for event in trace}
        self.assertIn("blk.1.ffn_down.weight", details)


class Files(MetricsTest):
    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_a_full_disk_is_told_once_and_the_answer_is_whole(self):
        plain = self.done(*ASK)
        for name in ("METALLIC_METRICS_JSONL_PATH", "METALLIC_TRACE_PATH"):
            result = run(*ASK, env=environment(**{name: "/dev/full"}))
            self.assertEqual((result.code, result.out), (DONE, plain.out))
            self.assertEqual(result.err, b"metallic: error: /dev/full: No space left on device; "
                                         b"no more is written to it\n")

    def test_a_path_that_cannot_be_written_is_told_once_and_the_answer_is_whole(self):
        plain = self.done(*ASK)
        path = str(self.folder / "none" / "m.jsonl")
        result = run(*ASK, env=environment(METALLIC_METRICS_JSONL_PATH=path))
        self.assertEqual((result.code, result.out), (DONE, plain.out))
        self.assertEqual(result.err.decode(), f"metallic: error: {path}: No such file or directory\n")

    VARIABLES = ("METALLIC_METRICS_JSONL_PATH", "METALLIC_TRACE_PATH")

    def refused(self, path, *arguments, says, **options):
        """Each format refuses `path` in one line; its bytes stay, and so does the answer."""
        before = path.read_bytes()
        plain = self.done(*arguments)
        for name in self.VARIABLES:
            result = run(*arguments, env=environment(**{name: str(path)}), **options)
            self.assertEqual((result.code, result.out), (DONE, plain.out))
            self.assertRegex(result.err.decode(), rf"\Ametallic: error: [^\n]*{says}[^\n]*\n\Z")
            self.assertEqual(path.read_bytes(), before)

    def earlier(self, name="e.jsonl"):
        """What an earlier run exported, which a new one could replace."""
        path = self.folder / name
        self.done(*ASK, env=environment(METALLIC_METRICS_JSONL_PATH=str(path),
                                        METALLIC_ENABLE_PROFILING="off"))
        return path

    def test_no_file_of_someone_else_is_emptied(self):
        model, notes = self.folder / "mine.gguf", self.folder / "notes.txt"
        model.write_bytes(self.tiny().read_bytes())
        notes.write_text("What is 17 + 25?")
        self.refused(model, "-m", model, "-p", "x", "-n", 2, says="mine.gguf.*reads or writes")
        self.refused(model, *ASK, says="mine.gguf: found a file that is no earlier export")
        self.refused(notes, "--prompt-file", notes, says="notes.txt.*reads or writes")
        link = self.folder / "link"
        link.symlink_to(notes)
        self.refused(link, "--prompt-file", notes, says="link.*reads or writes")

    def test_an_earlier_export_that_is_now_the_input_is_kept(self):
        path = self.earlier()
        for asks in (("--prompt-file", path, "--raw", "-n", 1), ("tokenize", "--file", path)):
            self.refused(path, *asks, says="e.jsonl, which this command reads")

    def test_a_file_that_the_command_will_make_is_refused_too(self):
        for i, name in enumerate(self.VARIABLES):
            path = self.folder / f"new-{i}.npy"
            result = run("logits", "--tokens", "1", "-o", path, env=environment(**{name: str(path)}))
            self.assertEqual((result.code, result.out), (DONE, b""))
            self.assertIn(b"which this command reads or writes itself", result.err)
            self.assertEqual(path.read_bytes()[:6], b"\x93NUMPY")

    def test_a_terminal_that_nobody_looks_at_holds_nobody_up(self):
        ours, its = pty.openpty()
        result = run(*ASK, "--ignore-end", "-n", 200, "-o", "none",
                     env=environment(METALLIC_METRICS_JSONL_PATH=os.ttyname(its),
                                     METALLIC_ENABLE_PROFILING="op"))
        os.close(its)
        os.close(ours)
        self.assertEqual(result.code, DONE)
        self.assertRegex(result.err, rb"\A[^\n]*its reader takes nothing[^\n]*\n\Z")

    def test_standard_output_to_a_file_is_not_torn(self):
        path = self.folder / "out.txt"
        for name in self.VARIABLES:
            for named in (path, "/dev/stdout"):
                with open(path, "wb") as out:
                    done = subprocess.run(
                        [METALLIC, *ASK], stdin=subprocess.DEVNULL, stdout=out,
                        stderr=subprocess.PIPE, timeout=TIMEOUT_SECONDS,
                        env=environment(**{name: str(named)}))
                self.assertEqual((done.returncode, path.read_bytes()),
                                 (DONE, self.done(*ASK).out))
                self.assertIn(b"which this command reads or writes itself", done.stderr)

    def test_a_pipe_on_standard_output_takes_the_lines(self):
        result = run(*ASK, "-o", "none",
                     env=environment(METALLIC_METRICS_JSONL_PATH="/dev/stdout"))
        lines = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual((result.code, result.err), (DONE, b""))
        self.assertEqual((lines[0]["event"], lines[-1]["event"]), ("start", "end"))

    def test_one_file_for_both_formats_is_told_and_has_the_first(self):
        path = self.folder / "both"
        result = run(*ASK, env=environment(**dict.fromkeys(self.VARIABLES, str(path))))
        self.assertEqual(result.code, DONE)
        self.assertEqual(result.err.decode().count("\n"), 1)
        self.assertIn("both: found the file of the other format", result.err.decode())
        self.assertEqual(self.lines_of(path)[-1]["event"], "end")

    def test_bad_usage_empties_nothing(self):
        path = self.earlier("u.jsonl")
        before = path.read_bytes()
        self.fails(2, "--raw", "--system", "x", *ASK,
                   env=environment(METALLIC_METRICS_JSONL_PATH=str(path)))
        self.assertEqual(path.read_bytes(), before)

    def test_a_fifo_is_written_while_it_is_read_and_never_waited_for_long(self):
        path = self.folder / "fifo"
        os.mkfifo(path)
        env = environment(METALLIC_METRICS_JSONL_PATH=str(path))
        result = run(*ASK, env=env)
        self.assertEqual((result.code, result.out), (DONE, self.done(*ASK).out))
        self.assertIn(b"found a FIFO that nobody reads", result.err)
        for reads in ("cat", "head -c 100"):  # the second leaves
            taken = self.folder / "taken"
            with subprocess.Popen(["sh", "-c", f"{reads} <{path} >{taken}"]):
                result = run(*ASK, "--ignore-end", "-n", 60, "-o", "none", env=env)
            self.assertEqual(result.code, DONE)
            if reads == "cat":
                self.assertEqual(result.err, b"")
                self.assertEqual(self.lines_of(taken)[-1]["event"], "end")
            else:
                self.assertIn(b"Broken pipe; no more is written to it", result.err)

    def test_what_is_written_is_whole_when_the_process_is_killed(self):
        lines, trace = self.folder / "k.jsonl", self.folder / "k.json"
        with subprocess.Popen(
                [METALLIC, "-p", "x", "--ignore-end", "-o", "none"], stdin=subprocess.DEVNULL,
                env=environment(METALLIC_METRICS_JSONL_PATH=str(lines),
                                METALLIC_TRACE_PATH=str(trace))) as process:
            end = time.monotonic() + TIMEOUT_SECONDS
            while time.monotonic() < end and process.poll() is None:
                if trace.exists() and trace.stat().st_size > 300_000:
                    break
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        self.assertEqual(process.returncode, -signal.SIGKILL)
        found = lines.read_text()
        if not found.endswith("\n"):  # it was killed within a write
            found = found[:found.rindex("\n") + 1]
        self.assertGreater(len([json.loads(line) for line in found.splitlines()]), 1000)
        text = trace.read_text()
        self.assertGreater(len(json.loads(text[:text.rindex("},\n") + 1] + "]")), 1000)

    def test_a_long_run_of_operations_loses_none(self):
        """More than the ring holds, 65536; too many to check each against the schema."""
        path = self.folder / "long.jsonl"
        self.done("-p", "x", "--ignore-end", "-n", 1200, "--threads", 1, "-o", "none",
                  env=environment(METALLIC_METRICS_JSONL_PATH=str(path),
                                  METALLIC_ENABLE_PROFILING="op"))
        lines = path.read_text().splitlines()
        last = json.loads(lines[-2])
        self.assertEqual(last["event"], "counters")
        self.assertEqual(sum('"event":"span"' in line for line in lines), last["events"] + 1)
        self.assertEqual([line for line in lines if '"event":"lost"' in line], [])
        self.assertGreater(last["events"], 65536)

    def test_other_subcommands_write_them_too(self):
        _, lines, _ = self.measured("bench", "-m", self.tiny(), "-p", 8, "-n", 2, "-r", 1)
        self.assertGreater(len([s for s in self.of(lines, "span") if s["name"] in STEPS]), 2)


class Console(MetricsTest):
    def summary(self, *arguments, console="on", **variables):
        result = run(*arguments, env=environment(METALLIC_METRICS_CONSOLE=console, **variables))
        self.assertEqual(result.code, DONE)
        return result.err.decode()

    def test_the_summary_is_on_standard_error_and_the_answer_alone_on_standard_output(self):
        plain = self.done(*ASK)
        result = run(*ASK, env=environment(METALLIC_METRICS_CONSOLE="on"))
        self.assertEqual((result.code, result.out), (DONE, plain.out))
        text = result.err.decode()
        for line in text.splitlines():
            self.assertRegex(line, r"^metallic: ")
        for pattern in (r"first token after [\d.]+ ms; prompt of \d+ tokens \(0 reused\), [\d.]+ "
                        r"tok/s; \d+ tokens generated, [\d.]+ tok/s",
                        r"from token to token: p50 [\d.]+ ms, p95 [\d.]+, p99 [\d.]+, at most",
                        r"decode reads [\d.]+ GB/s",
                        r"memory, MB at most \(planned\): mapped [\d.]+ \([\d.]+\), kv "):
            self.assertRegex(text, pattern)
        self.assertNotIn("this machine", text)

    def test_the_numbers_are_those_of_the_result(self):
        path = self.folder / "c.jsonl"
        result = run(*ASK, "-o", "json", env=environment(
            METALLIC_METRICS_CONSOLE="on", METALLIC_METRICS_JSONL_PATH=str(path)))
        usage, timings = result.json["usage"], result.json["timings"]
        text = result.err.decode()
        self.assertIn(f"prompt of {usage['prompt_tokens']} tokens (0 reused)", text)
        self.assertIn(f"{usage['generated_tokens']} tokens generated, "
                      f"{timings['decode_tokens_per_second']:.1f} tok/s", text)
        summary = self.of(self.lines_of(path), "summary")[0]
        self.assertIn(f"p50 {summary['token_ns_p50'] / 1e6:.3f} ms", text)

    def test_a_single_token_has_no_time_to_a_next_one(self):
        text = self.summary(*ASK, "-n", "1")
        self.assertIn("1 tokens generated", text)
        self.assertNotIn("from token to token", text)
        self.assertNotIn("nan", text)

    def test_off_is_silent_and_a_wrong_word_is_bad_usage(self):
        self.assertEqual(self.summary(*ASK, console="off"), "")
        self.assertEqual(self.summary(*ASK, console="off", METALLIC_ENABLE_PROFILING="op"), "")
        for name in ("METALLIC_METRICS_CONSOLE", "METALLIC_ENABLE_PROFILING"):
            self.fails(2, *ASK, env=environment(**{name: "loud"}), says=(name, "off"))

    def test_the_ceiling_is_measured_when_it_is_asked_for(self):
        text = self.summary(*ASK, console="ceiling")
        found = re.search(r"that is (\d+)% of the ([\d.]+) GB/s that this machine reads", text)
        self.assertIsNotNone(found, text)
        self.assertGreater(float(found.group(2)), 0)


if __name__ == "__main__":
    os.environ.pop("METALLIC_LOG_LEVEL", None)
    tap.main()
