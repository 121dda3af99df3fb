/* The terminal interface. */
#ifndef MET_CLI_TUI_H
#define MET_CLI_TUI_H

#include "cli/generate_flags.h"
#include "cli/prompt.h"

/* Run the interface until the person leaves. `prompt` is the first turn, or empty to wait for one.
 * The terminal is usable: see met_tui_terminal_usable. Returns when it is given back. */
met_status met_tui_run(met_invocation *invocation, const met_generate_flags *flags,
                       const met_prompt *prompt, met_error *err);

#endif
