/* Owns: texts typed before, for the time of the process: what a person asks is nobody's file. The
 * invariant: `at` is 0..count, and the draft is kept while it is below count. */
#include "cli/tui/history.h"

#include <string.h>

bool met_tui_history_add(met_tui_history *history, met_str text)
{
    met_tui_buffer_clear(&history->draft);
    history->at = history->count;
    if (text.bytes == 0) return true;
    if (history->count > 0) {
        met_str last = met_tui_buffer_view(&history->items[history->count - 1]);
        if (last.bytes == text.bytes && memcmp(last.data, text.data, text.bytes) == 0) return true;
    }
    met_tui_buffer copy = {0};
    met_tui_buffer_add(&copy, text.data, text.bytes);
    if (copy.failed) return false;
    if (history->count == MET_TUI_HISTORY_MAX) {
        met_tui_buffer_free(&history->items[0]);
        memmove(history->items, history->items + 1, (history->count - 1) * sizeof *history->items);
        history->count--;
    }
    history->items[history->count++] = copy;
    history->at = history->count;
    return true;
}

bool met_tui_history_step(met_tui_history *history, int delta, met_str now, met_str *text)
{
    if ((delta < 0 && history->at == 0) || (delta > 0 && history->at == history->count))
        return false;
    if (history->at == history->count) {
        met_tui_buffer_clear(&history->draft);
        met_tui_buffer_add(&history->draft, now.data, now.bytes);
    }
    history->at = delta < 0 ? history->at - 1 : history->at + 1;
    bool draft = history->at == history->count;
    *text = met_tui_buffer_view(draft ? &history->draft : &history->items[history->at]);
    return true;
}

void met_tui_history_free(met_tui_history *history)
{
    for (size_t i = 0; i < history->count; i++)
        met_tui_buffer_free(&history->items[i]);
    met_tui_buffer_free(&history->draft);
    *history = (met_tui_history){0};
}
