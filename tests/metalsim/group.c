/* One group of threads, run to its end by one worker. See group.h.
 *
 * Scheduling is cooperative: a fiber runs until it waits for others or ends. Two threads of a group
 * are therefore never interrupted in the middle of an access; what a missing barrier does becomes
 * visible through the order of the fibers (seed) and, whatever the order, to ThreadSanitizer, for
 * which a switch is no synchronisation.
 */
#include "group.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fiber.h"
#include "group_memory.h"

/* ThreadSanitizer sees no race of a fiber with itself: there are more fibers than threads, and a
 * thread of the next group gets another one (also when a group is a single thread). */
#ifdef SIM_TSAN
enum { SPARE_FIBERS = 67 };
#else
enum { SPARE_FIBERS = 0 };
#endif
enum { MAX_SUBGROUPS = SIM_MAX_THREADS / SIM_LANES };
/* A thread in a loop lets the others run after so many turns; and when all that can run have had so
 * many rounds of them, and none came to a barrier, a subgroup operation or its end, they wait for
 * what never comes. Four million turns of a thread: far more than a loop that ends has between two
 * of those. */
enum { SPIN_TURNS = 1024, SPIN_ROUNDS = 4096 };
/* Happens-before tokens for ThreadSanitizer: a pair for the group and one for each subgroup. A
 * pair, by generation: a fast thread must not release into the one that slow ones have still to
 * acquire, or a write after a read without a second barrier would look ordered. Fresh ones for
 * every group: old ones would order it behind the groups before. */
enum { TOKENS = 2 + 2 * MAX_SUBGROUPS };
enum { MAX_FIBERS = SIM_MAX_THREADS + SPARE_FIBERS, QUEUE = 2048 }; /* a power of two */

typedef enum state {
    STATE_READY, /* in the queue, or running */
    STATE_AT_BARRIER,
    STATE_IN_SUBGROUP,
    STATE_ENDED
} state;

typedef struct member {
    sim_fiber fiber; /* first */
    sim_thread thread;
    uint32_t number; /* of the fiber */
    state state;
    int line; /* where it waits */
} member;

/* Lanes that run together. What they hand over lies in the slots of the generation's parity: a lane
 * that runs ahead fills the other half while slow ones still read this one. */
typedef struct subgroup {
    uint32_t live, arrived, generation;
    const void *place; /* of the call that the first one waits in */
    int line;
    uint32_t present[2];
    uint32_t waiting[SIM_LANES];
    _Alignas(64) unsigned char slots[2][SIM_LANES * SIM_LANE_BYTES];
} subgroup;

struct sim_group {
    const sim_dispatch *dispatch;
    uint32_t position[3], threads;
    member *members[MAX_FIBERS];
    uint32_t member_count;
    sim_fiber worker; /* what to return to */
    member *current;
    member *by_thread[SIM_MAX_THREADS];

    uint64_t begun;                    /* groups, of all dispatches */
    size_t memory_bytes;               /* that this group shares */
    uint32_t queue[QUEUE], head, tail; /* fibers that can run */
    uint64_t random;                   /* 0: first in, first out */
    uint64_t switches;
    uint32_t turns, rounds; /* of loops: since a thread let others run; since one got anywhere */

    uint32_t ended, at_barrier, generation;
    const void *place;
    int line;
    uint32_t waiting[SIM_MAX_THREADS];
    subgroup subgroups[MAX_SUBGROUPS];
    sim_group_memory tokens;
    sim_group_memory slots[SIM_SLOTS], variables[SIM_GROUP_VARIABLES];
    void *slot_addresses[SIM_SLOTS], *buffers[SIM_SLOTS];

    bool failed;
    char message[SIM_ERROR_BYTES];
};

char sim_token_start, sim_token_end;
/* Kernels ask for it all the time; the executor is loaded when the program starts, so the faster
 * way to a thread's variables is open to it. */
__attribute__((tls_model("initial-exec"))) static _Thread_local sim_group *running;

/* Not inlined: a fiber may come back on another thread of this machine, and the compiler must not
 * keep the address of the old one's variable. */
__attribute__((noinline)) static sim_group *group_here(void)
{
    sim_group *group = running;
    __asm__ volatile("" : "+r"(group));
    return group;
}

/* ---- The schedule ---------------------------------------------------------------------------- */

static void push(sim_group *group, const member *m)
{
    group->queue[group->tail++ % QUEUE] = m->number;
}

static uint32_t draw(sim_group *group, uint32_t below)
{
    group->random ^= group->random << 13;
    group->random ^= group->random >> 7;
    group->random ^= group->random << 17;
    return (uint32_t)((group->random >> 32) % below);
}

/* The next one to run, or NULL. */
static member *pop(sim_group *group)
{
    if (group->head == group->tail) return NULL;
    uint32_t *first = &group->queue[group->head % QUEUE];
    if (group->random != 0) {
        uint32_t *other =
            &group->queue[(group->head + draw(group, group->tail - group->head)) % QUEUE];
        uint32_t number = *first;
        *first = *other;
        *other = number;
    }
    group->head++;
    return group->members[*first];
}

/* Let others run; returns when `self` was made ready and its turn has come. */
static void yield(sim_group *group, member *self)
{
    member *next = pop(group);
    if (next == self) return;
    group->switches++;
    group->current = next;
    sim_fiber_switch(&self->fiber, next != NULL ? &next->fiber : &group->worker);
}

/* ---- Failures -------------------------------------------------------------------------------- */

static void say(sim_group *group, int line, const char *format, va_list arguments)
{
    if (group->failed) return;
    group->failed = true;
    SIM_UNWATCHED_BEGIN();
    int used = snprintf(group->message, sizeof group->message,
                        "kernel %s, group (%u, %u, %u), line %d: ", group->dispatch->kernel->name,
                        group->position[0], group->position[1], group->position[2], line);
    if (used > 0 && (size_t)used < sizeof group->message)
        vsnprintf(group->message + used, sizeof group->message - (size_t)used, format, arguments);
    SIM_UNWATCHED_END();
}

__attribute__((format(printf, 3, 4))) static void note(sim_group *group, int line,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(group, line, format, arguments);
    va_end(arguments);
}

/* Called from a kernel: the group ends here, no fiber of it runs again. */
__attribute__((format(printf, 3, 4))) static void give_up(sim_group *group, int line,
                                                          const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(group, line, format, arguments);
    va_end(arguments);
    member *self = group->current;
    group->current = NULL;
    sim_fiber_switch(&self->fiber, &group->worker);
}

static void note_progress(sim_group *group)
{
    group->turns = 0;
    group->rounds = 0;
}

void sim_turn(int line)
{
    sim_group *group = group_here();
    if (++group->turns < SPIN_TURNS) return;
    member *self = group->current;
    uint32_t ready = group->tail - group->head + 1; /* with this one */
    group->turns = 0;
    if (++group->rounds > SPIN_ROUNDS * ready) {
        give_up(group, line,
                "thread %u turns in this loop for ever: %u of %u threads can run, and none of them "
                "has come to a barrier, a subgroup operation or its end in %d turns each",
                self->thread.thread_index_in_group, ready, group->threads,
                SPIN_TURNS * SPIN_ROUNDS);
    }
    push(group, self);
    yield(group, self);
}

/* No fiber can run and some have not ended. */
static void explain_deadlock(sim_group *group)
{
    uint32_t barrier = 0, lanes = 0;
    int barrier_line = 0, lanes_line = 0;
    for (uint32_t i = 0; i < group->threads; i++) {
        const member *m = group->by_thread[i];
        if (m->state == STATE_AT_BARRIER) barrier++, barrier_line = m->line;
        if (m->state == STATE_IN_SUBGROUP) lanes++, lanes_line = m->line;
    }
    if (lanes == 0) {
        note(group, barrier_line, "%u of %u threads wait at the group's barrier for ever", barrier,
             group->threads);
    } else if (barrier == 0) {
        note(group, lanes_line, "%u of %u threads wait in a subgroup operation for ever", lanes,
             group->threads);
    } else {
        note(group, lanes_line,
             "divergence: %u threads wait in a subgroup operation, %u at the group's barrier in "
             "line %d, %u have returned",
             lanes, barrier, barrier_line, group->ended);
    }
}

/* ---- Barriers and exchange ------------------------------------------------------------------- */

static void release_subgroup(sim_group *group, subgroup *s)
{
    uint32_t waiting = s->arrived;
    s->arrived = 0;
    s->generation++;
    s->present[s->generation & 1] = 0;
    for (uint32_t i = 0; i < waiting; i++) {
        member *m = group->members[s->waiting[i]];
        if (m->state != STATE_IN_SUBGROUP) continue; /* the one that came last */
        m->state = STATE_READY;
        push(group, m);
    }
}

static void copy(unsigned char *to, const unsigned char *from, uint32_t bytes)
{
    uint32_t i = 0;
    for (; i + 8 <= bytes; i += 8)
        __builtin_memcpy(to + i, from + i, 8);
    for (; i + 2 <= bytes; i += 2)
        __builtin_memcpy(to + i, from + i, 2);
    for (; i < bytes; i++)
        to[i] = from[i];
}

static char *token_of(const sim_group *group, uint32_t pair, uint32_t generation)
{
    return (char *)group->tokens.address + 2 * pair + (generation & 1);
}

/* Wait until all live lanes are here; returns the half of the slots that this meeting used. */
static uint32_t meet(sim_group *group, member *self, subgroup *s, const void *place, int line)
{
    uint32_t half = s->generation & 1;
    note_progress(group);
    s->present[half] |= 1u << self->thread.lane;
    if (s->arrived != 0 && s->place != place) {
        give_up(group, line,
                "divergence: a lane of subgroup %u is in this operation, others wait in line %d",
                self->thread.subgroup_in_group, s->line);
    }
    s->place = place;
    s->line = line;
    s->waiting[s->arrived++] = self->number;
    if (s->arrived == s->live) {
        release_subgroup(group, s);
    } else {
        self->state = STATE_IN_SUBGROUP;
        self->line = line;
        yield(group, self);
    }
    return half;
}

void sim_subgroup_barrier(int orders_memory, int line)
{
    sim_group *group = group_here();
    member *self = group->current;
    subgroup *s = &group->subgroups[self->thread.subgroup_in_group];
    char *token = token_of(group, 1 + self->thread.subgroup_in_group, s->generation);
    if (orders_memory) SIM_RELEASE(token);
    meet(group, self, s, __builtin_return_address(0), line);
    if (orders_memory) SIM_ACQUIRE(token);
}

const void *sim_subgroup_exchange(const void *value, uint32_t size, uint32_t *present, int line)
{
    sim_group *group = group_here();
    member *self = group->current;
    subgroup *s = &group->subgroups[self->thread.subgroup_in_group];
    if (size > SIM_LANE_BYTES)
        give_up(group, line, "%u bytes handed to other lanes, at most %d", size, SIM_LANE_BYTES);
    copy(s->slots[s->generation & 1] + size * self->thread.lane, value, size);
    uint32_t half = meet(group, self, s, __builtin_return_address(0), line);
    *present = s->present[half];
    return s->slots[half];
}

void sim_group_barrier(int orders_memory, int line)
{
    sim_group *group = group_here();
    member *self = group->current;
    const void *place = __builtin_return_address(0);
    char *token = token_of(group, 0, group->generation);

    if (group->ended != 0)
        give_up(group, line, "barrier after %u of %u threads of the group have returned",
                group->ended, group->threads);
    if (group->at_barrier != 0 && group->place != place)
        give_up(group, line, "divergence: a thread is at this barrier, others wait in line %d",
                group->line);
    group->place = place;
    group->line = line;
    note_progress(group);
    if (orders_memory) SIM_RELEASE(token);
    group->waiting[group->at_barrier++] = self->number;
    if (group->at_barrier < group->threads) {
        self->state = STATE_AT_BARRIER;
        self->line = line;
        yield(group, self);
    } else {
        for (uint32_t i = 0; i < group->at_barrier; i++) {
            member *m = group->members[group->waiting[i]];
            if (m == self) continue;
            m->state = STATE_READY;
            push(group, m);
        }
        group->at_barrier = 0;
        group->generation++;
        if (group->random != 0) { /* else the last to come would always be the first to go on */
            push(group, self);
            yield(group, self);
        }
    }
    if (orders_memory) SIM_ACQUIRE(token);
}

uint32_t sim_lane(void)
{
    return group_here()->current->thread.lane;
}

void *sim_group_variable(uint32_t id, size_t size, int line)
{
    sim_group *group = group_here();
    if (id >= SIM_GROUP_VARIABLES)
        give_up(group, line, "more than %d variables in group memory", SIM_GROUP_VARIABLES);
    sim_group_memory *memory = &group->variables[id];
    if (memory->address != NULL) return memory->address;
    if (!sim_group_memory_open(memory, size))
        give_up(group, line, "no memory for %zu bytes of group memory", size);
    group->memory_bytes += size;
    return memory->address;
}

void sim_fail(const char *message, int line)
{
    give_up(group_here(), line, "%s", message);
}

/* ---- Life of a thread ------------------------------------------------------------------------ */

static void thread_ends(sim_group *group, member *self)
{
    subgroup *s = &group->subgroups[self->thread.subgroup_in_group];

    self->state = STATE_ENDED;
    group->ended++;
    note_progress(group);
    if (group->at_barrier != 0)
        note(group, group->line, "thread %u returned while %u of %u threads wait at this barrier",
             self->thread.thread_index_in_group, group->at_barrier, group->threads);
    s->live--;
    if (s->live != 0 && s->arrived == s->live) release_subgroup(group, s);
}

/* What every fiber runs: one thread after another, as the group number goes on. */
static void fiber_body(void)
{
    sim_fiber_entered(&group_here()->current->fiber);
    for (;;) {
        sim_group *group = group_here();
        member *self = group->current;
        SIM_ACQUIRE(&sim_token_start);
        group->dispatch->kernel->entry(&self->thread);
        SIM_RELEASE(&sim_token_end);
        thread_ends(group, self);
        yield(group, self);
    }
}

static bool ensure_members(sim_group *group, uint32_t count)
{
    while (group->member_count < count) {
        member *m = calloc(1, sizeof *m);
        if (m == NULL) return false;
        m->number = group->member_count;
        if (!sim_fiber_create(&m->fiber, m->number, fiber_body)) {
            free(m);
            return false;
        }
        group->members[group->member_count++] = m;
    }
    return true;
}

/* ---- A group's beginning and end ------------------------------------------------------------- */

static void place_thread(sim_group *group, sim_thread *thread, uint32_t index,
                         const uint32_t size[3])
{
    const sim_dispatch *dispatch = group->dispatch;
    const uint32_t in_group[3] = {index % size[0], index / size[0] % size[1],
                                  index / size[0] / size[1]};
    for (int axis = 0; axis < 3; axis++) {
        thread->thread_in_group[axis] = in_group[axis];
        thread->group_in_grid[axis] = group->position[axis];
        thread->thread_in_grid[axis] =
            group->position[axis] * dispatch->group_threads[axis] + in_group[axis];
        thread->threads_in_group[axis] = size[axis];
        thread->full_threads_in_group[axis] = dispatch->group_threads[axis];
        thread->groups_in_grid[axis] = sim_groups_along(dispatch, axis);
        thread->threads_in_grid[axis] = dispatch->grid_threads[axis];
    }
    thread->thread_index_in_group = index;
    thread->lane = index % SIM_LANES;
    thread->subgroup_in_group = index / SIM_LANES;
    thread->subgroups_in_group = (group->threads + SIM_LANES - 1) / SIM_LANES;
    thread->buffers = group->buffers;
    thread->group_memory = group->slot_addresses;
}

static void reset(sim_group *group)
{
    uint32_t subgroups = (group->threads + SIM_LANES - 1) / SIM_LANES;
    group->head = group->tail = 0;
    group->ended = group->at_barrier = 0;
    group->failed = false;
    note_progress(group);
    for (uint32_t i = 0; i < subgroups; i++) {
        subgroup *s = &group->subgroups[i];
        uint32_t rest = group->threads - i * SIM_LANES;
        s->live = rest < SIM_LANES ? rest : SIM_LANES;
        s->arrived = 0;
        s->present[0] = s->present[1] = 0;
    }
}

static bool set_up(sim_group *group, const sim_dispatch *dispatch, uint64_t number)
{
    uint32_t size[3];
    uint64_t rest = number;
    group->dispatch = dispatch;
    group->threads = 1;
    for (int axis = 0; axis < 3; axis++) {
        uint32_t groups = sim_groups_along(dispatch, axis);
        group->position[axis] = (uint32_t)(rest % groups);
        rest /= groups;
        uint32_t left =
            dispatch->grid_threads[axis] - group->position[axis] * dispatch->group_threads[axis];
        size[axis] = left < dispatch->group_threads[axis] ? left : dispatch->group_threads[axis];
        group->threads *= size[axis];
    }
    reset(group);
    group->memory_bytes = 0;
    if (!sim_group_memory_open(&group->tokens, TOKENS)) return false;
    for (int slot = 0; slot < SIM_SLOTS; slot++) {
        group->buffers[slot] = dispatch->buffers[slot].address;
        uint32_t bytes = dispatch->group_memory_bytes[slot];
        if (bytes != 0 && !sim_group_memory_open(&group->slots[slot], bytes)) return false;
        group->slot_addresses[slot] = group->slots[slot].address;
        group->memory_bytes += bytes;
    }
    if (!ensure_members(group, group->threads + SPARE_FIBERS)) return false;
    for (uint32_t i = 0; i < group->threads; i++) {
        /* Threads change fibers from group to group: ThreadSanitizer then sees races between the
         * same thread of two groups, be they of one dispatch or of two. */
        member *m = group->members[(i + group->begun * 37) % (group->threads + SPARE_FIBERS)];
        m->state = STATE_READY;
        group->by_thread[i] = m;
        place_thread(group, &m->thread, i, size);
        push(group, m);
    }
    group->begun++;
    return true;
}

static void check_and_close(sim_group *group, sim_group_memory *memory, const char *what, int index)
{
    if (!sim_group_memory_intact(memory))
        note(group, group->dispatch->kernel->line,
             "the kernel wrote behind the %zu bytes of group memory %s %d", memory->bytes, what,
             index);
    sim_group_memory_close(memory);
}

size_t sim_group_memory_bytes(const sim_group *group)
{
    return group->memory_bytes;
}

bool sim_group_run(sim_group *group, const sim_dispatch *dispatch, uint64_t number, uint64_t random,
                   char *message, uint64_t *switches)
{
    group->switches = 0;
    group->random = random;
    sim_fiber_adopt(&group->worker);
    if (!set_up(group, dispatch, number)) {
        note(group, dispatch->kernel->line, "no memory for %u threads", group->threads);
    } else {
        running = group;
        SIM_RELEASE(&sim_token_start); /* acquired by each thread; none between groups */
        member *first = pop(group);
        group->current = first;
        sim_fiber_switch(&group->worker, &first->fiber);
        if (group->ended != group->threads) {
            if (!group->failed) explain_deadlock(group);
            for (uint32_t i = 0; i < group->member_count; i++)
                sim_fiber_restart(&group->members[i]->fiber, i, fiber_body);
        }
        running = NULL;
    }
    sim_group_memory_close(&group->tokens);
    for (int i = 0; i < SIM_SLOTS; i++)
        check_and_close(group, &group->slots[i], "slot", i);
    for (int i = 0; i < SIM_GROUP_VARIABLES; i++)
        check_and_close(group, &group->variables[i], "variable", i);
    if (group->failed) memcpy(message, group->message, sizeof group->message);
    *switches += group->switches;
    return !group->failed;
}

sim_group *sim_group_create(void)
{
    sim_group *group = aligned_alloc(64, (sizeof *group + 63) & ~(size_t)63);
    if (group != NULL) memset(group, 0, sizeof *group);
    return group;
}

void sim_group_free(sim_group *group)
{
    if (group == NULL) return;
    for (uint32_t i = 0; i < group->member_count; i++) {
        sim_fiber_destroy(&group->members[i]->fiber);
        free(group->members[i]);
    }
    free(group);
}

size_t sim_group_describe(char *text, size_t bytes, const void *address)
{
    const sim_group *group = group_here();
    if (group == NULL || group->current == NULL) return 0;
    int used = snprintf(text, bytes, "kernel %s, group (%u, %u, %u), thread %u: bad address %p",
                        group->dispatch->kernel->name, group->position[0], group->position[1],
                        group->position[2], group->current->thread.thread_index_in_group, address);
    intptr_t nearest = INTPTR_MAX;
    int slot = -1;
    for (int i = 0; i < SIM_SLOTS; i++) {
        const sim_buffer *buffer = &group->dispatch->buffers[i];
        intptr_t behind = (intptr_t)address - ((intptr_t)buffer->address + (intptr_t)buffer->bytes);
        if (buffer->address != NULL && behind >= 0 && behind < nearest) {
            nearest = behind;
            slot = i;
        }
    }
    if (slot >= 0 && nearest < (1 << 20) && used > 0 && (size_t)used < bytes)
        used += snprintf(text + used, bytes - (size_t)used, ", %jd bytes behind buffer slot %d",
                         (intmax_t)nearest, slot);
    return used < 0 ? 0 : (size_t)used < bytes ? (size_t)used : bytes - 1;
}
