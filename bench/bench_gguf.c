/* What opening a file costs, and making one, through the public header. Bytes are those of the
 * whole file when it is made, and of the keys when there are a million of them in memory.
 *
 *   bench_gguf [OPTION]...         a synthetic qwen2.5-0.5b in Q8_0 (530 MB in TMPDIR or /tmp,
 *                                  removed after; with --quick a tiny one)
 *   bench_gguf [OPTION]... FILE    opens FILE */
#include "harness.h"

#include "metallic.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEYS = 1000000, KEYS_QUICK = 1000, KEY_BYTES = 8 + 16 + 4 + 4 };

typedef struct gguf_job {
    const char *path;
    const char *shape; /* of the model that is made */
    bool made;         /* path is ours to remove */
    const uint8_t *keys;
    size_t key_bytes;
    met_status status;
    met_error err;
} gguf_job;

/* Ask the system to forget the file, as after a start of the machine. */
static void drop_cache(void *arg)
{
    const gguf_job *job = arg;
    int fd = open(job->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
#if defined(POSIX_FADV_DONTNEED)
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
#endif
    close(fd);
}

static void run_open(void *arg, int32_t worker, int32_t workers)
{
    (void)worker, (void)workers;
    gguf_job *job = arg;
    met_file *file = NULL;
    met_status status = met_file_open(job->path, &file, &job->err);
    if (status != MET_OK) job->status = status;
    met_file_close(file);
}

static void run_synth(void *arg, int32_t worker, int32_t workers)
{
    (void)worker, (void)workers;
    gguf_job *job = arg;
    met_synth_options options = {job->shape, "q8_0", 1, NULL};
    met_status status = met_synth(&options, job->path, NULL, NULL, &job->err);
    if (status != MET_OK) job->status = status;
}

static void run_keys(void *arg, int32_t worker, int32_t workers)
{
    (void)worker, (void)workers;
    gguf_job *job = arg;
    met_file *file = NULL;
    met_status status = met_file_open_memory(job->keys, job->key_bytes, "keys", &file, &job->err);
    if (status != MET_OK) job->status = status;
    met_file_close(file);
}

/* The end of the program when a call failed; no file is left behind. */
static void check(const bench *b, const gguf_job *job)
{
    if (job->status == MET_OK) return;
    if (job->made) (void)unlink(job->path);
    bench_fail(b, job->err.text);
}

static void measure(bench *b, gguf_job *job, bench_case what)
{
    what.arg = job;
    what.waits = true;
    bench_measure(b, NULL, &what);
    check(b, job);
}

static void bench_open(bench *b, const char *path, bool made)
{
    gguf_job job = {.path = path, .made = made};
    measure(b, &job,
            (bench_case){
                .name = "open, not cached", .run = run_open, .prepare = drop_cache, .calls = 3});
    measure(b, &job, (bench_case){.name = "open, cached", .run = run_open});
}

/* Make a model, and leave it at `path`. */
static void bench_synth(bench *b, const char *path)
{
    met_file *file = NULL;
    gguf_job job = {.path = path, .shape = b->quick ? "tiny" : "qwen2.5-0.5b", .made = true};
    char name[64];
    (void)snprintf(name, sizeof name, "synth %s q8_0", job.shape);
    run_synth(&job, 0, 1);
    check(b, &job);
    job.status = met_file_open(path, &file, &job.err);
    check(b, &job);
    double bytes = (double)met_file_describe(file).file_bytes;
    met_file_close(file);
    measure(b, &job, (bench_case){.name = name, .run = run_synth, .bytes = bytes, .calls = 1});
}

/* Names in a scattered order, so that sorting them is real work. */
static void bench_keys(bench *b)
{
    uint64_t keys = b->quick ? KEYS_QUICK : KEYS;
    gguf_job job = {.key_bytes = 24 + (size_t)keys * KEY_BYTES};
    uint8_t *data = bench_memory(b, job.key_bytes);
    const uint64_t counts[2] = {0, keys};
    memcpy(data, "GGUF\3\0\0\0", 8);
    memcpy(data + 8, counts, sizeof counts);
    for (uint64_t i = 0; i < keys; i++) {
        uint8_t *key = data + 24 + i * KEY_BYTES;
        char name[17];
        uint64_t name_bytes = 16;
        uint32_t type = 4; /* u32 */
        (void)snprintf(name, sizeof name, "%016llx", (unsigned long long)(i * 0x9e3779b97f4a7c15u));
        memcpy(key, &name_bytes, 8);
        memcpy(key + 8, name, 16);
        memcpy(key + 24, &type, 4);
    }
    job.keys = data;
    char name[64];
    (void)snprintf(name, sizeof name, "open, %llu keys in memory", (unsigned long long)keys);
    measure(
        b, &job,
        (bench_case){.name = name, .run = run_keys, .bytes = (double)job.key_bytes, .calls = 3});
}

static void bench_made_file(bench *b)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/bench-gguf-%ld.gguf", folder == NULL ? "/tmp" : folder,
                   (long)getpid());
    bench_synth(b, path);
    bench_open(b, path, true);
    (void)unlink(path);
}

int main(int argc, char **argv)
{
    bench b;
    bench_begin(&b, "gguf", "[MODEL.gguf]", argc, argv);
    if (b.operand_count > 0)
        bench_open(&b, b.operands[0], false);
    else
        bench_made_file(&b);
    bench_keys(&b);
    return bench_end(&b);
}
