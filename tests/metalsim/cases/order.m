/* When things run: waits, events, barriers, what may run at the same time, the log of it. */
#include "fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void nothing_runs_before_a_wait(void)
{
    id<MTLBuffer> x = floats(@"x", 8, 0);
    id<MTLCommandBuffer> commands = command_buffer();
    CHECK(commands.status == MTLCommandBufferStatusNotEnqueued);
    encode_add_one(commands, x);
    [commands commit];
    [commands waitUntilScheduled];
    CHECK(commands.status == MTLCommandBufferStatusCommitted && values(x)[0] == 0.0f);
    CHECK(metalsim_pending_command_buffers() == 1);
    [commands waitUntilCompleted];
    CHECK(commands.status == MTLCommandBufferStatusCompleted && values(x)[0] == 1.0f);
    [commands waitUntilCompleted]; /* once more is allowed */
    CHECK(values(x)[0] == 1.0f);
}

/* A mistake of the host: 10 + 1 when the work runs late, 10 when it ran at once. */
static void seeds_show_a_write_after_the_commit(void)
{
    int late = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        metalsim_set_seed(seed);
        id<MTLBuffer> x = floats(@"x", 8, 0);
        id<MTLCommandBuffer> commands = command_buffer();
        encode_add_one(commands, x);
        [commands commit];
        bool has_run = commands.status == MTLCommandBufferStatusCompleted;
        values(x)[0] = 10.0f;
        [commands waitUntilCompleted];
        CHECK(values(x)[0] == (has_run ? 10.0f : 11.0f));
        CHECK(seed > 1 || has_run == (seed == 1));
        late += !has_run;
    }
    CHECK(late > 1 && late < 19);
}

static void waiting_for_the_last_runs_all_before_it(void)
{
    id<MTLBuffer> x = floats(@"x", 8, 0);
    id<MTLCommandBuffer> commands = nil;
    for (int i = 0; i < 5; i++) {
        commands = command_buffer();
        encode_add_one(commands, x);
        [commands commit];
    }
    id<MTLCommandBuffer> later = command_buffer();
    encode_add_one(later, x);
    [later commit];
    [commands waitUntilCompleted];
    CHECK(values(x)[0] == 5.0f && later.status == MTLCommandBufferStatusCommitted);
    [later waitUntilCompleted];
    CHECK(values(x)[0] == 6.0f);
}

static void a_queue_with_all_in_flight_waits_for_the_oldest(void)
{
    id<MTLCommandQueue> small = [[device() newCommandQueueWithMaxCommandBufferCount:2] autorelease];
    id<MTLBuffer> x = floats(@"x", 8, 0);
    for (int i = 0; i < 4; i++) {
        id<MTLCommandBuffer> commands = [small commandBuffer];
        CHECK(values(x)[0] == (i < 2 ? 0.0f : (float)(i - 1)));
        encode_add_one(commands, x);
        [commands commit];
    }
    id<MTLCommandBuffer> last = [small commandBuffer];
    [last commit];
    [last waitUntilCompleted];
    CHECK(values(x)[0] == 4.0f);
}

static void polling_ends(void)
{
    id<MTLBuffer> x = floats(@"x", 8, 0);
    id<MTLCommandBuffer> commands = command_buffer();
    encode_add_one(commands, x);
    [commands commit];
    int looks = 1;
    while (commands.status != MTLCommandBufferStatusCompleted)
        CHECK(looks++ < 1000);
    CHECK(looks > 2 && values(x)[0] == 1.0f);
}

static void released_buffers_live_until_their_work_is_done(void)
{
    id<MTLBuffer> x = [device() newBufferWithLength:32 options:MTLResourceStorageModeShared];
    id<MTLCommandBuffer> commands = command_buffer();
    encode_add_one(commands, x);
    [commands commit];
    [x release];
    CHECK(device().currentAllocatedSize == 32);
    [commands waitUntilCompleted];
    CHECK(device().currentAllocatedSize == 0);
    id<MTLBuffer> y = floats(@"y", 8, 0);
    id<MTLCommandBuffer> unretained = [queue() commandBufferWithUnretainedReferences];
    CHECK(!unretained.retainedReferences && commands.retainedReferences);
    encode_add_one(unretained, y);
    [unretained commit];
    [unretained waitUntilCompleted];
    CHECK(values(y)[0] == 1.0f);
}

static void events_order_two_queues(void)
{
    id<MTLCommandQueue> other = [[device() newCommandQueue] autorelease];
    id<MTLSharedEvent> event = [[device() newSharedEvent] autorelease];
    id<MTLBuffer> x = floats(@"x", 8, 0);
    id<MTLCommandBuffer> second = [other commandBuffer];
    [second encodeWaitForEvent:event value:7];
    id<MTLComputeCommandEncoder> encoding = encoder(second, @"twice");
    [encoding setBuffer:x offset:0 atIndex:0];
    dispatch(encoding, 8);
    [encoding endEncoding];
    [second commit];
    id<MTLCommandBuffer> first = command_buffer();
    encode_add_one(first, x);
    [first encodeSignalEvent:event value:7];
    encode_add_one(first, floats(@"unrelated", 8, 0));
    [first commit];
    CHECK(event.signaledValue == 0);
    [second waitUntilCompleted];
    CHECK(values(x)[0] == 2.0f && event.signaledValue == 7);
    event.signaledValue = 3; /* never goes back */
    CHECK(event.signaledValue == 7);
}

static void the_program_waits_for_an_event(void)
{
    id<MTLSharedEvent> event = [[device() newSharedEvent] autorelease];
    id<MTLBuffer> x = floats(@"x", 8, 0), y = floats(@"y", 8, 0);
    for (uint64_t step = 1; step <= 3; step++) {
        id<MTLCommandBuffer> commands = command_buffer();
        encode_add_one(commands, x);
        [commands encodeSignalEvent:event value:step];
        encode_add_one(commands, y); /* after the signal: nobody may count on it */
        [commands commit];
    }
    CHECK([event waitUntilSignaledValue:2 timeoutMS:1000]);
    CHECK(values(x)[0] == 2.0f && values(y)[0] == 1.0f);
    CHECK(![event waitUntilSignaledValue:4 timeoutMS:1]);
    CHECK(values(x)[0] == 3.0f && values(y)[0] == 3.0f);
}

static void *signal_later(void *event)
{
    [(id<MTLSharedEvent>)event setSignaledValue:1];
    return NULL;
}

static void another_thread_signals(void)
{
    id<MTLSharedEvent> event = [[device() newSharedEvent] autorelease];
    id<MTLBuffer> x = floats(@"x", 8, 0);
    id<MTLCommandBuffer> commands = command_buffer();
    [commands encodeWaitForEvent:event value:1];
    encode_add_one(commands, x);
    [commands commit];
    pthread_t thread;
    pthread_create(&thread, NULL, signal_later, event);
    [commands waitUntilCompleted];
    pthread_join(thread, NULL);
    CHECK(values(x)[0] == 1.0f);
}

/* add_one and twice on the same element: 1 * 2 = 2 in order, 0 * 2 + 1 = 1 the other way round. */
enum barrier { NONE, SCOPE, TEXTURES, RESOURCE, OTHER_RESOURCE, SERIAL, NEW_ENCODER };

static float two_dispatches(enum barrier barrier)
{
    id<MTLBuffer> x = floats(@"x", 1, 0), other = floats(@"other", 1, 0);
    id<MTLCommandBuffer> commands = command_buffer();
    MTLDispatchType type = barrier == SERIAL ? MTLDispatchTypeSerial : MTLDispatchTypeConcurrent;
    id<MTLComputeCommandEncoder> encoding = [commands computeCommandEncoderWithDispatchType:type];
    [encoding setComputePipelineState:pipeline(@"add_one")];
    [encoding setBuffer:x offset:0 atIndex:0];
    dispatch(encoding, 1);
    if (barrier == SCOPE) [encoding memoryBarrierWithScope:MTLBarrierScopeBuffers];
    if (barrier == TEXTURES) [encoding memoryBarrierWithScope:MTLBarrierScopeTextures];
    if (barrier == RESOURCE) [encoding memoryBarrierWithResources:&x count:1];
    if (barrier == OTHER_RESOURCE) [encoding memoryBarrierWithResources:&other count:1];
    if (barrier == NEW_ENCODER) {
        [encoding endEncoding];
        encoding = [commands computeCommandEncoderWithDispatchType:MTLDispatchTypeConcurrent];
        [encoding setBuffer:x offset:0 atIndex:0];
    }
    [encoding setComputePipelineState:pipeline(@"twice")];
    dispatch(encoding, 1);
    [encoding endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
    return values(x)[0];
}

/* How often of 40 seeds the two ran the other way round. */
static int swaps(enum barrier barrier)
{
    int count = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
        metalsim_set_seed(seed);
        float value = two_dispatches(barrier);
        CHECK(value == 2.0f || value == 1.0f);
        count += value == 1.0f;
        [pool drain];
    }
    metalsim_set_seed(0);
    CHECK(two_dispatches(barrier) == 2.0f); /* in order */
    return count;
}

static void seeds_show_a_missing_barrier(void)
{
    /* 40 fair coins all fall on one side once in 2^39 times; seeds are the same at every run. */
    CHECK(swaps(NONE) > 0 && swaps(NONE) < 40);
    CHECK(swaps(TEXTURES) > 0);
    CHECK(swaps(OTHER_RESOURCE) > 0);
}

static void barriers_order(void)
{
    CHECK(swaps(SCOPE) == 0);
    CHECK(swaps(RESOURCE) == 0);
    CHECK(swaps(SERIAL) == 0);
    CHECK(swaps(NEW_ENCODER) == 0);
}

static void resource_barrier_holds_back_only_its_users(void)
{
    metalsim_log_enable(true);
    id<MTLBuffer> x = floats(@"x", 1, 0), y = floats(@"y", 1, 0);
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLComputeCommandEncoder> encoding =
        [commands computeCommandEncoderWithDispatchType:MTLDispatchTypeConcurrent];
    id<MTLBuffer> order[3] = {x, x, y};
    [encoding setComputePipelineState:pipeline(@"add_one")];
    for (int i = 0; i < 3; i++) {
        if (i == 1) [encoding memoryBarrierWithResources:&x count:1];
        [encoding setBuffer:order[i] offset:0 atIndex:0];
        dispatch(encoding, 1);
    }
    [encoding endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
    CHECK(metalsim_log_count() == 3);
    /* x and y together, then x again. */
    CHECK(metalsim_log_entry(0)->window == metalsim_log_entry(1)->window);
    CHECK(metalsim_log_entry(2)->window == metalsim_log_entry(0)->window + 1);
    CHECK(strcmp(metalsim_log_entry(1)->bindings[0].label, "y") == 0);
    CHECK(strcmp(metalsim_log_entry(2)->bindings[0].label, "x") == 0);
    CHECK(metalsim_log_totals().barriers == 1);
}

/* A sanitizer's kernels do not count. */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { COUNTED = 0 };
#else
enum { COUNTED = 1 };
#endif

static void log_has_what_ran(void)
{
    metalsim_log_enable(true);
    metalsim_count_traffic(true);
    id<MTLBuffer> x = floats(@"weights", 100, 0), y = floats(@"out", 100, 0);
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLComputeCommandEncoder> encoding = encoder(commands, @"scale");
    float k = 2.0f;
    [encoding setBuffer:x offset:16 atIndex:0];
    [encoding setBuffer:y offset:0 atIndex:1];
    [encoding setBytes:&k length:sizeof k atIndex:2];
    [encoding setThreadgroupMemoryLength:64 atIndex:3];
    dispatch(encoding, 70);
    [encoding memoryBarrierWithScope:MTLBarrierScopeBuffers];
    [encoding endEncoding];
    id<MTLBlitCommandEncoder> blit = [commands blitCommandEncoder];
    [blit copyFromBuffer:y sourceOffset:0 toBuffer:x destinationOffset:0 size:80];
    [blit endEncoding];
    [commands commit];
    CHECK(metalsim_log_count() == 0);
    [commands waitUntilCompleted];
    CHECK(metalsim_log_count() == 2 && metalsim_log_entry(2) == NULL);
    const struct metalsim_entry *run = metalsim_log_entry(0), *copy = metalsim_log_entry(1);
    CHECK(run->work == METALSIM_DISPATCH && strcmp(run->kernel, "scale") == 0);
    CHECK(strcmp(run->encoder, "step") == 0 && run->command_buffer == 1);
    CHECK(run->groups[0] == 3 && run->groups[1] == 1 && run->grid_threads[0] == 70);
    CHECK(run->group_threads[0] == 32 && run->group_memory_bytes == 64);
    CHECK(strcmp(run->bindings[0].label, "weights") == 0 && !run->bindings[0].is_bytes);
    CHECK(run->bindings[0].read_unique == COUNTED * 280);
    CHECK(run->bindings[0].read_total == COUNTED * 280);
    CHECK(run->bindings[0].written_total == 0 && run->bindings[1].read_total == 0);
    CHECK(run->bindings[1].written_unique == COUNTED * 280);
    CHECK(run->bindings[1].written_total == COUNTED * 280);
    CHECK(run->bindings[2].is_bytes && run->bindings[2].read_unique == COUNTED * 4);
    CHECK(!run->bindings[3].bound);
    CHECK(copy->work == METALSIM_COPY && copy->bindings[0].read_unique == 80);
    CHECK(copy->window == run->window + 1);
    struct metalsim_totals totals = metalsim_log_totals();
    CHECK(totals.command_buffers == 1 && totals.dispatches == 1 && totals.barriers == 1);
    CHECK(totals.read_unique == 80 + COUNTED * 280);
    CHECK(totals.written_unique == 80 + COUNTED * 280);
    metalsim_log_clear();
    CHECK(metalsim_log_count() == 0 && metalsim_log_totals().dispatches == 0);
}

static void *run_many(void *nothing)
{
    NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
    id<MTLCommandQueue> own = [device() newCommandQueue];
    id<MTLBuffer> x = floats(@"x", 8, 0);
    for (int i = 0; i < 20; i++) {
        NSAutoreleasePool *inner = [[NSAutoreleasePool alloc] init];
        id<MTLCommandBuffer> commands = [own commandBuffer];
        encode_add_one(commands, x);
        [commands commit];
        if (i % 3 == 0) [commands waitUntilCompleted];
        [inner drain];
    }
    id<MTLCommandBuffer> last = [own commandBuffer];
    [last commit];
    [last waitUntilCompleted];
    CHECK(values(x)[0] == 20.0f);
    [own release];
    [pool drain];
    return nothing;
}

static void threads_share_the_device(void)
{
    pthread_t threads[4];
    device();
    library();
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, run_many, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

#define CASE(name)                                                                                 \
    {                                                                                              \
        #name, name                                                                                \
    }
const struct test_case order_cases[] = {
    CASE(nothing_runs_before_a_wait),
    CASE(seeds_show_a_write_after_the_commit),
    CASE(waiting_for_the_last_runs_all_before_it),
    CASE(a_queue_with_all_in_flight_waits_for_the_oldest),
    CASE(polling_ends),
    CASE(released_buffers_live_until_their_work_is_done),
    CASE(events_order_two_queues),
    CASE(the_program_waits_for_an_event),
    CASE(another_thread_signals),
    CASE(seeds_show_a_missing_barrier),
    CASE(barriers_order),
    CASE(resource_barrier_holds_back_only_its_users),
    CASE(log_has_what_ran),
    CASE(threads_share_the_device),
    {NULL, NULL},
};
