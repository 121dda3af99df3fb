/* The simulated GPU: which command buffer runs when, and what of one runs at the same time.
 *
 * Owns: the list of committed command buffers, in the order of their commits, and the executor.
 * Invariants: command buffers of one queue run in order. Between two barriers of a concurrent
 * encoder all dispatches are given to the executor together: nothing orders them. Encoders of one
 * command buffer are ordered, as Metal orders them when resources are tracked. */
#include "api.h"

#include <stdlib.h>
#include <unistd.h>

enum { POLLS_TO_PROGRESS = 16, STEP_MICROSECONDS = 1000 };
static const double deadlock_seconds = 2.0;

static SimCommandBuffer **pending;
static size_t pending_count, pending_capacity;
static uint64_t commits, runs;
static unsigned polls;
static bool device_is_lost;
static sim_executor *executor;

static SimCommandBuffer *oldest_of(const SimQueue *queue)
{
    for (size_t i = 0; i < pending_count; i++)
        if (pending[i]->queue == queue) return pending[i];
    return nil;
}

static sim_executor *executor_for_run(void)
{
    const struct api_settings *settings = api_settings_get();
    if (executor == NULL) {
        sim_executor_options options = {.workers = settings->workers, .seed = settings->seed};
        executor = sim_executor_open(&options);
        if (executor == NULL) api_misuse("no memory for the executor");
    }
    /* Another order at each run, the same in each process; what kind of order it is lies in the
     * seed being 0, 1, odd or even. */
    runs++;
    uint64_t seed = settings->seed;
    if (seed > 1) seed = (api_hash(seed, &runs, sizeof runs) | 3) ^ (~seed & 1);
    sim_executor_seed(executor, seed);
    return executor;
}

static void *address_of(const struct api_binding *binding)
{
    if (binding->buffer != nil) return binding->buffer->bytes + binding->offset;
    return binding->bytes;
}

/* With unretained references a buffer may be gone. */
static void check_alive(const SimCommandBuffer *buffer)
{
    for (size_t i = 0; buffer->is_unretained && i < buffer->held_count; i++)
        if (api_is_released(buffer->held[i]))
            api_misuse("%s, which does not retain what it uses, runs after an object of it was "
                       "released",
                       api_name((id)buffer));
}

static size_t working_set(SimCommandBuffer *buffer)
{
    size_t bytes = 0;
    for (size_t i = 0; i < buffer->held_count; i++) {
        if (![buffer->held[i] isKindOfClass:[SimBuffer class]]) continue;
        SimBuffer *one = buffer->held[i];
        if (one->counted_for == buffer->number) continue;
        one->counted_for = buffer->number;
        bytes += one->count;
    }
    return bytes;
}

static void fail(SimCommandBuffer *buffer, MTLCommandBufferError code, const char *text)
{
    NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
    NSError *error = nil;
    api_set_error(&error, MTLCommandBufferErrorDomain, (NSInteger)code, "%s", text);
    buffer->failure = [error retain];
    [pool drain];
}

/* What makes a command buffer fail before anything of it runs; in the words of Apple's driver. */
static bool may_start(SimCommandBuffer *buffer)
{
    check_alive(buffer);
    if (device_is_lost)
        fail(buffer, MTLCommandBufferErrorAccessRevoked,
             "Ignored (for causing prior/excessive GPU errors) "
             "(00000004:kIOGPUCommandBufferCallbackErrorSubmissionsIgnored)");
    else if (api_fault_due(METALSIM_FAULT_DEVICE_LOST)) {
        device_is_lost = true;
        fail(buffer, MTLCommandBufferErrorDeviceRemoved, "The device was removed");
    } else if (api_fault_due(METALSIM_FAULT_COMMAND))
        fail(buffer, MTLCommandBufferErrorTimeout,
             "Caused GPU Timeout Error (00000002:kIOGPUCommandBufferCallbackErrorTimeout)");
    else if (working_set(buffer) > api_settings_get()->working_set_bytes)
        fail(buffer, MTLCommandBufferErrorOutOfMemory,
             "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)");
    return buffer->failure == nil;
}

static bool uses(const struct api_command *dispatch, const SimBuffer *resource)
{
    for (size_t i = 0; i < SIM_SLOTS; i++)
        if (dispatch->bindings[i].buffer == resource) return true;
    return false;
}

/* Does a resource barrier between the two order them? */
static bool is_ordered(const struct api_command *commands, size_t before, size_t after)
{
    for (size_t i = before + 1; i < after; i++) {
        const struct api_command *barrier = &commands[i];
        if (barrier->kind != API_RESOURCE_BARRIER) continue;
        for (size_t k = 0; k < barrier->size; k++)
            if (uses(&commands[before], barrier->resources[k]) &&
                uses(&commands[after], barrier->resources[k]))
                return true;
    }
    return false;
}

static sim_dispatch dispatch_of(const struct api_command *command)
{
    const SimFunction *function = command->pipeline->function;
    sim_dispatch dispatch = {
        .kernel = function->kernel,
        .count_bytes = function->library->counts_bytes,
    };
    for (size_t i = 0; i < SIM_SLOTS; i++) {
        dispatch.buffers[i].address = address_of(&command->bindings[i]);
        dispatch.buffers[i].bytes = command->bindings[i].count;
    }
    /* A length may still be set for an index that only an earlier kernel had. */
    for (int32_t i = 0; i < function->kernel->parameter_count; i++) {
        const sim_parameter *one = &function->kernel->parameters[i];
        if (one->source == SIM_GROUP_MEMORY)
            dispatch.group_memory_bytes[one->index] = command->group_memory_bytes[one->index];
    }
    memcpy(dispatch.grid_threads, command->grid_threads, sizeof dispatch.grid_threads);
    memcpy(dispatch.group_threads, command->group_threads, sizeof dispatch.group_threads);
    return dispatch;
}

/* Of lengths that stay set from an earlier kernel: the documentation of setThreadgroupMemoryLength
 * counts "all threadgroup memory allocations". */
static size_t left_set(const struct api_command *command)
{
    sim_dispatch dispatch = dispatch_of(command);
    return api_group_memory(command->group_memory_bytes) -
           api_group_memory(dispatch.group_memory_bytes);
}

static void after_dispatch(SimCommandBuffer *buffer, const struct api_command *command,
                           const sim_report *report)
{
    const char *kernel = command->pipeline->function->kernel->name;
    if (report->error[0] != '\0')
        api_misuse("%s (compute encoder '%s' of %s)", report->error, command->encoder,
                   api_name(buffer));
    size_t left = left_set(command), group_memory = report->group_memory_bytes + left;
    if (group_memory > API_MAX_GROUP_MEMORY)
        api_misuse("%s: a threadgroup uses %zu bytes of threadgroup memory (%zu left set for other "
                   "kernels), at most %d",
                   kernel, group_memory, left, API_MAX_GROUP_MEMORY);
    for (size_t i = 0; i < SIM_SLOTS; i++)
        if (command->bindings[i].buffer != nil)
            api_buffer_check(command->bindings[i].buffer, kernel);
    api_log_work(buffer, command, report);
}

/* Run the dispatches of [first, end) that are of one round, together. */
static void run_round(SimCommandBuffer *buffer, size_t first, size_t end, const size_t *rounds,
                      size_t round)
{
    const struct api_command *commands = buffer->commands;
    size_t count = 0;
    sim_dispatch *dispatches = calloc(end - first, sizeof *dispatches);
    sim_report *reports = calloc(end - first, sizeof *reports);
    if (dispatches == NULL || reports == NULL)
        api_misuse("no memory for %zu dispatches", end - first);
    for (size_t i = first; i < end; i++)
        if (commands[i].kind == API_DISPATCH && rounds[i - first] == round)
            dispatches[count++] = dispatch_of(&commands[i]);
    sim_executor_run(executor_for_run(), dispatches, count, reports);
    count = 0;
    for (size_t i = first; i < end; i++)
        if (commands[i].kind == API_DISPATCH && rounds[i - first] == round)
            after_dispatch(buffer, &commands[i], &reports[count++]);
    buffer->window_count++;
    free(dispatches);
    free(reports);
}

/* Dispatches with no barrier for all between them. One that a resource barrier holds back runs in
 * the round after the last of those that it waits for. */
static void run_window(SimCommandBuffer *buffer, size_t first, size_t end)
{
    const struct api_command *commands = buffer->commands;
    size_t last_round = 0;
    size_t *rounds = calloc(end - first, sizeof *rounds);
    if (rounds == NULL) api_misuse("no memory for a window of dispatches");
    for (size_t i = first; i < end; i++) {
        if (commands[i].kind == API_RESOURCE_BARRIER) api_log_barrier();
        for (size_t k = first; commands[i].kind == API_DISPATCH && k < i; k++)
            if (commands[k].kind == API_DISPATCH && rounds[k - first] >= rounds[i - first] &&
                is_ordered(commands, k, i))
                rounds[i - first] = rounds[k - first] + 1;
        if (rounds[i - first] > last_round) last_round = rounds[i - first];
    }
    for (size_t round = 0; round <= last_round; round++)
        run_round(buffer, first, end, rounds, round);
    free(rounds);
}

static size_t window_end(const SimCommandBuffer *buffer, size_t first)
{
    size_t end = first;
    while (end < buffer->command_count && (buffer->commands[end].kind == API_DISPATCH ||
                                           buffer->commands[end].kind == API_RESOURCE_BARRIER)) {
        end++;
        if (buffer->commands[end - 1].is_serial) break;
    }
    return end;
}

/* Work that is not a kernel. */
static void run_plain(SimCommandBuffer *buffer, const struct api_command *command)
{
    if (command->kind == API_COPY)
        memcpy(address_of(&command->bindings[1]), address_of(&command->bindings[0]), command->size);
    else if (command->kind == API_FILL)
        memset(address_of(&command->bindings[0]), (int)command->value, command->size);
    else
        api_matmul_run(command);
    api_log_work(buffer, command, NULL);
    buffer->window_count++;
}

/* Run until the end: true. Or until a wait for an event that is not there yet, or until `awaited`,
 * if there is one, has its value: false. */
static bool advance(SimCommandBuffer *buffer, const SimEvent *awaited, uint64_t value)
{
    if (buffer->start == 0.0) {
        buffer->start = api_seconds();
        buffer->state = MTLCommandBufferStatusScheduled;
        if (!may_start(buffer)) buffer->next_command = buffer->command_count;
    }
    while (buffer->next_command < buffer->command_count) {
        if (awaited != nil && awaited->reached >= value) return false;
        struct api_command *command = &buffer->commands[buffer->next_command];
        size_t next = buffer->next_command + 1;
        switch (command->kind) {
        case API_WAIT:
            if (command->event->reached < command->value) return false;
            break;
        case API_SIGNAL:
            if (command->value > command->event->reached) command->event->reached = command->value;
            break;
        case API_BARRIER: api_log_barrier(); break;
        case API_ENCODER_END: break;
        case API_COPY:
        case API_FILL:
        case API_MATMUL: run_plain(buffer, command); break;
        case API_DISPATCH:
        case API_RESOURCE_BARRIER:
            next = window_end(buffer, buffer->next_command);
            run_window(buffer, buffer->next_command, next);
            break;
        }
        buffer->next_command = next;
    }
    return true;
}

static void finish(SimCommandBuffer *buffer)
{
    size_t at = 0;
    buffer->end = api_seconds();
    while (pending[at] != buffer)
        at++;
    memmove(&pending[at], &pending[at + 1], (--pending_count - at) * sizeof *pending);
    [buffer finish];
    api_log_completed();
    [buffer release];
}

/* One step of some queue other than `except`; false when all of them wait. */
static bool advance_another(const SimQueue *except, const SimEvent *awaited, uint64_t value)
{
    for (size_t i = 0; i < pending_count; i++) {
        SimCommandBuffer *buffer = pending[i];
        if (buffer->queue == except || oldest_of(buffer->queue) != buffer) continue;
        size_t before = buffer->next_command;
        if (advance(buffer, awaited, value)) {
            finish(buffer);
            return true;
        }
        if (buffer->next_command != before) return true;
    }
    return false;
}

/* A GPU may begin at once, or only when somebody waits: a host is right when both give the same.
 * Seed 0 is always late, so that a missing wait shows; seed 1 always at once, so that what is
 * written after the commit comes too late; the others are the one or the other by chance. */
static bool runs_at_commit(const SimCommandBuffer *buffer)
{
    uint64_t seed = api_settings_get()->seed;
    return seed == 1 || (seed > 1 && (api_hash(seed, &buffer->number, 8) >> 32 & 1) != 0);
}

/* Until the queue is empty or waits for an event. */
static void run_what_can(const SimQueue *queue)
{
    SimCommandBuffer *buffer;
    while ((buffer = oldest_of(queue)) != nil && advance(buffer, nil, 0))
        finish(buffer);
}

void api_gpu_commit(SimCommandBuffer *buffer)
{
    if (pending_count == pending_capacity) {
        pending_capacity = pending_capacity != 0 ? 2 * pending_capacity : 64;
        pending = realloc(pending, pending_capacity * sizeof *pending);
        if (pending == NULL) api_misuse("no memory for committed command buffers");
    }
    buffer->number = ++commits;
    pending[pending_count++] = [buffer retain];
    if (runs_at_commit(buffer)) run_what_can(buffer->queue);
}

/* The lock is given up for a moment: another thread may signal an event or commit. */
static void let_others(void)
{
    api_unlock();
    usleep(STEP_MICROSECONDS);
    api_lock();
}

void api_gpu_run_oldest(SimQueue *queue)
{
    double began = api_seconds();
    SimCommandBuffer *buffer = oldest_of(queue);
    polls = 0;
    while (buffer != nil && buffer == oldest_of(queue)) {
        if (advance(buffer, nil, 0)) {
            finish(buffer);
            return;
        }
        if (advance_another(queue, nil, 0)) continue;
        struct api_command *wait = &buffer->commands[buffer->next_command];
        if (api_seconds() - began > deadlock_seconds)
            api_misuse(
                "deadlock: %s waits for value %llu of %s, which is at %llu and which nothing "
                "committed signals",
                api_name(buffer), (unsigned long long)wait->value, api_name(wait->event),
                (unsigned long long)wait->event->reached);
        let_others();
    }
}

void api_gpu_complete(SimCommandBuffer *buffer)
{
    while (buffer->state < MTLCommandBufferStatusCompleted)
        api_gpu_run_oldest(buffer->queue);
}

bool api_gpu_reach(SimEvent *event, uint64_t value, double seconds)
{
    double began = api_seconds();
    polls = 0;
    while (event->reached < value) {
        if (advance_another(nil, event, value)) continue;
        if (api_seconds() - began >= seconds) return false;
        let_others();
    }
    return true;
}

void api_gpu_polled(void)
{
    if (++polls % POLLS_TO_PROGRESS == 0) advance_another(nil, nil, 0);
}

size_t metalsim_pending_command_buffers(void)
{
    api_lock();
    size_t count = pending_count;
    api_unlock();
    return count;
}
