/* Events. A plain MTLEvent is a shared one that nobody looks at. */
#include "api.h"

@implementation SimEvent
- (id<MTLDevice>)device
{
    return api_device();
}

- (uint64_t)signaledValue
{
    api_lock();
    api_gpu_polled();
    uint64_t value = reached;
    api_unlock();
    return value;
}

/* Only ever grows, as documented. */
- (void)setSignaledValue:(uint64_t)value
{
    api_lock();
    if (value > reached) reached = value;
    api_unlock();
}

- (BOOL)waitUntilSignaledValue:(uint64_t)value timeoutMS:(uint64_t)milliseconds
{
    api_lock();
    bool is_reached = api_gpu_reach(self, value, 1e-3 * (double)milliseconds);
    api_unlock();
    return is_reached;
}

- (const char *)simKind
{
    return "event";
}
@end
