/* Many small allocations with one lifetime. */
#ifndef MET_BASE_ARENA_H
#define MET_BASE_ARENA_H

#include <stddef.h>

typedef struct met_arena_chunk met_arena_chunk;

/* Zero-initialised is empty. */
typedef struct met_arena {
    met_arena_chunk *newest;
    size_t bytes; /* handed out in all */
} met_arena;

/* Zeroed storage aligned to 64 bytes for arrays of 64 bytes and more, else to 16; NULL when memory
 * is out. Valid until the arena is freed. */
void *met_arena_alloc(met_arena *arena, size_t bytes);
/* The same for `count` elements; NULL also when the product overflows. */
void *met_arena_array(met_arena *arena, size_t count, size_t element_bytes);
void met_arena_free(met_arena *arena);

#endif
