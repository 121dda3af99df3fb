"""Every command of the chat, what it refuses, and the flags that the interface goes with."""
import json
import os
import re

from driver import READY, Screen, TuiTest, signal, tap


class Commands(TuiTest):
    def test_help_names_every_command_and_key(self):
        screen = self.start(columns=90, rows=50)
        screen.say("/help")
        text = screen.wait("/quit")
        for word in ("/help", "/clear", "/system", "/save", "/load", "/temp", "/stats", "Enter",
                     "Alt-Enter", "Esc", "PgUp", "F2", "F3", "Tab", "Ctrl-W"):
            self.assertIn(word, text)
        self.leave(screen)

    def test_an_unknown_command_names_the_nearest_and_is_not_sent(self):
        screen = self.start()
        screen.say("/hlep")
        screen.wait(r"✗ /hlep: unknown command, did you mean /help\?; see /help")
        screen.say("/xyzzy now")
        screen.wait(r"✗ /xyzzy: unknown command; see /help")
        screen.say("/clear all")
        screen.wait(r'✗ /clear: found "all", expected nothing')
        screen.say("/save")
        screen.wait(r"✗ /save: found nothing, expected FILE")
        self.assertNotIn("tok/s", screen.text())
        self.leave(screen)

    def test_a_path_is_a_question_not_a_command(self):
        screen = self.start()
        screen.say("/etc/hosts is what?")
        screen.wait(rf"tokens? · .*{READY}")
        self.assertNotIn("unknown command", screen.text())
        self.leave(screen)

    def test_clear_begins_a_conversation_without_the_one_before(self):
        screen = self.start()
        screen.ask("What is 231 + 468?", "699")
        screen.say("/clear")
        text = screen.wait("A new conversation")
        self.assertNotIn("699", text)
        screen.say("/stats")
        screen.wait(r"context +0 of")
        self.leave(screen)

    def test_system_is_set_shown_and_removed(self):
        screen = self.start("--system", "Answer in one word.")
        screen.wait("System message: Answer in one word.")
        screen.say("/system")
        screen.wait("System message: Answer in one word..*System message: Answer in one word.")
        screen.say("/system Be kind.")
        screen.wait("System message: Be kind.")
        path = self.folder / "system.json"
        screen.ask("What is 2 + 3?", "5")
        screen.say(f"/save {path}")
        screen.wait("Saved 3 messages")
        self.assertEqual(json.loads(path.read_text())[0],
                         {"role": "system", "content": "Be kind."})
        screen.say("/system -")
        screen.wait("is removed")
        screen.say("/system")
        screen.wait("There is no system message")
        self.leave(screen)

    def test_a_long_system_message_is_shown_whole(self):
        words = " ".join(f"w{i}" for i in range(900))  # more than 4 kB
        screen = self.start("--system", words, "--context-length", "2048", columns=90, rows=60)
        screen.wait("w899")
        self.leave(screen)

    def test_a_conversation_is_saved_and_loaded_and_goes_on(self):
        path = self.folder / "saved.json"
        screen = self.start()
        screen.ask("What is 231 + 468?", "699")
        screen.say(f"/save {path}")
        screen.wait("Saved 2 messages")
        self.assertEqual(json.loads(path.read_text()),
                         [{"role": "user", "content": "What is 231 + 468?"},
                          {"role": "assistant", "content": "231 + 468 = 699."}])
        self.assertEqual([p.name for p in self.folder.glob("saved.json*")], ["saved.json"])
        screen.ask("What is 2 + 3?", "5")
        screen.say(f"/save {path}")  # a conversation may be replaced by a newer one
        screen.wait("Saved 4 messages")
        self.leave(screen)
        screen = self.start()
        screen.say(f"/load {path}")
        text = screen.wait("Loaded 4 messages")
        self.assertRegex(text, r"❯ What is 2 \+ 3\?")
        screen.ask("What is 20 + 22?", "42")
        self.leave(screen)

    def test_what_cannot_be_saved_or_loaded_is_said_and_changes_nothing(self):
        other = self.folder / "other.txt"
        other.write_text("not a conversation")
        bad = {"list.json": ('{"a": 1}', "expected a JSON list"),
               "role.json": ('[{"role": "tool", "content": ""}]', 'message 1: found the role "tool"'),
               "text.json": ('[{"role": "user", "content": "a"}, {"role": "user"}]',
                             "message 2: expected an object"),
               "late.json": ('[{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]',
                             "message 2: found a system message"),
               "cut.json": ('[{"role":', "line 1")}
        for name, (content, _) in bad.items():
            (self.folder / name).write_text(content)
        screen = self.start(columns=110, rows=50)
        screen.keys("F2")
        screen.ask("What is 2 + 3?", "5")
        for name, (_, says) in bad.items():
            screen.say(f"/load {self.folder / name}")
            screen.wait(re.escape(says))
        os.mkfifo(self.folder / "pipe")
        for line, says in (("/load /nowhere/x.json", "/nowhere/x.json: No such file"),
                           (f"/load {self.folder / 'pipe'}", "expected the name of a file"),
                           ("/load -", "-: No such file"),
                           ("/save /nowhere/x.json", "✗ /nowhere/x.json: No such file"),
                           ("/save /dev/null", "expected the name of a file"),
                           (f"/save {other}", "found a file that is no conversation")):
            screen.say("/stats")  # so that an earlier line cannot be taken for this one
            screen.say(line)
            screen.wait(re.escape(says))
        self.assertEqual(other.read_text(), "not a conversation")
        screen.say("/stats")
        screen.ask("What is 20 + 22?", "42")
        self.leave(screen)

    def test_temp_shows_sets_and_refuses(self):
        screen = self.start()
        screen.say("/temp")
        screen.wait("Temperature 0: always the likeliest token")
        screen.say("/temp 0.7")
        screen.wait(r"Temperature 0\.7\.")
        screen.say("/temp hot")
        screen.wait('✗ /temp: found "hot"')
        screen.say("/temp -1")
        screen.wait('✗ /temp: found "-1"')
        screen.say("/temp")
        screen.wait(r"-1.*Temperature 0\.7\.")
        self.leave(screen)

    def test_what_needs_rest_is_refused_while_an_answer_runs(self):
        screen = self.start_endless()
        screen.say("/clear")
        screen.keys("Escape")
        screen.wait(READY)
        text = screen.text()
        self.assertLess(text.index("tok/s"), text.index("an answer is being generated: Esc stops"))
        self.leave(screen)

    def test_quit_and_ctrl_d_leave_with_code_0_and_a_second_ctrl_c_with_130(self):
        screen = self.start()
        self.leave(screen)
        screen = self.start()
        screen.keys("C-d")
        self.assertEqual(screen.ended(), 0)
        screen = self.start()
        screen.keys("C-c")
        screen.wait("Ctrl-C again leaves")
        screen.type("x")
        screen.wait(READY)  # a change of mind
        screen.keys("C-c", "C-c")
        screen.wait("Ctrl-C again leaves")
        screen.keys("C-c")
        self.assertEqual(screen.ended(), 130)

    def test_ctrl_c_stops_the_answer_and_a_second_one_leaves(self):
        screen = self.start_endless()
        screen.keys("C-c")
        screen.wait("stopped.*● Ctrl-C again leaves")
        screen.keys("C-c")
        self.assertEqual(screen.ended(), 130)

    def test_quit_during_an_answer_leaves_at_once(self):
        screen = self.start_endless()
        screen.say("/quit")
        self.assertEqual(screen.ended(), 0)


class Start(TuiTest):
    def fails(self, screen, code, says):
        """The command ended before any screen, with one line."""
        text = screen.wait("ENDED")
        self.assertEqual(int(screen.read("code")), code)
        self.assertIn(says, text.replace("\n", ""))
        self.assertEqual(screen.modes("before"), screen.modes("after"))

    def test_a_model_that_cannot_be_opened_is_told_on_the_plain_terminal(self):
        self.fails(self.start("-m", "/nowhere.gguf", ready=False, columns=120), 1,
                   "metallic: /nowhere.gguf: No such file")

    def test_flags_that_do_not_go_with_it_are_refused(self):
        for flags, says in ((("-o", "tui", "--raw", "-p", "x"), "--raw: found beside"),
                            (("--logprobs", "1", "-p", "x"), "--logprobs: found beside"),
                            (("-o", "tui", "-"), "-: found beside"),
                            (("-p", "x", "--messages", "y"), "found 2 sources")):
            self.fails(self.start(*flags, ready=False, columns=120), 2, says)

    def test_raw_and_standard_input_are_answered_as_text(self):
        screen = self.start("--raw", "-p", "x", "-n", "1", ready=False)
        screen.wait("ENDED")
        self.assertNotIn("ready", screen.text())
        self.assertEqual(screen.read("code").strip(), "0")

    def test_messages_that_only_a_template_understands_are_answered_as_text(self):
        path = self.folder / "tools.json"
        path.write_text(json.dumps([
            {"role": "user", "content": "What is 1 + 1?"},
            {"role": "assistant", "content": "", "tool_calls": []},
            {"role": "tool", "content": "2"}]))
        screen = self.start("--messages", path, "-n", "1", ready=False)
        screen.wait("ENDED")
        self.assertNotIn("ready", screen.text())
        self.assertEqual(screen.read("code").strip(), "0")
        self.fails(self.start("-o", "tui", "--messages", path, ready=False, columns=120), 1,
                   "--messages: message 2: found other keys")


if __name__ == "__main__":
    tap.main()
