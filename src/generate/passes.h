/* The passes over a whole vocabulary that choosing a token consists of. */
#ifndef MET_GENERATE_PASSES_H
#define MET_GENERATE_PASSES_H

#include "base/isa.h"

#include <stddef.h>
#include <stdint.h>

/* One set of passes. All sets come from the same loops (passes_loops.h), which fix every operation
 * and the order of every sum, so they give the same bits; only the width of the vectors differs.
 * Logits need no alignment; nothing beyond them is read. vocab >= 1. */
typedef struct met_passes {
    const char *name;

    /* The largest logit of each block of MET_SELECT_BLOCK ids, and of all. NaNs do not count:
     * -infinity where there is nothing else. block_max: out [met_select_blocks(vocab)]. */
    float (*max)(const float *logits, int32_t vocab, float *block_max);

    /* The sum of all weights (weight.h). max is the largest logit, above -infinity; block_max as
     * `max` left it. */
    uint64_t (*total)(const float *logits, int32_t vocab, const float *block_max, float max,
                      float temperature);

    /* Weight keys (select.h) of all logits that weigh at least `least`, 1 or more, in order of id.
     * keys: [vocab]. Returns their number. Cost: the blocks that hold one. */
    size_t (*keys)(const float *logits, int32_t vocab, const float *block_max, float max,
                   float temperature, uint64_t least, uint64_t *keys);

    /* The sum of e^(l - max) over all logits, in float64: 16 running sums, logit i in sum i mod 16,
     * added up in ascending order. */
    double (*sum)(const float *logits, int32_t vocab, float max);
} met_passes;

/* The widest for `isa`, which this processor can run. */
const met_passes *met_passes_for(met_isa isa);

/* passes.c, passes_avx2.c, passes_avx512.c */
extern const met_passes met_passes_baseline;
extern const met_passes met_passes_avx2;
extern const met_passes met_passes_avx512;

#endif
