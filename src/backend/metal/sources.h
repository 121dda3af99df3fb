/* The text of the .metal files, embedded by embed_sources.py. */
#ifndef MET_BACKEND_METAL_SOURCES_H
#define MET_BACKEND_METAL_SOURCES_H

#include <stddef.h>

typedef struct met_metal_source {
    const char *name; /* "matvec" for matvec.metal */
    const char *text; /* ends in NUL; our own headers are already put in place of #include "..." */
} met_metal_source;

extern const met_metal_source met_metal_sources[];
extern const size_t met_metal_source_count;

#endif
