/* A whole file, mapped read-only. */
#ifndef MET_BASE_MAPPING_H
#define MET_BASE_MAPPING_H

#include "metallic.h"

/* The pages of Apple's processors; those of other machines divide them. */
enum { MET_MAPPING_ALIGN = 16384 };

typedef struct met_mapping met_mapping;

/* MET_E_IO with the system's words, and for what is not a regular file; MET_E_TRUNCATED for an
 * empty file. */
met_status met_mapping_open(const char *path, met_mapping **out, met_error *err);
/* Accepts NULL. */
void met_mapping_close(met_mapping *mapping);
/* Aligned to MET_MAPPING_ALIGN, valid until the mapping is closed. Up to the next multiple of
 * MET_MAPPING_ALIGN after the end, pages belong to the mapping too and hold zeros: a GPU wraps
 * whole pages. */
const void *met_mapping_data(const met_mapping *mapping);
size_t met_mapping_bytes(const met_mapping *mapping);

#endif
