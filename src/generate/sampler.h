/* Choosing the next token from logits. */
#ifndef MET_GENERATE_SAMPLER_H
#define MET_GENERATE_SAMPLER_H

#include "base/isa.h"
#include "metallic.h"

/* Steps, order and generator: see met_sampling. What that leaves open is fixed here, so that the
 * same seed gives the same text on every machine that has the same logits:
 *
 *   penalty  in float32: l = l > 0 ? l / repeat : l * repeat; then, with n the token's count,
 *            l = l - (frequency * n + presence).
 *   weight   of a logit l, with m the largest of all: e = exp((l - m) / temperature) in float32 by
 *            the polynomial of weight.h, which uses nothing but IEEE additions and products; the
 *            weight is the integer floor(e * 2^40). A token of weight 0 (less likely than 2^-40
 *            of the most likely one) is out. Sums of weights are exact in any order.
 *   order    "most likely first" is by weight, then by the lowest id; top_k goes by logit, then
 *            by the lowest id.
 *   top_p    keeps the smallest set whose weight reaches ceil(top_p * total), a double product.
 *   min_p    keeps weights of at least ceil(min_p * 2^40).
 *   draw     one 64-bit output x of the generator for each token (none when greedy): with W the
 *            weight of what is left and r = floor(x * W / 2^64), the first token at which the
 *            running sum, most likely first, exceeds r.
 *
 * A NaN logit and a logit of -infinity are never chosen; +infinity shares all probability with
 * its equals. */
typedef struct met_sampler met_sampler;

enum { MET_SAMPLER_VOCAB_MAX = 1 << 23 };

/* MET_E_ARGUMENT names the option, its value and the accepted range. All memory for `vocab` logits
 * (1 .. MET_SAMPLER_VOCAB_MAX) is taken here. isa: one that this processor can run; nothing
 * but time depends on it. */
met_status met_sampler_create(const met_sampling *options, int32_t vocab, met_isa isa,
                              met_sampler **out, met_error *err);
/* Accepts NULL. */
void met_sampler_free(met_sampler *sampler);

/* Tell the sampler about a token of the context (prompt or generated), an id in [0, vocab):
 * penalties count it. O(1). */
void met_sampler_accept(met_sampler *sampler, int32_t token);

/* How many of the last tokens penalties look at: 0 for none, -1 for all. Tokens before those need
 * no met_sampler_accept. */
int32_t met_sampler_window(const met_sampler *sampler);

/* Choose. logits [vocab] are not changed. MET_E_DEVICE when no logit is a number above -infinity.
 * Allocates nothing. Cost: two passes over the logits with top_k, O(vocab) without. */
met_status met_sampler_choose(met_sampler *sampler, const float *logits, int32_t *token,
                              met_error *err);

/* The same with the generator's output given. */
met_status met_sampler_choose_at(met_sampler *sampler, const float *logits, uint64_t draw,
                                 int32_t *token, met_error *err);

/* What both fail with when no logit of `vocab` can be chosen. Returns MET_E_DEVICE. */
met_status met_sampler_fail(int32_t vocab, met_error *err);

/* The generator's next output for one token, 0 when greedy: what met_sampler_choose draws with. */
uint64_t met_sampler_draw(met_sampler *sampler);

/* The `count` most likely tokens by the raw logits, most likely first, lowest id first among
 * equals, and the logprob of `token`. top may be NULL when count is 0; count <= vocab. A NaN
 * counts as -infinity. Allocates nothing. */
void met_sampler_logprobs(met_sampler *sampler, const float *logits, int32_t token, float *logprob,
                          met_logprob *top, int32_t count);

#endif
