/* The front end as a function. See compiler.h. */
#include "compiler.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(SIM_ASAN)
static const char SANITIZER[] = "address";
#elif defined(SIM_TSAN)
static const char SANITIZER[] = "thread";
#else
static const char SANITIZER[] = "none";
#endif
enum { ARGUMENTS = 128 };

static bool complain(char *message, size_t bytes, const char *subject, const char *text)
{
    snprintf(message, bytes, "%s: %s", subject, text);
    return false;
}

/* ---- The name of a compiled source ----------------------------------------------------------- */

/* Two hashes with different starts (FNV-1a): 128 bits, against accidents. */
typedef struct hash {
    uint64_t low, high;
} hash;

static void add_bytes(hash *h, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < bytes; i++) {
        h->low = (h->low ^ at[i]) * 1099511628211u;
        h->high = (h->high ^ at[i] ^ (h->low >> 32)) * 1099511628211u;
    }
}

static void add_text(hash *h, const char *text)
{
    add_bytes(h, text, strlen(text) + 1);
}

static bool add_file(hash *h, const char *path)
{
    char block[8192];
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
        add_bytes(h, block, got);
    bool ok = !ferror(file);
    fclose(file);
    return ok;
}

/* Every file below a folder, in the order of their names. */
static bool add_folder(hash *h, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    bool ok = count >= 0;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char path[PATH_MAX];
        struct stat info;
        snprintf(path, sizeof path, "%s/%s", folder, name);
        bool wanted = name[0] != '.' && strcmp(name, "__pycache__") != 0;
        if (ok && wanted && stat(path, &info) == 0) {
            add_text(h, name);
            ok = S_ISDIR(info.st_mode) ? add_folder(h, path) : add_file(h, path);
        }
        free(entries[i]);
    }
    free(entries);
    return ok;
}

static bool name_of(const sim_library_options *o, char *text, size_t bytes)
{
    hash h = {14695981039346656037u, 0x6c62272e07bb0142u};
    const bool switches[] = {o->fast_math, o->count_bytes, o->no_check};
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/../kernel_abi.h", o->compiler);
    add_text(&h, o->source);
    add_text(&h, o->source_name != NULL ? o->source_name : "");
    add_text(&h, SANITIZER);
    for (size_t i = 0; i < o->flag_count; i++)
        add_text(&h, o->flags[i]);
    add_bytes(&h, switches, sizeof switches);
    if (!add_file(&h, path) || !add_folder(&h, o->compiler)) return false;
    snprintf(text, bytes, "%016jx%016jx", (uintmax_t)h.high, (uintmax_t)h.low);
    return true;
}

/* ---- The child ------------------------------------------------------------------------------- */

/* Run it; its output goes into `message`, cut where that ends. */
static bool run_child(char *const *command, char *message, size_t bytes)
{
    posix_spawn_file_actions_t actions;
    int ends[2], status = -1;
    size_t used = 0;
    pid_t child = -1;

    if (pipe2(ends, O_CLOEXEC) != 0) return complain(message, bytes, command[0], strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    int error = posix_spawnp(&child, command[0], &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    for (;;) {
        char block[1024];
        ssize_t got = error == 0 ? read(ends[0], block, sizeof block) : 0;
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        for (ssize_t i = 0; i < got && used + 1 < bytes; i++)
            message[used++] = block[i];
    }
    close(ends[0]);
    message[used] = '\0';
    if (error != 0) return complain(message, bytes, command[0], strerror(error));
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    if (used == 0) complain(message, bytes, command[0], "the front end failed without a word");
    return false;
}

static bool compile(const sim_library_options *o, const char *source, const char *target,
                    char *message, size_t bytes)
{
    char prefix[PATH_MAX + 32];
    const char *command[ARGUMENTS];
    int n = 0;
    const char *mode = o->count_bytes && strcmp(SANITIZER, "none") == 0 ? "count" : SANITIZER;
    snprintf(prefix, sizeof prefix, "pycache_prefix=%s/python", o->cache_folder);
    const char *fixed[] = {
        "python3",   "-E",   "-X",     prefix,
        o->compiler, source, "-o",     target,
        "--mode",    mode,   "--name", o->source_name != NULL ? o->source_name : "program_source"};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        command[n++] = fixed[i];
    if (o->fast_math) command[n++] = "--fast-math";
    if (o->no_check) command[n++] = "--no-check";
    for (size_t i = 0; i < o->flag_count && n < ARGUMENTS - 1; i++)
        command[n++] = o->flags[i];
    command[n] = NULL;
    return run_child((char *const *)command, message, bytes);
}

static bool write_source(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) return false;
    bool ok = fputs(text, file) >= 0;
    return fclose(file) == 0 && ok;
}

bool sim_compiler_run(const sim_library_options *options, bool again, char *path, size_t path_bytes,
                      char *message, size_t message_bytes)
{
    char name[40], part[PATH_MAX], source[PATH_MAX];
    const char *folder = options->cache_folder;

    message[0] = '\0';
    if (!name_of(options, name, sizeof name))
        return complain(message, message_bytes, options->compiler, "no front end there");
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return complain(message, message_bytes, folder, strerror(errno));
    snprintf(path, path_bytes, "%s/%s.so", folder, name);
    if (!again && access(path, R_OK) == 0) return true;
    /* Two processes may compile the same: each writes files of its own, the last rename stays. */
    snprintf(source, sizeof source, "%s/%s.%ld.metal", folder, name, (long)getpid());
    snprintf(part, sizeof part, "%s/%s.%ld.so", folder, name, (long)getpid());
    bool ok = write_source(source, options->source) ||
              complain(message, message_bytes, source, strerror(errno));
    ok = ok && compile(options, source, part, message, message_bytes);
    ok = ok && (rename(part, path) == 0 || complain(message, message_bytes, path, strerror(errno)));
    unlink(source);
    if (!ok) unlink(part);
    return ok;
}
