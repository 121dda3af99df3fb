/* A stream that is written, and the memory of its first failure. */
#ifndef MET_CLI_OUTPUT_H
#define MET_CLI_OUTPUT_H

#include "metallic.h"

#include <jansson.h>
#include <stdio.h>

/* Writers do nothing after a failure; the owner asks once at the end. */
typedef struct met_output {
    FILE *file;
    const char *name; /* for errors */
    int failure;      /* errno of the first write that failed; 0: none */
} met_output;

/* Decimal digits of a real number in JSON: float32 and float64 survive the way there and back. */
enum { MET_JSON_FLOAT_DIGITS = 9, MET_JSON_DOUBLE_DIGITS = 17 };

void met_output_write(met_output *output, const void *data, size_t bytes);
void met_output_text(met_output *output, const char *text);
void met_output_printf(met_output *output, const char *format, ...) MET_PRINTF(2, 3);
/* Bytes from a file or a model, with everything but printable characters escaped: a name from a
 * hostile file must not reach the terminal as a command. */
void met_output_escaped(met_output *output, met_str text);
/* One compact JSON document and a line feed. Takes `document`; NULL is out of memory. */
void met_output_json(met_output *output, json_t *document, int digits);
void met_output_flush(met_output *output);
/* Whether anything failed so far; a reader may have gone. */
bool met_output_failed(const met_output *output);

/* Flush, close, and say what failed: MET_E_IO "name: reason". A closed pipe fails with an empty
 * text: the reader had enough, which is nobody's error to read about. */
met_status met_output_close(met_output *output, met_error *err);

/* Whether standard output and standard error are the same terminal. */
bool met_output_shares_terminal(void);

/* Whether a file descriptor is a terminal. */
bool met_output_is_terminal(int descriptor);

#endif
