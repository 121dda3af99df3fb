/* Fibers: stacks and the switch between them.
 *
 * Owns: a fiber's stack, its registers while it does not run, and what the sanitizers must be told.
 * Does not own: who runs next (group.c). Invariant: the stack is SIM_STACK_BYTES above a page that
 * cannot be touched, so recursion without end faults instead of writing into a neighbour.
 */
#ifndef METALSIM_FIBER_H
#define METALSIM_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sim_fiber {
    void *stack_pointer; /* while it does not run */
    unsigned char *stack;
    size_t stack_bytes;
    void *tsan;       /* ThreadSanitizer's name of this fiber */
    void *fake_stack; /* AddressSanitizer's, while it does not run */
} sim_fiber;

/* A fiber that will run `body`, which never returns. `number` shifts the stack a little: fibers
 * whose frames begin at the same place of a page compete for the same cache lines. */
bool sim_fiber_create(sim_fiber *fiber, uint32_t number, void (*body)(void));
/* Forget what it was doing: it will run `body` from the start. */
void sim_fiber_restart(sim_fiber *fiber, uint32_t number, void (*body)(void));
void sim_fiber_destroy(sim_fiber *fiber); /* accepts a zeroed one */
/* The calling thread, as something to switch back to. */
void sim_fiber_adopt(sim_fiber *fiber);
/* The first thing that a fiber's body does. */
void sim_fiber_entered(sim_fiber *fiber);
void sim_fiber_switch(sim_fiber *from, sim_fiber *to);

/* Happens-before edges for ThreadSanitizer; nothing in other modes. A switch makes none. */
#ifdef SIM_TSAN
void __tsan_acquire(void *token);
void __tsan_release(void *token);
void __tsan_ignore_thread_begin(void);
void __tsan_ignore_thread_end(void);
#define SIM_ACQUIRE(token) __tsan_acquire(token)
#define SIM_RELEASE(token) __tsan_release(token)
/* Around library functions that it watches, where a fiber uses the executor's own memory. */
#define SIM_UNWATCHED_BEGIN() __tsan_ignore_thread_begin()
#define SIM_UNWATCHED_END() __tsan_ignore_thread_end()
#else
#define SIM_ACQUIRE(token) ((void)(token))
#define SIM_RELEASE(token) ((void)(token))
#define SIM_UNWATCHED_BEGIN() ((void)0)
#define SIM_UNWATCHED_END() ((void)0)
#endif

#endif
