/* Owns: what the host and the Metal kernels agree on: argument structs, binding indices, function
 * constants, the shape of every dispatch and the layout of the KV cache. Plain C and MSL at once.
 * Does not own: what the kernels compute; each .metal file says that beside its kernel.
 * The invariant: a number that both sides use stands here, once.
 *
 * Every kernel takes its struct at buffer(0), as bytes, and is compiled for the threads that this
 * file says: a pipeline may allow fewer than one asks for, and a dispatch of more does not run.
 * Threadgroup memory of more than 4 KiB is always threadgroup(0): its length stays set for the
 * dispatches after, and must not come on top of another kernel's own. A binding that a dispatch
 * does not use still takes some buffer. Activations are float32 [tokens][cols], rows one after the
 * other. No kernel needs more alignment than an element's own (2 bytes for Q8_0). */
#ifndef MET_BACKEND_METAL_ARGUMENTS_H
#define MET_BACKEND_METAL_ARGUMENTS_H

#ifdef __METAL_VERSION__
#define MET_METAL_CHECK(condition) static_assert(condition, #condition)
#else
#include <stdint.h>
#ifdef __cplusplus
#define MET_METAL_CHECK(condition) static_assert(condition, #condition)
#else
#define MET_METAL_CHECK(condition) _Static_assert(condition, #condition)
#endif
#endif

/* ---------------------------------------------------------------- function constants
 * A kernel's list says which it uses; the host sets exactly those. */
#define MET_METAL_FC_WEIGHT_TYPE 0 /* int: met_dtype of the weights of the dispatch */
#define MET_METAL_FC_TOKENS 1      /* int: 1 .. MET_METAL_MATVEC_TOKENS */
#define MET_METAL_FC_PAIRS 2       /* int: 1 or 2, pairs of rows that a simdgroup computes */
#define MET_METAL_FC_NORM 3        /* bool: inputs are normalised first */
#define MET_METAL_FC_QUANTIZE 4    /* bool: inputs are rounded as Q8_0 products want them */
#define MET_METAL_FC_SWIGLU 5      /* bool: parts 0 and 1 are gate and up of one output */
#define MET_METAL_FC_KV_F32 6      /* bool: the cache is float32, not float16 */
#define MET_METAL_FC_HEAD_DIM 7    /* int */
#define MET_METAL_FC_PENALIZE 8    /* bool: penalties apply */
#define MET_METAL_FC_COUNT 9

/* ---------------------------------------------------------------- products
 * out[part][t][r] = x[t] . weight[part][r] (+ bias) (+ residual), up to three weights of one type.
 *
 *   met_matvec    1 to 8 tokens. Constants WEIGHT_TYPE, TOKENS, PAIRS, NORM, SWIGLU, KV_F32.
 *                 Grid (met_metal_matvec_groups, 1, 1), MET_METAL_MATVEC_THREADS threads,
 *                 threadgroup(0): met_metal_matvec_bytes. Rounds x itself for Q8_0 weights.
 *   met_matmul    any number of tokens. Constants WEIGHT_TYPE, SWIGLU, KV_F32.
 *                 Grid (met_metal_matmul_groups, (tokens + 31) / 32, 1), MET_METAL_MATMUL_THREADS
 *                 threads, threadgroup(0): MET_METAL_MATMUL_BYTES. x is what met_prepare left:
 *                 normalised, and rounded for Q8_0 weights.
 *   met_finish    products that are there already, from MPS or of weights of several types:
 *                 weight[part] is float32 [tokens][rows] and holds them. Constants SWIGLU, KV_F32.
 *                 Grid (met_metal_finish_groups, tokens, 1), MET_METAL_FINISH_THREADS threads.
 *                 out[part] may be weight[part] where the part has no SwiGLU.
 *
 * Rows go in pairs: (first, second) are rows 2p and 2p + 1, or the two rows that rotation mixes, or
 * row p of gate and of up. So what ends a product (bias, residual, rotation, cache, SwiGLU) is one
 * piece of code. */
#define MET_METAL_PARTS 3
#define MET_METAL_AT_X 1        /* float [tokens][cols] */
#define MET_METAL_AT_NORM 2     /* float [cols]: weight of the norm (met_matvec, met_prepare) */
#define MET_METAL_AT_WEIGHT 3   /* 3, 4, 5 */
#define MET_METAL_AT_BIAS 6     /* 6, 7, 8: float [rows] */
#define MET_METAL_AT_RESIDUAL 9 /* float [tokens][rows]; may be out 0 */
#define MET_METAL_AT_OUT 10     /* 10, 11, 12: float [tokens][rows]; not used by keys and values */
#define MET_METAL_AT_ROTATION 13 /* float2 [tokens][head_dim / 2]: cos, sin of each position */
#define MET_METAL_AT_KV 14      /* the cache, at the layer's offset: see below */

#define MET_METAL_PART_ROWS 0   /* to out */
#define MET_METAL_PART_KEYS 1   /* to the cache */
#define MET_METAL_PART_VALUES 2 /* to the cache */

typedef struct met_metal_part {
    int32_t rows;
    int32_t kind;   /* MET_METAL_PART_... */
    int32_t rotate; /* 1: RoPE by the token's position; not with SwiGLU */
    int32_t bias;   /* 1: bias is added */
} met_metal_part;

typedef struct met_metal_product {
    met_metal_part part[MET_METAL_PARTS];
    int32_t parts;    /* used ones; 2 with SwiGLU, both of the same rows, output in out 0 */
    int32_t cols;     /* a multiple of 32 for Q8_0 */
    int32_t tokens;
    int32_t residual; /* 1: residual is added; only one part then */
    int32_t tile_cols; /* met_matvec: met_metal_matvec_tile(cols, tokens) */
    float eps;        /* of the norm */
    int32_t head_dim; /* where a part rotates or goes to the cache */
    int32_t position; /* of token 0, likewise */
    uint64_t block_elements; /* of the cache, likewise */
} met_metal_product;
MET_METAL_CHECK(sizeof(met_metal_product) == 88);

#define MET_METAL_MATVEC_TOKENS 8
#define MET_METAL_MATVEC_THREADS 256
#define MET_METAL_MATMUL_THREADS 128
#define MET_METAL_MATMUL_PAIRS 32 /* of rows in a tile of met_matmul */
#define MET_METAL_MATMUL_TOKENS 32
#define MET_METAL_MATMUL_BYTES 13824
#define MET_METAL_FINISH_THREADS 64

/* ---------------------------------------------------------------- rows
 *   met_embed     out[t] = weight row of tokens[t] as float; zeros for an id outside [0, vocab).
 *                 Constant WEIGHT_TYPE. Grid (tokens, 1, 1), 128 threads.
 *                 1 weight, 2 int32 tokens, 3 out float [tokens][cols].
 *   met_prepare   out[t] = x[t], normalised, then rounded per block of 32. Constants NORM,
 *                 QUANTIZE. Grid (tokens, 1, 1), MET_METAL_MATVEC_THREADS threads.
 *                 1 x, 2 norm weight, 3 out (may be x). */
typedef struct met_metal_embed {
    int32_t cols;
    int32_t vocab;
} met_metal_embed;
MET_METAL_CHECK(sizeof(met_metal_embed) == 8);

typedef struct met_metal_prepare {
    int32_t cols; /* a multiple of 32 when QUANTIZE */
    float eps;
} met_metal_prepare;
MET_METAL_CHECK(sizeof(met_metal_prepare) == 8);

#define MET_METAL_EMBED_THREADS 128

/* ---------------------------------------------------------------- attention
 * The KV cache: positions in blocks of MET_METAL_KV_BLOCK. A block holds, for each layer and each
 * of its key-value heads, one head block of met_metal_head_elements(head_dim) elements: keys
 * [4 tiles][padded head_dim / 4][32 keys][4], then values [128][padded head_dim]. With that many
 * layers and heads, element 0 of (block b, layer l, head h) is at
 *     b * block_elements + (l * kv_heads + h) * met_metal_head_elements(head_dim),
 * and more positions are more blocks at the end. Nothing needs to be initialised.
 *
 *   met_attention        any number of tokens, each over key blocks at fixed positions, so that 1
 *                        token has the same bits as 8. Constants KV_F32. Grid (met_metal_splits of
 *                        the last token, kv_heads * ceil(group / chunk), tokens),
 *                        MET_METAL_ATTENTION_THREADS threads, threadgroup(0):
 *                        met_metal_attention_bytes. A token that sees one block is finished; of the
 *                        others partial results go to 4.
 *                        1 q float [tokens][heads][head_dim], 2 cache (at the layer's offset),
 *                        3 out [tokens][heads][head_dim], 4 partials: met_metal_partial_floats.
 *   met_attention_merge  partial results to out. Only where the last token sees several blocks.
 *                        Grid (heads, tokens, 1), MET_METAL_MERGE_THREADS threads.
 *                        3 out, 4 partials.
 *   met_attention_tiles  many tokens with simdgroup matrices; head_dim a multiple of 8, at most
 *                        MET_METAL_TILE_DIM_MAX. Constants KV_F32, HEAD_DIM. Grid
 *                        ((tokens + 31) / 32, heads, 1), MET_METAL_TILE_THREADS threads,
 *                        threadgroup(0): met_metal_tiles_bytes. 1 q, 2 cache, 3 out. */
#define MET_METAL_KV_BLOCK 128
#define MET_METAL_KEY_TILE 32
#define MET_METAL_ATTENTION_THREADS 128
#define MET_METAL_MERGE_THREADS 64
#define MET_METAL_TILE_THREADS 128
#define MET_METAL_TILE_TOKENS 32
#define MET_METAL_TILE_DIM_MAX 128

typedef struct met_metal_attention {
    int32_t tokens;
    int32_t heads;
    int32_t kv_heads;
    int32_t head_dim;
    int32_t position; /* of token 0 */
    int32_t chunk;    /* met_attention: query heads of a threadgroup, met_metal_attention_chunk */
    int32_t splits;   /* of the last token: how partials lie */
    float scale;      /* 1 / sqrt(head_dim) */
    uint64_t block_elements;
} met_metal_attention;
MET_METAL_CHECK(sizeof(met_metal_attention) == 40);

/* ---------------------------------------------------------------- sampling (sample.metal)
 * What generate/sampler.h says, on the device: integers of 2^-40, so no sum has an order.
 *
 *   met_sample_max    largest logit of each slice, and the logits with penalties.
 *                     Constant PENALIZE. Grid (MET_METAL_SAMPLE_GROUPS, 1, 1), 256 threads.
 *                     1 logits, 2 maxima ulong [MET_METAL_SAMPLE_GROUPS], 3 int32 counts [vocab],
 *                     4 penalized float [vocab] (only written when PENALIZE).
 *   met_sample_first  greedy: the lowest id with the largest logit. Constant PENALIZE. Grid
 *                     (1, 1, 1), MET_METAL_SAMPLE_GROUPS threads. 2 maxima, 3 counts, 5 history,
 *                     6 out.
 *   met_sample_draw   everything else. Constant PENALIZE. Grid (1, 1, 1), a multiple of 32 threads
 *                     up to 1024. 1 the logits (penalized ones when PENALIZE), 2 maxima, 3 counts,
 *                     5 history, 6 out, 7 keys: met_metal_sample_keys ulongs.
 *
 * out: int32 [1], the token or -1 when no logit is above -infinity. With PENALIZE the token joins
 * history (int32, by place in the text) and counts, and the one that leaves the window goes. */
#define MET_METAL_SAMPLE_GROUPS 64
#define MET_METAL_SAMPLE_THREADS 256
#define MET_METAL_SAMPLE_VOCAB_MAX (1 << 18) /* beyond it sums overflow: sample on the CPU */

typedef struct met_metal_sample {
    int32_t vocab;
    int32_t top_k;     /* 0: off */
    float temperature; /* > 0 for met_sample_draw */
    float top_p;       /* 1: off */
    float repeat_penalty;
    float presence_penalty;
    float frequency_penalty;
    int32_t window;      /* tokens that counts holds at most; 0: all of them */
    uint64_t least;      /* ceil(min_p * 2^40), 0: off */
    uint64_t draw;       /* this token's output of the generator */
    int32_t place;       /* of the new token in history: tokens before it */
    int32_t unused;
} met_metal_sample;
MET_METAL_CHECK(sizeof(met_metal_sample) == 56);

/* ---------------------------------------------------------------- ceilings (measure.metal) */
#define MET_METAL_READ_THREADS 256
#define MET_METAL_MACS_THREADS 32

typedef struct met_metal_ceiling {
    uint64_t count; /* vectors of 16 bytes, or rounds of products */
} met_metal_ceiling;
MET_METAL_CHECK(sizeof(met_metal_ceiling) == 8);

/* ---------------------------------------------------------------- shapes of dispatches (host) */
#ifndef __METAL_VERSION__

static inline int32_t met_metal_up(int32_t x, int32_t step)
{
    return (x + step - 1) / step * step;
}

/* head_dim as it lies in the cache. */
static inline int32_t met_metal_padded_dim(int32_t head_dim)
{
    return met_metal_up(head_dim, 4);
}

static inline uint64_t met_metal_head_elements(int32_t head_dim)
{
    return 2u * MET_METAL_KV_BLOCK * (uint64_t)met_metal_padded_dim(head_dim);
}

/* Pairs of rows that part `i` has; 0 for `up`, which belongs to the pairs of `gate`. */
static inline int32_t met_metal_part_pairs(const met_metal_product *a, int32_t i, int swiglu)
{
    if (swiglu) return i == 0 ? a->part[0].rows : 0;
    return (a->part[i].rows + 1) / 2;
}

/* Threadgroups of `pairs` pairs that all parts need; a threadgroup has rows of one part. */
static inline int32_t met_metal_groups(const met_metal_product *a, int swiglu, int32_t pairs)
{
    int32_t groups = 0;
    for (int32_t i = 0; i < a->parts; i++)
        groups += (met_metal_part_pairs(a, i, swiglu) + pairs - 1) / pairs;
    return groups;
}

static inline int32_t met_metal_matvec_groups(const met_metal_product *a, int swiglu,
                                              int32_t fc_pairs)
{
    return met_metal_groups(a, swiglu, fc_pairs * (MET_METAL_MATVEC_THREADS / 32));
}

static inline int32_t met_metal_matmul_groups(const met_metal_product *a, int swiglu)
{
    return met_metal_groups(a, swiglu, MET_METAL_MATMUL_PAIRS);
}

static inline int32_t met_metal_finish_groups(const met_metal_product *a, int swiglu)
{
    return met_metal_groups(a, swiglu, MET_METAL_FINISH_THREADS);
}

/* Columns of x that a threadgroup of met_matvec holds at a time: at most 16 KiB, in 256s. */
static inline int32_t met_metal_matvec_tile(int32_t cols, int32_t tokens)
{
    int32_t most = 4096 / tokens / 256 * 256;
    int32_t all = met_metal_up(cols, 256);
    return all < most ? all : most;
}

/* Threadgroup memory; lengths are multiples of 16. */
static inline uint32_t met_metal_matvec_bytes(int32_t cols, int32_t tokens)
{
    return (uint32_t)(met_metal_matvec_tile(cols, tokens) * tokens) * 4u;
}

static inline int32_t met_metal_splits(int32_t position)
{
    return position / MET_METAL_KV_BLOCK + 1;
}

/* Query heads that a threadgroup of met_attention takes: as many as its memory allows. */
static inline int32_t met_metal_attention_chunk(int32_t head_dim, int32_t group)
{
    int32_t most = head_dim <= 256 ? 8 : head_dim <= 512 ? 4 : 2;
    return group < most ? group : most;
}

/* Queries, output, weights of the block's keys, and 4 + 4 numbers of each query. */
static inline uint32_t met_metal_attention_bytes(int32_t head_dim, int32_t chunk)
{
    int32_t floats = chunk * (2 * met_metal_padded_dim(head_dim) + MET_METAL_KV_BLOCK + 8);
    return (uint32_t)met_metal_up(floats * 4, 16);
}

static inline uint64_t met_metal_partial_floats(int32_t tokens, int32_t heads, int32_t head_dim,
                                                int32_t splits)
{
    return (uint64_t)tokens * (uint64_t)heads * (uint64_t)splits * (uint64_t)(head_dim + 2);
}

/* Two arrays of keys, each with room for one of every token and 1024 threads. */
static inline uint64_t met_metal_sample_keys(int32_t vocab)
{
    return 2 * (uint64_t)met_metal_up(vocab, 1024);
}

/* One tile of queries, keys or values, and the scores of a tile. */
static inline uint32_t met_metal_tiles_bytes(int32_t head_dim)
{
    int32_t floats = MET_METAL_TILE_TOKENS * (head_dim + 4) + MET_METAL_TILE_TOKENS * 36;
    return (uint32_t)(floats * 4);
}

#endif

#endif
