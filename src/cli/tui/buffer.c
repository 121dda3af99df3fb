/* Owns: the growing of byte buffers. The invariant: there is room for a NUL after the bytes. */
#include "cli/tui/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(met_tui_buffer *buffer, size_t more)
{
    if (buffer->failed || more > SIZE_MAX / 4 - buffer->bytes) {
        buffer->failed = true;
        return false;
    }
    size_t need = buffer->bytes + more + 1;
    if (need <= buffer->capacity_bytes) return true;
    size_t capacity = buffer->capacity_bytes < 64 ? 64 : buffer->capacity_bytes;
    while (capacity < need)
        capacity *= 2;
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity_bytes = capacity;
    return true;
}

void met_tui_buffer_add(met_tui_buffer *buffer, const char *data, size_t bytes)
{
    met_tui_buffer_insert(buffer, buffer->bytes, data, bytes);
}

void met_tui_buffer_insert(met_tui_buffer *buffer, size_t at, const char *data, size_t bytes)
{
    if (bytes == 0 || !reserve(buffer, bytes)) return;
    memmove(buffer->data + at + bytes, buffer->data + at, buffer->bytes - at);
    memcpy(buffer->data + at, data, bytes);
    buffer->bytes += bytes;
    buffer->data[buffer->bytes] = '\0';
}

void met_tui_buffer_remove(met_tui_buffer *buffer, size_t begin, size_t end)
{
    if (begin >= end) return;
    memmove(buffer->data + begin, buffer->data + end, buffer->bytes - end);
    buffer->bytes -= end - begin;
    buffer->data[buffer->bytes] = '\0';
}

void met_tui_buffer_vprintf(met_tui_buffer *buffer, const char *format, va_list args)
{
    va_list again;

    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length > 0 && reserve(buffer, (size_t)length)) {
        (void)vsnprintf(buffer->data + buffer->bytes, (size_t)length + 1, format, again);
        buffer->bytes += (size_t)length;
    }
    va_end(again);
}

void met_tui_buffer_printf(met_tui_buffer *buffer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    met_tui_buffer_vprintf(buffer, format, args);
    va_end(args);
}

void met_tui_buffer_clear(met_tui_buffer *buffer)
{
    buffer->bytes = 0;
    if (buffer->data != NULL) buffer->data[0] = '\0';
}

void met_tui_buffer_free(met_tui_buffer *buffer)
{
    free(buffer->data);
    *buffer = (met_tui_buffer){0};
}
