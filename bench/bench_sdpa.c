/* Attention of the CPU machine as a model has it: every layer of a step, with the cache of all
 * layers. Decode reads each key and value once: GB/s of them, against reading the same memory.
 * Prefill is arithmetic: GMAC/s, against multiply-adds in registers. */
#include "sdpa_step.h"

#include <stdio.h>

typedef struct model_shape {
    const char *name;
    int32_t layers, heads, kv_heads, head_dim;
} model_shape;

static bench_sdpa *open_model(const bench *b, const model_shape *shape, int32_t layers,
                              int32_t context_length)
{
    return bench_sdpa_open(b, &(bench_sdpa_options){.level = bench_level_best(b),
                                                    .threads = bench_threads(b),
                                                    .layers = layers,
                                                    .heads = shape->heads,
                                                    .kv_heads = shape->kv_heads,
                                                    .head_dim = shape->head_dim,
                                                    .kv_type = MET_DTYPE_F16,
                                                    .context_length = context_length});
}

static void bench_decode(bench *b, const model_shape *shape)
{
    static const int32_t depths[] = {64, 256, 1024, 2048, 4096, 8192};
    size_t count = b->quick ? 1 : sizeof depths / sizeof depths[0];
    bench_sdpa *s = open_model(b, shape, shape->layers, depths[count - 1] + 1);
    for (size_t i = 0; i < count; i++) {
        char name[96];
        (void)snprintf(name, sizeof name, "%s decode, %d keys", shape->name, (int)depths[i]);
        bench_sdpa_measure(b, s, name, depths[i] - 1, 1);
    }
    bench_sdpa_close(s);
}

/* One layer: prefill does the same in each, and does not live on memory. */
static void bench_prefill(bench *b, const model_shape *shape)
{
    static const int32_t positions[] = {0, 3584};
    int32_t tokens = b->quick ? 32 : 512;
    size_t count = b->quick ? 1 : sizeof positions / sizeof positions[0];
    bench_sdpa *s = open_model(b, shape, 1, positions[count - 1] + tokens);
    for (size_t i = 0; i < count; i++) {
        char name[96];
        (void)snprintf(name, sizeof name, "%s prefill, %d tokens at %d, a layer", shape->name,
                       (int)tokens, (int)positions[i]);
        bench_sdpa_measure(b, s, name, positions[i], tokens);
    }
    bench_sdpa_close(s);
}

int main(int argc, char **argv)
{
    static const model_shape shapes[] = {{"qwen2.5-0.5b", 24, 14, 2, 64},
                                         {"qwen2.5-3b", 36, 16, 2, 128}};
    bench b;
    bench_begin(&b, "sdpa", NULL, argc, argv);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        bench_decode(&b, &shapes[i]);
        bench_prefill(&b, &shapes[i]);
    }
    return bench_end(&b);
}
