/* Whole files and standard input. */
#ifndef MET_CLI_INPUT_H
#define MET_CLI_INPUT_H

#include "metallic.h"

#include <stdio.h>

/* The longest text or line that is read: far above what any context holds, and above the corpora
 * that perplexity is told of. */
#define MET_INPUT_BYTES_MAX ((size_t)1 << 30)

/* Read all of a file into memory; "-" is standard input. *data receives `*bytes` bytes and a NUL;
 * free it with free(). MET_E_IO names the file; MET_E_MEMORY, also for more than the most. */
met_status met_input_read(const char *path, char **data, size_t *bytes, met_error *err);

/* Open a file for reading line by line; "-" is standard input. MET_E_IO names it. */
met_status met_input_open(const char *path, FILE **file, met_error *err);

/* Zeroed is empty; free `data` with free(). */
typedef struct met_input_text {
    char *data;
    size_t bytes;
    size_t capacity;
} met_input_text;

/* Read the next line with its line feed; no bytes: the end. Errors as met_input_read. */
met_status met_input_line(FILE *file, const char *name, met_input_text *line, met_error *err);

/* What errors call a path: "standard input" for "-". */
const char *met_input_name(const char *path);

#endif
