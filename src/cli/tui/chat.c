/* Owns: the transcript's entries, their lines, and the part that is seen. Does not own the messages
 * that the model reads (tui_talk.c), nor colours.
 *
 * The invariant: the view is at the end and follows it, or it holds on to the text at its top,
 * whatever arrives below and however wide the window is. */
#include "cli/tui/chat.h"

#include <stdlib.h>
#include <string.h>

/* A row of air before an entry; figures stand close to their answer. */
static size_t air_before(const met_tui_chat *chat, size_t index)
{
    return index == 0 || chat->entries[index].kind == MET_TUI_ENTRY_FOOT ? 0 : 1;
}

void met_tui_chat_insert(met_tui_chat *chat, size_t index, met_tui_entry_kind kind, met_str text)
{
    if (chat->count == chat->capacity) {
        size_t capacity = chat->capacity == 0 ? 16 : 2 * chat->capacity;
        met_tui_entry *entries = realloc(chat->entries, capacity * sizeof *entries);
        if (entries == NULL) {
            chat->failed = true;
            return;
        }
        chat->entries = entries;
        chat->capacity = capacity;
    }
    chat->version++;
    met_tui_entry *entry = &chat->entries[index];
    memmove(entry + 1, entry, (chat->count - index) * sizeof *entry);
    chat->count++;
    *entry = (met_tui_entry){.kind = kind};
    if (chat->scrolled && index <= chat->anchor_entry) chat->anchor_entry++;
    met_tui_chat_append(chat, index, text);
}

void met_tui_chat_add(met_tui_chat *chat, met_tui_entry_kind kind, met_str text)
{
    met_tui_chat_insert(chat, chat->count, kind, text);
}

void met_tui_chat_append(met_tui_chat *chat, size_t index, met_str text)
{
    if (index >= chat->count) return;
    met_tui_entry *entry = &chat->entries[index];
    met_tui_buffer_add(&entry->text, text.data, text.bytes);
    chat->failed = chat->failed || entry->text.failed;
}

void met_tui_chat_drop(met_tui_chat *chat)
{
    if (chat->count == 0) return;
    chat->version++;
    met_tui_entry *entry = &chat->entries[--chat->count];
    met_tui_buffer_free(&entry->text);
    met_tui_lines_free(&entry->lines);
}

void met_tui_chat_clear(met_tui_chat *chat)
{
    while (chat->count > 0)
        met_tui_chat_drop(chat);
    chat->scrolled = false;
}

/* The entry that a row of the transcript is in, or in the air before it. */
static size_t entry_at(const met_tui_chat *chat, size_t row)
{
    size_t low = 0, high = chat->count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (chat->entries[middle].first_row - air_before(chat, middle) <= row) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static void hold_on(met_tui_chat *chat)
{
    chat->anchor_entry = entry_at(chat, chat->top);
    chat->anchor_byte = 0;
    if (chat->anchor_entry >= chat->count) return;
    const met_tui_entry *entry = &chat->entries[chat->anchor_entry];
    chat->anchor_air = chat->top < entry->first_row;
    if (chat->anchor_air) return;
    size_t line = chat->top - entry->first_row;
    if (line < entry->lines.count) chat->anchor_byte = entry->lines.items[line].begin;
}

static size_t anchored_row(const met_tui_chat *chat)
{
    if (chat->anchor_entry >= chat->count) return 0;
    const met_tui_entry *entry = &chat->entries[chat->anchor_entry];
    size_t line = 0;
    if (chat->anchor_air && entry->first_row > 0) return entry->first_row - 1;
    while (line + 1 < entry->lines.count && entry->lines.items[line + 1].begin <= chat->anchor_byte)
        line++;
    return entry->first_row + line;
}

static size_t last_top(const met_tui_chat *chat)
{
    return chat->rows > chat->view_rows ? chat->rows - chat->view_rows : 0;
}

void met_tui_chat_layout(met_tui_chat *chat, int columns, int rows)
{
    size_t row = 0;

    for (size_t i = 0; i < chat->count; i++) {
        met_tui_entry *entry = &chat->entries[i];
        met_tui_wrap(&entry->lines, met_tui_buffer_view(&entry->text), columns, MET_TUI_WRAP_WORDS);
        chat->failed = chat->failed || entry->lines.failed;
        row += air_before(chat, i);
        entry->first_row = row;
        row += entry->lines.count;
    }
    chat->columns = columns;
    chat->rows = row;
    chat->view_rows = (size_t)rows;
    chat->top = chat->scrolled ? anchored_row(chat) : last_top(chat);
    if (chat->top >= last_top(chat)) { /* a wider or higher window may show the end again */
        chat->top = last_top(chat);
        chat->scrolled = false;
    }
}

met_tui_row met_tui_chat_row(const met_tui_chat *chat, size_t row)
{
    met_tui_row empty = {.text = {"", 0}};

    row += chat->top;
    if (row >= chat->rows) return empty;
    size_t index = entry_at(chat, row);
    const met_tui_entry *entry = &chat->entries[index];
    if (row < entry->first_row) return empty;
    size_t line = row - entry->first_row;
    if (line >= entry->lines.count) return empty;
    met_span span = entry->lines.items[line];
    met_str text = met_tui_buffer_view(&entry->text);
    return (met_tui_row){
        .entry = entry,
        .first = line == 0,
        .text = {text.data + span.begin, span.end - span.begin},
        .index = index,
        .begin = span.begin,
    };
}

void met_tui_chat_scroll(met_tui_chat *chat, int rows)
{
    size_t by = (size_t)(rows < 0 ? -(long)rows : rows);

    if (rows < 0) {
        chat->top = chat->top > by ? chat->top - by : 0;
    } else {
        chat->top += by;
    }
    if (chat->top >= last_top(chat)) {
        met_tui_chat_to_end(chat);
        return;
    }
    chat->scrolled = true;
    hold_on(chat);
}

void met_tui_chat_to_end(met_tui_chat *chat)
{
    chat->scrolled = false;
    chat->top = last_top(chat);
}

size_t met_tui_chat_below(const met_tui_chat *chat)
{
    return last_top(chat) - (chat->top < last_top(chat) ? chat->top : last_top(chat));
}

void met_tui_chat_free(met_tui_chat *chat)
{
    met_tui_chat_clear(chat);
    free(chat->entries);
    *chat = (met_tui_chat){0};
}
