/* Memory that the threads of one group share.
 *
 * Owns: its allocation in the way each build mode needs. Invariant: exactly `bytes` long and filled
 * with ones (NaN as a float), so that reading what nobody wrote shows.
 *   plain            a pattern behind the end; a group that wrote there is told so when it ends
 *   AddressSanitizer malloc: any access behind the end is reported where it happens
 *   ThreadSanitizer  never used twice: there is no order between one group and the next, and a
 *                    reused address would look like a race
 */
#ifndef METALSIM_GROUP_MEMORY_H
#define METALSIM_GROUP_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct sim_group_memory {
    void *address; /* NULL: not there */
    size_t bytes;
} sim_group_memory;

bool sim_group_memory_open(sim_group_memory *memory, size_t bytes); /* false: no memory */
bool sim_group_memory_intact(const sim_group_memory *memory); /* nobody wrote behind its end */
void sim_group_memory_close(sim_group_memory *memory);        /* accepts one that is not there */

#endif
