/* What compute and blit encoders share: one open at a time, nothing after the end. */
#include "api.h"

@implementation SimEncoder
- (instancetype)initWithOwner:(SimCommandBuffer *)buffer
{
    owner = [buffer retain];
    owner->is_open = true;
    return self;
}

- (void)checkFor:(const char *)what
{
    if (ended) api_misuse("%s: %s has ended", what, api_name(self));
}

- (struct api_command *)append:(enum api_command_kind)kind
{
    struct api_command *command = [owner append:kind];
    api_copy_label(self, command->encoder, sizeof command->encoder);
    return command;
}

- (void)endEncoding
{
    [self checkFor:"endEncoding"];
    if (group_depth != 0)
        api_misuse("endEncoding: %u debug groups of %s are not popped", group_depth,
                   api_name(self));
    [self append:API_ENCODER_END];
    ended = true;
    owner->is_open = false;
}

- (void)insertDebugSignpost:(NSString *)name
{
    (void)name;
    [self checkFor:"insertDebugSignpost"];
}

- (void)pushDebugGroup:(NSString *)name
{
    (void)name;
    [self checkFor:"pushDebugGroup"];
    group_depth++;
}

- (void)popDebugGroup
{
    [self checkFor:"popDebugGroup"];
    if (group_depth-- == 0) api_misuse("%s: popDebugGroup without a push", api_name(self));
}

- (id<MTLDevice>)device
{
    return api_device();
}

- (void)dealloc
{
    if (!ended) api_misuse("%s is released without endEncoding", api_name(self));
    [owner release];
    [super dealloc];
}
@end
