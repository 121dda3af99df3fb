/* Owns: which files an export may be written to, and writing that ends. Does not own what is
 * written. The invariant: no byte of a file that no export wrote is lost, and a reader who
 * takes nothing holds the writer up for a bounded time: measuring never stops what is measured. */
#include "metrics/target.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIGNATURE_MOST_BYTES = 128, READER_WAIT_MS = 1000, READER_STEP_MS = 10 };

/* ---------------------------------------------------------------- opening */

static bool is_fifo(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISFIFO(info.st_mode);
}

/* Without O_TRUNC: what is there is looked at first. Without waiting: a FIFO would be waited for as
 * long as nobody reads it. Its reader may just be starting, "jq . fifo &". */
static int open_patiently(const char *path)
{
    const struct timespec step = {.tv_nsec = READER_STEP_MS * 1000000L};
    int flags = O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = open(path, flags, 0666);

    for (int waited_ms = 0; fd < 0 && errno == ENXIO && waited_ms < READER_WAIT_MS;
         waited_ms += READER_STEP_MS) {
        if (!is_fifo(path)) {
            errno = ENXIO;
            break;
        }
        (void)nanosleep(&step, NULL);
        fd = open(path, flags, 0666);
    }
    return fd;
}

/* Whether the file begins so. It is opened again: the other descriptor only writes. */
static bool begins_with(const char *path, const struct stat *info, met_str signature)
{
    char found[SIGNATURE_MOST_BYTES];
    struct stat mine;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0) return false; /* not to be read: not known to be ours */
    bool same = fstat(fd, &mine) == 0 && mine.st_dev == info->st_dev && mine.st_ino == info->st_ino;
    ssize_t bytes = same ? pread(fd, found, signature.bytes, 0) : -1;
    close(fd);
    return bytes == (ssize_t)signature.bytes && memcmp(found, signature.data, signature.bytes) == 0;
}

/* Take a regular file: ours alone, and empty. */
static met_status take_file(const char *path, int fd, met_str signature, met_error *err)
{
    struct stat info;

    /* File systems without locks have none to be refused by. Before the look at the size: another
     * export may be at its first line. */
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return met_fail(err, MET_E_ARGUMENT,
                        "%s: found a file that is being written to, expected "
                        "one of its own for each process",
                        path);
    }
    if (fstat(fd, &info) != 0) return met_fail(err, MET_E_IO, "%s: %s", path, strerror(errno));
    if (info.st_size > 0 && !begins_with(path, &info, signature)) {
        return met_fail(err, MET_E_ARGUMENT,
                        "%s: found a file that is no earlier export of this "
                        "format, expected a new name; it is left as it is",
                        path);
    }
    if (ftruncate(fd, 0) != 0) return met_fail(err, MET_E_IO, "%s: %s", path, strerror(errno));
    return MET_OK;
}

met_status met_target_open(const char *path, met_str signature, int *out, met_error *err)
{
    met_status status = MET_OK;
    struct stat info;

    *out = -1;
    int fd = open_patiently(path);
    if (fd < 0 && errno == ENXIO && is_fifo(path)) {
        return met_fail(err, MET_E_IO, "%s: found a FIFO that nobody reads", path);
    }
    if (fd < 0 || fstat(fd, &info) != 0) {
        status = met_fail(err, MET_E_IO, "%s: %s", path, strerror(errno));
        goto done;
    }
    if (S_ISREG(info.st_mode)) status = take_file(path, fd, signature, err);
    if (status != MET_OK) goto done;
    /* Files and disks know no other way. What may hold a writer up stays as it is, terminals too:
     * one that has room for a byte may have none for the next. */
    if (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode)) {
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    }
#ifdef F_SETNOSIGPIPE /* macOS, where another thread might take the signal */
    (void)fcntl(fd, F_SETNOSIGPIPE, 1);
#endif
    *out = fd;
    fd = -1; /* moved to the caller */
done:
    if (fd >= 0) close(fd);
    return status;
}

/* ---------------------------------------------------------------- writing */

/* SIGPIPE would end a program that never heard of this pipe: it is kept from this thread, and taken
 * away when the write brought it. */
static ssize_t write_quietly(int fd, const char *data, size_t bytes)
{
    sigset_t pipe_alone, before, pending;

    sigemptyset(&pipe_alone);
    sigaddset(&pipe_alone, SIGPIPE);
    sigemptyset(&pending);
    (void)sigpending(&pending);
    bool waited = sigismember(&pending, SIGPIPE) == 1; /* another's, who will want it */
    (void)pthread_sigmask(SIG_BLOCK, &pipe_alone, &before);
    ssize_t written = write(fd, data, bytes);
    int why = errno;
    if (written < 0 && why == EPIPE && !waited) {
        int number;
        sigemptyset(&pending);
        (void)sigpending(&pending); /* not there when it is ignored */
        if (sigismember(&pending, SIGPIPE) == 1) (void)sigwait(&pipe_alone, &number);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return written;
}

long met_target_write(int fd, const char *data, size_t bytes)
{
    const struct timespec step = {.tv_nsec = READER_STEP_MS * 1000000L};
    const uint64_t deadline_ns = met_clock_ns() + MET_TARGET_STALL_MS * 1000000ull;
    struct stat info;

    if (fstat(fd, &info) != 0) return -1;
    if (S_ISREG(info.st_mode)) return (long)write(fd, data, bytes);
    for (;;) {
        struct pollfd room = {.fd = fd, .events = POLLOUT};
        uint64_t now_ns = met_clock_ns();
        int left_ms = now_ns < deadline_ns ? (int)((deadline_ns - now_ns) / 1000000) : 0;
        int ready = poll(&room, 1, left_ms);
        if (ready == 0) errno = ETIMEDOUT;
        if (ready == 0 || (ready < 0 && errno != EINTR)) return -1;
        if (ready < 0) continue;
        /* A pipe that is writable has room for so many bytes, also when its writes may wait. */
        ssize_t written = write_quietly(fd, data, bytes < PIPE_BUF ? bytes : PIPE_BUF);
        if (written >= 0 || (errno != EINTR && errno != EAGAIN)) return (long)written;
        (void)nanosleep(&step, NULL); /* poll() did not know better */
    }
}
