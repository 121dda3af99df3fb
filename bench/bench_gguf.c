/* What opening a file costs, and making one.
 *
 *   bench_gguf         a synthetic qwen2.5-0.5b in Q8_0 (530 MB in TMPDIR or /tmp, removed after)
 *                      and a million keys in memory
 *   bench_gguf FILE    opens FILE */
#include "metallic.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 21, KEYS = 1000000, KEY_BYTES = 8 + 16 + 4 + 4 };

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int compare_seconds(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static bool fail(const met_error *err)
{
    fprintf(stderr, "bench_gguf: %s\n", err->text);
    return false;
}

static bool open_once(const char *path, double *seconds)
{
    met_error err;
    met_file *file = NULL;
    double start = seconds_now();
    if (met_file_open(path, &file, &err) != MET_OK) return fail(&err);
    *seconds = seconds_now() - start;
    met_file_close(file);
    return true;
}

/* Ask the system to forget the file, as after a start of the machine. */
static void drop_cache(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
#if defined(POSIX_FADV_DONTNEED)
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
#endif
    close(fd);
}

static bool bench_open(const char *path)
{
    double warm[ROUNDS], cold = 0;
    drop_cache(path);
    if (!open_once(path, &cold)) return false;
    for (int i = 0; i < ROUNDS; i++) {
        if (!open_once(path, &warm[i])) return false;
    }
    qsort(warm, ROUNDS, sizeof warm[0], compare_seconds);
    printf("open, not cached    %8.3f ms\n", cold * 1e3);
    printf("open, cached        %8.3f ms (median of %d)\n", warm[ROUNDS / 2] * 1e3, ROUNDS);
    return true;
}

static bool bench_synth(const char *path)
{
    met_error err;
    met_file *file = NULL;
    met_synth_options options = {"qwen2.5-0.5b", "q8_0", 1, NULL};
    double start = seconds_now();
    if (met_synth(&options, path, NULL, NULL, &err) != MET_OK) return fail(&err);
    double seconds = seconds_now() - start;
    if (met_file_open(path, &file, &err) != MET_OK) return fail(&err);
    double megabytes = (double)met_file_describe(file).file_bytes * 1e-6;
    met_file_close(file);
    printf("synth               %8.0f MB/s (%.0f MB)\n", megabytes / seconds, megabytes);
    return true;
}

/* Names in a scattered order, so that sorting them is real work. */
static bool bench_keys(void)
{
    size_t bytes = 24 + (size_t)KEYS * KEY_BYTES;
    uint8_t *data = calloc(1, bytes);
    met_file *file = NULL;
    met_error err;
    if (data == NULL) return false;
    const uint64_t counts[2] = {0, KEYS};
    memcpy(data, "GGUF\3\0\0\0", 8);
    memcpy(data + 8, counts, sizeof counts);
    for (uint64_t i = 0; i < KEYS; i++) {
        uint8_t *key = data + 24 + i * KEY_BYTES;
        char name[17];
        uint64_t name_bytes = 16;
        uint32_t type = 4; /* u32 */
        (void)snprintf(name, sizeof name, "%016llx", (unsigned long long)(i * 0x9e3779b97f4a7c15u));
        memcpy(key, &name_bytes, 8);
        memcpy(key + 8, name, 16);
        memcpy(key + 24, &type, 4);
    }
    double start = seconds_now();
    met_status status = met_file_open_memory(data, bytes, "keys", &file, &err);
    double seconds = seconds_now() - start;
    met_file_close(file);
    free(data);
    if (status != MET_OK) return fail(&err);
    printf("open, %d keys %6.0f ms\n", KEYS, seconds * 1e3);
    return true;
}

int main(int argc, char **argv)
{
    if (argc > 1) return bench_open(argv[1]) ? 0 : 1;
    const char *folder = getenv("TMPDIR");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/bench-gguf-%ld.gguf", folder == NULL ? "/tmp" : folder,
                   (long)getpid());
    bool ok = bench_synth(path) && bench_open(path);
    (void)unlink(path);
    return ok && bench_keys() ? 0 : 1;
}
