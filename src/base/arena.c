/* Owns: arenas. The invariant: memory is zeroed and never moves. */
#include "base/arena.h"

#include "base/checked.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 * 1024, HEADER_BYTES = 64 };

struct met_arena_chunk {
    met_arena_chunk *older;
    size_t used_bytes; /* header included */
    size_t bytes;
};

_Static_assert(sizeof(met_arena_chunk) <= HEADER_BYTES, "the header fits before the first array");

void *met_arena_alloc(met_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t alignment = bytes >= 64 ? 64 : 16;
    met_arena_chunk *chunk = arena->newest;
    size_t begin = chunk == NULL ? 0 : met_align_up(chunk->used_bytes, alignment);
    if (chunk == NULL || begin > chunk->bytes || chunk->bytes - begin < bytes) {
        size_t size = bytes + HEADER_BYTES;
        if (size < CHUNK_BYTES) size = CHUNK_BYTES;
        size = met_align_up(size, 64);
        chunk = aligned_alloc(64, size);
        if (chunk == NULL) return NULL;
        memset(chunk, 0, size);
        chunk->older = arena->newest;
        chunk->bytes = size;
        arena->newest = chunk;
        begin = HEADER_BYTES;
    }
    chunk->used_bytes = begin + bytes;
    arena->bytes += bytes;
    return (char *)chunk + begin;
}

void *met_arena_array(met_arena *arena, size_t count, size_t element_bytes)
{
    size_t bytes = 0;
    if (!met_mul_size(count, element_bytes, &bytes)) return NULL;
    return met_arena_alloc(arena, bytes);
}

void met_arena_free(met_arena *arena)
{
    met_arena_chunk *chunk = arena->newest;
    while (chunk != NULL) {
        met_arena_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
    memset(arena, 0, sizeof *arena);
}
