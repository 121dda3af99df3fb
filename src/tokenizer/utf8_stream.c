/* Owns: cutting a stream of bytes at whole characters. Knows nothing of tokens.
 * The invariant: `held` is the beginning of a well-formed character, 0 to 3 bytes, that the next
 * byte may go on with. */
#include "base/text.h"
#include "tokenizer/tokenizer.h"

static const char replacement[3] = {'\xef', '\xbf', '\xbd'};

/* How many of the first bytes may begin a well-formed character together (1 for one that cannot),
 * and whether they are a whole one, none, or the beginning of one that the bytes end in: the
 * maximal subpart of Unicode 15.0, section 3.9, table 3-7. bytes >= 1. */
typedef enum part { PART_WHOLE, PART_BAD, PART_OPEN } part;

static part next_part(const unsigned char *s, size_t bytes, size_t *part_bytes)
{
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    *part_bytes = 1;
    if (length == 1) return PART_WHOLE;
    if (s[0] < 0xc2 || s[0] > 0xf4) return PART_BAD;
    /* The second byte is narrower after some first ones: no overlong form, no surrogate, nothing
     * above U+10FFFF. */
    unsigned char least = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char most = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i < length; i++) {
        if (i == bytes) return PART_OPEN;
        if (s[i] < least || s[i] > most) return PART_BAD;
        *part_bytes = i + 1;
        least = 0x80;
        most = 0xbf;
    }
    return PART_WHOLE;
}

/* Complete what is held, byte by byte, and append it. Returns how many of `bytes` that took. */
static size_t finish_held(met_utf8_stream *stream, met_str bytes, met_buffer *out)
{
    size_t used = 0;
    while (stream->held_bytes > 0 && used < bytes.bytes) {
        char joined[sizeof stream->held];
        size_t part_bytes = 0;
        memcpy(joined, stream->held, stream->held_bytes);
        joined[stream->held_bytes] = bytes.data[used];
        part kind = next_part((const unsigned char *)joined, stream->held_bytes + 1, &part_bytes);
        if (kind == PART_BAD) { /* the new byte does not belong to it and is looked at afresh */
            met_buffer_add(out, replacement, sizeof replacement);
            stream->held_bytes = 0;
            break;
        }
        stream->held[stream->held_bytes++] = bytes.data[used++];
        if (kind == PART_WHOLE) {
            met_buffer_add(out, stream->held, stream->held_bytes);
            stream->held_bytes = 0;
        }
    }
    return used;
}

void met_utf8_stream_add(met_utf8_stream *stream, met_str bytes, met_buffer *out)
{
    size_t at = finish_held(stream, bytes, out);
    size_t whole = at; /* bytes from here to `at` are well-formed and not yet appended */
    while (at < bytes.bytes) {
        size_t part_bytes = 0;
        part kind =
            next_part((const unsigned char *)bytes.data + at, bytes.bytes - at, &part_bytes);
        if (kind != PART_WHOLE) {
            met_buffer_add(out, bytes.data + whole, at - whole);
            whole = at + part_bytes;
        }
        switch (kind) {
        case PART_WHOLE: break;
        case PART_BAD: met_buffer_add(out, replacement, sizeof replacement); break;
        case PART_OPEN:
            memcpy(stream->held, bytes.data + at, part_bytes);
            stream->held_bytes = part_bytes;
            break;
        }
        at += part_bytes;
    }
    if (at > whole) met_buffer_add(out, bytes.data + whole, at - whole);
}

void met_utf8_stream_finish(met_utf8_stream *stream, met_buffer *out)
{
    if (stream->held_bytes > 0) met_buffer_add(out, replacement, sizeof replacement);
    stream->held_bytes = 0;
}
