/* Count of the device bytes that kernels move. See traffic.h. */
#include "traffic.h"

#include <stdatomic.h>
#include <stdlib.h>

/* The bytes that one bound buffer answers for, and which of them were seen. */
typedef struct span {
    uintptr_t begin, end;
    int slot;
    _Atomic uint64_t total[2], unique[2]; /* read, written */
    _Atomic uint64_t *seen[2];            /* [bytes / 64 + 2] a bit for each byte */
} span;

struct sim_traffic_map {
    int count;
    span spans[SIM_SLOTS]; /* by address */
};

__attribute__((tls_model("initial-exec"))) static _Thread_local sim_traffic_map *selected;

static int by_address(const void *left, const void *right)
{
    const span *a = left, *b = right;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    return a->slot - b->slot; /* the same place twice: the lower slot answers */
}

/* Let every span end where the next begins; drop those that begin where another one does. */
static void separate(sim_traffic_map *map)
{
    int kept = 0;
    qsort(map->spans, (size_t)map->count, sizeof map->spans[0], by_address);
    for (int i = 0; i < map->count; i++) {
        span *last = kept > 0 ? &map->spans[kept - 1] : NULL;
        if (last != NULL && last->begin == map->spans[i].begin) {
            if (map->spans[i].end > last->end) last->end = map->spans[i].end;
            continue;
        }
        if (last != NULL && last->end > map->spans[i].begin) last->end = map->spans[i].begin;
        map->spans[kept++] = map->spans[i];
    }
    map->count = kept;
}

sim_traffic_map *sim_traffic_open(const sim_dispatch *dispatch)
{
    sim_traffic_map *map = calloc(1, sizeof *map);
    if (map == NULL) return NULL;
    for (int slot = 0; slot < SIM_SLOTS; slot++) {
        const sim_buffer *buffer = &dispatch->buffers[slot];
        if (buffer->address == NULL || buffer->bytes == 0) continue;
        map->spans[map->count++] = (span){.begin = (uintptr_t)buffer->address,
                                          .end = (uintptr_t)buffer->address + buffer->bytes,
                                          .slot = slot};
    }
    separate(map);
    for (int i = 0; i < map->count; i++) {
        size_t words = (map->spans[i].end - map->spans[i].begin) / 64 + 2;
        for (int way = 0; way < 2; way++) {
            map->spans[i].seen[way] = calloc(words, sizeof(uint64_t));
            if (map->spans[i].seen[way] == NULL) {
                sim_traffic_close(map, NULL);
                return NULL;
            }
        }
    }
    return map;
}

void sim_traffic_select(sim_traffic_map *map)
{
    selected = map;
}

void sim_traffic_close(sim_traffic_map *map, sim_traffic *traffic)
{
    if (map == NULL) return;
    for (int i = 0; i < map->count; i++) {
        span *s = &map->spans[i];
        if (traffic != NULL)
            traffic[s->slot] = (sim_traffic){s->total[0], s->unique[0], s->total[1], s->unique[1]};
        free(s->seen[0]);
        free(s->seen[1]);
    }
    free(map);
}

#ifndef SIM_ASAN /* there the sanitizer's runtime has the names of the hooks */

/* Mark bytes [from, to) of a span; counts those not marked before. */
static uint64_t mark(_Atomic uint64_t *seen, uint64_t from, uint64_t to)
{
    uint64_t fresh = 0;
    while (from < to) {
        uint64_t stop = (from | 63) + 1 < to ? (from | 63) + 1 : to;
        uint64_t bits = (stop - from == 64 ? ~0ull : (1ull << (stop - from)) - 1) << (from & 63);
        _Atomic uint64_t *word = &seen[from / 64];
        if ((atomic_load_explicit(word, memory_order_relaxed) & bits) != bits) {
            uint64_t before = atomic_fetch_or_explicit(word, bits, memory_order_relaxed);
            fresh += (uint64_t)__builtin_popcountll(bits & ~before);
        }
        from = stop;
    }
    return fresh;
}

/* An access may begin in one span and end in another. */
static void count(uintptr_t address, size_t bytes, int way)
{
    sim_traffic_map *map = selected;
    if (map == NULL) return;
    for (int i = 0; i < map->count; i++) {
        span *s = &map->spans[i];
        if (address + bytes <= s->begin) return;
        uint64_t from = address > s->begin ? address - s->begin : 0;
        uint64_t to = (address + bytes < s->end ? address + bytes : s->end) - s->begin;
        if (address >= s->end || from >= to) continue;
        atomic_fetch_add_explicit(&s->total[way], to - from, memory_order_relaxed);
        uint64_t fresh = mark(s->seen[way], from, to);
        if (fresh != 0) atomic_fetch_add_explicit(&s->unique[way], fresh, memory_order_relaxed);
    }
}

/* ---- What the compiler calls; the names are its own ------------------------------------------ */

#define HOOK(name, bytes, way)                                                                     \
    SIM_API void name(uintptr_t address);                                                          \
    void name(uintptr_t address)                                                                   \
    {                                                                                              \
        count(address, bytes, way);                                                                \
    }
HOOK(__asan_load1_noabort, 1, 0)
HOOK(__asan_load2_noabort, 2, 0)
HOOK(__asan_load4_noabort, 4, 0)
HOOK(__asan_load8_noabort, 8, 0)
HOOK(__asan_load16_noabort, 16, 0)
HOOK(__asan_store1_noabort, 1, 1)
HOOK(__asan_store2_noabort, 2, 1)
HOOK(__asan_store4_noabort, 4, 1)
HOOK(__asan_store8_noabort, 8, 1)
HOOK(__asan_store16_noabort, 16, 1)

SIM_API void __asan_loadN_noabort(uintptr_t address, size_t bytes);
void __asan_loadN_noabort(uintptr_t address, size_t bytes)
{
    count(address, bytes, 0);
}

SIM_API void __asan_storeN_noabort(uintptr_t address, size_t bytes);
void __asan_storeN_noabort(uintptr_t address, size_t bytes)
{
    count(address, bytes, 1);
}

SIM_API void *__asan_memcpy(void *to, const void *from, size_t bytes);
void *__asan_memcpy(void *to, const void *from, size_t bytes)
{
    count((uintptr_t)from, bytes, 0);
    count((uintptr_t)to, bytes, 1);
    return __builtin_memcpy(to, from, bytes);
}

SIM_API void *__asan_memmove(void *to, const void *from, size_t bytes);
void *__asan_memmove(void *to, const void *from, size_t bytes)
{
    count((uintptr_t)from, bytes, 0);
    count((uintptr_t)to, bytes, 1);
    return __builtin_memmove(to, from, bytes);
}

SIM_API void *__asan_memset(void *to, int value, size_t bytes);
void *__asan_memset(void *to, int value, size_t bytes)
{
    count((uintptr_t)to, bytes, 1);
    return __builtin_memset(to, value, bytes);
}

SIM_API void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
}
#endif
