/* Runs kernels of one source from the command line, on buffers that are files.
 *
 *   drive --compiler mslc --cache FOLDER --source FILE [-DNAME=VALUE ...] DISPATCH [DISPATCH ...]
 *   DISPATCH: --kernel NAME --grid X,Y,Z --group X,Y,Z [--buffer SLOT=FILE ...]
 *             [--memory SLOT=BYTES ...] [--constant INDEX:TYPE=VALUE ...]
 *   anywhere: --seed N --workers N --repeat N --count --fast-math --no-check --barriers
 *
 * Owns: nothing but the command line; for the executor's tests and for debugging a kernel without
 * an API in between. Dispatches run as concurrent ones unless --barriers. A file named twice is one
 * buffer; its bytes end at a page that cannot be touched, and are written back when all went well.
 * Prints "error: ..." for what the executor found, then one line per counted buffer.
 * Exit status: 0, 1 for an error in a kernel, 2 for anything else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor.h"

enum { MAX_DISPATCHES = 16, MAX_FILES = 32, MAX_CONSTANTS = 32, MAX_FLAGS = 32, TEXT = 16384 };

typedef struct file {
    const char *path;
    sim_buffer buffer;
} file;

typedef struct command {
    const char *kernel;
    sim_dispatch dispatch;
    sim_constant constants[MAX_CONSTANTS];
    size_t constant_count;
} command;

typedef struct plan {
    sim_library_options library;
    const char *source, *flags[MAX_FLAGS];
    sim_executor_options executor;
    long repeat;
    bool barriers;
    command commands[MAX_DISPATCHES];
    size_t count;
    file files[MAX_FILES];
    size_t file_count;
} plan;

__attribute__((noreturn, format(printf, 1, 2))) static void stop(const char *format, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    fputs("drive: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(2);
}

/* The file's bytes, ending at a guard page (at its start when the size is no multiple of 16). */
static sim_buffer map_file(plan *p, const char *path)
{
    for (size_t i = 0; i < p->file_count; i++)
        if (strcmp(p->files[i].path, path) == 0) return p->files[i].buffer;
    if (p->file_count == MAX_FILES) stop("%s: more than %d files", path, MAX_FILES);
    struct stat info;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &info) != 0) stop("%s: %s", path, strerror(errno));
    size_t bytes = (size_t)info.st_size, page = (size_t)sysconf(_SC_PAGESIZE);
    size_t used = (bytes + 15) & ~(size_t)15, pages = (used + page - 1) / page * page;
    unsigned char *map =
        mmap(NULL, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + pages, page, PROT_NONE) != 0) stop("no memory");
    unsigned char *start = map + pages - used;
    if (read(fd, start, bytes) != (ssize_t)bytes) stop("%s: %s", path, strerror(errno));
    close(fd);
    p->files[p->file_count++] = (file){path, {start, bytes}};
    return p->files[p->file_count - 1].buffer;
}

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 22);
    if (f == NULL || text == NULL) stop("%s: %s", path, strerror(errno));
    if (fread(text, 1, (1 << 22) - 1, f) == 0) stop("%s: empty", path);
    fclose(f);
    return text;
}

static int slot_of(const char *text, const char **rest)
{
    char *end;
    long slot = strtol(text, &end, 10);
    if (end == text || *end != '=' || slot < 0 || slot >= SIM_SLOTS) stop("%s: no slot", text);
    *rest = end + 1;
    return (int)slot;
}

static void read_sizes(const char *text, uint32_t sizes[3])
{
    sizes[0] = sizes[1] = sizes[2] = 1;
    if (sscanf(text, "%u,%u,%u", &sizes[0], &sizes[1], &sizes[2]) < 1) stop("%s: no size", text);
}

static sim_constant read_constant(const char *text)
{
    static const char *const types[] = {"bool", "char", "uchar", "short", "ushort", "int",
                                        "uint", "long", "ulong", "half",  "float"};
    sim_constant c = {.type = -1};
    char type[16];
    double value;
    if (sscanf(text, "%d:%15[a-z]=%lf", &c.index, type, &value) != 3) stop("%s: no constant", text);
    for (int i = 0; i <= SIM_TYPE_FLOAT; i++)
        if (strcmp(types[i], type) == 0) c.type = i;
    int64_t whole = (int64_t)value;
    float single = (float)value;
    if (c.type == SIM_TYPE_HALF) stop("%s: half is not for the command line", text);
    memcpy(c.bytes, &whole, sizeof whole);
    if (c.type == SIM_TYPE_FLOAT) memcpy(c.bytes, &single, sizeof single);
    return c;
}

/* Options of one dispatch; false when it is none. */
static bool read_dispatch_option(plan *p, const char *name, const char *value)
{
    command *c = p->count > 0 ? &p->commands[p->count - 1] : NULL;
    const char *rest;
    if (strcmp(name, "--kernel") == 0) {
        if (p->count == MAX_DISPATCHES) stop("more than %d dispatches", MAX_DISPATCHES);
        p->commands[p->count++].kernel = value;
        return true;
    }
    if (c == NULL) return false;
    if (strcmp(name, "--grid") == 0) {
        read_sizes(value, c->dispatch.grid_threads);
    } else if (strcmp(name, "--group") == 0) {
        read_sizes(value, c->dispatch.group_threads);
    } else if (strcmp(name, "--buffer") == 0) {
        int slot = slot_of(value, &rest);
        c->dispatch.buffers[slot] = map_file(p, rest);
    } else if (strcmp(name, "--memory") == 0) {
        int slot = slot_of(value, &rest);
        c->dispatch.group_memory_bytes[slot] = (uint32_t)strtoul(rest, NULL, 10);
    } else if (strcmp(name, "--constant") == 0) {
        if (c->constant_count == MAX_CONSTANTS) stop("more than %d constants", MAX_CONSTANTS);
        c->constants[c->constant_count++] = read_constant(value);
    } else {
        return false;
    }
    return true;
}

static bool read_switch(plan *p, const char *name)
{
    if (strcmp(name, "--count") == 0)
        p->library.count_bytes = true;
    else if (strcmp(name, "--fast-math") == 0)
        p->library.fast_math = true;
    else if (strcmp(name, "--no-check") == 0)
        p->library.no_check = true;
    else if (strcmp(name, "--barriers") == 0)
        p->barriers = true;
    else if (strncmp(name, "-D", 2) == 0 && p->library.flag_count < MAX_FLAGS)
        p->flags[p->library.flag_count++] = name;
    else
        return false;
    return true;
}

static void read_arguments(plan *p, int argc, char **argv)
{
    p->repeat = 1;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (read_switch(p, name)) continue;
        const char *value = i + 1 < argc ? argv[++i] : "";
        if (strcmp(name, "--compiler") == 0)
            p->library.compiler = value;
        else if (strcmp(name, "--cache") == 0)
            p->library.cache_folder = value;
        else if (strcmp(name, "--source") == 0)
            p->source = value;
        else if (strcmp(name, "--seed") == 0)
            p->executor.seed = strtoull(value, NULL, 10);
        else if (strcmp(name, "--workers") == 0)
            p->executor.workers = atoi(value);
        else if (strcmp(name, "--repeat") == 0)
            p->repeat = atol(value);
        else if (!read_dispatch_option(p, name, value))
            stop("%s: unknown option", name);
    }
    if (p->source == NULL || p->library.compiler == NULL || p->library.cache_folder == NULL)
        stop("--source, --compiler and --cache are needed");
    p->library.flags = p->flags;
}

static void print_traffic(const sim_report *report)
{
    for (int slot = 0; slot < SIM_SLOTS; slot++) {
        const sim_traffic *t = &report->traffic[slot];
        if (t->read_total + t->written_total > 0)
            printf("slot %d: read %ju unique %ju, written %ju unique %ju\n", slot,
                   (uintmax_t)t->read_total, (uintmax_t)t->read_unique, (uintmax_t)t->written_total,
                   (uintmax_t)t->written_unique);
    }
}

static bool run_all(plan *p, sim_executor *executor)
{
    sim_dispatch dispatches[MAX_DISPATCHES];
    sim_report reports[MAX_DISPATCHES];
    size_t step = p->barriers ? 1 : p->count;
    bool ok = true;

    for (size_t i = 0; i < p->count; i++)
        dispatches[i] = p->commands[i].dispatch;
    for (size_t i = 0; ok && i < p->count; i += step)
        ok = sim_executor_run(executor, dispatches + i, step, reports + i);
    for (size_t i = 0; i < p->count; i++) {
        if (!ok && reports[i].error[0] != '\0') printf("error: %s\n", reports[i].error);
        if (ok && p->library.count_bytes) print_traffic(&reports[i]);
    }
    return ok;
}

static void write_back(const plan *p)
{
    for (size_t i = 0; i < p->file_count; i++) {
        FILE *f = fopen(p->files[i].path, "wb");
        const sim_buffer *b = &p->files[i].buffer;
        if (f == NULL || fwrite(b->address, 1, b->bytes, f) != b->bytes || fclose(f) != 0)
            stop("%s: %s", p->files[i].path, strerror(errno));
    }
}

int main(int argc, char **argv)
{
    static plan p;
    static char message[TEXT];
    sim_library *library;
    bool ok = true;

    read_arguments(&p, argc, argv);
    p.library.source = read_text(p.source);
    if (!sim_library_open(&p.library, &library, message, sizeof message)) {
        printf("%s", message);
        return 2;
    }
    for (size_t i = 0; i < p.count; i++) {
        command *c = &p.commands[i];
        c->dispatch.kernel = sim_library_kernel(library, c->kernel, c->constants, c->constant_count,
                                                message, sizeof message);
        if (c->dispatch.kernel == NULL) stop("%s", message);
        c->dispatch.count_bytes = p.library.count_bytes;
    }
    sim_executor *executor = sim_executor_open(&p.executor);
    if (executor == NULL) stop("no memory");
    for (long i = 0; ok && i < p.repeat; i++)
        ok = run_all(&p, executor);
    if (ok) write_back(&p);
    sim_executor_close(executor);
    sim_library_close(library);
    free((char *)p.library.source);
    return ok ? 0 : 1;
}
