/* Libraries: compiled kernels, loaded, once for every set of constants. See executor.h.
 *
 * The constants of a library are variables of the shared object, so every set of values needs a
 * copy of it. A copy is the file read into anonymous memory (memfd) and loaded from there: the
 * loader takes two names of one file for the same library.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compiler.h"
#include "executor.h"

/* The object with one set of constants. */
typedef struct instance {
    struct instance *next;
    void *handle;
    int file; /* -1: the cached file itself */
    const sim_description *description;
    size_t count;
    sim_constant *constants; /* [count], by index */
} instance;

struct sim_library {
    char path[PATH_MAX];
    pthread_mutex_t mutex;
    instance *instances; /* the first loaded, without constants, is the last of the list */
    const sim_description *description;
};

static bool complain(char *message, size_t bytes, const char *subject, const char *text)
{
    snprintf(message, bytes, "%s: %s", subject, text != NULL ? text : "unknown error");
    return false;
}

/* ---- Instances ------------------------------------------------------------------------------- */

static void instance_close(instance *i)
{
    if (i == NULL) return;
    if (i->handle != NULL) dlclose(i->handle);
    if (i->file >= 0) close(i->file);
    free(i->constants);
    free(i);
}

static bool instance_load(instance *i, const char *path, char *message, size_t bytes)
{
    /* The loader knows libraries by name: one that was closed and has stayed would come back. */
    void *stale = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    if (stale != NULL) {
        dlclose(stale);
        return complain(message, bytes, path, "a library of this name is still loaded");
    }
    i->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (i->handle == NULL) return complain(message, bytes, path, dlerror());
    i->description = dlsym(i->handle, "sim_description_of");
    if (i->description == NULL || i->description->abi != SIM_ABI)
        return complain(message, bytes, path, "not a library of this simulator");
    return true;
}

static int copy_in_memory(const char *path)
{
    char block[65536];
    ssize_t got = -1;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = memfd_create("metalsim", MFD_CLOEXEC);
    while (from >= 0 && to >= 0 && (got = read(from, block, sizeof block)) > 0)
        if (write(to, block, (size_t)got) != got) break;
    if (from >= 0) close(from);
    if (got != 0 && to >= 0) {
        close(to);
        to = -1;
    }
    return to;
}

/* A copy of the library at `path` with these constants. */
static instance *instance_open(const char *path, const sim_constant *constants, size_t count,
                               char *message, size_t bytes)
{
    char name[64];
    instance *i = calloc(1, sizeof *i);
    if (i == NULL) {
        complain(message, bytes, path, strerror(ENOMEM));
        return NULL;
    }
    i->file = copy_in_memory(path);
    i->constants = malloc((count + 1) * sizeof *constants);
    if (i->file < 0 || i->constants == NULL) {
        complain(message, bytes, path, strerror(errno));
        goto failed;
    }
    /* The process's number and not "self": a sanitizer's symboliser is another process. */
    snprintf(name, sizeof name, "/proc/%ld/fd/%d", (long)getpid(), i->file);
    if (!instance_load(i, name, message, bytes)) goto failed;
    if (count > 0) memcpy(i->constants, constants, count * sizeof *constants);
    i->count = count;
    i->description->specialise(constants, (int32_t)count);
    return i;
failed:
    instance_close(i);
    return NULL;
}

/* ---- Constants ------------------------------------------------------------------------------- */

static const sim_constant_slot *find_slot(const sim_description *d, int32_t index)
{
    for (int32_t i = 0; i < d->constant_count; i++)
        if (d->constants[i].index == index) return &d->constants[i];
    return NULL;
}

static size_t bytes_of(int32_t type)
{
    switch ((enum sim_type)type) {
    case SIM_TYPE_BOOL:
    case SIM_TYPE_CHAR:
    case SIM_TYPE_UCHAR: return 1;
    case SIM_TYPE_SHORT:
    case SIM_TYPE_USHORT:
    case SIM_TYPE_HALF: return 2;
    case SIM_TYPE_INT:
    case SIM_TYPE_UINT:
    case SIM_TYPE_FLOAT: return 4;
    case SIM_TYPE_LONG:
    case SIM_TYPE_ULONG: return 8;
    }
    return 8;
}

static int by_index(const void *left, const void *right)
{
    const sim_constant *a = left, *b = right;
    return (a->index > b->index) - (a->index < b->index);
}

/* Those that the library has, by index, with the unused bytes zero: two equal sets are equal bytes.
 * The last value given for an index counts. */
static bool tidy(const sim_description *d, const sim_constant *given, size_t count,
                 sim_constant *out, size_t *kept, char *message, size_t bytes)
{
    *kept = 0;
    for (size_t i = 0; i < count; i++) {
        const sim_constant_slot *slot = find_slot(d, given[i].index);
        sim_constant value = {.index = given[i].index, .type = given[i].type};
        size_t at = 0;
        if (slot == NULL) continue;
        if (slot->type != given[i].type) {
            snprintf(message, bytes,
                     "function constant %s (index %d): value of type %d, expected %d", slot->name,
                     slot->index, given[i].type, slot->type);
            return false;
        }
        memcpy(value.bytes, given[i].bytes, bytes_of(value.type));
        while (at < *kept && out[at].index != value.index)
            at++;
        out[at] = value;
        if (at == *kept) ++*kept;
    }
    qsort(out, *kept, sizeof *out, by_index);
    return true;
}

static const sim_kernel *find_kernel(const sim_description *d, const char *name)
{
    for (int32_t i = 0; i < d->kernel_count; i++)
        if (strcmp(d->kernels[i].name, name) == 0) return &d->kernels[i];
    return NULL;
}

static bool all_given(const sim_description *d, const sim_kernel *kernel,
                      const sim_constant *values, size_t count, char *message, size_t bytes)
{
    for (int32_t i = 0; i < kernel->constant_count; i++) {
        const sim_constant_slot *slot = find_slot(d, kernel->constants[i]);
        bool given = slot->optional != 0;
        for (size_t k = 0; k < count; k++)
            given = given || values[k].index == slot->index;
        if (given) continue;
        snprintf(message, bytes, "kernel %s: function constant %s (index %d) has no value",
                 kernel->name, slot->name, slot->index);
        return false;
    }
    return true;
}

static instance *find_instance(sim_library *library, const sim_constant *values, size_t count)
{
    for (instance *i = library->instances; i != NULL; i = i->next)
        if (i->count == count && memcmp(i->constants, values, count * sizeof *values) == 0)
            return i;
    return NULL;
}

const sim_kernel *sim_library_kernel(sim_library *library, const char *name,
                                     const sim_constant *constants, size_t count, char *message,
                                     size_t message_bytes)
{
    const sim_kernel *kernel = find_kernel(library->description, name);
    sim_constant *values = malloc((count + 1) * sizeof *values);
    size_t kept = 0;
    instance *i = NULL;

    if (kernel == NULL) {
        complain(message, message_bytes, name, "no kernel of this name");
    } else if (values == NULL) {
        complain(message, message_bytes, name, strerror(ENOMEM));
    } else if (tidy(library->description, constants, count, values, &kept, message,
                    message_bytes) &&
               all_given(library->description, kernel, values, kept, message, message_bytes)) {
        pthread_mutex_lock(&library->mutex);
        i = find_instance(library, values, kept);
        if (i == NULL) {
            i = instance_open(library->path, values, kept, message, message_bytes);
            if (i != NULL) {
                i->next = library->instances;
                library->instances = i;
            }
        }
        pthread_mutex_unlock(&library->mutex);
    }
    free(values);
    return i != NULL ? find_kernel(i->description, name) : NULL;
}

/* ---- Libraries ------------------------------------------------------------------------------- */

void sim_library_close(sim_library *library)
{
    if (library == NULL) return;
    while (library->instances != NULL) {
        instance *next = library->instances->next;
        instance_close(library->instances);
        library->instances = next;
    }
    pthread_mutex_destroy(&library->mutex);
    free(library);
}

const sim_description *sim_library_description(const sim_library *library)
{
    return library->description;
}

bool sim_library_open(const sim_library_options *options, sim_library **out, char *message,
                      size_t message_bytes)
{
    sim_library *library = calloc(1, sizeof *library);
    instance *first = NULL;

    *out = NULL;
    if (library == NULL) return complain(message, message_bytes, "library", strerror(ENOMEM));
    pthread_mutex_init(&library->mutex, NULL);
    for (int attempt = 0; attempt < 2 && first == NULL; attempt++) {
        /* A cached file that cannot be loaded is made again. */
        if (!sim_compiler_run(options, attempt > 0, library->path, sizeof library->path, message,
                              message_bytes))
            break;
        first = instance_open(library->path, NULL, 0, message, message_bytes);
    }
    if (first == NULL) {
        sim_library_close(library);
        return false;
    }
    library->instances = first;
    library->description = first->description;
    *out = library;
    return true;
}
