/* A word before the process dies of a bad address. See fault.h. */
#include "fault.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "group.h"

#if defined(SIM_ASAN) || defined(SIM_TSAN)

void sim_fault_watch(void)
{
}

#else

enum { STACK_BYTES = 64 << 10 };
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Returning with the default action restored lets the access fault again and end the process. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    char text[400] = "metalsim: ";
    size_t prefix = strlen(text);
    size_t used = sim_group_describe(text + prefix, sizeof text - prefix - 1, info->si_addr);
    (void)context;
    signal(number, SIG_DFL);
    if (used == 0) return;
    text[prefix + used] = '\n';
    if (write(STDERR_FILENO, text, prefix + used + 1) < 0) return;
}

static void install(void)
{
    const int faults[] = {SIGSEGV, SIGBUS};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct sigaction old,
            action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        sigemptyset(&action.sa_mask);
        if (sigaction(faults[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(faults[i], &action, NULL);
    }
}

void sim_fault_watch(void)
{
    /* A fiber that ran out of its stack has none left for the handler. */
    static _Thread_local unsigned char stack[STACK_BYTES];
    stack_t old, own = {.ss_sp = stack, .ss_size = sizeof stack};
    pthread_once(&once, install);
    if (sigaltstack(NULL, &old) == 0 && (old.ss_flags & SS_DISABLE) != 0) sigaltstack(&own, NULL);
}

#endif
