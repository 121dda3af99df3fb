/* A word before the process dies of a bad address: which kernel, which thread, near which buffer.
 *
 * Owns: the handlers of SIGSEGV and SIGBUS while nobody else has one. Does not recover.
 */
#ifndef METALSIM_FAULT_H
#define METALSIM_FAULT_H

/* For the process, once, and for the calling thread; cheap when called again. Under a sanitizer it
 * does nothing: that says more. */
void sim_fault_watch(void);

#endif
