/* The blit encoder: copies and fills of buffers, one after the other. */
#include "api.h"

enum { UNIT = 4 }; /* macOS: offsets and sizes are multiples of 4 bytes */

@implementation SimBlitEncoder
- (void)checkRange:(const SimBuffer *)buffer
            offset:(NSUInteger)offset
              size:(NSUInteger)size
               for:(const char *)what
{
    [self checkFor:what];
    if (size == 0 || offset > buffer->count || size > buffer->count - offset)
        api_misuse("%s: %s: %lu bytes at %lu of %s, which has %zu", what, api_name(self), size,
                   offset, api_name((id)buffer), buffer->count);
    if (offset % UNIT != 0 || size % UNIT != 0)
        api_misuse("%s: %s: %lu bytes at %lu of %s: not multiples of %d", what, api_name(self),
                   size, offset, api_name((id)buffer), UNIT);
}

- (void)bind:(SimBuffer *)buffer
      offset:(NSUInteger)offset
          to:(struct api_command *)command
          at:(size_t)index
{
    command->bindings[index].buffer = buffer;
    command->bindings[index].offset = offset;
    command->bindings[index].count = buffer->count - offset;
    [owner hold:buffer];
}

- (void)copyFromBuffer:(id<MTLBuffer>)from
          sourceOffset:(NSUInteger)source_offset
              toBuffer:(id<MTLBuffer>)to
     destinationOffset:(NSUInteger)target_offset
                  size:(NSUInteger)size
{
    SimBuffer *source = api_buffer_of(from, "copyFromBuffer");
    SimBuffer *target = api_buffer_of(to, "copyFromBuffer");
    [self checkRange:source offset:source_offset size:size for:"copyFromBuffer"];
    [self checkRange:target offset:target_offset size:size for:"copyFromBuffer"];
    if (source == target && source_offset < target_offset + size &&
        target_offset < source_offset + size)
        api_misuse("copyFromBuffer: %s: the ranges of %s overlap", api_name(self),
                   api_name(source));
    struct api_command *command = [self append:API_COPY];
    command->size = size;
    [self bind:source offset:source_offset to:command at:0];
    [self bind:target offset:target_offset to:command at:1];
}

- (void)fillBuffer:(id<MTLBuffer>)object range:(NSRange)range value:(uint8_t)value
{
    SimBuffer *buffer = api_buffer_of(object, "fillBuffer");
    [self checkRange:buffer offset:range.location size:range.length for:"fillBuffer"];
    struct api_command *command = [self append:API_FILL];
    command->size = range.length;
    command->value = value;
    [self bind:buffer offset:range.location to:command at:0];
}

- (const char *)simKind
{
    return "blit encoder";
}
@end
