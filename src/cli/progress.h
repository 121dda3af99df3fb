/* The line of progress on standard error, for what takes long. */
#ifndef MET_CLI_PROGRESS_H
#define MET_CLI_PROGRESS_H

#include "cli/command.h"

typedef struct met_progress met_progress;

/* A thread that shows one activity at a time: only when it takes longer than a blink, rewritten in
 * place, erased when it ends. NULL where nobody would see it or wants it (standard error is no
 * terminal, TERM says that it cannot move the cursor, --quiet), and when the system refuses: every
 * call takes NULL and does nothing then. The other calls come from one thread. */
met_progress *met_progress_create(const met_invocation *invocation);
void met_progress_free(met_progress *progress);

/* An activity begins, in place of the one before: "reading the prompt", "tokens", 4096. Both texts
 * are borrowed until it ends. total 0: nobody knows. */
void met_progress_begin(met_progress *progress, const char *what, const char *unit,
                        uint64_t total);

/* So much is done. `note` is shown behind it, copied; NULL: nothing. */
void met_progress_at(met_progress *progress, uint64_t done, const char *note);

/* The activity is over: when this returns the line is gone and stays away. */
void met_progress_end(met_progress *progress);

#endif
