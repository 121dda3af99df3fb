/* What attention costs in its variants, side by side: levels, types of the cache, query heads that
 * share a key-value head, sizes of heads, threads that share the keys. One layer of two key-value
 * heads; everything that does not vary is that of qwen2.5-0.5b at 1024 keys on one thread. */
#include "sdpa_step.h"

#include <stdio.h>

enum { KEYS = 1024, KEYS_QUICK = 64, KEYS_SPLIT = 8192, TOKENS = 64 };

static bench_sdpa_options usual(const bench *b, int32_t keys)
{
    return (bench_sdpa_options){.level = bench_level_best(b),
                                .threads = 1,
                                .layers = 1,
                                .heads = 14,
                                .kv_heads = 2,
                                .head_dim = 64,
                                .kv_type = MET_DTYPE_F16,
                                .context_length = keys};
}

/* One token, and with `prefill` the last TOKENS of the keys. */
static void bench_variant(bench *b, const bench_sdpa_options *o, bool prefill)
{
    char name[96];
    int32_t tokens = prefill ? TOKENS : 1;
    int32_t group = o->heads / o->kv_heads;
    (void)snprintf(name, sizeof name, "%s %d, group %d of %d, %s", prefill ? "prefill" : "decode",
                   (int)o->context_length, (int)group, (int)o->head_dim,
                   o->kv_type == MET_DTYPE_F16 ? "f16" : "f32");
    bench_sdpa *s = bench_sdpa_open(b, o);
    bench_sdpa_measure(b, s, name, o->context_length - tokens, tokens);
    bench_sdpa_close(s);
}

static void bench_levels(bench *b, int32_t keys)
{
    for (int prefill = 0; prefill < 2; prefill++) {
        for (int32_t level = 0; level < met_cpu_level_count(); level++) {
            if (!bench_level_wanted(b, level)) continue;
            bench_sdpa_options o = usual(b, keys);
            o.level = level;
            bench_variant(b, &o, prefill == 1);
        }
    }
}

static void bench_types(bench *b, int32_t keys)
{
    static const met_dtype types[] = {MET_DTYPE_F16, MET_DTYPE_F32};
    for (int i = 0; i < 4; i++) {
        bench_sdpa_options o = usual(b, keys);
        o.kv_type = types[i % 2];
        bench_variant(b, &o, i >= 2);
    }
}

static void bench_groups(bench *b, int32_t keys)
{
    static const int32_t groups[] = {1, 2, 6, 7, 8};
    for (int32_t head_dim = 64; head_dim <= 128; head_dim += 64) {
        for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
            bench_sdpa_options o = usual(b, keys);
            o.heads = o.kv_heads * groups[i];
            o.head_dim = head_dim;
            bench_variant(b, &o, false);
        }
    }
}

static void bench_split(bench *b, int32_t keys)
{
    for (int32_t threads = 1; threads <= bench_threads(b); threads *= 2) {
        bench_sdpa_options o = usual(b, keys);
        o.threads = threads;
        bench_variant(b, &o, false);
    }
}

int main(int argc, char **argv)
{
    bench b;
    bench_begin(&b, "sdpa_variant", NULL, argc, argv);
    int32_t keys = b.quick ? KEYS_QUICK : KEYS;
    bench_levels(&b, keys);
    bench_types(&b, keys);
    bench_groups(&b, keys);
    bench_split(&b, b.quick ? KEYS_QUICK : KEYS_SPLIT);
    return bench_end(&b);
}
