"""What the command tells on standard error: levels, where they come from, and silence."""
import re

from driver import CommandTest, DONE, FAILED, USAGE, environment, run, tap

LINE = re.compile(r"metallic: (?:\[\d+\.\d{6}\] )?(error|warn|info|debug|trace): [^\n]+")
ORDER = ["error", "warn", "info", "debug", "trace"]


class Log(CommandTest):
    def told(self, *arguments, env=None):
        """(lines, their levels) of a run that succeeds with the usual answer."""
        result = run("-p", "hello", "-n", 3, "-o", "json", *arguments, env=env)
        self.assertEqual(result.code, DONE, result.err)
        self.assertEqual(len(result.json["tokens"]), 3)
        lines = result.err.decode().splitlines()
        for line in lines:
            self.assertRegex(line, rf"\A{LINE.pattern}\Z")
        return lines, [LINE.match(line).group(1) for line in lines]

    def test_nothing_is_told_unless_it_is_asked_for(self):
        self.assertEqual(self.told()[0], [])
        self.assertEqual(self.told("-q")[0], [])
        self.assertEqual(self.told(env=environment(METALLIC_LOG_LEVEL="warn"))[0], [])
        self.assertEqual(self.told(env=environment(METALLIC_LOG_LEVEL=""))[0], [])

    def test_each_v_tells_one_level_more(self):
        for flags, level in ((["-v"], "info"), (["-vv"], "debug"), (["-v", "-v"], "debug"),
                             (["--verbose"] * 3, "trace"), (["-vvv"], "trace"),
                             (["-vvvvv"], "trace")):
            lines, levels = self.told(*flags)
            self.assertIn(level, levels, flags)
            deeper = ORDER[ORDER.index(level) + 1:]
            self.assertEqual([found for found in levels if found in deeper], [], flags)
            with_time = [line for line in lines if line.startswith("metallic: [")]
            self.assertEqual(len(with_time), len(lines) if level != "info" else 0, flags)

    def test_flags_win_over_the_variable(self):
        trace = environment(METALLIC_LOG_LEVEL="trace")
        self.assertIn("trace", self.told(env=trace)[1])
        self.assertEqual(set(self.told("-v", env=trace)[1]), {"info"})
        self.assertEqual(self.told("--quiet", env=trace)[0], [])

    def test_every_step_is_told_at_trace_and_none_before(self):
        steps = [line for line in self.told("-vvv")[0] if "trace: step: " in line]
        self.assertEqual(len(steps), 3)  # the prompt, then all tokens but the last
        self.assertNotIn("step: ", "".join(self.told("-vv")[0]))

    def test_what_helps_to_tune_is_told(self):
        info = "\n".join(self.told("-v", "-t", 2)[0])
        for part in ("machine cpu: ", "2 threads", "matmul native", "bundled model: qwen2", "Q8_0",
                     "KV cache F16", "generate: prompt of ", "finish: length"):
            self.assertIn(part, info)
        debug = "\n".join(self.told("-vv")[0])
        for part in ("levels of this build: scalar", "weights bound", "vocabulary loaded",
                     "keeps the first 0", "chat template parsed"):
            self.assertIn(part, debug)
        guesses = run("--raw", "-p", "one two three one two three one", "-n", 60, "--ignore-end",
                      "--speculate", 8, "-o", "json", "-v")
        usage = guesses.json["usage"]
        self.assertIn(f"{usage['accepted_tokens']} of {usage['proposed_tokens']} guessed tokens",
                      guesses.err.decode())

    def test_a_model_from_a_file_tells_its_pages(self):
        result = run("-m", self.tiny(), "--raw", "-p", "x", "-n", 2, "-vv")
        self.assertEqual(result.code, DONE)
        found = re.search(rb"model file: (\d+) bytes resident, (\d+) of them in large", result.err)
        self.assertIsNotNone(found, result.err)
        self.assertLessEqual(int(found.group(2)), int(found.group(1)))

    def test_every_subcommand_takes_the_flags(self):
        self.assertIn(b"info: bundled model", run("tokenize", "x", "-v").err)
        self.assertIn(b"info: bundled model", run("logits", "--tokens", "1", "-o", "/dev/null",
                                                  "-v").err)
        self.done("detokenize", "-q", "1")
        self.done("inspect", "-v")
        self.done("completions", "bash", "-q")

    def test_a_failure_is_told_at_every_level(self):
        for flags in ((), ("-q",)):
            self.fails(FAILED, *flags, "-m", "/absent", "-p", "x", says="/absent")
        told = run("-m", "/absent", "-p", "x", "-vvv").err.decode().splitlines()
        self.assertRegex(told[-1], r"\Ametallic: /absent: ")

    def test_quiet_silences_warnings(self):
        arguments = ("-m", self.tiny(), "--raw", "-p", "hello", "--context-length", 20,
                     "--ignore-end")
        self.assertEqual(run(*arguments).err, b"metallic: warn: the context of 20 tokens is full: "
                                              b"the answer is not complete\n")
        self.assertEqual(run(*arguments, "-q").err, b"")

    def test_bad_levels_and_flags_that_fight_are_bad_usage(self):
        for value in ("loud", "off", "WARN", "3"):
            self.fails(USAGE, "-p", "x", says=("METALLIC_LOG_LEVEL", value,
                                               "error, warn, info, debug or trace"),
                       env=environment(METALLIC_LOG_LEVEL=value))
        self.fails(USAGE, "-q", "-v", "-p", "x", says=("--quiet", "--verbose"))
        self.fails(USAGE, "-vx", "-p", "x", says=("-vx", "unknown flag"))
        self.fails(USAGE, "-vp", "x", says=("-vp", "unknown flag"))
        self.fails(USAGE, "--verbose=2", "-p", "x", says=("--verbose", "no value"))


if __name__ == "__main__":
    tap.main()
