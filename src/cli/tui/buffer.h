/* Bytes that grow, for the terminal interface. */
#ifndef MET_CLI_TUI_BUFFER_H
#define MET_CLI_TUI_BUFFER_H

#include "metallic.h"

#include <stdarg.h>

/* Zeroed is empty. After a failed allocation `failed` stays set, later calls change nothing, and
 * the owner asks once. */
typedef struct met_tui_buffer {
    char *data; /* [bytes] and a NUL once anything was added */
    size_t bytes;
    size_t capacity_bytes;
    bool failed;
} met_tui_buffer;

void met_tui_buffer_add(met_tui_buffer *buffer, const char *data, size_t bytes);
/* Put bytes in at `at`, 0 <= at <= buffer->bytes. */
void met_tui_buffer_insert(met_tui_buffer *buffer, size_t at, const char *data, size_t bytes);
/* Take out [begin, end). */
void met_tui_buffer_remove(met_tui_buffer *buffer, size_t begin, size_t end);
void met_tui_buffer_printf(met_tui_buffer *buffer, const char *format, ...) MET_PRINTF(2, 3);
void met_tui_buffer_vprintf(met_tui_buffer *buffer, const char *format, va_list args)
    MET_PRINTF(2, 0);
/* Empty, and keep the memory. */
void met_tui_buffer_clear(met_tui_buffer *buffer);
void met_tui_buffer_free(met_tui_buffer *buffer);

/* Borrowed until the buffer changes; never a NULL pointer. */
static inline met_str met_tui_buffer_view(const met_tui_buffer *buffer)
{
    met_str view = {buffer->data != NULL ? buffer->data : "", buffer->bytes};
    return view;
}

#endif
