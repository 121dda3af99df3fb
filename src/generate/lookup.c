/* Owns: where guesses come from and how many are worth computing. Does not own computing them.
 *
 * The invariant: batch[1 .. guesses] is the text after an earlier occurrence of the text's end,
 * which may run on into the guesses themselves: "abab" goes on with "abab". */
#include "generate/lookup.h"

#include <assert.h>

/* What a step of 1 + n tokens costs in steps of one token: STEP_OF_TWO + STEP_PER_TOKEN * (n - 1).
 * bench_speculate prints the table: a step of two is 1.1 to 1.2, and a further token 0.05 for a
 * model that streams from memory, 0.2 for one that stays in the cache. These lie between. */
static const double STEP_OF_TWO = 1.15, STEP_PER_TOKEN = 0.12;
/* Expected gain below which guesses are not computed: the table is no truer than this. */
static const double LEAST_GAIN = 1.05;
/* Weight of the newest guess in `right`: some 20 guesses are remembered. */
static const double LEARNING_RATE = 0.05;

/* Tokens that held[0 .. end] and the text have in common at their ends, at most MATCH_MAX. The last
 * one is known to be equal. */
static int32_t match_at(const int32_t *held, int32_t count, int32_t end)
{
    int32_t match = 1;
    while (match < MET_LOOKUP_MATCH_MAX && match <= end &&
           held[end - match] == held[count - match]) {
        match++;
    }
    return match;
}

/* The most recent of the longest matches: returns its length and where it ends in `held`. */
static int32_t find_match(const int32_t *held, int32_t count, int32_t token, int32_t *end)
{
    int32_t longest = 0;
    for (int32_t i = count - 1; i >= 0 && longest < MET_LOOKUP_MATCH_MAX; i--) {
        if (held[i] != token) continue;
        int32_t match = match_at(held, count, i);
        if (match > longest) {
            longest = match;
            *end = i;
        }
    }
    return longest;
}

/* How many of `most` guesses to compute when each is right with probability `p` as long as all
 * before it are: 1 + p + p^2 + ... tokens come out of one step. */
static int32_t worth_computing(double p, int32_t most)
{
    int32_t best = 0;
    double best_gain = LEAST_GAIN, expected = 1, reached = 1;
    for (int32_t n = 1; n <= most; n++) {
        reached *= p;
        expected += reached;
        double gain = expected / (STEP_OF_TWO + STEP_PER_TOKEN * (n - 1));
        if (gain > best_gain) {
            best_gain = gain;
            best = n;
        }
    }
    return best;
}

void met_lookup_init(met_lookup *lookup)
{
    /* A first opinion, soon replaced: three or two tokens in common are worth a try, one must first
     * show that it is. */
    *lookup = (met_lookup){.right = {0, 0.2, 0.4, 0.6}};
}

void met_lookup_guess(met_lookup *lookup, const int32_t *held, int32_t count, int32_t token,
                      int32_t most)
{
    assert(most >= 0 && most <= MET_LOOKUP_GUESSES_MAX);
    int32_t end = 0;
    lookup->batch[0] = token;
    lookup->guesses = lookup->computed = lookup->judged = 0;
    if (most == 0) return;
    lookup->match = find_match(held, count, token, &end);
    if (lookup->match == 0) return;
    for (int32_t i = 0; i < most; i++) {
        int32_t from = end + 1 + i;
        lookup->batch[1 + i] = from < count ? held[from] : lookup->batch[from - count];
    }
    lookup->guesses = most;
    lookup->computed = worth_computing(lookup->right[lookup->match], most);
}

bool met_lookup_judge(met_lookup *lookup, int32_t token)
{
    /* Behind the computed guesses nothing is known about their source any more; a guess that was
     * not computed is judged alone. */
    int32_t known = lookup->computed > 0 ? lookup->computed : lookup->guesses > 0;
    if (lookup->judged >= known) return false;
    bool right = lookup->batch[1 + lookup->judged] == token;
    double *estimate = &lookup->right[lookup->match];
    *estimate += LEARNING_RATE * ((right ? 1.0 : 0.0) - *estimate);
    lookup->judged = right ? lookup->judged + 1 : known;
    return right && lookup->judged <= lookup->computed;
}
