/* Misuse, settings from the environment, injected failures, the lock. */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const uint64_t default_max_buffer_bytes = 8ull << 30;
static const uint64_t default_working_set_bytes = 12ull << 30;

static const char *const fault_names[METALSIM_FAULT_COUNT] = {
    "buffer",  "library",     "function",  "pipeline", "archive",
    "command", "device-lost", "no-device", "queue",
};

static struct api_settings settings;
static unsigned faults[METALSIM_FAULT_COUNT]; /* calls until the one that fails; 0: none */
static pthread_once_t settings_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock;
static pthread_once_t lock_once = PTHREAD_ONCE_INIT;

void api_misuse(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "metalsim: misuse: %s\n", line);
    fflush(stderr);
    abort();
}

static uint64_t number_from(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    if (text == NULL || *text == '\0') return fallback;
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 0);
    if (errno != 0 || *end != '\0' || *text == '-')
        api_misuse("%s is a number, found \"%s\"", name, text);
    return value;
}

static void text_from(const char *name, const char *fallback, char *out, size_t out_bytes)
{
    const char *text = getenv(name);
    if (text == NULL || *text == '\0') text = fallback;
    if (strlen(text) >= out_bytes) api_misuse("%s: longer than %zu bytes", name, out_bytes - 1);
    strcpy(out, text);
}

static void leaks_from_environment(void)
{
    const char *text = getenv("METALSIM_LEAKS");
    settings.leaks = API_LEAKS_REPORT;
    if (text == NULL || *text == '\0' || strcmp(text, "report") == 0) return;
    if (strcmp(text, "off") == 0)
        settings.leaks = API_LEAKS_OFF;
    else if (strcmp(text, "fail") == 0)
        settings.leaks = API_LEAKS_FAIL;
    else
        api_misuse("METALSIM_LEAKS is off, report or fail, found \"%s\"", text);
}

/* METALSIM_FAIL=name:n[,name:n...] */
static void faults_from_environment(void)
{
    const char *at = getenv("METALSIM_FAIL");
    while (at != NULL && *at != '\0') {
        size_t name_length = strcspn(at, ":,");
        size_t fault = 0;
        while (fault < METALSIM_FAULT_COUNT && (strlen(fault_names[fault]) != name_length ||
                                                strncmp(fault_names[fault], at, name_length) != 0))
            fault++;
        char *end = NULL;
        unsigned long nth = at[name_length] == ':' ? strtoul(at + name_length + 1, &end, 10) : 0;
        if (fault == METALSIM_FAULT_COUNT || nth == 0 || nth > 1000000 ||
            (*end != '\0' && *end != ','))
            api_misuse("METALSIM_FAIL is name:n[,name:n...], found \"%s\"", at);
        faults[fault] = (unsigned)nth;
        at = *end == ',' ? end + 1 : end;
    }
}

static void default_cache_folder(char *out, size_t out_bytes)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (xdg != NULL && *xdg == '/')
        snprintf(out, out_bytes, "%s/metalsim", xdg);
    else if (home != NULL && *home == '/')
        snprintf(out, out_bytes, "%s/.cache/metalsim", home);
    else
        snprintf(out, out_bytes, "/tmp/metalsim-%u", (unsigned)getuid());
}

static void read_environment(void)
{
    char cache[sizeof settings.cache_folder];
    default_cache_folder(cache, sizeof cache);
    settings.seed = number_from("METALSIM_SEED", 0);
    settings.workers = (int)number_from("METALSIM_WORKERS", 1);
    settings.count_traffic = number_from("METALSIM_TRAFFIC", 0) != 0;
    settings.max_buffer_bytes = number_from("METALSIM_MAX_BUFFER", default_max_buffer_bytes);
    settings.working_set_bytes = number_from("METALSIM_WORKING_SET", default_working_set_bytes);
    text_from("METALSIM_COMPILER", METALSIM_COMPILER_FOLDER, settings.compiler,
              sizeof settings.compiler);
    text_from("METALSIM_CACHE", cache, settings.cache_folder, sizeof settings.cache_folder);
    text_from("METALSIM_FLAGS", "", settings.flags, sizeof settings.flags);
    text_from("METALSIM_LOG", "", settings.log_path, sizeof settings.log_path);
    leaks_from_environment();
    faults_from_environment();
}

static void make_lock(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

void api_lock(void)
{
    pthread_once(&lock_once, make_lock);
    pthread_mutex_lock(&lock);
}

void api_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

struct api_settings *api_settings_get(void)
{
    pthread_once(&settings_once, read_environment);
    return &settings;
}

bool api_fault_due(enum metalsim_fault fault)
{
    api_settings_get();
    api_lock();
    bool due = faults[fault] != 0 && --faults[fault] == 0;
    api_unlock();
    return due;
}

double api_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void metalsim_fail(enum metalsim_fault fault, unsigned nth)
{
    api_settings_get();
    api_lock();
    faults[fault] = nth;
    api_unlock();
}

void metalsim_set_seed(uint64_t seed)
{
    api_lock();
    api_settings_get()->seed = seed;
    api_unlock();
}

void metalsim_count_traffic(bool on)
{
    api_lock();
    api_settings_get()->count_traffic = on;
    api_unlock();
}

void metalsim_set_max_buffer_bytes(uint64_t bytes)
{
    api_lock();
    api_settings_get()->max_buffer_bytes = bytes != 0 ? bytes : default_max_buffer_bytes;
    api_unlock();
}

void metalsim_set_working_set_bytes(uint64_t bytes)
{
    api_lock();
    api_settings_get()->working_set_bytes = bytes != 0 ? bytes : default_working_set_bytes;
    api_unlock();
}
