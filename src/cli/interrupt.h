/* Ctrl-C. */
#ifndef MET_CLI_INTERRUPT_H
#define MET_CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on the first SIGINT is only remembered; the second ends the process as usual. An ignored
 * SIGINT (nohup, a background job) stays ignored. */
void met_interrupt_watch(void);

/* Whether Ctrl-C was pressed since. */
bool met_interrupt_requested(void);

#endif
