"""The subcommands that look into models: synth, inspect, logits, perplexity."""
import io
import json
import math
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import time
import unittest

import numpy as np

from driver import (BUNDLED, CommandTest, FAILED, INTERRUPTED, METALLIC, ROOT, TIMEOUT_SECONDS, USAGE,
                    environment, run, take_interrupts, tap)



def gguf_string(text):
    return struct.pack("<Q", len(text)) + text


class Synth(CommandTest):
    def test_every_type_gives_a_model_that_runs(self):
        sizes = {}
        for kind in ("f32", "f16", "q8_0"):
            path = self.tiny(kind)
            found = self.done("-m", path, "--raw", "-p", "hello", "-n", 3, "--ignore-end", "-o",
                              "json").json
            self.assertEqual(len(found["tokens"]), 3)
            self.assertEqual(found["model"]["weight_type"], kind.upper())
            self.assertEqual(found["model"]["path"], str(path))
            sizes[kind] = path.stat().st_size
        self.assertGreater(sizes["f32"], sizes["f16"])
        self.assertGreater(sizes["f16"], sizes["q8_0"])

    def test_the_seed_decides_every_byte(self):
        one, again, two = (self.folder / name for name in ("one", "again", "two"))
        self.done("synth", "tiny", "q8_0", one, "--seed", 5)
        self.done("synth", "--seed=5", "tiny", "q8_0", again)
        self.done("synth", "tiny", "q8_0", two, "--seed", 6)
        self.assertEqual(one.read_bytes(), again.read_bytes())
        self.assertNotEqual(one.read_bytes(), two.read_bytes())

    def test_a_vocabulary_can_be_copied(self):
        first = struct.pack("<Q", 1)
        swapped = self.tiny().read_bytes().replace(first + b"!" + first + b'"',
                                                   first + b'"' + first + b"!")
        vocab, path = self.file("swapped.gguf", swapped), self.folder / "copied.gguf"
        self.done("synth", "tiny", "f16", path, "--vocab", vocab)
        self.assertEqual(self.done("tokenize", "-m", path, "!").out, b"1\n")
        self.assertEqual(self.done("tokenize", "-m", self.tiny("f16"), "!").out, b"0\n")
        big = self.folder / "big.gguf"
        self.fails(USAGE, "synth", "tiny", "f16", big, "--vocab", BUNDLED, says="512")
        self.assertFalse(big.exists())

    def test_bad_usage_names_what_is_accepted(self):
        out = self.folder / "never.gguf"
        self.fails(USAGE, "synth", "huge", "f32", out, says=("huge", "qwen2.5-0.5b"))
        self.fails(USAGE, "synth", "tiny", "f64", out, says=("f64", "q8_0"))
        self.fails(USAGE, "synth", "tiny", "f32", says="synth SHAPE TYPE OUT")
        self.fails(USAGE, "synth", "tiny", "f32", out, "more", says="more")
        self.fails(USAGE, "synth", "tiny", "f32", out, "--seed", "x", says="--seed")
        self.fails(FAILED, "synth", "tiny", "f32", self.folder / "no" / "way", says="no/way")
        self.fails(FAILED, "synth", "tiny", "f32", self.folder, says="not a regular file")
        self.fails(USAGE, "synth", "tiny", "f32", "", says='found ""')
        self.fails(USAGE, "inspect", "", says='found ""')
        self.fails(FAILED, "synth", "tiny", "f32", out, "--vocab", self.folder / "absent",
                   says="absent")
        self.assertFalse(out.exists())

    def test_ctrl_c_leaves_no_file(self):
        out = self.folder / "half.gguf"
        process = subprocess.Popen([METALLIC, "synth", "qwen2.5-0.5b", "f32", str(out)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=environment(), preexec_fn=take_interrupts)
        time.sleep(0.2)  # two gigabytes take longer
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
        self.assertEqual((process.returncode, output, errors), (INTERRUPTED, b"", b""))
        self.assertEqual([p.name for p in self.folder.iterdir() if "half" in p.name], [])


class Replaced(CommandTest):
    """What takes the name of a file only when it is whole: of synth and logits alike."""

    def commands(self):
        return (("synth", "tiny", "f32"), ("logits", "-m", self.tiny(), "--tokens", "1", "-o"))

    def expected(self, command):
        path = self.folder / "expected"
        self.done(*command, path)
        return path.read_bytes()

    def test_a_link_stays_one_and_its_file_is_replaced(self):
        target, link = self.folder / "target", self.folder / "link"
        link.symlink_to(target)
        for command in self.commands():
            target.write_bytes(b"old")
            self.done(*command, link)
            self.assertTrue(link.is_symlink())
            self.assertEqual(target.read_bytes(), self.expected(command))

    def test_a_link_to_nothing_is_refused(self):
        link = self.folder / "astray"
        link.symlink_to(self.folder / "nowhere" / "x")
        for command in self.commands():
            self.fails(FAILED, *command, link, says=("astray", "No such file"))
            self.assertTrue(link.is_symlink())

    @unittest.skipUnless(sys.platform == "linux", "needs a /dev/stdout that leads to a file")
    def test_standard_output_by_its_name_is_the_file_behind_it(self):
        path = self.folder / "redirected"
        for command in self.commands():
            with open(path, "wb") as out:
                subprocess.run([METALLIC, *command, "/dev/stdout"], stdout=out, check=True,
                               env=environment(), timeout=TIMEOUT_SECONDS)
            self.assertEqual(path.read_bytes(), self.expected(command))
        self.assertTrue(pathlib.Path("/dev/stdout").is_symlink())

    def test_who_may_read_it_stays(self):
        path = self.file("secret", b"old")
        for command in self.commands():
            path.chmod(0o600)
            self.done(*command, path)
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)


class Inspect(CommandTest):
    def test_the_report_and_the_document_tell_the_same(self):
        path = self.tiny("q8_0")
        text = self.done("inspect", path).text
        found = self.done("inspect", path, "--json").json
        self.same_shape(found, {"schema": str, "path": str, "version": int,
                                "alignment_bytes": int, "file_bytes": int,
                                "data_offset_bytes": int, "parameters": int, "keys": list,
                                "tensors": list})
        self.assertEqual(found["schema"], "metallic.inspect/1")
        self.assertEqual(found["file_bytes"], path.stat().st_size)
        for key in found["keys"]:
            self.assertEqual(set(key), {"key", "type", "count", "value"})
            self.assertRegex(text, rf"(?m)^  {re.escape(key['key'])}  {re.escape(key['type'])}")
            if isinstance(key["value"], list):
                self.assertEqual(len(key["value"]), key["count"])
        last = 0
        for tensor in found["tensors"]:
            self.same_shape(tensor, {"name": str, "type": str, "shape": list, "offset_bytes": int,
                                     "bytes": int})
            self.assertIn(f"  {tensor['name']} ", text)
            self.assertGreaterEqual(tensor["offset_bytes"], last)
            last = tensor["offset_bytes"] + tensor["bytes"]
        self.assertLessEqual(last, found["file_bytes"])
        self.assertEqual(found["parameters"], sum(math.prod(t["shape"]) for t in found["tensors"]))
        keys = {key["key"]: key["value"] for key in found["keys"]}
        self.assertEqual(keys["general.architecture"], "qwen2")
        self.assertEqual(keys["qwen2.rope.freq_base"], 1000000.0)

    def test_long_arrays_are_shortened_for_people_only(self):
        text = self.done("inspect").text
        found = self.done("inspect", "--json").json
        tokens = next(k for k in found["keys"] if k["key"] == "tokenizer.ggml.tokens")
        self.assertGreater(len(tokens["value"]), 500)
        line = next(l for l in text.splitlines() if "tokenizer.ggml.tokens" in l)
        self.assertIn(f"array<string>[{len(tokens['value'])}]", line)
        self.assertTrue(line.endswith(", ...]"), line)

    def test_without_a_file_it_is_the_bundled_model(self):
        ours, theirs = (self.done("inspect", *path, "--json").json for path in ((), (BUNDLED,)))
        self.assertEqual((ours.pop("path"), theirs.pop("path")), ("bundled", str(BUNDLED)))
        self.assertEqual(ours, theirs)

    def test_the_program_can_be_read(self):
        text = self.done("inspect", self.tiny(), "--program").text
        for name in ("embed", "rmsnorm", "matmul", "rope", "kv_append", "attention"):
            self.assertRegex(text, rf"(?m)^ *{name}\b")
        found = self.done("inspect", self.tiny(), "--program", "--json").json
        self.assertEqual(found["program"], text)

    def test_names_of_a_hostile_file_cannot_command_the_terminal(self):
        nasty = b"\x1b]0;owned\x07\xc2\x9b2J\n\"\xff"
        keys = [(b"general.architecture", b"qwen2"), (b"k\x1b[2J", nasty)]
        body = b"GGUF" + struct.pack("<IQQ", 3, 1, len(keys))
        for key, value in keys:
            body += gguf_string(key) + struct.pack("<I", 8) + gguf_string(value)
        body += gguf_string(b"t\x1b[31m") + struct.pack("<IQIQ", 1, 4, 0, 0)
        body += bytes(-len(body) % 32) + bytes(16)
        path = self.file("nasty.gguf", body)
        result = run("inspect", path)
        shown = result.out + result.err
        self.assertNotIn(b"\x1b", shown)
        self.assertNotIn(b"\x07", shown)
        self.assertNotIn(b"\xc2\x9b", shown)
        result = run("inspect", path, "--json")
        self.assertIsInstance(json.loads(result.out), dict)
        self.assertNotIn(b"\x1b", result.out)

    def test_bad_usage(self):
        self.fails(USAGE, "inspect", "a", "b", says='"b"')
        self.fails(USAGE, "inspect", "--jason", says="--json")
        found = self.fails(FAILED, "inspect", "--json", self.folder / "absent", says="absent",
                           out=None)
        self.assertEqual(found.json["error"]["code"], "MET_E_IO")


class Logits(CommandTest):
    def logits(self, *arguments, model=None):
        out = self.folder / "logits.npy"
        self.assertEqual(self.done("logits", "-m", model or self.tiny(), *arguments, "--output",
                                   out).out, b"")
        return np.load(out)

    def test_the_file_holds_a_row_for_each_token(self):
        found = self.logits("--tokens", "1,2,3")
        self.assertEqual((found.shape, found.dtype.str), ((3, 512), "<f4"))
        self.assertTrue(np.isfinite(found).all())
        header = (self.folder / "logits.npy").read_bytes()[:128]
        self.assertEqual(header[:8], b"\x93NUMPY\x01\x00")
        self.assertEqual((10 + int.from_bytes(header[8:10], "little")) % 64, 0)

    def test_ctrl_c_leaves_no_file(self):
        out = self.folder / "half.npy"
        ids = ",".join(map(str, range(2000)))
        for last in ((), ("--last",)):
            process = subprocess.Popen([METALLIC, "logits", "--threads", "1", "--tokens", ids, "-o",
                                        out, *last], env=environment(), stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, preexec_fn=take_interrupts)
            while not list(self.folder.glob("half.npy.part-*")):  # made before the first token
                self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
            self.assertEqual((process.returncode, output, errors), (INTERRUPTED, b"", b""))
            self.assertEqual(list(self.folder.glob("half*")), [])

    def test_last_is_the_last_row_bit_for_bit_and_chunks_do_not_show(self):
        ids = ",".join(str(i * 7 % 512) for i in range(300))
        whole = self.logits("--tokens", ids)
        self.assertEqual(whole.shape, (300, 512))
        last = self.logits("--tokens", ids, "--last")
        self.assertEqual(last.shape, (1, 512))
        self.assertEqual(last.tobytes(), whole[-1:].tobytes())
        begin = self.logits("--tokens", ids.replace(",", " "), "-t", 1)
        self.assertEqual(begin.tobytes(), whole.tobytes())
        prefix = self.logits("--tokens", ",".join(ids.split(",")[:5]))
        self.assertEqual(prefix.tobytes(), whole[:5].tobytes())

    def test_standard_output_and_devices_can_be_written(self):
        expected = self.logits("--tokens", "1,2")
        out = self.done("logits", "-m", self.tiny(), "--tokens", "1,2", "-o", "-").out
        self.assertEqual(np.load(io.BytesIO(out)).tobytes(), expected.tobytes())
        self.done("logits", "-m", self.tiny(), "--tokens", "1,2", "-o", "/dev/null")
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            done = subprocess.run([METALLIC, "logits", "-m", self.tiny(), "--tokens", "1", "-o",
                                   "-"], stdout=pipe, stderr=subprocess.PIPE, check=False,
                                  env=environment(), timeout=TIMEOUT_SECONDS)
        self.assertEqual((done.returncode, done.stderr), (FAILED, b""))

    def test_the_type_of_cached_keys_and_values_shows_in_the_logits(self):
        ids = ",".join(map(str, range(100)))
        f16 = self.logits("--tokens", ids)
        np.testing.assert_array_equal(self.logits("--tokens", ids, "--kv-type", "f16"), f16)
        f32 = self.logits("--tokens", ids, "--kv-type", "f32")
        self.assertGreater(np.abs(f32 - f16).max(), 0)  # test_logits.py says which is right

    def test_greedy_generation_follows_the_logits(self):
        found = self.done("-m", self.tiny(), "--raw", "-p", "hello", "-n", 8, "--ignore-end", "-o",
                          "json").json
        ids = found["prompt_tokens"] + found["tokens"]
        rows = self.logits("--tokens", json.dumps(ids))
        chosen = rows[len(found["prompt_tokens"]) - 1:-1].argmax(1)
        self.assertEqual(chosen.tolist(), found["tokens"])

    def test_what_is_wrong_is_named_and_no_file_is_left(self):
        out = self.folder / "never.npy"
        tiny = ("logits", "-m", self.tiny())
        self.fails(USAGE, *tiny, "--output", out, says="--tokens")
        self.fails(USAGE, *tiny, "--tokens", "1", says="--output")
        for bad in ("", ",", "1,x", "-1", "1,,2"):
            self.fails(USAGE, *tiny, "--tokens", bad, "-o", out, says="--tokens")
        self.fails(FAILED, *tiny, "--tokens", "1,512", "-o", out, says="512")
        self.fails(FAILED, *tiny, "--tokens", "1,2,3", "--context-length", 2, "-o", out)
        self.fails(FAILED, *tiny, "--tokens", "1", "-o", self.folder / "no" / "way", says="no/way")
        self.fails(FAILED, *tiny, "--tokens", "1", "-o", self.folder, says=str(self.folder))
        if pathlib.Path("/dev/full").exists():
            self.fails(FAILED, *tiny, "--tokens", "1", "-o", "/dev/full",
                       says="No space left on device")
        self.assertEqual([p.name for p in self.folder.iterdir() if "never" in p.name], [])
        old = self.file("old.npy", b"kept")
        self.fails(FAILED, *tiny, "--tokens", "1,512", "-o", old)
        self.assertEqual(old.read_bytes(), b"kept")


class Perplexity(CommandTest):
    TEXT = ("The quick brown fox jumps over the lazy dog. " * 12) + "Naïve café.\n"

    def expected(self, window, stride):
        """The same from the logits of each window, in float64: (mean nll, predicted, windows)."""
        path = self.file("t.txt", self.TEXT)
        ids = self.done("tokenize", "-m", self.tiny(), "--file", path, "--json").json
        out, losses, done, windows = self.folder / "w.npy", [], 1, 0
        for begin in range(0, len(ids), stride):
            if done >= len(ids):
                break
            end = min(begin + window, len(ids))
            self.done("logits", "-m", self.tiny(), "--tokens", json.dumps(ids[begin:end]), "-o", out)
            rows = np.load(out).astype(np.float64)
            rows -= np.log(np.exp(rows - rows.max(1, keepdims=True)).sum(1, keepdims=True)) \
                + rows.max(1, keepdims=True)
            first = max(done, begin + 1)
            losses += [-rows[t - 1 - begin, ids[t]] for t in range(first, end)]
            windows += first < end
            done = end
        return sum(losses) / len(losses), len(losses), windows, len(ids)

    def test_it_is_the_mean_over_every_predicted_token(self):
        path = self.file("t.txt", self.TEXT)
        for window, stride in ((512, 512), (64, 64), (64, 16), (50, 49), (9, 4), (7, 6), (2, 2)):
            with self.subTest(window=window, stride=stride):
                nll, predicted, windows, count = self.expected(window, stride)
                found = self.done("perplexity", "-m", self.tiny(), "--file", path,
                                  "--context-length", window, "--stride", stride, "--json").json
                self.assertEqual(found["schema"], "metallic.perplexity/1")
                self.assertEqual((found["predicted_tokens"], found["windows"], found["tokens"]),
                                 (predicted, windows, count))
                self.assertEqual((found["context_length"], found["stride"]), (window, stride))
                # float32 exponentials: 512 terms, each right to 2**-23 of itself
                self.assertAlmostEqual(found["nll"], nll, delta=1e-6)
                self.assertAlmostEqual(found["perplexity"], math.exp(found["nll"]),
                                       delta=math.exp(nll) * 1e-12)

    def test_the_type_of_cached_keys_and_values_counts(self):
        path = self.file("t.txt", self.TEXT)
        found = {kind: self.done("perplexity", "-m", self.tiny(), "--file", path, "--json",
                                 "--kv-type", kind).json["nll"] for kind in ("f16", "f32")}
        self.assertNotEqual(found["f16"], found["f32"])

    def test_people_read_the_same_numbers(self):
        path = self.file("t.txt", self.TEXT)
        found = self.done("perplexity", "-m", self.tiny(), "--file", path, "--json").json
        text = self.done("perplexity", "-m", self.tiny(), "-f", "-",
                         stdin=self.TEXT.encode()).text
        self.assertIn(f"perplexity {found['perplexity']:.6f}\n", text)
        self.assertIn(f"predicted {found['predicted_tokens']} of {found['tokens']} tokens", text)
        self.same_shape(found, {"schema": str, "perplexity": float, "nll": float, "tokens": int,
                                "predicted_tokens": int, "windows": int, "context_length": int,
                                "stride": int, "seconds": float, "tokens_per_second": float,
                                "interrupted": bool, "model": str})

    def test_ctrl_c_reports_what_was_measured(self):
        path = self.file("long.txt", self.TEXT * 200)
        process = subprocess.Popen([METALLIC, "perplexity", "-m", str(self.tiny()), "--file",
                                    str(path), "--json", "--context-length", "64", "--stride",
                                    "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=environment(), preexec_fn=take_interrupts)
        time.sleep(0.3)  # 45 000 windows of 64 take minutes
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
        self.assertEqual((process.returncode, errors), (INTERRUPTED, b""))
        found = json.loads(output)
        self.assertTrue(found["interrupted"])
        self.assertGreater(found["tokens"], found["predicted_tokens"])

    def test_what_is_wrong_is_named(self):
        path = self.file("t.txt", self.TEXT)
        one = self.file("one.txt", "a")
        self.fails(USAGE, "perplexity", says="--file")
        self.fails(USAGE, "perplexity", "--file", path, "--context-length", 8, "--stride", 9,
                   says="--stride")
        self.fails(USAGE, "perplexity", "--file", path, "--context-length", 1,
                   says="--context-length")
        self.fails(USAGE, "perplexity", "--file", path, "--stride", 0, says="--stride")
        self.fails(FAILED, "perplexity", "--file", one, says=("one.txt", "at least 2"))
        self.fails(FAILED, "perplexity", "--file", self.folder / "absent", says="absent")
        found = self.fails(FAILED, "perplexity", "--json", "--file", one, out=None)
        self.assertEqual(found.json["schema"], "metallic.perplexity/1")


if __name__ == "__main__":
    tap.main()
