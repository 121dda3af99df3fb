/* Guessing the next tokens by looking up where the last ones stood before (prompt lookup). */
#ifndef MET_GENERATE_LOOKUP_H
#define MET_GENERATE_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

enum { MET_LOOKUP_GUESSES_MAX = 16, MET_LOOKUP_MATCH_MAX = 3 };

/* A run of guesses, and how good guesses were lately. Everything follows from the tokens alone, so
 * the same text is guessed in the same way each time. */
typedef struct met_lookup {
    int32_t batch[1 + MET_LOOKUP_GUESSES_MAX]; /* a token and the guesses that follow it */
    int32_t guesses;                           /* in the batch; 0: nothing to judge */
    int32_t computed; /* of those, the first that are worth computing with the token */
    int32_t judged;   /* of the guesses, the first that turned out right */
    int32_t match;    /* tokens that the guesses' source has in common with the text's end */
    double right[MET_LOOKUP_MATCH_MAX + 1]; /* by match: how likely a guess is right */
} met_lookup;

void met_lookup_init(met_lookup *lookup);

/* The text is held[0 .. count) and then `token`. Find its last three tokens in it, else its last
 * two, else the last one, where they stood most recently, and guess that what followed there
 * follows here: up to `most` tokens (0 .. MET_LOOKUP_GUESSES_MAX). lookup->computed of them are
 * likely enough that computing them together with `token` is expected to be faster than one by
 * one; it may be 0. Reads the text once from its end: no index, no memory, some 0.5 ns a token. */
void met_lookup_guess(met_lookup *lookup, const int32_t *held, int32_t count, int32_t token,
                      int32_t most);

/* `token` was chosen next. True when it is the next of the computed guesses. Otherwise the guesses
 * are over, and met_lookup_guess may be called for it. Guesses that were not computed are judged
 * too: that costs nothing, and shows when guessing pays again. */
bool met_lookup_judge(met_lookup *lookup, int32_t token);

#endif
