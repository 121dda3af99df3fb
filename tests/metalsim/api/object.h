/* Objects: what is in front of each, and what the layer asks of them.
 *
 * Owns: the reference count, the list of live objects, and what remains of released ones: a message
 * to a released object is named instead of crashing somewhere. */
#ifndef METALSIM_OBJECT_H
#define METALSIM_OBJECT_H

#import <Foundation/Foundation.h>

#include "support.h"

/* For messages: what a person calls this kind of object, and its label or name or NULL. */
@interface NSObject (Simulator)
- (const char *)simKind;
- (const char *)simLabel;
@end

/* Anything with the property `label`. */
@interface SimNamed : NSObject {
    NSString *_label;
}
@property(copy, atomic) NSString *label;
@end

/* "buffer 'kv'", in one of a few places that take turns; for messages only. */
const char *api_name(id object);
/* Copy the label (or "") to a fixed place. */
void api_copy_label(id object, char *out, size_t out_bytes);

/* A reference that keeps the memory but not the life: after the last release api_is_released says
 * so. For commands that do not retain what they use. */
void api_watch(id object);
void api_unwatch(id object);
bool api_is_released(id object);

#endif
