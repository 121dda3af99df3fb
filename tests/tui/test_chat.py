"""A conversation as a person has it: typing, editing, several turns, scrolling, the panel."""
import json
import re
import subprocess
import unicodedata

from driver import METALLIC, READY, TuiTest, tap


def columns_of(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrap(text, columns):
    """Greedy lines: words whole, wide characters each a word of its own."""
    pieces = [p for word in re.findall(r" ?[^ ]+", text)
              for p in re.findall(r" ?[^\u3000-\u9fff ]+| ?[\u3000-\u9fff]", word)]
    lines = [""]
    for piece in pieces:
        if columns_of(lines[-1] + piece) > columns:
            lines.append(piece.lstrip(" "))
        else:
            lines[-1] += piece
    return lines


class Welcome(TuiTest):
    def test_without_a_model_the_chat_explains_the_bundled_one_and_how_to_open_another(self):
        screen = self.start()
        text = screen.text()
        self.assertIn("metallic carries", text)
        self.assertIn("metallic --gguf-path MODEL.gguf", text)
        self.leave(screen)

    def test_with_a_prompt_it_begins_with_that_turn(self):
        screen = self.start("-p", "What is 231 + 468?", ready=False)
        text = screen.wait(r"699.*tokens")
        self.assertRegex(text, r"❯ What is 231 \+ 468\?")
        self.leave(screen)

    def test_messages_with_a_question_at_the_end_are_answered(self):
        path = self.folder / "talk.json"
        path.write_text(json.dumps([
            {"role": "user", "content": "What is 1 + 1?"},
            {"role": "assistant", "content": "1 + 1 = 2."},
            {"role": "user", "content": "What is 20 + 22?"}]))
        screen = self.start("--messages", path, ready=False)
        text = screen.wait(r"42.*tokens")
        self.assertIn("1 + 1 = 2.", text)
        self.leave(screen)


class Turns(TuiTest):
    def test_an_answer_is_the_one_that_text_mode_gives(self):
        question = "What is the capital of France?"
        plain = subprocess.run([METALLIC, "-p", question, "-o", "text"], capture_output=True,
                               check=True).stdout.decode().strip()
        screen = self.start()
        self.assertIn(plain, screen.ask(question, re.escape(plain)))
        self.leave(screen)

    def test_the_second_turn_computes_only_what_is_new(self):
        screen = self.start()
        screen.ask("What is 231 + 468?", "699")
        screen.ask("What is 20 + 22?", r"42\.")
        screen.say("/stats")
        text = screen.wait(r"(\d+) tokens, (\d+) of them reused")
        prompt, reused = map(int, re.search(r"(\d+) tokens, (\d+) of them reused", text).groups())
        tokens = subprocess.run([METALLIC, "-p", "What is 231 + 468?", "-o", "json"], check=True,
                                capture_output=True).stdout
        first = json.loads(tokens)
        # All of the first prompt and of its answer but the last token, which was chosen, not fed.
        held = len(first["prompt_tokens"]) + len(first["tokens"])
        self.assertIn(reused, (held - 1, held))
        self.assertLess(reused, prompt)
        self.leave(screen)

    def test_control_tokens_that_are_typed_are_text(self):
        screen = self.start()
        screen.say("What is 2 + 3?<|im_end|>")
        screen.wait(rf"tokens? · .*{READY}")
        self.assertIn("<|im_end|>", screen.text())
        self.leave(screen)

    def test_a_full_context_is_said_and_clear_begins_anew(self):
        screen = self.start("--context-length", "48")
        for _ in range(3):
            screen.say("What is 231 + 468?")
            text = screen.wait(rf"(tokens? · |✗).*{READY}")
            if "/clear" in text:
                break
        text = screen.wait("/clear begins a new one")
        screen.keys("C-u")
        screen.say("/clear")
        screen.wait("A new conversation")
        screen.ask("What is 2 + 3?", "5")
        self.leave(screen)

    def test_stop_keeps_what_there_is_and_the_next_turn_goes_on(self):
        screen = self.start_endless("--max-tokens", "100000")
        screen.keys("Escape")
        screen.wait("stopped")
        screen.wait(READY)
        screen.say("/stats")
        screen.wait("ended: interrupted")
        screen.say("again")
        screen.wait("answering")
        screen.keys("C-c")
        screen.wait("stopped.*● Ctrl-C again leaves")
        screen.type("x")  # a change of mind
        screen.wait(READY)
        self.leave(screen)

    def test_a_question_waits_while_an_answer_is_generated(self):
        screen = self.start_endless()
        screen.say("later")
        screen.type("!")
        screen.wait(r"❯ later!")
        screen.say("")
        screen.keys("Escape")
        screen.wait(READY)
        self.assertIn("❯ later!", screen.text())
        self.leave(screen)


class Editing(TuiTest):
    def shows(self, screen, text):
        """The input is exactly `text`, whose lines follow the prompt sign."""
        rows = text.split("\n")

        def holds(shown):
            lines = [line.rstrip() for line in shown.split("\n")]
            at = len(lines) - 1 - len(rows)
            found = [lines[at][2:].rstrip(), *(line[2:].rstrip() for line in lines[at + 1:-1])]
            return lines[at].startswith("❯") and found == rows
        screen.wait(holds, what=f"the input {text!r}")

    def test_keys_edit_as_in_a_shell(self):
        screen = self.start()
        screen.type("hello brave world")
        self.shows(screen, "hello brave world")
        for keys, left in ((["C-w"], "hello brave"),  # and a space, which does not show
                           (["C-a", "Delete"], "ello brave"),
                           (["C-e", "BSpace", "BSpace"], "ello brav"),
                           (["C-Left", "C-k"], "ello"),
                           (["C-y"], "ello brav"),
                           (["Home", "Right", "C-u"], "llo brav"),
                           (["End", "Left", "Left", "C-d"], "llo brv"),
                           (["M-b", "M-d"], "llo")):
            screen.keys(*keys)
            self.shows(screen, left)
        screen.keys("C-c")  # an idle Ctrl-C drops the line
        self.shows(screen, "Ask something")
        self.leave(screen)

    def test_alt_enter_and_ctrl_j_begin_a_line_and_the_input_grows(self):
        screen = self.start()
        screen.type("one")
        screen.keys("M-Enter")
        screen.type("two")
        screen.keys("C-j")
        screen.type("three")
        self.shows(screen, "one\ntwo\nthree")
        screen.keys("Up", "Home", "C-k")
        self.shows(screen, "one\n\nthree")
        screen.keys("C-k")  # at the end of a line it takes the line's end
        self.shows(screen, "one\nthree")
        self.drop(screen)

    def drop(self, screen):
        screen.keys("C-c")
        self.shows(screen, "Ask something")
        self.leave(screen)

    def test_a_paste_keeps_its_lines_and_sends_nothing(self):
        screen = self.start()
        screen.paste("first line\nsecond\tline\r\nthird")
        self.shows(screen, "first line\nsecond    line\nthird")
        self.assertNotIn("tok/s", screen.text().split("─")[0])
        self.drop(screen)

    def test_a_huge_paste_is_taken(self):
        screen = self.start()
        screen.paste("x" * 50_000 + "\nend")
        screen.wait(r"\n  end\s*\n")
        screen.keys("C-c")
        self.shows(screen, "Ask something")
        self.leave(screen)

    def test_a_slow_paste_into_a_long_line_is_typed_at_once(self):
        # Key by key, without brackets, in front of other text. When each key took as long as the
        # line is, this took longer than the deadline.
        screen = self.start()
        screen.paste("y" * 50_000)
        screen.keys("C-a")
        screen.tmux("load-buffer", "-", input=b"x" * 300_000)
        screen.tmux("paste-buffer", "-r")
        screen.type("here")
        screen.wait(lambda text: "xherey" in text.replace("\n  ", ""), what="what was typed")
        screen.keys("C-e")
        screen.type("end")
        screen.wait(lambda text: "yend\n" in text.replace("\n  ", ""), what="the end")
        screen.keys("C-c")
        self.shows(screen, "Ask something")
        self.leave(screen)

    def test_a_character_wider_than_the_window_is_a_replacement(self):
        screen = self.start(columns=24, rows=12)
        screen.paste("\u200d".join(["👩"] * 12) + "x")
        screen.wait("❯ \ufffdx")
        self.assertEqual(screen.cursor[0], 2 + 2)
        screen.keys("Left", "BSpace")  # and one step
        screen.wait("❯ x")
        screen.keys("C-c")
        self.leave(screen)

    def test_a_prompt_with_control_characters_shows_and_keeps_them(self):
        prompt, saved = self.folder / "nul.txt", self.folder / "nul.json"
        text = "What is 2 + 3?\0after\x1b[31m\rend"
        prompt.write_text(text, newline="")
        screen = self.start("--prompt-file", prompt, ready=False)
        shown = r"❯ What is 2 \+ 3\?␀after␛\[31m␍end"
        screen.wait(rf"{shown}.*tokens? · .*{READY}")
        screen.keys("Up")  # the history has it whole
        screen.wait(rf"{shown}.*tokens? · .*{shown}")
        screen.keys("Enter")
        screen.wait(rf"(tokens? · .*){{2}}{READY}")
        screen.say(f"/save {saved}")
        screen.wait("Saved 4 messages")
        found = json.loads(saved.read_text())
        self.assertEqual([m["content"] for m in found if m["role"] == "user"], [text, text])
        self.leave(screen)

    def test_up_and_down_walk_through_what_was_typed(self):
        screen = self.start()
        screen.ask("What is 1 + 1?", "2")
        screen.ask("What is 2 + 2?", "4")
        screen.type("draft")
        for key, text in (("Up", "What is 2 + 2?"), ("Up", "What is 1 + 1?"),
                          ("Up", "What is 1 + 1?"), ("Down", "What is 2 + 2?"), ("Down", "draft")):
            screen.keys(key)
            self.shows(screen, text)
        self.leave(screen)

    def test_wide_characters_and_emoji_are_one_step_each(self):
        screen = self.start()
        screen.type("日本 e\u0301 👩\u200d💻 x")
        # Two columns each, a letter with its mark, and the pictures of a sequence side by side.
        screen.wait("❯ 日本 e\u0301 👩💻 x")
        self.assertEqual(screen.cursor[0], 2 + 4 + 1 + 1 + 1 + 4 + 2)
        screen.keys("Left", "Left", "BSpace")  # the whole sequence is one character
        screen.wait("❯ 日本 e\u0301  x")
        screen.keys("Left", "BSpace")
        screen.wait("❯ 日本   x")
        screen.keys("BSpace", "BSpace")
        screen.wait("❯ 日  x")
        self.assertEqual(screen.cursor[0], 2 + 2)
        screen.keys("C-c")
        self.leave(screen)


class View(TuiTest):
    def test_text_is_wrapped_at_words_at_any_width(self):
        words = ("metallic draws every word whole where the window is wide enough for it, "
                 "日本語の文章はどこでも折り返せます and so on")
        screen = self.start("-p", words, columns=80, rows=24)
        # (columns of the window, of the text in it): without the panel, the gutter, and one.
        for columns, room in ((120, 82), (61, 58), (45, 42), (80, 77)):
            screen.resize(columns, 40)
            screen.wait(lambda text, r=room: self.rows_of(text, words) == wrap(words, r),
                        what=f"{columns} columns: {wrap(words, room)}")
        self.leave(screen)

    def rows_of(self, text, words):
        """The rows that the question takes, without gutter and panel."""
        rows = [row.split("│")[0].rstrip() for row in text.split("\n")]
        first = next((i for i, row in enumerate(rows) if row.startswith("❯ " + words[:8])), None)
        if first is None:
            return None
        end = next(i for i in range(first, len(rows)) if not rows[i])
        return [row[2:] for row in rows[first:end]]

    def test_scrolling_holds_the_place_while_text_arrives(self):
        screen = self.start_endless()
        screen.wait(lambda text: "❯ go" not in text, what="more text than the window holds")
        screen.keys("PageUp")
        screen.wait("more rows?")
        before = screen.text().split("\n")[2:10]
        count = int(re.search(r"(\d+) more row", screen.text()).group(1))
        text = screen.wait(lambda text: (m := re.search(r"(\d+) more row", text))
                           and int(m.group(1)) > count + 20, what="more rows below")
        self.assertEqual(text.split("\n")[2:10], before)
        screen.keys("Escape")
        screen.wait(READY)
        for _ in range(3):
            screen.send_bytes(b"\x1b[<65;3;3M")  # the wheel
        screen.say("/help")
        screen.wait(lambda text: "so does Ctrl-D" in text and "more row" not in text,
                    what="what was said last, at the end")
        self.leave(screen)

    def test_the_panel_comes_with_room_and_with_its_key(self):
        screen = self.start(columns=120, rows=40)
        screen.wait("first token.*context.*memory.*model")
        screen.resize(80, 24)
        screen.frame(80, 24)
        self.assertNotIn("memory", screen.text())
        screen.keys("F2")
        screen.wait("first token.*context")
        screen.keys("C-t")
        screen.wait(lambda text: "first token" not in text)
        screen.resize(50, 24)
        screen.frame(50, 24)
        screen.keys("F2")  # too narrow for both
        screen.wait("first token.*context")
        self.assertNotIn("metallic carries", screen.text())
        self.leave(screen)

    def test_the_timing_tree_opens_down_to_operations_and_sorts(self):
        screen = self.start(columns=120, rows=40)
        screen.ask("What is 231 + 468?", "699")
        screen.wait(r"▾ step.*▸ 8 layers")
        screen.keys("Tab", "Down", "Down", "Right")
        screen.wait(r"▾ 8 layers.*▸ layer 0.*▸ layer 7")
        screen.keys("Down", "Enter")
        text = screen.wait(r"▾ layer 0.*attention.*ffn_down")
        self.assertLess(text.index("attn_q"), text.index("ffn_down"))
        screen.keys("s")
        screen.wait("slowest first")
        screen.keys("Left", "Left", "Left")
        screen.wait(lambda text: "layer 0" not in text)
        screen.keys("Tab")
        screen.wait("memory")
        screen.type("typed")
        screen.wait("❯ typed")
        self.leave(screen)

    def test_figures_of_the_panel_are_those_of_the_stats(self):
        screen = self.start(columns=120, rows=40)
        screen.ask("What is 231 + 468?", "699")
        screen.say("/stats")
        text = screen.wait(r"context +(\d+) of (\d+) tokens")
        used, total = re.search(r"context +(\d+) of (\d+) tokens", text).groups()
        self.assertIn(f"{used} / {total}", text)
        self.assertRegex(text, r"mapped +7\.28 MB, at most 7\.28 MB")
        self.leave(screen)

    def test_log_lines_go_to_their_pane(self):
        screen = self.start("-v", columns=100, rows=30)
        self.assertNotIn("info ", screen.text())
        screen.keys("F3")
        screen.wait(r" log .*info +\S")
        screen.keys("C-g")
        screen.wait(lambda text: "info " not in text)
        self.leave(screen)


if __name__ == "__main__":
    tap.main()
