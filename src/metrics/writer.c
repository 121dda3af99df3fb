/* Owns: a file that is written. Does not own what is in it. Numbers are formatted here, and not by
 * the C library: those depend on a program's locale, and take longer than all the rest. */
#include "metrics/writer.h"

#include "base/error.h"
#include "base/text.h"
#include "metrics/target.h"

#include <errno.h>
#include <stdlib.h>

#include <sys/stat.h>
#include <unistd.h>

met_status met_writer_open(met_writer *writer, const char *path, met_str signature, met_error *err)
{
    *writer = met_writer_none();
    char *buffer = malloc(MET_WRITER_BUFFER_BYTES);
    if (buffer == NULL) return met_fail_memory(err, path, MET_WRITER_BUFFER_BYTES);
    met_status status = met_target_open(path, signature, &writer->fd, err);
    if (status != MET_OK) {
        free(buffer);
        return status;
    }
    writer->buffer = buffer;
    return MET_OK;
}

bool met_writer_has(const met_writer *writer, const char *path)
{
    struct stat mine, other;
    if (writer->fd < 0 || fstat(writer->fd, &mine) != 0 || stat(path, &other) != 0) return false;
    return S_ISREG(mine.st_mode) && mine.st_dev == other.st_dev && mine.st_ino == other.st_ino;
}

void met_writer_flush(met_writer *writer)
{
    size_t done = 0;
    while (writer->fd >= 0 && writer->failure == 0 && done < writer->used_bytes) {
        long written =
            met_target_write(writer->fd, writer->buffer + done, writer->used_bytes - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written == 0 || (errno != EINTR && errno != EAGAIN)) {
            writer->failure = written == 0 ? EIO : errno;
        }
    }
    writer->used_bytes = 0;
}

void met_writer_close(met_writer *writer)
{
    if (writer->fd < 0) return;
    met_writer_flush(writer);
    if (close(writer->fd) != 0 && writer->failure == 0) writer->failure = errno;
    free(writer->buffer);
    writer->fd = -1;
    writer->buffer = NULL;
}

void met_writer_bytes_slow(met_writer *writer, const char *data, size_t bytes)
{
    while (bytes > 0 && writer->failure == 0) {
        size_t room = MET_WRITER_BUFFER_BYTES - writer->used_bytes;
        size_t part = bytes < room ? bytes : room;
        memcpy(writer->buffer + writer->used_bytes, data, part);
        writer->used_bytes += part;
        data += part;
        bytes -= part;
        if (bytes > 0) met_writer_flush(writer);
    }
}

void met_writer_decimal(met_writer *writer, uint64_t value, int digits)
{
    char text[24]; /* 20 digits of 2^64, a point */
    size_t at = sizeof text;
    for (int written = 0; value > 0 || written <= digits; written++) {
        if (digits > 0 && written == digits) text[--at] = '.';
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    }
    met_writer_bytes(writer, text + at, sizeof text - at);
}

void met_writer_uint(met_writer *writer, uint64_t value)
{
    met_writer_decimal(writer, value, 0);
}

/* What JSON does not hold as it is. */
static void write_escaped(met_writer *writer, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
        met_writer_bytes(writer, (char[]){'\\', (char)c}, 2);
    } else {
        met_writer_bytes(writer, (char[]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6);
    }
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void met_writer_string(met_writer *writer, met_str text)
{
    met_writer_literal(writer, "\"");
    for (size_t at = 0; at < text.bytes;) {
        size_t run = at;
        while (run < text.bytes && is_plain((unsigned char)text.data[run]))
            run++;
        met_writer_bytes(writer, text.data + at, run - at);
        at = run;
        if (at == text.bytes) break;
        uint32_t code_point = 0;
        size_t bytes = met_utf8_next(text.data + at, text.bytes - at, &code_point);
        if (bytes == 0) {
            met_writer_literal(writer, "\xef\xbf\xbd");
            bytes = 1;
        } else if (bytes == 1) {
            write_escaped(writer, (unsigned char)text.data[at]);
        } else {
            met_writer_bytes(writer, text.data + at, bytes);
        }
        at += bytes;
    }
    met_writer_literal(writer, "\"");
}
