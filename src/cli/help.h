/* --help, made from the tables. */
#ifndef MET_CLI_HELP_H
#define MET_CLI_HELP_H

#include "cli/command.h"

/* What --help of the command prints. The default command's also lists the others, and the
 * environment. */
void met_help_write(const met_command *command, met_output *output);

#endif
