/* Owns: the SIGBUS handler and its words, a mutable global because a handler has no other way to
 * know anything. Does not own what a terminal needs: the interface's own handler stands before it.
 * The invariant: the words are whole before the handler is set, and only functions that POSIX lets
 * a handler call are used in it. */
#include "cli/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#define WHY "a file in use cannot be read any more: it was truncated, or its disk failed"

/* What says that a page could not be brought in. macOS on ARM says it of every SIGBUS, also of one
 * that somebody sent. */
#if defined(__APPLE__) && defined(__aarch64__)
#define UNREADABLE BUS_ADRALN
#else
#define UNREADABLE BUS_ADRERR
#endif

static struct {
    char document[256];
    size_t document_bytes;
    char line[128];
    size_t line_bytes;
    atomic_flag told;
    _Atomic(const char *) unfinished; /* file to remove */
} words = {.told = ATOMIC_FLAG_INIT};

static void fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code != UNREADABLE) { /* sent by somebody, or a mistake of ours */
        (void)signal(number, SIG_DFL);
        (void)raise(number);
        return;
    }
    if (atomic_flag_test_and_set(&words.told)) { /* all workers meet the same page */
        for (;;) (void)pause();
    }
    (void)!write(STDOUT_FILENO, words.document, words.document_bytes);
    (void)!write(STDERR_FILENO, words.line, words.line_bytes);
    const char *unfinished = atomic_load(&words.unfinished);
    if (unfinished != NULL) (void)unlink(unfinished);
    _exit(MET_EXIT_FAILED);
}

void met_fault_removes(const char *path)
{
    atomic_store(&words.unfinished, path);
}

void met_fault_watch(met_json_failure form, bool progress)
{
    struct sigaction action;

    if (form.schema != NULL) {
        int bytes = snprintf(words.document, sizeof words.document,
                             "{\"schema\":\"%s\",%s\"error\":{\"code\":\"%s\",\"text\":\"%s\"}}\n",
                             form.schema, form.event ? "\"event\":\"error\"," : "",
                             met_status_name(MET_E_IO), WHY);
        words.document_bytes = (size_t)bytes;
    }
    words.line_bytes = (size_t)snprintf(words.line, sizeof words.line, "%smetallic: %s\n",
                                        progress ? "\r\033[K" : "", WHY);
    memset(&action, 0, sizeof action);
    action.sa_sigaction = fault;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGBUS, &action, NULL);
}
