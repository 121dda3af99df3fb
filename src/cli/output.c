/* Owns: writing, with every failure kept. The invariant: nothing is written after the first
 * failure. */
#include "cli/output.h"

#include "cli/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

static void note(met_output *output, bool good)
{
    if (!good && output->failure == 0) output->failure = errno != 0 ? errno : EIO;
}

void met_output_write(met_output *output, const void *data, size_t bytes)
{
    if (output->failure != 0 || bytes == 0) return;
    errno = 0;
    note(output, fwrite(data, 1, bytes, output->file) == bytes);
}

void met_output_text(met_output *output, const char *text)
{
    met_output_write(output, text, strlen(text));
}

void met_output_printf(met_output *output, const char *format, ...)
{
    if (output->failure != 0) return;
    va_list args;
    va_start(args, format);
    errno = 0;
    note(output, vfprintf(output->file, format, args) >= 0);
    va_end(args);
}

void met_output_escaped(met_output *output, met_str text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '\n') {
            met_output_text(output, "\\n");
        } else if (c == '\t') {
            met_output_text(output, "\\t");
        } else if (c == '\\' || c == '"') {
            met_output_printf(output, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            met_output_printf(output, "\\x%02x", c);
        } else if (c == 0xc2 && i + 1 < text.bytes && (unsigned char)text.data[i + 1] < 0xa0) {
            /* U+0080 to U+009F are control characters to some terminals. */
            met_output_printf(output, "\\u%04x", (unsigned char)text.data[++i]);
        } else {
            met_output_write(output, text.data + i, 1);
        }
    }
}

static int write_json(const char *data, size_t bytes, void *user)
{
    met_output *output = user;
    met_output_write(output, data, bytes);
    return output->failure == 0 ? 0 : -1;
}

void met_output_json(met_output *output, json_t *document, int digits)
{
    if (output->failure == 0) {
        size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION((size_t)digits);
        errno = 0;
        if (document == NULL || json_dump_callback(document, write_json, output, flags) != 0) {
            errno = errno != 0 ? errno : ENOMEM;
            note(output, false);
        }
        met_output_text(output, "\n");
    }
    json_decref(document);
}

void met_output_flush(met_output *output)
{
    if (output->failure != 0) return;
    errno = 0;
    note(output, fflush(output->file) == 0);
}

bool met_output_failed(const met_output *output)
{
    return output->failure != 0;
}

met_status met_output_close(met_output *output, met_error *err)
{
    met_output_flush(output);
    errno = 0;
    bool closed = fclose(output->file) == 0;
    output->file = NULL;
    note(output, closed);
    if (output->failure == 0) return MET_OK;
    if (output->failure != EPIPE) {
        return met_failure_set(err, MET_E_IO, "%s: %s", output->name, strerror(output->failure));
    }
    err->status = MET_E_IO;
    err->text[0] = '\0';
    return MET_E_IO;
}

bool met_output_is_terminal(int descriptor)
{
    return isatty(descriptor) == 1;
}

bool met_output_shares_terminal(void)
{
    struct stat out, err;
    return met_output_is_terminal(STDOUT_FILENO) && met_output_is_terminal(STDERR_FILENO) &&
           fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 &&
           out.st_rdev == err.st_rdev;
}
