/* Owns: how a failure of Metal becomes a met_error. */
#import "backend/metal/failure.h"

#include "base/error.h"

#include <stdio.h>

met_status met_metal_fail(met_error *err, met_status status, const char *what, NSError *reason)
{
    const char *words = reason == nil ? NULL : [[reason localizedDescription] UTF8String];
    if (words == NULL) words = "no reason given";
    char line[MET_ERROR_TEXT_BYTES]; /* compilers answer with several lines: an error has one */
    (void)snprintf(line, sizeof line, "%s", words);
    for (char *c = line; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\t') *c = ' ';
    }
    return met_fail(err, status, "metal: %s: %s", what, line);
}

met_status met_metal_fail_memory(met_error *err, const char *what, uint64_t bytes)
{
    return met_fail(err, MET_E_MEMORY, "metal: %s: cannot allocate %llu bytes on the device", what,
                    (unsigned long long)bytes);
}
