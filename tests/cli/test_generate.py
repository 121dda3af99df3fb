"""The default command: what it answers, in which form, and what each flag does."""
import json
import math
import os

import numpy as np

from driver import CommandTest, DONE, FAILED, USAGE, environment, run, run_on_terminal, tap

NUMBER = (int, float)
OPTIONAL = (int, float, type(None))
MODEL = {"path": str, "name": str, "architecture": str, "weight_type": str, "parameters": int,
         "file_bytes": int, "weight_bytes": int, "vocab": int, "layers": int,
         "embedding_length": int, "context_length": int}
SETTINGS = {"backend": str, "isa": str, "choice": str, "threads": int, "matmul": str,
            "context_length": int, "kv_type": str, "max_tokens": int, "temperature": float,
            "top_k": int, "top_p": float, "min_p": float,
            "repeat_penalty": float, "presence_penalty": float, "frequency_penalty": float,
            "repeat_last_n": int, "seed": int, "ignore_end": bool, "speculate": int, "raw": bool,
            "stop": list}
USAGE_COUNTS = {"prompt_tokens": int, "reused_tokens": int, "generated_tokens": int,
                "proposed_tokens": int, "accepted_tokens": int}
TIMINGS = {"load_seconds": float, "prefill_seconds": float, "first_token_seconds": OPTIONAL,
           "process_to_first_token_seconds": OPTIONAL, "decode_seconds": float,
           "total_seconds": float, "prefill_tokens_per_second": OPTIONAL,
           "decode_tokens_per_second": OPTIONAL, "prefill_bytes_per_second": OPTIONAL,
           "decode_bytes_per_second": OPTIONAL, "token_seconds": (dict, type(None))}
DOCUMENT = {"schema": str, "text": str, "finish": str, "tokens": list, "prompt_tokens": list,
            "usage": USAGE_COUNTS, "timings": TIMINGS, "memory": dict, "model": MODEL,
            "settings": SETTINGS}


class Answers(CommandTest):
    """With the bundled model, which is there without any file."""

    def test_the_bundled_model_answers_and_stdout_has_the_answer_alone(self):
        result = self.done("--prompt", "What is 17 + 25?")
        self.assertIn("42", result.text)
        self.assertTrue(result.text.endswith("\n"))
        self.assertFalse(result.text.endswith("\n\n"))

    def test_greedy_answers_are_the_same_every_time_and_for_any_number_of_threads(self):
        first = self.done("--prompt", "What is the capital of France?").text
        for threads in (1, 2, 3):
            with self.subTest(threads=threads):
                again = self.done("--prompt", "What is the capital of France?", "-t", threads)
                self.assertEqual(again.text, first)

    def test_all_forms_tell_the_same_answer(self):
        question = ("--prompt", "What is the capital of Italy?")
        text = self.done(*question).text
        document = self.done(*question, "--output-format", "json").json
        events = self.done(*question, "--output-format=jsonl").events
        self.assertEqual(document["text"] + "\n", text)
        tokens = [e for e in events if e["event"] == "token"]
        self.assertEqual("".join(e["text"] for e in tokens), document["text"])
        self.assertEqual([e["id"] for e in tokens if e["id"] is not None], document["tokens"])
        self.assertEqual(self.done(*question, "-o", "none").out, b"")
        spelled = self.done("detokenize", *document["tokens"]).text
        self.assertEqual(spelled, document["text"])

    def test_the_json_document_has_its_schema(self):
        found = self.done("-p", "hello", "-o", "json").json
        self.assertEqual(found["schema"], "metallic.generate/1")
        self.same_shape(found, DOCUMENT)
        self.assertEqual(found["finish"], "end")
        self.assertEqual(found["usage"]["prompt_tokens"], len(found["prompt_tokens"]))
        self.assertEqual(found["usage"]["generated_tokens"], len(found["tokens"]))
        self.assertEqual(found["usage"]["reused_tokens"], 0)
        self.assertEqual(found["model"]["path"], "bundled")
        self.assertEqual(found["model"]["weight_type"], "Q8_0")
        self.assertEqual(found["settings"]["context_length"], found["model"]["context_length"])
        timings = found["timings"]
        self.assertLessEqual(timings["prefill_seconds"], timings["first_token_seconds"])
        self.assertLessEqual(timings["load_seconds"] + timings["first_token_seconds"],
                             timings["process_to_first_token_seconds"])
        self.assertLessEqual(timings["process_to_first_token_seconds"], timings["total_seconds"])
        rate = timings["prefill_tokens_per_second"] * timings["prefill_seconds"]
        # nine digits of each factor
        self.assertAlmostEqual(rate, len(found["prompt_tokens"]), delta=rate * 1e-8)

    def test_the_events_have_their_schema(self):
        events = self.done("-p", "hello", "-o", "jsonl").events
        for event in events:
            self.assertEqual(event["schema"], "metallic.events/1")
        base = {"schema": str, "event": str}
        self.assertEqual([e["event"] for e in events],
                         ["start"] + ["token"] * (len(events) - 2) + ["end"])
        self.same_shape(events[0], {**base, "prompt_tokens": list, "load_seconds": float,
                                    "model": MODEL, "settings": SETTINGS})
        for event in events[1:-1]:
            self.same_shape(event, {**base, "index": int, "id": (int, type(None)), "text": str})
        self.same_shape(events[-1], {**base, "finish": str, "usage": USAGE_COUNTS,
                                     "timings": TIMINGS, "memory": dict})
        numbered = [e["index"] for e in events[1:-1] if e["id"] is not None]
        self.assertEqual(numbered, list(range(events[-1]["usage"]["generated_tokens"])))

    def test_system_and_messages_are_the_same_conversation(self):
        talk = [{"role": "system", "content": "You are terse."},
                {"role": "user", "content": "hello"}]
        flags = self.done("--system", "You are terse.", "-p", "hello", "-o", "json").json
        path = self.file("talk.json", json.dumps(talk))
        messages = self.done("--messages", path, "-o", "json").json
        self.assertEqual(flags["prompt_tokens"], messages["prompt_tokens"])
        self.assertEqual(flags["text"], messages["text"])
        piped = self.done("--messages", "-", "-o", "json", stdin=json.dumps(talk).encode()).json
        self.assertEqual(piped["prompt_tokens"], flags["prompt_tokens"])
        without = self.done("-p", "hello", "-o", "json").json
        self.assertNotEqual(without["prompt_tokens"], flags["prompt_tokens"])

    def test_several_turns_are_one_prompt(self):
        talk = [{"role": "user", "content": "What is 2 + 3?"},
                {"role": "assistant", "content": "2 + 3 = 5."},
                {"role": "user", "content": "What is 4 + 4?"}]
        one = self.done("-p", "What is 4 + 4?", "-o", "json").json["prompt_tokens"]
        all_turns = self.done("--messages", self.file("t.json", json.dumps(talk)), "-o",
                              "json").json["prompt_tokens"]
        self.assertEqual(all_turns[-len(one) + 1:], one[1:])
        self.assertGreater(len(all_turns), 2 * len(one))

    def test_control_tokens_spelled_by_a_user_are_plain_text(self):
        end = self.done("tokenize", "--control", "<|im_end|>").text.split()
        self.assertEqual(len(end), 1)
        for arguments in (("-p", "a<|im_end|>b"), ("-p", "a<|im_end|>b", "--raw"),
                          ("--system", "<|im_end|>", "-p", "x")):
            plain = [a.replace("<|im_end|>", "") for a in arguments]
            counts = [self.done(*a, "-o", "json", "-n", 1).json["prompt_tokens"].count(int(end[0]))
                      for a in (arguments, plain)]
            self.assertEqual(counts[0], counts[1], arguments)


class Prompts(CommandTest):
    def ids(self, *arguments, **options):
        return self.done(*arguments, "-o", "json", "-n", 1, **options).json["prompt_tokens"]

    def test_a_prompt_comes_from_a_flag_a_file_or_standard_input(self):
        expected = self.ids("--prompt", "héllo wörld")
        path = self.file("prompt.txt", "héllo wörld\n")
        text = "héllo wörld\n".encode()
        self.assertEqual(self.ids("--prompt-file", path), expected)
        self.assertEqual(self.ids("--prompt-file", "-", stdin=text), expected)
        self.assertEqual(self.ids("-", stdin=text), expected)
        self.assertEqual(self.ids(stdin=text), expected)
        self.assertEqual(self.ids(stdin=b"h\xc3\xa9llo w\xc3\xb6rld\r\n"), expected)

    def test_raw_gives_every_byte_and_nothing_else(self):
        for text in ("hello", "hello\n", "a\n\n", " x", "<|im_start|>user\n"):
            with self.subTest(text=text):
                plain = json.loads(self.done("tokenize", "--json", "--", text).out)
                self.assertEqual(self.ids("--raw", "--prompt", text), plain)
                self.assertEqual(self.ids("--raw", stdin=text.encode()), plain)

    def test_a_zero_byte_in_the_prompt_does_not_end_it(self):
        expected = json.loads(self.done("tokenize", "--json", stdin=b"a\0b").out)
        self.assertEqual(self.ids("--raw", stdin=b"a\0b"), expected)
        self.assertGreater(len(self.ids(stdin=b"a\0bbb")), len(self.ids(stdin=b"a")))

    def test_text_that_is_not_utf8_is_refused(self):
        for flags in (("--raw",), ()):
            self.fails(FAILED, *flags, stdin=b"ab\xff", says=("prompt", "byte 2", "UTF-8"))
        bad = os.fsdecode(b"\xc3")
        self.fails(FAILED, "--system", bad, "-p", "x", says=("--system", "byte 0", "UTF-8"))
        self.fails(FAILED, "-p", bad, says=("prompt", "byte 0", "UTF-8"))

    def test_several_sources_are_refused(self):
        path = self.file("p.txt", "x")
        for arguments in (("-p", "x", "-"), ("-p", "x", "--prompt-file", path),
                          ("--messages", path, "-"), ("--messages", path, "-p", "x")):
            self.fails(USAGE, *arguments, says=("--prompt", "2 sources"))

    def test_flags_that_exclude_each_other_are_refused(self):
        path = self.file("m.json", "[]")
        self.fails(USAGE, "--raw", "--system", "s", "-p", "x", says=("--raw", "--system"))
        self.fails(USAGE, "--raw", "--messages", path, says=("--raw", "--messages"))
        self.fails(USAGE, "--raw", "--tools", path, "-p", "x", says=("--raw", "--tools"))
        self.fails(USAGE, "--messages", path, "--system", "s", says="--system")
        self.fails(USAGE, "--messages", "-", "--tools", "-", says="--tools")
        self.fails(USAGE, "-p", "x", "--logprobs", 2, says=("--logprobs", "json"))

    def test_nothing_to_answer_is_bad_usage(self):
        self.fails(USAGE, stdin=b"", says="--prompt")
        self.fails(USAGE, "--raw", "-p", "", says=("--prompt", "no tokens"))
        self.assertGreater(len(self.ids("-p", "")), 0)  # an empty message is a message

    def test_on_a_terminal_a_missing_prompt_is_bad_usage(self):
        code, shown = run_on_terminal(streams=("stdin", "stderr"))
        self.assertEqual(code, USAGE)
        self.assertRegex(shown, r"\Ametallic: --prompt: [^\n]*\n\Z")

    def test_a_terminal_gets_the_same_bytes_and_no_colours(self):
        plain = self.done("-p", "hello").text
        code, shown = run_on_terminal("-p", "hello", "-o", "text", "-q",  # a slow machine shows progress
                                      streams=("stdin", "stdout", "stderr"))
        self.assertEqual((code, shown.replace("\r\n", "\n")), (DONE, plain))

    def test_bad_messages_are_refused_and_named(self):
        cases = {b"[": "line 1", b"{}": "JSON list", b"\n\n x": "line 3",
                 b'[{"role":"user","role":"user"}]': "line 1", b"": "JSON",
                 b"[]": "no message", b'[{"role":"user","content":"x"},7]': "message 2",
                 b'[{"content":"x"}]': "message 1", b'[{"role":"user"}]': "no content"}
        for content, says in cases.items():
            path = self.file("bad.json", content)
            self.fails(FAILED, "--messages", path, says=("bad.json", says))
        self.fails(FAILED, "--messages", self.folder / "absent.json", says="absent.json")
        self.fails(FAILED, "-p", "x", "--tools", self.file("t.json", "{}"), says="t.json")

    def test_a_file_that_cannot_be_read_is_named(self):
        self.fails(FAILED, "--prompt-file", self.folder / "absent", says="absent")
        self.fails(FAILED, "--prompt-file", self.folder, says=str(self.folder))

    def test_a_stray_word_is_bad_usage(self):
        self.fails(USAGE, "--raw", "hello", says=("hello", "--prompt"))
        self.fails(USAGE, "--raw", "tokenize", says=("tokenize", "subcommand"))
        self.fails(USAGE, "-", "-", says="unexpected argument")


class Ends(CommandTest):
    """When generation ends. On a random-weight model, which goes on as long as it may."""

    def document(self, *arguments, prompt="hello", **options):
        return self.done("-m", self.tiny(), "--raw", "-p", prompt, "-o", "json", *arguments,
                         **options).json

    def test_max_tokens_is_exact(self):
        for count in (1, 2, 17):
            found = self.document("--max-tokens", count, "--ignore-end")
            self.assertEqual((len(found["tokens"]), found["finish"]), (count, "length"))
            self.assertEqual(found["settings"]["max_tokens"], count)

    def test_speculation_changes_counts_and_nothing_else(self):
        for options in ((), ("--temperature", 1, "--seed", 3, "--logprobs", 2)):
            told = [self.done("--raw", "-p", "one two three one two three one", "-n", 120,
                              "--ignore-end", "-o", "json", "--speculate", guesses, *options).json
                    for guesses in (0, 8)]
            self.assertEqual([t["settings"]["speculate"] for t in told], [0, 8])
            usage = [t["usage"] for t in told]
            self.assertEqual((usage[0]["proposed_tokens"], usage[0]["accepted_tokens"]), (0, 0))
            self.assertGreaterEqual(usage[1]["proposed_tokens"], usage[1]["accepted_tokens"])
            self.assertGreater(usage[1]["accepted_tokens"], 0)
            for key in ("text", "tokens", "finish", "logprobs"):
                self.assertEqual(told[0].get(key), told[1].get(key), key)
        self.fails(USAGE, "-p", "x", "--speculate", 17, says=("--speculate", "17", "0 to 16"))

    def test_a_full_context_ends_and_is_said(self):
        found = self.document("--context-length", 20, "--ignore-end")
        self.assertEqual(found["finish"], "context")
        self.assertEqual(found["settings"]["context_length"], 20)
        # The last token is not fed, so one more than fits may be generated.
        self.assertEqual(len(found["prompt_tokens"]) + len(found["tokens"]), 21)
        told = run("-m", self.tiny(), "--raw", "-p", "hello", "--context-length", 20,
                   "--ignore-end")
        self.assertEqual(told.code, DONE)
        self.assertIn(b"context of 20 tokens is full", told.err)

    def test_more_context_than_the_model_was_trained_for_is_refused(self):
        found = self.document("--context-length", 512, "-n", 1, "--ignore-end")
        self.assertEqual(found["finish"], "length")
        self.fails(USAGE, "-m", self.tiny(), "-p", "x", "--context-length", 513,
                   says=("--context-length", "513", "at most 512"))

    def test_a_prompt_beyond_the_context_fails(self):
        self.fails(FAILED, "-m", self.tiny(), "--raw", "-p", "hello world " * 9,
                   "--context-length", 4)
        found = self.fails(FAILED, "-m", self.tiny(), "--raw", "-p", "hello world " * 9,
                           "--context-length", 4, "-o", "json", out=None).json
        self.assertEqual(found["error"]["code"], "MET_E_CONTEXT_FULL")

    def test_a_stop_text_ends_the_answer_before_it_also_across_tokens(self):
        whole = self.document("-n", 40, "--ignore-end")
        pieces = [self.done("detokenize", "-m", self.tiny(), i).out for i in whole["tokens"]]
        tried = 0
        for i in range(3, len(pieces) - 1):
            if not (pieces[i].isalpha() and pieces[i + 1].isalpha()):
                continue
            stop = (pieces[i][-1:] + pieces[i + 1][:1]).decode()
            expected = whole["text"].partition(stop)[0]
            found = self.document("-n", 40, "--ignore-end", "--stop", stop)
            self.assertEqual((found["text"], found["finish"]), (expected, "stop"))
            self.assertEqual(found["settings"]["stop"], [stop])
            text = self.done("-m", self.tiny(), "--raw", "-p", "hello", "-n", 40, "--ignore-end",
                             "--stop", stop).text
            self.assertEqual(text.rstrip("\n"), expected.rstrip("\n"))
            events = self.done("-m", self.tiny(), "--raw", "-p", "hello", "-n", 40, "-o", "jsonl",
                               "--ignore-end", "--stop", "\u2603", "--stop", stop).events
            self.assertEqual("".join(e.get("text", "") for e in events), expected)
            tried += 1
        self.assertGreater(tried, 2)

    def test_a_stop_text_that_never_comes_changes_nothing(self):
        plain = self.document("-n", 30, "--ignore-end")
        held = self.document("-n", 30, "--ignore-end", "--stop", plain["text"] + "x")
        self.assertEqual((held["text"], held["finish"]), (plain["text"], "length"))

    def test_an_empty_stop_text_is_refused(self):
        self.fails(USAGE, "-p", "x", "--stop", "", says="--stop")


class Choosing(CommandTest):
    """How tokens are chosen."""

    def document(self, *arguments, model=None, **options):
        return self.done("-m", model or self.tiny(), "--raw", "-p", "hello", "-n", 24,
                         "--ignore-end", "-o", "json", *arguments, **options).json

    def test_the_same_seed_gives_the_same_text(self):
        hot = ("--temperature", 1.5, "--seed", 7)
        first = self.document(*hot)
        self.assertEqual(self.document(*hot)["tokens"], first["tokens"])
        self.assertEqual(self.document(*hot, "-t", 1)["tokens"], first["tokens"])
        self.assertEqual(first["settings"]["seed"], 7)
        self.assertEqual(first["settings"]["temperature"], 1.5)

    def test_another_seed_gives_another_text(self):
        texts = {tuple(self.document("--temperature", 2, "--seed", s)["tokens"]) for s in range(4)}
        self.assertEqual(len(texts), 4)

    def test_a_seed_of_its_own_is_reported_and_repeats_the_text(self):
        first = self.document("--temperature", 2)
        second = self.document("--temperature", 2)
        self.assertNotEqual(first["settings"]["seed"], second["settings"]["seed"])
        again = self.document("--temperature", 2, "--seed", first["settings"]["seed"])
        self.assertEqual(again["tokens"], first["tokens"])

    def test_every_filter_can_leave_only_the_likeliest(self):
        greedy = self.document()["tokens"]
        self.assertNotEqual(self.document("--temperature", 5, "--seed", 1)["tokens"], greedy)
        for narrow in (("--top-k", 1), ("--top-p", 1e-6), ("--min-p", 0.9999)):
            found = self.document("--temperature", 5, "--seed", 1, *narrow)
            self.assertEqual(found["tokens"], greedy, narrow)

    def test_a_large_presence_penalty_never_repeats_a_token(self):
        for flag in ("--presence-penalty", "--frequency-penalty"):
            found = self.document(flag, 1e6, "--repeat-last-n", -1)
            self.assertEqual(len(set(found["tokens"])), len(found["tokens"]))
            self.assertFalse(set(found["tokens"]) & set(found["prompt_tokens"]))

    def test_the_window_limits_penalties_and_zero_switches_them_off(self):
        greedy = self.document()["tokens"]
        off = self.document("--presence-penalty", 1e6, "--repeat-last-n", 0)["tokens"]
        self.assertEqual(off, greedy)
        one = self.document("--presence-penalty", 1e6, "--repeat-last-n", 1)["tokens"]
        self.assertTrue(all(a != b for a, b in zip(one, one[1:])))

    def test_a_repeat_penalty_changes_the_choice(self):
        greedy = self.document()["tokens"]
        self.assertLess(len(set(greedy)), len(greedy))  # it repeats, so that a penalty shows
        self.assertNotEqual(self.document("--repeat-penalty", 10.0)["tokens"], greedy)

    def test_logprobs_are_those_of_the_logits(self):
        found = self.document("--logprobs", 5)
        ids = found["prompt_tokens"] + found["tokens"]
        out = self.folder / "l.npy"
        self.done("logits", "-m", self.tiny(), "--tokens", ",".join(map(str, ids)), "-o", out)
        logits = np.load(out).astype(np.float64)
        logprobs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        self.assertEqual(len(found["logprobs"]), len(found["tokens"]))
        for i, entry in enumerate(found["logprobs"]):
            row = logprobs[len(found["prompt_tokens"]) + i - 1]
            self.assertEqual(entry["id"], found["tokens"][i])
            self.same_shape(entry, {"id": int, "text": str, "logprob": NUMBER, "top": list})
            order = sorted(range(len(row)), key=lambda t: (-row[t], t))[:5]
            self.assertEqual([t["id"] for t in entry["top"]], order)
            # float32 holds 24 bits of a number below 32, and a sum over 512 terms.
            for told in [entry, *entry["top"]]:
                self.assertAlmostEqual(told["logprob"], row[told["id"]], delta=32 * 2.0**-20)
                self.same_shape(told["text"], str)

    def test_logprobs_zero_tells_the_token_alone(self):
        found = self.document("--logprobs", 0)
        self.assertTrue(all(e["top"] == [] for e in found["logprobs"]))
        self.assertTrue(all(e["logprob"] <= 0 for e in found["logprobs"]))
        self.assertNotIn("logprobs", self.document())
        events = self.done("-m", self.tiny(), "--raw", "-p", "x", "-n", 3, "--ignore-end", "-o",
                           "jsonl", "--logprobs", 2).events
        tokens = [e for e in events if e["event"] == "token" and e["id"] is not None]
        self.assertEqual(len(tokens), 3)
        for event in tokens:
            self.assertEqual(len(event["top"]), 2)
            self.assertEqual(event["top"][0]["id"], event["id"])
            self.assertEqual(event["logprob"], event["top"][0]["logprob"])
            self.assertTrue(math.isfinite(event["logprob"]))


class Settings(CommandTest):
    def settings(self, *arguments, **changes):
        return self.done("-m", self.tiny(), "--raw", "-p", "x", "-n", 1, "-o", "json", *arguments,
                         env=environment(**changes)).json["settings"]

    def test_flags_win_over_the_environment(self):
        found = self.settings(METALLIC_THREADS="3", METALLIC_MAX_CONTEXT_LEN="100",
                              METALLIC_BACKEND="cpu")
        self.assertEqual((found["threads"], found["context_length"], found["backend"]),
                         (3, 100, "cpu"))
        found = self.settings("--threads", 2, "--context-length", 50, METALLIC_THREADS="3",
                              METALLIC_MAX_CONTEXT_LEN="100")
        self.assertEqual((found["threads"], found["context_length"]), (2, 50))
        found = self.settings(METALLIC_THREADS="", METALLIC_MAX_CONTEXT_LEN="99999")
        self.assertEqual(found["context_length"], 512)  # a maximum, not a wish

    def test_a_bad_variable_is_bad_usage_and_names_what_is_accepted(self):
        for name, value, says in (("METALLIC_THREADS", "0", "from 1 to 256"),
                                  ("METALLIC_THREADS", "two", "from 1 to 256"),
                                  ("METALLIC_BACKEND", "gpu", "auto, cpu or metal"),
                                  ("METALLIC_MAX_CONTEXT_LEN", "-1", "from 1 to")):
            self.fails(USAGE, "-p", "x", says=(name, value, says),
                       env=environment(**{name: value}))

    def test_the_type_of_cached_keys_and_values_counts_and_is_reported(self):
        self.assertEqual(self.settings()["kv_type"], "f16")
        self.assertEqual(self.settings("--kv-type", "f32")["kv_type"], "f32")
        told = {kind: self.done("-m", self.tiny(), "--raw", "-p", "hello " * 20, "-n", 1,
                                "--ignore-end", "-o", "json", "--logprobs", 0, "--kv-type",
                                kind).json["logprobs"][0]["logprob"] for kind in ("f16", "f32")}
        self.assertNotEqual(told["f16"], told["f32"])

    def test_numbers_are_reported_as_they_were_given(self):
        found = self.settings("--temperature", "0.8", "--top-p", "0.95", "--min-p", "0.05",
                              "--repeat-penalty", "1.1", "--top-k", "40", "--seed", "5")
        self.assertEqual([found[k] for k in ("temperature", "top_p", "min_p", "repeat_penalty",
                                             "top_k", "seed")], [0.8, 0.95, 0.05, 1.1, 40, 5])

    def test_every_flag_refuses_a_bad_value_with_one_line(self):
        numbers = ("max-tokens", "temperature", "top-k", "top-p", "min-p", "repeat-penalty",
                   "presence-penalty", "frequency-penalty", "repeat-last-n", "seed",
                   "context-length", "threads", "logprobs")
        for name in numbers:
            for bad in ("x", "", "1x", "nan"):
                self.fails(USAGE, "-p", "x", f"--{name}", bad, says=(f"--{name}", "expected"))
            self.fails(USAGE, "-p", "x", f"--{name}", says=(f"--{name}", "no value"))
        self.fails(USAGE, "-p", "x", "--backend", "abacus", says=("--backend", "auto, cpu or metal"))
        self.fails(USAGE, "-p", "x", "--kv-type", "q4", says=("--kv-type", "f16 or f32"))
        for bad in ("xml", ""):
            self.fails(USAGE, "-p", "x", "--output-format", bad,
                       says=("--output-format", "tui, text, json, jsonl or none"))
        self.fails(USAGE, "-p", "x", "--temprature", 1, says="--temperature")


class JsonErrors(CommandTest):
    def test_a_failure_is_also_a_json_document(self):
        missing = self.folder / "absent.gguf"
        cases = [(FAILED, ("-m", missing, "-p", "x"), "MET_E_IO", "absent.gguf"),
                 (USAGE, ("-p", "x", "--top-k", "no"), "MET_E_ARGUMENT", "--top-k"),
                 (USAGE, ("--top-k", "no"), "MET_E_ARGUMENT", "--top-k"),
                 (USAGE, ("--raw", "-p", ""), "MET_E_ARGUMENT", "--prompt")]
        for code, arguments, name, says in cases:
            found = self.fails(code, *arguments, "--output-format", "json", says=says, out=None)
            self.same_shape(found.json, {"schema": str, "error": {"code": str, "text": str}})
            self.assertEqual(found.json["schema"], "metallic.generate/1")
            self.assertEqual(found.json["error"]["code"], name)
            self.assertEqual(f"metallic: {found.json['error']['text']}\n", found.err.decode())
            found = self.fails(code, *arguments, "--output-format", "jsonl", says=says, out=None)
            self.assertEqual(len(found.events), 1)
            self.same_shape(found.events[0], {"schema": str, "event": str,
                                              "error": {"code": str, "text": str}})
            self.assertEqual(found.events[0]["event"], "error")
            self.fails(code, *arguments, says=says)


if __name__ == "__main__":
    tap.main()
