/* Owns: reading /proc/self/smaps. */
#include "base/pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool met_pages_query(const void *data, size_t bytes, met_pages *out)
{
    static const char *const large[] = {"AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:"};
    uint64_t first = (uint64_t)(uintptr_t)data;
    uint64_t end = first + bytes;
    bool inside = false;
    char line[512], key[32];

    *out = (met_pages){0};
    FILE *file = fopen("/proc/self/smaps", "re");
    if (file == NULL) return false;
    while (fgets(line, sizeof line, file) != NULL) {
        uint64_t low = 0, high = 0, kib = 0;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &low, &high) == 2) {
            inside = low < end && high > first;
        } else if (inside && sscanf(line, "%31s %" SCNu64, key, &kib) == 2) {
            if (strcmp(key, "Rss:") == 0) out->resident_bytes += kib << 10;
            for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
                if (strcmp(key, large[i]) == 0) out->large_bytes += kib << 10;
            }
        }
    }
    bool good = !ferror(file);
    fclose(file);
    return good;
}
