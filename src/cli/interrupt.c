/* Owns: the SIGINT handler and its flag, the one mutable global of the command: a handler has no
 * other way to say anything. */
#include "cli/interrupt.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t requested;

static void remember(int signal_number)
{
    (void)signal_number;
    requested = 1;
}

void met_interrupt_watch(void)
{
    struct sigaction action, before;

    if (sigaction(SIGINT, NULL, &before) != 0 || before.sa_handler == SIG_IGN) return;
    memset(&action, 0, sizeof action);
    action.sa_handler = remember;
    /* SA_RESETHAND: the second one kills. SA_RESTART: no write is torn by the first. */
    action.sa_flags = (int)SA_RESETHAND | SA_RESTART;
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
}

bool met_interrupt_requested(void)
{
    return requested != 0;
}
