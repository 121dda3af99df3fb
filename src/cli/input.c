/* Owns: reading what the user names. The invariant: a directory or a device error is told, never
 * read as an empty file; what never ends, as /dev/zero, does not take all memory. */
#include "cli/input.h"

#include "cli/failure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_BYTES = 1 << 16 };

const char *met_input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* By errno. */
static met_status fail(const char *name, met_error *err)
{
    if (errno == EFBIG) {
        return met_failure_set(err, MET_E_MEMORY, "%s: more than %zu bytes, expected a text", name,
                               MET_INPUT_BYTES_MAX);
    }
    return met_failure_set(err, errno == ENOMEM ? MET_E_MEMORY : MET_E_IO, "%s: %s", name,
                           strerror(errno));
}

/* Read until the end, or one byte more than is allowed. On failure errno says why; *data is freed
 * by the caller. */
static bool read_all(int descriptor, char **data, size_t *bytes)
{
    size_t capacity = 0;
    struct stat info;

    if (fstat(descriptor, &info) == 0 && info.st_size > (off_t)MET_INPUT_BYTES_MAX) {
        errno = EFBIG;
        return false;
    }
    for (;;) {
        if (*bytes > MET_INPUT_BYTES_MAX) {
            errno = EFBIG;
            return false;
        }
        if (capacity - *bytes < 2) { /* one byte of news and the NUL */
            size_t wanted = capacity == 0 ? FIRST_BYTES : 2 * capacity;
            char *larger = realloc(*data, wanted);
            if (larger == NULL) return false;
            *data = larger;
            capacity = wanted;
        }
        ssize_t got = read(descriptor, *data + *bytes, capacity - *bytes - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        *bytes += (size_t)got;
        (*data)[*bytes] = '\0';
        if (got == 0) return true;
    }
}

met_status met_input_read(const char *path, char **data, size_t *bytes, met_error *err)
{
    met_status status = MET_OK;
    bool is_stdin = strcmp(path, "-") == 0;
    char *read_data = NULL;
    size_t read_bytes = 0;

    *data = NULL;
    *bytes = 0;
    int descriptor = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || !read_all(descriptor, &read_data, &read_bytes)) {
        status = fail(met_input_name(path), err);
        goto done;
    }
    *data = read_data;
    *bytes = read_bytes;
    read_data = NULL;
done:
    if (descriptor >= 0 && !is_stdin) close(descriptor);
    free(read_data);
    return status;
}

met_status met_input_open(const char *path, FILE **file, met_error *err)
{
    *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (*file != NULL) return MET_OK;
    return met_failure_set(err, MET_E_IO, "%s: %s", met_input_name(path), strerror(errno));
}

met_status met_input_line(FILE *file, const char *name, met_input_text *line, met_error *err)
{
    int c = EOF;

    line->bytes = 0;
    do {
        if (line->capacity - line->bytes < 2) { /* a byte and the NUL */
            size_t wanted = line->capacity == 0 ? FIRST_BYTES : 2 * line->capacity;
            if (wanted > MET_INPUT_BYTES_MAX + 2) wanted = MET_INPUT_BYTES_MAX + 2;
            char *larger = line->capacity < wanted ? realloc(line->data, wanted) : NULL;
            if (larger == NULL) {
                if (line->capacity == wanted) errno = EFBIG;
                return fail(name, err);
            }
            line->data = larger;
            line->capacity = wanted;
        }
        c = getc_unlocked(file);
        if (c != EOF) line->data[line->bytes++] = (char)c;
    } while (c != EOF && c != '\n');
    line->data[line->bytes] = '\0';
    return ferror(file) ? fail(name, err) : MET_OK;
}
