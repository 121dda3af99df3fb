/* Owns: the embeddings of tokens.
 * The invariant: a token that is not in the vocabulary (sampling found none) reads nothing. */
#include <metal_stdlib>

#include "backend/metal/kernels.h"

/* out[token] = the weight's row of tokens[token], as float. One threadgroup a token. Adds up
 * nothing, uses no threadgroup memory. */
[[max_total_threads_per_threadgroup(MET_METAL_EMBED_THREADS)]]
kernel void met_embed(constant met_metal_embed &a [[buffer(0)]],
                      device const uchar *weight [[buffer(1)]],
                      device const int *tokens [[buffer(2)]],
                      device float *out [[buffer(3)]],
                      uint token [[threadgroup_position_in_grid]],
                      uint thread_index [[thread_index_in_threadgroup]])
{
    const int id = tokens[token];
    const bool known = id >= 0 && id < a.vocab;
    device float *to = out + ulong(token) * ulong(a.cols);
    for (int c = int(thread_index); c < a.cols; c += MET_METAL_EMBED_THREADS) {
        float value = 0.0f;
        if (known && fc_weight_type == MET_METAL_Q8_0) {
            device const uchar *block =
                weight + (ulong(id) * ulong(a.cols / 32) + ulong(c / 32)) * 34;
            const char q = as_type<char>(block[2 + c % 32]);
            value = float(((device const half *)block)[0]) * float(q);
        } else if (known) {
            const ulong at = ulong(id) * ulong(a.cols) + ulong(c);
            value = fc_weight_type == MET_METAL_F16 ? float(((device const half *)weight)[at])
                                                    : ((device const float *)weight)[at];
        }
        to[c] = value;
    }
}
