/* Owns: which bytes are one character to a person, and how many columns it takes.
 *
 * The invariant: the columns of a cluster are those of what is sent to the terminal, on every
 * terminal. Some terminals join "man, joiner, laptop" into one picture of two columns, others show
 * two pictures: so the joiner is not sent, and both show two pictures. The same goes for skin tones
 * and for the selectors of text or picture. The cursor steps over the whole all the same. */
#include "cli/tui_text.h"

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
    met_tui_cluster cluster = {1, 1};
    size_t bytes, begin = at;
    utf8proc_int32_t state = 0;
    int columns;

    unsigned char byte = (unsigned char)text.data[at];
    bool alone = at + 1 >= text.bytes || (unsigned char)text.data[at + 1] < 0x80;
    if (byte == '\n') return (met_tui_cluster){1, 0};
    if (byte == '\r' && at + 1 < text.bytes && text.data[at + 1] == '\n') {
        return (met_tui_cluster){1, 0};
    }
    if (byte == '\t') return (met_tui_cluster){1, MET_TUI_TAB_COLUMNS};
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
    return cluster;
}

size_t met_tui_cluster_before(met_str text, size_t at)
{
    size_t begin = at - 1;

    if (text.data[begin] == '\n') return begin;
    while (begin > 0 && text.data[begin - 1] != '\n')
        begin--;
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
