/* Whole files and standard input. */
#ifndef MET_CLI_INPUT_H
#define MET_CLI_INPUT_H

#include "metallic.h"

#include <stdio.h>

/* Read all of a file into memory; "-" is standard input. *data receives `*bytes` bytes and a NUL;
 * free it with free(). MET_E_IO names the file; MET_E_MEMORY. */
met_status met_input_read(const char *path, char **data, size_t *bytes, met_error *err);

/* Open a file for reading line by line; "-" is standard input. MET_E_IO names it. */
met_status met_input_open(const char *path, FILE **file, met_error *err);

/* What errors call a path: "standard input" for "-". */
const char *met_input_name(const char *path);

#endif
