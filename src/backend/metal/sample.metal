/* Owns: choosing the next token on the device, by the definition of src/generate/sampler.h.
 * The invariant: probabilities are integers of 2^-40 of the largest, so sums have no order and the
 * token depends on nothing but logits, options and draw; not on the number of threads.
 *
 * Where the CPU rounds a product before it adds, so does fma(a, b, 0.0f), whatever the compiler may
 * contract. */
#include <metal_stdlib>

#include "backend/metal/kernels.h"

#define SAMPLE_BINS 256
#define SAMPLE_LIMBS 3      /* of 14 bits: sums of 2^18 of them fit 32 bits */
#define SAMPLE_LIMB_BITS 14
#define SAMPLE_LIMB_WORDS 768 /* limbs of every bin */
#define SAMPLE_ID_BITS 23   /* of a weight key: generate/select.h */
#define SAMPLE_SIMDGROUPS 32 /* at most */

/* What the threads of met_sample_draw share. */
struct met_sample_shared {
    atomic_uint limbs[SAMPLE_LIMB_WORDS]; /* [limb][bin] */
    atomic_uint kept;                     /* keys that a pass leaves, all threads together */
    ulong lanes[MET_METAL_LANES];
    ulong left;  /* what the key at the cut still has to reach */
    ulong key;   /* the cut */
    ulong total;
    uint bin;
};

/* ---------------------------------------------------------------- keys */

/* A float that is no NaN as an integer of the same order; both zeros are equal. */
static inline uint met_ordered(float x)
{
    const uint bits = as_type<uint>(x == 0.0f ? 0.0f : x);
    return (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
}

static inline float met_from_ordered(uint order)
{
    return as_type<float>((order >> 31) != 0 ? order & 0x7fffffffu : ~order);
}

/* Ascending by logit, then by descending id; 0 for what can never be chosen. */
static inline ulong met_logit_key(float logit, int id)
{
    if (!(logit > -INFINITY)) return 0;
    return ulong(met_ordered(logit)) << 32 | ulong(~uint(id));
}

/* e^x for -87 <= x <= 0: src/generate/weight.h, operation by operation. */
static inline float met_weight_exp(float x)
{
    const float magic = 12582912.0f;
    const float shifted = fma(x, 1.44269504f, 0.0f) + magic;
    const float n = shifted - magic;
    float r = x - n * 0.693359375f; /* exact, contracted or not */
    r = r - fma(n, -2.12194440e-4f, 0.0f);
    float y = fma(1.9875691500e-4f, r, 0.0f) + 1.3981999507e-3f;
    y = fma(y, r, 0.0f) + 8.3334519073e-3f;
    y = fma(y, r, 0.0f) + 4.1665795894e-2f;
    y = fma(y, r, 0.0f) + 1.6666665459e-1f;
    y = fma(y, r, 0.0f) + 5.0000001201e-1f;
    y = fma(y, fma(r, r, 0.0f), 0.0f) + r + 1.0f;
    return y * as_type<float>((as_type<uint>(shifted) + 127u) << 23);
}

/* weight << 23 | (2^23 - 1 - id), or 0 without a weight. */
static inline ulong met_weight_key(float logit, float most, float temperature, int id)
{
    /* The best is not divided: where tiny temperatures are flushed to zero, it stays the best. */
    const float x = logit == most ? 0.0f : (logit - most) / temperature;
    const float e = met_weight_exp(x > -87.0f ? x : -87.0f); /* in this order a NaN becomes -87 */
    const ulong weight = ulong(e * 1099511627776.0f);        /* 2^40 */
    const ulong id_part = ulong((1 << SAMPLE_ID_BITS) - 1 - id);
    return weight == 0 ? 0 : weight << SAMPLE_ID_BITS | id_part;
}

static inline float met_penalize(constant met_metal_sample &a, float logit, int count)
{
    if (count <= 0) return logit;
    logit = logit > 0.0f ? logit / a.repeat_penalty : fma(logit, a.repeat_penalty, -0.0f);
    return logit - (fma(a.frequency_penalty, float(count), 0.0f) + a.presence_penalty);
}

static inline ulong met_larger(ulong a, ulong b)
{
    return a > b ? a : b;
}

/* The largest key of a simdgroup, for all its lanes. simd_max knows 32 bits. */
static inline ulong met_simd_largest(ulong key)
{
    const uint high = simd_max(uint(key >> 32));
    const uint low = simd_max(uint(key >> 32) == high ? uint(key) : 0u);
    return ulong(high) << 32 | ulong(low);
}

/* ---------------------------------------------------------------- the largest */

/* See arguments.h. Each threadgroup takes a slice of the vocabulary. Threadgroup memory: 256 bytes,
 * one key a simdgroup. The barrier is before the first simdgroup reads them. */
[[max_total_threads_per_threadgroup(MET_METAL_SAMPLE_THREADS)]]
kernel void met_sample_max(constant met_metal_sample &a [[buffer(0)]],
                           device const float *logits [[buffer(1)]],
                           device ulong *maxima [[buffer(2)]],
                           device const int *counts [[buffer(3)]],
                           device float *penalized [[buffer(4)]],
                           uint group [[threadgroup_position_in_grid]],
                           uint thread_index [[thread_index_in_threadgroup]],
                           uint lane [[thread_index_in_simdgroup]],
                           uint simdgroup [[simdgroup_index_in_threadgroup]])
{
    threadgroup ulong largest[SAMPLE_SIMDGROUPS];
    const int slice = (a.vocab + MET_METAL_SAMPLE_GROUPS - 1) / MET_METAL_SAMPLE_GROUPS;
    const int first = int(group) * slice, end = min(a.vocab, first + slice);
    ulong key = 0;
    for (int id = first + int(thread_index); id < end; id += MET_METAL_SAMPLE_THREADS) {
        float logit = logits[id];
        if (fc_penalize) {
            logit = met_penalize(a, logit, counts[id]);
            penalized[id] = logit;
        }
        key = met_larger(key, met_logit_key(logit, id));
    }
    key = met_simd_largest(key);
    if (lane == 0) largest[simdgroup] = key;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (simdgroup != 0) return;
    key = int(lane) < MET_METAL_SAMPLE_THREADS / MET_METAL_LANES ? largest[lane] : 0;
    key = met_simd_largest(key);
    if (lane == 0) maxima[group] = key;
}

/* The largest of the slices' keys, for every thread of a simdgroup. */
static inline ulong met_largest_of_all(device const ulong *maxima, uint lane)
{
    ulong key = 0;
    for (int i = int(lane); i < MET_METAL_SAMPLE_GROUPS; i += MET_METAL_LANES)
        key = met_larger(key, maxima[i]);
    return met_simd_largest(key);
}

/* One thread writes the choice, and enters it into the window of penalties. */
static inline void met_choose(constant met_metal_sample &a, device int *counts, device int *history,
                              device int *out, int token)
{
    out[0] = token;
    if (!fc_penalize || token < 0) return;
    if (a.window > 0 && a.place >= a.window) counts[history[a.place - a.window]] -= 1;
    history[a.place] = token;
    counts[token] += 1;
}

/* Greedy; see arguments.h. No threadgroup memory, no barriers: the first simdgroup does it. */
[[max_total_threads_per_threadgroup(MET_METAL_SAMPLE_GROUPS)]]
kernel void met_sample_first(constant met_metal_sample &a [[buffer(0)]],
                             device const ulong *maxima [[buffer(2)]],
                             device int *counts [[buffer(3)]],
                             device int *history [[buffer(5)]],
                             device int *out [[buffer(6)]],
                             uint thread_index [[thread_index_in_threadgroup]],
                             uint lane [[thread_index_in_simdgroup]])
{
    if (thread_index >= MET_METAL_LANES) return;
    const ulong key = met_largest_of_all(maxima, lane);
    if (lane == 0) met_choose(a, counts, history, out, key == 0 ? -1 : int(~uint(key)));
}

/* ---------------------------------------------------------------- cuts */

/* Adds a sum to a bin. */
static inline void met_bin_add(threadgroup met_sample_shared &s, uint bin, ulong sum)
{
    const uint mask = (1u << SAMPLE_LIMB_BITS) - 1;
    threadgroup atomic_uint *limb = s.limbs + bin;
    atomic_fetch_add_explicit(limb, uint(sum) & mask, memory_order_relaxed);
    atomic_fetch_add_explicit(limb + SAMPLE_BINS, uint(sum >> SAMPLE_LIMB_BITS) & mask,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(limb + 2 * SAMPLE_BINS, uint(sum >> (2 * SAMPLE_LIMB_BITS)),
                              memory_order_relaxed);
}

static inline ulong met_bin_sum(threadgroup met_sample_shared &s, uint bin)
{
    ulong sum = 0;
    for (int i = 0; i < SAMPLE_LIMBS; i++) {
        const uint limb =
            atomic_load_explicit(s.limbs + i * SAMPLE_BINS + bin, memory_order_relaxed);
        sum += ulong(limb) << (i * SAMPLE_LIMB_BITS);
    }
    return sum;
}

/* A thread's place among all: its keys are those at thread_index, thread_index + threads, ... */
struct met_worker {
    uint thread_index, threads, lane;
};

static inline void met_bins_clear(threadgroup met_sample_shared &s, met_worker who)
{
    for (uint i = who.thread_index; i < SAMPLE_LIMB_WORDS; i += who.threads)
        atomic_store_explicit(s.limbs + i, 0u, memory_order_relaxed);
    if (who.thread_index == 0) atomic_store_explicit(&s.kept, 0u, memory_order_relaxed);
    threadgroup_barrier(mem_flags::mem_threadgroup);
}

/* The bin, from the highest down, in which the running sum reaches s.left; what is left for its own
 * keys. One simdgroup: each lane has 8 bins, the highest first. */
static inline void met_find_bin(threadgroup met_sample_shared &s, uint lane)
{
    const uint highest = SAMPLE_BINS - 1 - 8 * lane;
    ulong mine = 0, before = 0;
    for (uint i = 0; i < 8; i++)
        mine += met_bin_sum(s, highest - i);
    s.lanes[lane] = mine;
    const ulong left = s.left;
    simdgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = 0; i < lane; i++)
        before += s.lanes[i];
    if (!(before < left && left <= before + mine)) return; /* one lane stays */
    ulong rest = left - before;
    uint bin = highest;
    while (met_bin_sum(s, bin) < rest) {
        rest -= met_bin_sum(s, bin);
        bin -= 1;
    }
    s.bin = bin;
    s.left = rest;
}

/* met_select_cut of generate/select.c: the smallest key of the smallest set of largest keys whose
 * weights (or number) reach s.left >= 1, into s.key; s.left becomes what that key itself had to
 * reach. `keys` is left as it is; `work` is the same room. mine: how many of the keys are this
 * thread's.
 *
 * Digits of 8 bits from the highest: sum by digit, find the digit, keep its keys. Neighbouring keys
 * of the same digit are summed in registers, since most are alike.
 * Barriers: before the bins are read, before the keys are kept, before what was kept is counted. */
static inline void met_cut(threadgroup met_sample_shared &s, device const ulong *keys,
                           device ulong *work, int mine, bool weighted, met_worker who)
{
    for (int shift = 56; shift >= 0; shift -= 8) {
        met_bins_clear(s, who);
        uint run_bin = 0;
        ulong run_sum = 0;
        for (int j = 0; j < mine; j++) {
            const ulong at = ulong(j) * who.threads + who.thread_index;
            const ulong key = shift == 56 ? keys[at] : work[at];
            const uint bin = uint(key >> shift) & 255u;
            if (bin != run_bin && run_sum > 0) {
                met_bin_add(s, run_bin, run_sum);
                run_sum = 0;
            }
            run_bin = bin;
            run_sum += weighted ? key >> SAMPLE_ID_BITS : 1;
        }
        if (run_sum > 0) met_bin_add(s, run_bin, run_sum);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        if (who.thread_index < MET_METAL_LANES) met_find_bin(s, who.lane);
        threadgroup_barrier(mem_flags::mem_threadgroup);

        int kept = 0;
        for (int j = 0; j < mine; j++) {
            const ulong at = ulong(j) * who.threads + who.thread_index;
            const ulong key = shift == 56 ? keys[at] : work[at];
            if ((uint(key >> shift) & 255u) != s.bin) continue;
            work[ulong(kept) * who.threads + who.thread_index] = key;
            kept += 1;
        }
        mine = kept;
        if (kept > 0) atomic_fetch_add_explicit(&s.kept, uint(kept), memory_order_relaxed);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        /* The next pass clears it while others may still look: either way it is not 1. */
        if (atomic_load_explicit(&s.kept, memory_order_relaxed) == 1) break;
    }
    if (mine == 1) s.key = work[who.thread_index]; /* keys are unique: one thread */
    threadgroup_barrier(mem_flags::mem_threadgroup);
}

/* The sum of every thread's `mine`, for all. */
static inline ulong met_sum_all(threadgroup met_sample_shared &s, ulong mine, met_worker who)
{
    met_bins_clear(s, who);
    if (mine > 0) met_bin_add(s, 0, mine);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const ulong sum = met_bin_sum(s, 0);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    return sum;
}

/* ---------------------------------------------------------------- shares of a total */

/* Bits that x takes. */
static inline int met_bits(ulong x)
{
    int bits = 0;
    for (; x != 0; x >>= 1)
        bits += 1;
    return bits;
}

/* (high, low) >> by, rounded to nearest, halves to even; 1 <= by < 64 and the result fits. */
static inline ulong met_round_shift(ulong high, ulong low, int by)
{
    const ulong result = low >> by | high << (64 - by);
    const ulong rest = low & ((1ul << by) - 1), half_way = 1ul << (by - 1);
    return result + (rest > half_way || (rest == half_way && (result & 1) != 0) ? 1 : 0);
}

/* ceil((double)share * (double)total) as IEEE 754 double arithmetic gives it, in integers: the
 * total rounded to 53 bits, the product rounded to 53 bits. 0 < share < 1, total >= 1. */
static inline ulong met_share(float share, ulong total)
{
    const uint bits = as_type<uint>(share);
    const bool normal = bits >> 23 != 0;
    const ulong m = ulong(normal ? (bits & 0x7fffffu) | 0x800000u : bits);
    int exponent = normal ? int(bits >> 23) - 150 : -149;
    const int excess = met_bits(total) - 53;
    if (excess > 0) {
        total = met_round_shift(0, total, excess);
        exponent += excess;
    }
    const ulong lower = m * (total & 0xffffffffu), upper = m * (total >> 32);
    ulong low = lower + (upper << 32);
    const ulong high = (upper >> 32) + (low < lower ? 1 : 0);
    const int over = (high != 0 ? 64 + met_bits(high) : met_bits(low)) - 53;
    if (over > 0) {
        low = met_round_shift(high, low, over);
        exponent += over;
    }
    if (exponent >= 0) return low << exponent;
    if (exponent <= -64) return 1;
    return (low >> -exponent) + ((low & ((1ul << -exponent) - 1)) != 0 ? 1 : 0);
}

/* floor(a * b / 2^64) */
static inline ulong met_multiply_high(ulong a, ulong b)
{
    const ulong a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
    const ulong middle = a1 * b0 + (a0 * b0 >> 32);
    return a1 * b1 + (middle >> 32) + ((a0 * b1 + (middle & 0xffffffffu)) >> 32);
}

/* ---------------------------------------------------------------- drawing */

/* Steps 3 and 4: this thread's candidates as weight keys; returns how many. With top_k the keys of
 * logits come first, and the cut among them. */
static inline int met_weigh(threadgroup met_sample_shared &s, constant met_metal_sample &a,
                            device const float *logits, device ulong *keys, device ulong *work,
                            float most, met_worker who)
{
    ulong least = 0;
    if (a.top_k > 0 && a.top_k < a.vocab) {
        int mine = 0;
        for (int id = int(who.thread_index); id < a.vocab; id += int(who.threads)) {
            const ulong key = met_logit_key(logits[id], id);
            if (key != 0) keys[ulong(mine++) * who.threads + who.thread_index] = key;
        }
        const ulong count = met_sum_all(s, ulong(mine), who);
        if (count > ulong(a.top_k)) {
            if (who.thread_index == 0) s.left = ulong(a.top_k);
            met_cut(s, keys, work, mine, false, who);
            least = s.key;
        }
    }
    int mine = 0;
    for (int id = int(who.thread_index); id < a.vocab; id += int(who.threads)) {
        const float logit = logits[id];
        if (met_logit_key(logit, id) < least) continue;
        const ulong key = met_weight_key(logit, most, a.temperature, id);
        if (key != 0) keys[ulong(mine++) * who.threads + who.thread_index] = key;
    }
    return mine;
}

/* Steps 5 and 6: the weight of the most likely tokens that stay. */
static inline ulong met_remaining(threadgroup met_sample_shared &s, constant met_metal_sample &a,
                                  device const ulong *keys, device ulong *work, int mine,
                                  met_worker who)
{
    ulong sum = 0, above = 0;
    for (int j = 0; j < mine; j++) {
        const ulong weight = keys[ulong(j) * who.threads + who.thread_index] >> SAMPLE_ID_BITS;
        sum += weight;
        above += weight >= a.least ? weight : 0;
    }
    ulong left = met_sum_all(s, sum, who);
    if (a.top_p < 1.0f) {
        const ulong target = met_share(a.top_p, left);
        if (who.thread_index == 0) s.left = target;
        met_cut(s, keys, work, mine, true, who);
        /* The whole set with the key that reached it. */
        left = target - s.left + (s.key >> SAMPLE_ID_BITS);
        threadgroup_barrier(mem_flags::mem_threadgroup); /* before the next cut's s.left */
    }
    if (a.least == 0) return left;
    const ulong likely = met_sum_all(s, above, who);
    return likely < left ? likely : left;
}

/* See arguments.h. One threadgroup; thread i has tokens i, i + threads, ... throughout.
 * Threadgroup memory: met_sample_shared, 3.3 KiB. Barriers: met_cut says, and around every number
 * that one thread leaves for all. */
kernel void met_sample_draw(constant met_metal_sample &a [[buffer(0)]],
                            device const float *logits [[buffer(1)]],
                            device const ulong *maxima [[buffer(2)]],
                            device int *counts [[buffer(3)]],
                            device int *history [[buffer(5)]],
                            device int *out [[buffer(6)]],
                            device ulong *keys [[buffer(7)]],
                            uint thread_index [[thread_index_in_threadgroup]],
                            uint threads [[threads_per_threadgroup]],
                            uint lane [[thread_index_in_simdgroup]])
{
    threadgroup met_sample_shared shared;
    const met_worker who = {thread_index, threads, lane};
    device ulong *work = keys + (a.vocab + 1023) / 1024 * 1024;
    const ulong largest = met_largest_of_all(maxima, lane);
    if (largest == 0) { /* no logit is a number above -infinity: for all threads */
        if (thread_index == 0) met_choose(a, counts, history, out, -1);
        return;
    }
    const float most = met_from_ordered(uint(largest >> 32));
    const int mine = met_weigh(shared, a, logits, keys, work, most, who);
    const ulong left = met_remaining(shared, a, keys, work, mine, who);
    if (thread_index == 0) shared.left = met_multiply_high(a.draw, left) + 1; /* step 7 */
    met_cut(shared, keys, work, mine, true, who);
    const int id_part = int(shared.key & ((1ul << SAMPLE_ID_BITS) - 1));
    if (thread_index == 0)
        met_choose(a, counts, history, out, (1 << SAMPLE_ID_BITS) - 1 - id_part);
}
