/* Fibers: stacks and the switch between them. See fiber.h.
 *
 * The switch saves what a called function must keep and nothing else: 8 registers on x86-64, 20 on
 * 64-bit ARM. Other processors (and SIM_UCONTEXT, for its test) use ucontext, which also saves the
 * signal mask and is slower.
 */
#include "fiber.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if !defined(__x86_64__) && !defined(__aarch64__) && !defined(SIM_UCONTEXT)
#define SIM_UCONTEXT
#endif
#ifdef SIM_UCONTEXT
#include <ucontext.h>
#endif

#ifdef SIM_TSAN
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void *__tsan_get_current_fiber(void);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
enum { TSAN_NO_SYNC = 1 }; /* a missing barrier stays visible */
#endif
#ifdef SIM_ASAN
void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t bytes);
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom, size_t *bytes);
void __asan_unpoison_memory_region(const volatile void *address, size_t bytes);
enum { STACK_BYTES = 512 << 10 }; /* frames carry red zones */
#else
enum { STACK_BYTES = 128 << 10 };
#endif
enum { GUARD_BYTES = 64 << 10 }; /* the largest page of any machine this runs on */

#if defined(SIM_UCONTEXT)
/* The context lies at the top of the stack; stack_pointer points to it. */
static void sim_switch_registers(void **save, void *load)
{
    ucontext_t here;
    *save = &here;
    swapcontext(&here, load);
}

static void *prepare(unsigned char *top, void (*body)(void))
{
    enum { ROOM = (sizeof(ucontext_t) + 127) / 64 * 64, SHIFTS = 32 * 128 };
    ucontext_t *context = (ucontext_t *)(void *)(top - ROOM);
    getcontext(context);
    context->uc_stack.ss_sp = top - (STACK_BYTES - SHIFTS);
    context->uc_stack.ss_size = STACK_BYTES - SHIFTS - ROOM;
    context->uc_link = NULL;
    makecontext(context, body, 0);
    return context;
}
#elif defined(__x86_64__)
void sim_switch_registers(void **save, void *load);
__asm__(".text\n.globl sim_switch_registers\n.hidden sim_switch_registers\n"
        ".type sim_switch_registers,@function\nsim_switch_registers:\n"
        "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
        "  mov %rsp, (%rdi)\n  mov %rsi, %rsp\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n  ret\n"
        ".size sim_switch_registers, .-sim_switch_registers\n");

static void *prepare(unsigned char *top, void (*body)(void))
{
    void **sp = (void **)(void *)top;
    *--sp = NULL; /* where body would return to; keeps the alignment of a called function */
    *--sp = (void *)(uintptr_t)body;
    for (int i = 0; i < 6; i++)
        *--sp = NULL;
    return sp;
}
#elif defined(__aarch64__)
void sim_switch_registers(void **save, void *load);
__asm__(".text\n.globl sim_switch_registers\n.hidden sim_switch_registers\n"
        ".type sim_switch_registers,%function\nsim_switch_registers:\n"
        "  sub sp, sp, #160\n"
        "  stp x19, x20, [sp]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n"
        "  stp x25, x26, [sp, #48]\n  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n"
        "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n"
        "  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
        "  mov x9, sp\n  str x9, [x0]\n  mov sp, x1\n"
        "  ldp x19, x20, [sp]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n"
        "  ldp x25, x26, [sp, #48]\n  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n"
        "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n"
        "  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
        "  add sp, sp, #160\n  ret\n"
        ".size sim_switch_registers, .-sim_switch_registers\n");

static void *prepare(unsigned char *top, void (*body)(void))
{
    uint64_t *sp = (uint64_t *)(void *)(top - 160);
    memset(sp, 0, 160);
    sp[11] = (uint64_t)(uintptr_t)body; /* x30: the switch returns into it */
    return sp;
}
#endif

static void *first_frame(sim_fiber *fiber, uint32_t number, void (*body)(void))
{
    size_t shift = (size_t)(number * 5 % 32) * 128; /* at most SHIFTS above */
    return prepare(fiber->stack + fiber->stack_bytes - shift, body);
}

bool sim_fiber_create(sim_fiber *fiber, uint32_t number, void (*body)(void))
{
    memset(fiber, 0, sizeof *fiber);
    unsigned char *map = mmap(NULL, STACK_BYTES + GUARD_BYTES, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) return false;
    if (mprotect(map, GUARD_BYTES, PROT_NONE) != 0) {
        munmap(map, STACK_BYTES + GUARD_BYTES);
        return false;
    }
    fiber->stack = map + GUARD_BYTES;
    fiber->stack_bytes = STACK_BYTES;
    fiber->stack_pointer = first_frame(fiber, number, body);
#ifdef SIM_TSAN
    fiber->tsan = __tsan_create_fiber(0);
#endif
    return true;
}

void sim_fiber_restart(sim_fiber *fiber, uint32_t number, void (*body)(void))
{
#ifdef SIM_TSAN
    /* What an abandoned kernel did comes before whatever happens next: there and back with
     * synchronisation. Its record of called functions goes with the old name. */
    void *here = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->tsan, 0);
    __tsan_switch_to_fiber(here, 0);
    __tsan_destroy_fiber(fiber->tsan);
    fiber->tsan = __tsan_create_fiber(0);
#endif
#ifdef SIM_ASAN
    __asan_unpoison_memory_region(fiber->stack, fiber->stack_bytes);
#endif
    fiber->fake_stack = NULL;
    fiber->stack_pointer = first_frame(fiber, number, body);
}

void sim_fiber_destroy(sim_fiber *fiber)
{
    if (fiber->stack == NULL) return;
#ifdef SIM_TSAN
    __tsan_destroy_fiber(fiber->tsan);
#endif
#ifdef SIM_ASAN
    __asan_unpoison_memory_region(fiber->stack, fiber->stack_bytes);
#endif
    munmap(fiber->stack - GUARD_BYTES, fiber->stack_bytes + GUARD_BYTES);
    fiber->stack = NULL;
}

void sim_fiber_adopt(sim_fiber *fiber)
{
    memset(fiber, 0, sizeof *fiber);
#ifdef SIM_TSAN
    fiber->tsan = __tsan_get_current_fiber();
#endif
#ifdef SIM_ASAN                       /* it wants to know the stack that is switched to */
    static _Thread_local void *stack; /* asked for once: it reads /proc/self/maps */
    static _Thread_local size_t stack_bytes;
    pthread_attr_t attributes;
    if (stack == NULL && pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &stack, &stack_bytes);
        pthread_attr_destroy(&attributes);
    }
    fiber->stack = stack;
    fiber->stack_bytes = stack_bytes;
#endif
}

void sim_fiber_entered(sim_fiber *fiber)
{
#ifdef SIM_ASAN
    __sanitizer_finish_switch_fiber(fiber->fake_stack, NULL, NULL);
#else
    (void)fiber;
#endif
}

void sim_fiber_switch(sim_fiber *from, sim_fiber *to)
{
#ifdef SIM_TSAN
    __tsan_switch_to_fiber(to->tsan, TSAN_NO_SYNC);
#endif
#ifdef SIM_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->stack_bytes);
#endif
    sim_switch_registers(&from->stack_pointer, to->stack_pointer);
#ifdef SIM_ASAN
    __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}
