/* The likelihood of a token against libm in float64. */
#include "support/testing.h"

#include "cli/likelihood.h"

#include <math.h>

/* Of the sum of exponentials, 2e-7 is lost by each and 8 * 2^-24 by adding; the logarithm turns a
 * relative error into an absolute one. */
static const double bound = 2e-7 + 8 * 0x1p-24;

static double expected(const float *logits, size_t vocab, int32_t token)
{
    double sum = 0, most = (double)logits[0];
    for (size_t i = 1; i < vocab; i++) {
        if ((double)logits[i] > most) most = (double)logits[i];
    }
    for (size_t i = 0; i < vocab; i++) {
        sum += exp((double)logits[i] - most);
    }
    return log(sum) + most - (double)logits[token];
}

static void it_is_that_of_float64(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 15, 16, 17, 127, 128, 129, 300, 1000, 151936};
    static const float scales[] = {0.0f, 1e-3f, 1.0f, 30.0f, 1e4f};
    uint64_t random = 77;

    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t vocab = sizes[s];
        float *logits = test_guarded(vocab * sizeof *logits);
        for (size_t k = 0; k < sizeof scales / sizeof scales[0]; k++) {
            for (size_t i = 0; i < vocab; i++) {
                logits[i] = scales[k] * test_random_float(&random) + 3.0f;
            }
            for (int32_t token = 0; token < 3 && token < (int32_t)vocab; token++) {
                double found = met_likelihood_negative_log(logits, vocab, token);
                double error = fabs(found - expected(logits, vocab, token));
                if (!(error <= bound)) fail_msg("vocab %zu scale %g: %g", vocab, scales[k], error);
            }
        }
        test_guarded_free(logits, vocab * sizeof *logits);
    }
}

static void equal_logits_share_the_probability(void **state)
{
    (void)state;
    float logits[1000];
    for (size_t i = 0; i < 1000; i++) {
        logits[i] = -5.25f;
    }
    for (size_t vocab = 1; vocab <= 1000; vocab += 37) {
        double found = met_likelihood_negative_log(logits, vocab, 0);
        assert_true(fabs(found - log((double)vocab)) <= bound);
    }
}

static void what_is_no_number_is_not_hidden(void **state)
{
    (void)state;
    static const float strange[] = {NAN, -NAN, INFINITY};
    float logits[40];

    for (size_t k = 0; k < 3; k++) {
        for (size_t at = 0; at < 40; at++) {
            for (size_t i = 0; i < 40; i++) {
                logits[i] = (float)i - 20.0f;
            }
            logits[at] = strange[k];
            assert_true(isnan(met_likelihood_negative_log(logits, 40, 0)));
        }
    }
}

static void an_impossible_token_weighs_nothing(void **state)
{
    (void)state;
    float logits[40];

    for (size_t i = 0; i < 40; i++) {
        logits[i] = i % 2 == 0 ? 1.0f : -INFINITY;
    }
    assert_true(fabs(met_likelihood_negative_log(logits, 40, 0) - log(20)) <= bound);
    assert_true(met_likelihood_negative_log(logits, 40, 1) == (double)INFINITY);
    logits[0] = -3e38f;
    assert_true(fabs(met_likelihood_negative_log(logits, 40, 2) - log(19)) <= bound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_that_of_float64),
        cmocka_unit_test(equal_logits_share_the_probability),
        cmocka_unit_test(what_is_no_number_is_not_hidden),
        cmocka_unit_test(an_impossible_token_weighs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
