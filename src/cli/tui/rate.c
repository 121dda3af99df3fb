/* Owns: the samples of the sparkline. The invariant: a sample is tokens over the time in which they
 * came, both measured between two looks at the same counter. */
#include "cli/tui/rate.h"

#include <string.h>

void met_tui_rate_begin(met_tui_rate *rate)
{
    rate->since = 0;
    rate->tokens_then = 0;
}

int met_tui_rate_add(met_tui_rate *rate, int32_t tokens, double now)
{
    if (rate->since == 0) { /* the first token: from here on it is decoding */
        rate->since = now;
        rate->tokens_then = tokens;
        return 0;
    }
    double passed = now - rate->since;
    if (passed < MET_TUI_RATE_SECONDS) return 0;
    if (rate->count == MET_TUI_RATE_SAMPLES) {
        memmove(rate->samples, rate->samples + 1, (MET_TUI_RATE_SAMPLES - 1) * sizeof(double));
        rate->count--;
    }
    rate->samples[rate->count++] = (double)(tokens - rate->tokens_then) / passed;
    rate->since = now;
    rate->tokens_then = tokens;
    return 1;
}

int met_tui_rate_levels(const met_tui_rate *rate, int columns, int *levels)
{
    int shown = rate->count < columns ? rate->count : columns;
    const double *samples = rate->samples + rate->count - shown;
    double most = 0;

    for (int i = 0; i < shown; i++) {
        if (samples[i] > most) most = samples[i];
    }
    for (int i = 0; i < shown; i++)
        levels[i] = most > 0 ? (int)(samples[i] / most * 7 + 0.5) : 0;
    return shown;
}
