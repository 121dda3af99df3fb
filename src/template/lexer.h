/* Template source to tokens. */
#ifndef MET_TEMPLATE_LEXER_H
#define MET_TEMPLATE_LEXER_H

#include "base/arena.h"
#include "template/jvalue.h"

typedef enum met_jtoken_kind {
    MET_JTOKEN_END = 0,
    MET_JTOKEN_DATA,
    MET_JTOKEN_PRINT_BEGIN, /* {{ */
    MET_JTOKEN_PRINT_END,
    MET_JTOKEN_BLOCK_BEGIN, /* {% */
    MET_JTOKEN_BLOCK_END,
    MET_JTOKEN_NAME,
    MET_JTOKEN_STRING,
    MET_JTOKEN_INTEGER,
    MET_JTOKEN_FLOAT,
    MET_JTOKEN_OPERATOR,
} met_jtoken_kind;

typedef struct met_jtoken {
    met_jtoken_kind kind;
    uint32_t line;
    met_str text;              /* as written, for messages; of an operator, all there is */
    const met_jstring *string; /* DATA, NAME, STRING */
    int64_t integer;
    double real;
} met_jtoken;

/* Tokens in `scratch`, the last of kind MET_JTOKEN_END; what they point to is in `arena`. Line ends
 * are brought to \n and one at the end of the source is dropped; white space is trimmed as with
 * trim_blocks and lstrip_blocks. */
met_status met_lexer_run(met_arena *arena, met_arena *scratch, met_str source,
                         const met_jtoken **tokens, met_error *err);

/* Room in an arena array of `count` elements for one more: the array, moved when it was full. It
 * must have been grown by this alone, from NULL and 0. NULL: out of memory. */
void *met_lexer_grow(met_arena *arena, void *items, size_t count, size_t element_bytes);

#endif
