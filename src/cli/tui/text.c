/* Owns: which bytes are one character to a person, and how many columns it takes.
 *
 * The invariant: the columns of a cluster are those of what is sent to the terminal, on every
 * terminal. Some terminals join "man, joiner, laptop" into one picture of two columns, others show
 * two pictures: so the joiner is not sent, and both show two pictures. The same goes for skin tones
 * and for the selectors of text or picture. The cursor steps over the whole all the same. */
#include "cli/tui/text.h"

#include "cli/utf8.h"

#include <utf8proc.h>

int32_t met_tui_code_point(met_str text, size_t at, size_t *bytes)
{
    const unsigned char *s = (const unsigned char *)text.data + at;
    size_t length = met_utf8_sequence(text.data + at, text.bytes - at);

    *bytes = length == 0 ? 1 : length;
    switch (length) {
    case 1: return s[0];
    case 2: return (s[0] & 0x1f) << 6 | (s[1] & 0x3f);
    case 3: return (s[0] & 0x0f) << 12 | (s[1] & 0x3f) << 6 | (s[2] & 0x3f);
    case 4: return (s[0] & 0x07) << 18 | (s[1] & 0x3f) << 12 | (s[2] & 0x3f) << 6 | (s[3] & 0x3f);
    }
    return -1;
}

/* Formats that a terminal may or may not act on; a direction could reorder a whole line. */
static bool has_no_look(int32_t c)
{
    return c == 0xad || c == 0x34f || c == 0x61c || (c >= 0x180b && c <= 0x180f) ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

met_tui_drawn met_tui_code_point_drawn(int32_t c, bool first, int *columns)
{
    *columns = 1;
    if (c >= 0x20 && c < 0x7f) return MET_TUI_DRAWN_CELL;
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029) {
        return MET_TUI_DRAWN_INSTEAD; /* control characters, and bytes that are not UTF-8 */
    }
    *columns = 0;
    if (has_no_look(c) || (!first && c >= 0x1f3fb && c <= 0x1f3ff)) return MET_TUI_DRAWN_NOT;
    *columns = utf8proc_charwidth(c);
    if (*columns > 0) return MET_TUI_DRAWN_CELL;
    if (!first) return MET_TUI_DRAWN_MARK;
    *columns = 1; /* a mark without anything to stand on, or a code point of a later Unicode */
    return MET_TUI_DRAWN_INSTEAD;
}

met_tui_cluster met_tui_cluster_at(met_str text, size_t at)
{
    met_tui_cluster cluster = {.bytes = 1, .columns = 1};
    size_t bytes, begin = at;
    utf8proc_int32_t state = 0;
    int columns;

    unsigned char byte = (unsigned char)text.data[at];
    bool alone = at + 1 >= text.bytes || (unsigned char)text.data[at + 1] < 0x80;
    if (byte == '\n') return (met_tui_cluster){.bytes = 1};
    if (byte == '\r' && at + 1 < text.bytes && text.data[at + 1] == '\n') {
        return (met_tui_cluster){.bytes = 1};
    }
    if (byte == '\t') return (met_tui_cluster){.bytes = 1, .columns = MET_TUI_TAB_COLUMNS};
    if (byte < 0x80 && alone) return cluster;

    int32_t c = met_tui_code_point(text, at, &bytes);
    (void)met_tui_code_point_drawn(c, true, &cluster.columns);
    at += bytes;
    while (c >= 0 && at < text.bytes) {
        int32_t next = met_tui_code_point(text, at, &bytes);
        if (next < 0 || utf8proc_grapheme_break_stateful(c, next, &state)) break;
        (void)met_tui_code_point_drawn(next, false, &columns);
        cluster.columns += columns;
        c = next;
        at += bytes;
    }
    cluster.bytes = at - begin;
    cluster.instead = cluster.columns > MET_TUI_CLUSTER_MOST_COLUMNS;
    if (cluster.instead) cluster.columns = 1;
    return cluster;
}

/* The code point that ends at `at` > 0, and its bytes; -1 and 1 when it is not UTF-8. */
static int32_t code_point_before(met_str text, size_t at, size_t *bytes)
{
    for (size_t length = 1; length <= 4 && length <= at; length++) {
        size_t begin = at - length;
        if (met_utf8_sequence(text.data + begin, length) != length) continue;
        return met_tui_code_point((met_str){text.data, at}, begin, bytes);
    }
    *bytes = 1;
    return -1;
}

/* Whether a cluster begins at `at` whatever stands before the code point before it. Not behind what
 * takes its meaning from further back: flags are pairs of letters, and joiners may join. */
static bool begins_surely(met_str text, size_t at)
{
    size_t bytes;

    if (at == 0) return true;
    int32_t before = code_point_before(text, at, &bytes);
    int32_t here = met_tui_code_point(text, at, &bytes);
    if (before < 0 || here < 0 || (before < 0x80 && here < 0x80)) return true;
    switch (utf8proc_get_property(before)->boundclass) {
    case UTF8PROC_BOUNDCLASS_EXTEND:
    case UTF8PROC_BOUNDCLASS_ZWJ:
    case UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR: return false;
    }
    return utf8proc_grapheme_break(before, here);
}

size_t met_tui_cluster_before(met_str text, size_t at)
{
    size_t begin = at, bytes;

    do {
        (void)code_point_before(text, begin, &bytes);
        begin -= bytes;
    } while (!begins_surely(text, begin));
    for (;;) {
        size_t next = begin + met_tui_cluster_at(text, begin).bytes;
        if (next >= at) return begin;
        begin = next;
    }
}

int met_tui_text_columns(met_str text)
{
    int columns = 0;

    for (size_t at = 0; at < text.bytes;) {
        met_tui_cluster cluster = met_tui_cluster_at(text, at);
        columns += cluster.columns;
        at += cluster.bytes;
    }
    return columns;
}

size_t met_tui_text_fit(met_str text, int columns)
{
    size_t at = 0;

    while (at < text.bytes) {
        met_tui_cluster cluster = met_tui_cluster_at(text, at);
        columns -= cluster.columns;
        if (columns < 0) break;
        at += cluster.bytes;
    }
    return at;
}
