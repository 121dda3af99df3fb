/* Tokens a second, as they come. */
#ifndef MET_CLI_TUI_RATE_H
#define MET_CLI_TUI_RATE_H

#include <stdint.h>

enum { MET_TUI_RATE_SAMPLES = 64 };

/* Zeroed has seen nothing. */
typedef struct met_tui_rate {
    double samples[MET_TUI_RATE_SAMPLES]; /* [count] tokens a second, oldest first */
    int count;
    double since;        /* the clock at the last sample; 0: none of this answer yet */
    int32_t tokens_then; /* the answer's tokens at that time */
} met_tui_rate;

/* A new answer begins; samples of those before stay. */
void met_tui_rate_begin(met_tui_rate *rate);
/* `tokens` of the answer are there at `now`. Takes a sample when MET_TUI_RATE_SECONDS have passed.
 * Returns whether it did. */
int met_tui_rate_add(met_tui_rate *rate, int32_t tokens, double now);
/* A level 0..7 for each of the last `columns` samples, the largest of them 7; returns how many. */
int met_tui_rate_levels(const met_tui_rate *rate, int columns, int *levels);

#define MET_TUI_RATE_SECONDS 0.25

#endif
