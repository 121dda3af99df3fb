/* Count of the device bytes that kernels move.
 *
 * Owns: the hooks that kernels compiled for counting call before every access (clang's
 * -fsanitize=kernel-address with calls instead of checks: it covers every size of access, vectors
 * and copies of structs included), and the map of bytes seen. Does not own: the report's meaning
 * (executor.h). Invariant: an access outside of every bound buffer counts nowhere.
 */
#ifndef METALSIM_TRAFFIC_H
#define METALSIM_TRAFFIC_H

#include "executor.h"

typedef struct sim_traffic_map sim_traffic_map;

/* For one dispatch; its buffers must stay as they are. NULL: no memory. */
sim_traffic_map *sim_traffic_open(const sim_dispatch *dispatch);
/* Accesses of the calling thread count for `map` from now on; NULL: nowhere. */
void sim_traffic_select(sim_traffic_map *map);
/* Fill `traffic` [SIM_SLOTS] and free the map; accepts NULL. */
void sim_traffic_close(sim_traffic_map *map, sim_traffic *traffic);

#endif
