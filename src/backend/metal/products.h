/* Owns: what the three kinds of products share: which rows make a pair, how eight weights are read,
 * and what happens to a pair of sums (bias, residual, rotation, cache, SwiGLU). MSL only.
 * Does not own: the sums themselves.
 * The invariant: a pair of one token is finished by one thread, and nobody else writes its rows. */
#ifndef MET_BACKEND_METAL_PRODUCTS_H
#define MET_BACKEND_METAL_PRODUCTS_H

#ifdef __METAL_VERSION__

#include "backend/metal/kernels.h"

/* Where a threadgroup works: rows of one part. */
struct met_place {
    int part;
    int first_pair; /* of the threadgroup */
    int pairs;      /* of the part */
};

/* Everything that a pair's results can be combined with or written to. */
struct met_sink {
    device const float *first_bias;
    device const float *second_bias; /* the same part's, or that of `up` */
    device const float *residual;
    device float *out;
    device const float2 *rotation;
    device uchar *kv;
};

/* One of three buffers. */
template <typename T> static inline T met_of_part(int part, T first, T second, T third)
{
    return part == 0 ? first : part == 1 ? second : third;
}

/* The part and pairs of threadgroup `group`, where each takes `step` pairs. */
static inline met_place met_find_place(constant met_metal_product &a, int group, int step)
{
    met_place place = {0, group * step, fc_swiglu ? a.part[0].rows : (a.part[0].rows + 1) / 2};
    while (!fc_swiglu && place.first_pair >= place.pairs && place.part + 1 < a.parts) {
        group -= (place.pairs + step - 1) / step;
        place.part += 1;
        place.first_pair = group * step;
        place.pairs = (a.part[place.part].rows + 1) / 2;
    }
    return place;
}

/* The rows of a pair; the second may be one past the end of a part with an odd number. */
static inline int2 met_pair_rows(constant met_metal_product &a, int part, int pair)
{
    if (fc_swiglu) return int2(pair, pair);
    if (a.part[part].rotate == 0) return int2(2 * pair, 2 * pair + 1);
    const int pairs = a.head_dim / 2;
    const int row = pair / pairs * a.head_dim + pair % pairs;
    return int2(row, row + pairs);
}

static inline long met_row_bytes(int cols)
{
    return fc_weight_type == MET_METAL_Q8_0  ? long(cols / 32) * 34
           : fc_weight_type == MET_METAL_F16 ? long(cols) * 2
                                             : long(cols) * 4;
}

/* Weights c .. c + 7 of a row, c a multiple of 8, without the block's scale, which is returned (1
 * where there is none). Beyond `cols` they are 0. Packed vectors: a row begins at any element. */
static inline float met_weights8(device const uchar *row, int c, int cols, thread float4 &low,
                                 thread float4 &high)
{
    if (fc_weight_type == MET_METAL_Q8_0) { /* blocks of 34 bytes: half scale, 32 int8 */
        device const uchar *block = row + c / 32 * 34;
        const packed_ushort4 bits = ((device const packed_ushort4 *)(block + 2 + c % 32))[0];
        low = float4(as_type<char4>(ushort2(bits[0], bits[1])));
        high = float4(as_type<char4>(ushort2(bits[2], bits[3])));
        return float(((device const half *)block)[0]);
    }
    if (c + 8 <= cols) {
        if (fc_weight_type == MET_METAL_F16) {
            device const packed_half4 *w = (device const packed_half4 *)(row + 2 * c);
            low = float4(half4(w[0]));
            high = float4(half4(w[1]));
        } else {
            device const packed_float4 *w = (device const packed_float4 *)(row + 4 * c);
            low = float4(w[0]);
            high = float4(w[1]);
        }
        return 1.0f;
    }
    for (int i = 0; i < 8; i++) {
        float w = 0.0f;
        if (c + i < cols) {
            w = fc_weight_type == MET_METAL_F16 ? float(((device const half *)row)[c + i])
                                                : ((device const float *)row)[c + i];
        }
        if (i < 4)
            low[i] = w;
        else
            high[i - 4] = w;
    }
    return 1.0f;
}

static inline void met_kv_write(device uchar *kv, ulong index, float value)
{
    if (fc_kv_f32)
        ((device float *)kv)[index] = value;
    else
        ((device half *)kv)[index] = half(value);
}

/* A key's or value's element into the cache; arguments.h has the layout. */
static inline void met_kv_append(constant met_metal_product &a, device uchar *kv, bool is_key,
                                 int row, int token, float value)
{
    const int padded = (a.head_dim + 3) / 4 * 4;
    const int head = row / a.head_dim, d = row % a.head_dim;
    const int position = a.position + token;
    const int at = position % MET_METAL_KV_BLOCK;
    const ulong block = ulong(position / MET_METAL_KV_BLOCK) * a.block_elements +
                        ulong(head) * ulong(2 * MET_METAL_KV_BLOCK * padded);
    if (!is_key) {
        met_kv_write(kv, block + ulong((MET_METAL_KV_BLOCK + at) * padded + d), value);
        return;
    }
    const int tile = at / MET_METAL_KEY_TILE * padded * MET_METAL_KEY_TILE;
    const int key = at % MET_METAL_KEY_TILE * 4;
    met_kv_write(kv, block + ulong(tile + d / 4 * 4 * MET_METAL_KEY_TILE + key + d % 4), value);
    /* The padding of keys is multiplied by zeros: it must be finite. */
    if (d + 1 == a.head_dim) {
        for (int e = a.head_dim; e < padded; e++)
            met_kv_write(kv, block + ulong(tile + e / 4 * 4 * MET_METAL_KEY_TILE + key + e % 4),
                         0.0f);
    }
}

/* One row of one token that is finished but for the residual. */
static inline void met_store_row(constant met_metal_product &a, thread const met_sink &sink,
                                 int part, int row, int token, float value)
{
    if (a.part[part].kind != MET_METAL_PART_ROWS) {
        met_kv_append(a, sink.kv, a.part[part].kind == MET_METAL_PART_KEYS, row, token, value);
        return;
    }
    const ulong at = ulong(token) * ulong(a.part[part].rows) + ulong(row);
    if (a.residual != 0) value = value + sink.residual[at];
    sink.out[at] = value;
}

/* The sums of a pair's two rows: bias, then rotation or SwiGLU, then out. The operations and their
 * order are the CPU's. */
static inline void met_finish_pair(constant met_metal_product &a, thread const met_sink &sink,
                                   int part, int pair, int token, float first, float second)
{
    const int2 row = met_pair_rows(a, part, pair);
    const bool has_second = row.y < a.part[part].rows;
    if (a.part[part].bias != 0) first = first + sink.first_bias[row.x];
    if (fc_swiglu) {
        if (a.part[1].bias != 0) second = second + sink.second_bias[row.y];
        met_store_row(a, sink, 0, row.x, token, met_swiglu(first, second));
        return;
    }
    if (a.part[part].bias != 0 && has_second) second = second + sink.second_bias[row.y];
    if (a.part[part].rotate != 0) {
        const int pairs = a.head_dim / 2;
        const float2 turn = sink.rotation[token * pairs + pair % pairs];
        const float x = first, y = second;
        first = fma(x, turn.x, -(y * turn.y));
        second = fma(y, turn.x, x * turn.y);
    }
    met_store_row(a, sink, part, row.x, token, first);
    if (has_second) met_store_row(a, sink, part, row.y, token, second);
}

#endif

#endif
