/* A failure in Metal's own words. Objective-C only. */
#ifndef MET_BACKEND_METAL_FAILURE_H
#define MET_BACKEND_METAL_FAILURE_H

#include "metallic.h"

#import <Foundation/Foundation.h>

/* "metal: WHAT: what the NSError says". `reason` may be nil. Returns `status`. */
met_status met_metal_fail(met_error *err, met_status status, const char *what, NSError *reason);

/* An allocation of `bytes` on the device failed. Returns MET_E_MEMORY. */
met_status met_metal_fail_memory(met_error *err, const char *what, uint64_t bytes);

#endif
