/* Memory that the threads of one group share. See group_memory.h.
 *
 * Sanitizers see calls of memset and memcpy even from files compiled without them; the bytes are
 * therefore set by plain loops (the executor is compiled with -fno-builtin).
 */
#include "group_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

static void fill(unsigned char *bytes, size_t count, unsigned char value)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = value;
}

#if defined(SIM_TSAN)

enum { ARENA_BYTES = 256 << 20, ARENA_ENOUGH = ARENA_BYTES / 2, ALIGNMENT = 64 };
static _Thread_local unsigned char *arena;
static _Thread_local size_t arena_used, arena_live;

bool sim_group_memory_open(sim_group_memory *memory, size_t bytes)
{
    size_t rounded = (bytes + 2 * ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (arena == NULL) {
        arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (arena == MAP_FAILED) arena = NULL;
        arena_used = 0;
    }
    if (arena == NULL || rounded > ARENA_BYTES - arena_used) return false;
    memory->address = arena + arena_used;
    memory->bytes = bytes;
    arena_used += rounded;
    arena_live++;
    fill(memory->address, bytes, 0xff);
    return true;
}

bool sim_group_memory_intact(const sim_group_memory *memory)
{
    (void)memory;
    return true;
}

void sim_group_memory_close(sim_group_memory *memory)
{
    if (memory->address != NULL && --arena_live == 0 && arena_used > ARENA_ENOUGH) {
        munmap(arena, ARENA_BYTES); /* ThreadSanitizer forgets what happened there */
        arena = NULL;
    }
    memory->address = NULL;
}

#else

#if defined(SIM_ASAN)
enum { TAIL_BYTES = 0 };
#else
enum { TAIL_BYTES = 64 };
#endif
static const unsigned char TAIL = 0xa5;

bool sim_group_memory_open(sim_group_memory *memory, size_t bytes)
{
    memory->address = malloc(bytes + TAIL_BYTES);
    if (memory->address == NULL) return false;
    memory->bytes = bytes;
    fill(memory->address, bytes, 0xff);
    fill((unsigned char *)memory->address + bytes, TAIL_BYTES, TAIL);
    return true;
}

bool sim_group_memory_intact(const sim_group_memory *memory)
{
    const unsigned char *end = (const unsigned char *)memory->address + memory->bytes;
    for (size_t i = 0; memory->address != NULL && i < TAIL_BYTES; i++)
        if (end[i] != TAIL) return false;
    return true;
}

void sim_group_memory_close(sim_group_memory *memory)
{
    free(memory->address);
    memory->address = NULL;
}

#endif
