/* Owns: the language of terminals' keyboards, as xterm and those who follow it speak it; rxvt and
 * the Linux console where they differ. Read here rather than by ncurses, so that bracketed paste,
 * keys with Ctrl and Alt, and the wheel are the same everywhere, and a test needs no terminal.
 *
 * The invariant: any bytes give some keys and are used up; nothing is read twice. */
#include "cli/tui/keys.h"

#include "cli/utf8.h"

#include <string.h>

enum { SEQUENCE_MOST_BYTES = 32, CTRL_C = 3, ESCAPE = 0x1b };

static const char paste_begin[] = "\033[200~", paste_end[] = "\033[201~";

/* Bits of a modifier number, less one. */
enum { SHIFT = 1, ALT = 2, CTRL = 4 };

static met_tui_key arrow(char final, int modifiers)
{
    bool word = (modifiers & (CTRL | ALT)) != 0;

    switch (final) {
    case 'A': return MET_TUI_KEY_UP;
    case 'B': return MET_TUI_KEY_DOWN;
    case 'C': return word ? MET_TUI_KEY_WORD_RIGHT : MET_TUI_KEY_RIGHT;
    case 'D': return word ? MET_TUI_KEY_WORD_LEFT : MET_TUI_KEY_LEFT;
    case 'H': return word ? MET_TUI_KEY_TOP : MET_TUI_KEY_HOME;
    case 'F': return word ? MET_TUI_KEY_BOTTOM : MET_TUI_KEY_END;
    case 'P': return MET_TUI_KEY_F1;
    case 'Q': return MET_TUI_KEY_F2;
    case 'R': return MET_TUI_KEY_F3;
    case 'a': return MET_TUI_KEY_UP; /* rxvt: Shift and arrows */
    case 'b': return MET_TUI_KEY_DOWN;
    case 'c': return MET_TUI_KEY_WORD_RIGHT;
    case 'd': return MET_TUI_KEY_WORD_LEFT;
    }
    return MET_TUI_KEY_NONE;
}

static met_tui_key tilde(int number, int modifiers)
{
    bool word = (modifiers & (CTRL | ALT)) != 0;

    switch (number) {
    case 1:
    case 7: return word ? MET_TUI_KEY_TOP : MET_TUI_KEY_HOME;
    case 4:
    case 8: return word ? MET_TUI_KEY_BOTTOM : MET_TUI_KEY_END;
    case 3: return word ? MET_TUI_KEY_WORD_DELETE : MET_TUI_KEY_DELETE;
    case 5: return MET_TUI_KEY_PAGE_UP;
    case 6: return MET_TUI_KEY_PAGE_DOWN;
    case 11: return MET_TUI_KEY_F1;
    case 12: return MET_TUI_KEY_F2;
    case 13: return MET_TUI_KEY_F3;
    }
    return MET_TUI_KEY_NONE;
}

static met_tui_key plain(int code, int modifiers, met_tui_key_event *event)
{
    switch (code) {
    case 8:
    case 127: return modifiers != 0 ? MET_TUI_KEY_WORD_BACKSPACE : MET_TUI_KEY_BACKSPACE;
    case 9: return MET_TUI_KEY_TAB;
    case 13: return modifiers != 0 ? MET_TUI_KEY_NEWLINE : MET_TUI_KEY_ENTER;
    case 27: return MET_TUI_KEY_ESCAPE;
    }
    if ((modifiers & CTRL) != 0 && code >= 'a' && code <= 'z') {
        event->letter = (char)code;
        return MET_TUI_KEY_CONTROL;
    }
    return MET_TUI_KEY_NONE;
}

/* Up to three numbers between the bracket and the final byte. */
static void read_numbers(const char *at, const char *end, int numbers[3])
{
    int index = 0;

    numbers[0] = numbers[1] = numbers[2] = 0;
    for (; at < end; at++) {
        if (*at == ';') {
            index++;
        } else if (index < 3 && *at >= '0' && *at <= '9' && numbers[index] < 10000) {
            numbers[index] = 10 * numbers[index] + (*at - '0');
        }
    }
}

/* A whole control sequence, "ESC [ ... final". */
static met_tui_key sequence(const char *text, size_t bytes, met_tui_key_event *event)
{
    char final = text[bytes - 1];
    int numbers[3];

    read_numbers(text + 2, text + bytes - 1, numbers);
    if (text[2] == '<') { /* the mouse: button; column; row */
        read_numbers(text + 3, text + bytes - 1, numbers);
        if (final == 'M' && (numbers[0] & ~28) == 64) return MET_TUI_KEY_WHEEL_UP;
        if (final == 'M' && (numbers[0] & ~28) == 65) return MET_TUI_KEY_WHEEL_DOWN;
        return MET_TUI_KEY_NONE;
    }
    if (text[2] == '?' || text[2] == '>' || text[2] == '=') return MET_TUI_KEY_NONE; /* a report */
    int modifiers = numbers[1] > 0 ? numbers[1] - 1 : 0;
    if (final == '~' && numbers[0] == 27) return plain(numbers[2], modifiers, event);
    if (final == '~') return tilde(numbers[0], modifiers);
    if (final == '^') return tilde(numbers[0], CTRL); /* rxvt */
    if (final == 'u') return plain(numbers[0], modifiers, event);
    return arrow(final, modifiers);
}

/* Alt and a key: what readline makes of them. */
static met_tui_key with_alt(char byte)
{
    switch (byte) {
    case '\r':
    case '\n': return MET_TUI_KEY_NEWLINE;
    case 'b': return MET_TUI_KEY_WORD_LEFT;
    case 'f': return MET_TUI_KEY_WORD_RIGHT;
    case 'd': return MET_TUI_KEY_WORD_DELETE;
    case 8:
    case 127: return MET_TUI_KEY_WORD_BACKSPACE;
    }
    return MET_TUI_KEY_NONE;
}

/* Bytes of the key that begins with Escape; 0: it is not whole. */
static size_t read_escape(const char *text, size_t bytes, bool late, met_tui_key_event *event)
{
    event->key = MET_TUI_KEY_ESCAPE;
    if (bytes == 1) return late ? 1 : 0;
    if (text[1] == ESCAPE) return 1;
    if (text[1] == 'O' && bytes >= 3) {
        event->key = text[2] >= 'a' ? arrow(text[2], CTRL) : arrow(text[2], 0);
        return 3;
    }
    if (text[1] == '[') {
        /* The Linux console calls F1 to F5 "ESC [ [ A" to E. */
        size_t at = bytes > 2 && text[2] == '[' ? 3 : 2;
        for (; at < bytes && at < SEQUENCE_MOST_BYTES; at++) {
            if (text[at] == ESCAPE) break;
            if (text[at] < 0x40 || text[at] == 0x7f) continue;
            event->key =
                text[2] == '[' ? tilde(11 + text[at] - 'A', 0) : sequence(text, at + 1, event);
            return at + 1;
        }
        if (at == bytes && at < SEQUENCE_MOST_BYTES && !late) return 0;
        event->key = bytes == 2 ? MET_TUI_KEY_ESCAPE : MET_TUI_KEY_NONE;
        return at;
    }
    if (text[1] == 'O' && !late) return 0;
    size_t length = met_utf8_sequence(text + 1, bytes - 1);
    event->key = with_alt(text[1]);
    return 1 + (length == 0 ? 1 : length);
}

/* Bytes of the key that is not Escape; 0: it is not whole. */
static size_t read_plain(const char *text, size_t bytes, bool late, met_tui_key_event *event)
{
    unsigned char byte = (unsigned char)text[0];

    switch (byte) {
    case '\r': event->key = MET_TUI_KEY_ENTER; return 1;
    case '\n': event->key = MET_TUI_KEY_NEWLINE; return 1;
    case '\t': event->key = MET_TUI_KEY_TAB; return 1;
    case 8: event->key = MET_TUI_KEY_BACKSPACE; return 1;
    case 0x7f: event->key = MET_TUI_KEY_BACKSPACE; return 1;
    }
    if (byte < 0x20) {
        event->key = byte >= 1 && byte <= 26 ? MET_TUI_KEY_CONTROL : MET_TUI_KEY_NONE;
        event->letter = (char)(byte + 'a' - 1);
        return 1;
    }
    size_t length = met_utf8_sequence(text, bytes);
    size_t whole = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    if (length == 0 && bytes < whole && !late) return 0;
    event->key = length > 0 ? MET_TUI_KEY_TEXT : MET_TUI_KEY_NONE;
    event->text = (met_str){text, length};
    return length > 0 ? length : 1;
}

/* Move bytes to `pasted` up to the end mark; true when it came. */
static bool read_paste(met_tui_keys *keys, met_tui_key_event *event)
{
    const char *text = keys->pending.data + keys->taken; /* the begin mark was there */
    size_t bytes = keys->pending.bytes - keys->taken;
    size_t mark = sizeof paste_end - 1;
    const char *end = bytes > 0 ? memmem(text, bytes, paste_end, mark) : NULL;
    /* The last bytes may be the beginning of the mark. */
    size_t whole = end != NULL ? (size_t)(end - text) : bytes < mark ? 0 : bytes - mark + 1;

    met_tui_buffer_add(&keys->pasted, text, whole);
    keys->taken += whole;
    if (end == NULL) return false;
    keys->taken += mark;
    keys->pasting = false;
    *event = (met_tui_key_event){MET_TUI_KEY_PASTE, 0, met_tui_buffer_view(&keys->pasted)};
    return true;
}

void met_tui_keys_add(met_tui_keys *keys, const char *data, size_t bytes)
{
    met_tui_buffer_remove(&keys->pending, 0, keys->taken);
    keys->taken = 0;
    /* A paste whose end was lost would swallow every key: a lone Ctrl-C gives it up. */
    if (keys->pasting && bytes == 1 && data[0] == CTRL_C) {
        keys->pasting = false;
        met_tui_buffer_clear(&keys->pending);
    }
    met_tui_buffer_add(&keys->pending, data, bytes);
}

bool met_tui_keys_next(met_tui_keys *keys, bool late, met_tui_key_event *event)
{
    size_t mark = sizeof paste_begin - 1;

    for (;;) {
        if (keys->pasting) return read_paste(keys, event);
        size_t bytes = keys->pending.bytes - keys->taken;
        if (bytes == 0) return false;
        const char *text = keys->pending.data + keys->taken;
        if (bytes >= mark && memcmp(text, paste_begin, mark) == 0) {
            keys->pasting = true;
            keys->taken += mark;
            met_tui_buffer_clear(&keys->pasted);
            continue;
        }
        *event = (met_tui_key_event){MET_TUI_KEY_NONE, 0, {"", 0}};
        size_t used = text[0] == ESCAPE ? read_escape(text, bytes, late, event)
                                        : read_plain(text, bytes, late, event);
        keys->taken += used;
        return used > 0;
    }
}

bool met_tui_keys_waiting(const met_tui_keys *keys)
{
    return !keys->pasting && keys->taken < keys->pending.bytes;
}

void met_tui_keys_free(met_tui_keys *keys)
{
    met_tui_buffer_free(&keys->pending);
    met_tui_buffer_free(&keys->pasted);
    *keys = (met_tui_keys){0};
}
