/* Choosing the next token from logits. */
#ifndef MET_GENERATE_SAMPLER_H
#define MET_GENERATE_SAMPLER_H

#include "metallic.h"

typedef struct met_sampler met_sampler;

/* MET_E_ARGUMENT names the option, its value and the accepted range. All memory for `vocab` logits
 * is taken here. */
met_status met_sampler_create(const met_sampling *options, int32_t vocab, met_sampler **out,
                              met_error *err);
/* Accepts NULL. */
void met_sampler_free(met_sampler *sampler);

/* Tell the sampler about a token of the context (prompt or generated): penalties count it. */
void met_sampler_accept(met_sampler *sampler, int32_t token);

/* Choose. logits [vocab] are not changed. Steps and generator: see met_sampling. A NaN logit is
 * never chosen; MET_E_DEVICE when no logit is a number. Allocates nothing. */
met_status met_sampler_choose(met_sampler *sampler, const float *logits, int32_t *token,
                              met_error *err);

/* The `count` most likely tokens by the raw logits, most likely first, lowest id first among
 * equals, and the logprob of `token`. top may be NULL when count is 0. */
void met_sampler_logprobs(met_sampler *sampler, const float *logits, int32_t token,
                          float *logprob, met_logprob *top, int32_t count);

#endif
