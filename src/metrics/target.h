/* What a path names, opened to be written without a loss of what is someone else's. */
#ifndef MET_METRICS_TARGET_H
#define MET_METRICS_TARGET_H

#include "metallic.h"

/* Open `path` for an export. A file is made where there is none. One that is there is emptied when
 * it is empty anyway or begins with `signature`: an earlier export. A FIFO needs a reader, who is
 * waited for a second; a device and a terminal are taken as they are, and never become the
 * process's controlling terminal. The file is locked against other processes' exports.
 *
 * fd  out: open, -1 on failure.
 * MET_E_ARGUMENT a file with something else in it, which stays as it was, or one that another
 * export writes; MET_E_IO with path and reason. */
met_status met_target_open(const char *path, met_str signature, int *fd, met_error *err);

/* One write() to what met_target_open opened. A pipe's reader who has gone is EPIPE and no signal;
 * one who takes nothing for MET_TARGET_STALL_MS is ETIMEDOUT. Returns bytes written, -1: errno. */
long met_target_write(int fd, const char *data, size_t bytes);

enum { MET_TARGET_STALL_MS = 5000 };

#endif
