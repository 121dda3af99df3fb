/* What the system says about pages of memory. */
#ifndef MET_BASE_PAGES_H
#define MET_BASE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct met_pages {
    uint64_t resident_bytes; /* in memory and mapped */
    uint64_t large_bytes;    /* of those, mapped in large pages (2 MiB on most machines) */
} met_pages;

/* Of all mappings that overlap [data, data + bytes). Linux tells; elsewhere false. Walks the page
 * tables, which costs milliseconds a gigabyte: for the log. */
bool met_pages_query(const void *data, size_t bytes, met_pages *out);

#endif
