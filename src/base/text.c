/* Owns: the growing buffer and UTF-8 decoding. Knows nothing of Unicode properties. */
#include "base/text.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool met_buffer_reserve(met_buffer *buffer, size_t bytes)
{
    if (buffer->failed) return false;
    if (bytes > SIZE_MAX / 2 - buffer->bytes) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->bytes + bytes + 1; /* and the NUL */
    if (needed <= buffer->capacity_bytes) return true;
    size_t capacity = buffer->capacity_bytes < 128 ? 256 : 2 * buffer->capacity_bytes;
    if (capacity < needed) capacity = needed;
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity_bytes = capacity;
    return true;
}

void met_buffer_add(met_buffer *buffer, const void *data, size_t bytes)
{
    if (!met_buffer_reserve(buffer, bytes)) return;
    if (bytes > 0) memcpy(buffer->data + buffer->bytes, data, bytes);
    buffer->bytes += bytes;
    buffer->data[buffer->bytes] = '\0';
}

void met_buffer_add_str(met_buffer *buffer, met_str text)
{
    met_buffer_add(buffer, text.data, text.bytes);
}

void met_buffer_printf(met_buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length >= 0 && met_buffer_reserve(buffer, (size_t)length)) {
        (void)vsnprintf(buffer->data + buffer->bytes, (size_t)length + 1, format, again);
        buffer->bytes += (size_t)length;
    }
    va_end(again);
}

void met_buffer_free(met_buffer *buffer)
{
    free(buffer->data);
    memset(buffer, 0, sizeof *buffer);
}

met_status met_buffer_to_text(met_buffer *buffer, met_text *out, met_error *err)
{
    met_buffer_add(buffer, "", 0); /* an empty text still has its NUL */
    if (buffer->failed) {
        size_t bytes = buffer->bytes;
        met_buffer_free(buffer);
        return met_fail_memory(err, "text", bytes);
    }
    memset(out, 0, sizeof *out);
    out->data = buffer->data;
    out->bytes = buffer->bytes;
    memset(buffer, 0, sizeof *buffer);
    return MET_OK;
}

void met_text_free(met_text *text)
{
    if (text == NULL) return;
    free(text->data);
    free(text->control);
    memset(text, 0, sizeof *text);
}

size_t met_utf8_next(const char *at, size_t bytes, uint32_t *code_point)
{
    if (bytes == 0) return 0;
    const unsigned char *s = (const unsigned char *)at;
    if (s[0] < 0x80) {
        *code_point = s[0];
        return 1;
    }
    size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || bytes < length) return 0;
    uint32_t value = s[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        value = value << 6 | (s[i] & 0x3fu);
    }
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return 0;
    *code_point = value;
    return length;
}

void met_utf8_make_printable(char *text)
{
    const char *end = text + strlen(text);
    while (text < end) {
        uint32_t code_point = 0;
        size_t bytes = met_utf8_next(text, (size_t)(end - text), &code_point);
        bool control = code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
        if (bytes == 0) {
            bytes = 1;
            control = true;
        }
        if (control) memset(text, '?', bytes);
        text += bytes;
    }
}

bool met_utf8_valid(met_str text, size_t *bad_at)
{
    size_t at = 0;
    while (at < text.bytes) {
        /* Eight ASCII bytes at a time: most text is. */
        uint64_t eight = 0;
        if (text.bytes - at >= 8) {
            memcpy(&eight, text.data + at, 8);
            if ((eight & 0x8080808080808080u) == 0) {
                at += 8;
                continue;
            }
        }
        uint32_t code_point = 0;
        size_t length = met_utf8_next(text.data + at, text.bytes - at, &code_point);
        if (length == 0) {
            if (bad_at != NULL) *bad_at = at;
            return false;
        }
        at += length;
    }
    return true;
}
