/* The front end as a function: source text in, path of a shared object out.
 *
 * Owns: the cache of compiled sources and the child process that fills it. Invariant: a file of the
 * cache is complete (it is renamed into place) and its name is a hash of everything it depends on:
 * source, options, and the files of the front end itself.
 */
#ifndef METALSIM_COMPILER_H
#define METALSIM_COMPILER_H

#include "executor.h"

/* The path of the compiled library, in `path`. With `again` a cached file is replaced. */
bool sim_compiler_run(const sim_library_options *options, bool again, char *path, size_t path_bytes,
                      char *message, size_t message_bytes);

#endif
