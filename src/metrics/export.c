/* Owns: when events go to files, and what happens when they cannot. Does not own their format:
 * lines.h.
 *
 * Files are written between steps by whichever thread finds enough to write, a little at a time, so
 * that no token waits long and no thread competes with the workers. The invariant: a ring is never
 * left more than half full, unless one step fills the rest of it. */
#include "metrics/export.h"

#include "base/error.h"
#include "base/text.h"
#include "metrics/lines.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { DRAIN_EVENTS = 1024, BATCH_EVENTS = 8192, PATH_SHOWN = 200 };

typedef struct file {
    met_writer writer; /* closed: not written, or no longer */
    char path[PATH_SHOWN];
} file;

struct met_exports {
    _Atomic bool open;       /* any file is */
    _Atomic uint64_t cursor; /* what the files have */
    pthread_mutex_t mutex;   /* of all that follows */
    file jsonl, trace;
    met_event *batch; /* [BATCH_EVENTS] once a file was opened */
    bool named[MET_TRACKS_MAX];
    met_error failure; /* the first since files were opened; MET_OK: none */
    met_log log;
};

met_exports *met_exports_create(met_log log)
{
    met_exports *exports = calloc(1, sizeof *exports);
    if (exports == NULL) return NULL;
    pthread_mutex_init(&exports->mutex, NULL);
    exports->jsonl.writer = exports->trace.writer = met_writer_none();
    exports->log = log;
    return exports;
}

/* ---------------------------------------------------------------- writing */

/* Close a file that failed, and say so: once, since it is closed then. */
static void check_file(met_exports *exports, file *f)
{
    int failure = f->writer.failure;
    if (failure == 0) return;
    met_writer_close(&f->writer);
    f->writer.failure = 0;
    met_error reason;
    (void)met_fail(&reason, MET_E_IO, "%s: %s; no more is written to it", f->path,
                   failure == ETIMEDOUT ? "its reader takes nothing" : strerror(failure));
    MET_LOG(&exports->log, MET_LOG_ERROR, "%s", reason.text);
    if (exports->failure.status == MET_OK) exports->failure = reason;
    bool open = exports->jsonl.writer.fd >= 0 || exports->trace.writer.fd >= 0;
    atomic_store_explicit(&exports->open, open, memory_order_relaxed);
}

static void flush_files(met_exports *exports)
{
    met_writer_flush(&exports->jsonl.writer);
    met_writer_flush(&exports->trace.writer);
    check_file(exports, &exports->jsonl);
    check_file(exports, &exports->trace);
}

/* A track's name goes before its first event. */
static void name_track(met_recorder *recorder, met_exports *exports, int32_t track)
{
    char name[64];
    if (track < 0 || track >= MET_TRACKS_MAX || exports->named[track]) return;
    exports->named[track] = true;
    size_t bytes = met_recorder_track(recorder, track, name, sizeof name);
    met_str view = {name, bytes};
    met_jsonl_track(&exports->jsonl.writer, track, view);
    met_chrome_track(&exports->trace.writer, track, view);
}

/* Parents before children: readers that sort by the beginning alone then nest them as they are. */
static int compare_events(const void *a, const void *b)
{
    const met_event *x = a, *y = b;
    if (x->begin_ns != y->begin_ns) return x->begin_ns < y->begin_ns ? -1 : 1;
    if (x->end_ns != y->end_ns) return x->end_ns > y->end_ns ? -1 : 1;
    if (x->id != y->id) return x->id < y->id ? -1 : 1; /* a parent's id is taken before */
    return 0;
}

static void write_batch(met_recorder *recorder, met_exports *exports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        name_track(recorder, exports, exports->batch[i].track);
        met_jsonl_span(&exports->jsonl.writer, &exports->batch[i]);
    }
    if (exports->trace.writer.fd < 0) return;
    qsort(exports->batch, count, sizeof *exports->batch, compare_events);
    for (size_t i = 0; i < count; i++)
        met_chrome_span(&exports->trace.writer, &exports->batch[i]);
}

/* Everything that was recorded before the call. The caller holds the mutex. */
static void drain(met_recorder *recorder, met_exports *exports)
{
    uint64_t end = met_recorder_head(recorder);
    uint64_t cursor = atomic_load_explicit(&exports->cursor, memory_order_relaxed);
    uint64_t lost = 0;
    while (cursor < end) {
        uint64_t left = end - cursor;
        size_t most = left < BATCH_EVENTS ? (size_t)left : BATCH_EVENTS;
        uint64_t before = cursor;
        size_t count = met_recorder_read(recorder, &cursor, exports->batch, most, &lost);
        write_batch(recorder, exports, count);
        if (cursor == before) break; /* the next one is just being recorded */
    }
    atomic_store_explicit(&exports->cursor, cursor, memory_order_relaxed);
    if (lost > 0) {
        met_jsonl_lost(&exports->jsonl.writer, lost);
        met_chrome_lost(&exports->trace.writer, lost, met_recorder_now(recorder));
    }
}

bool met_exports_drain(met_recorder *recorder, bool all)
{
    met_exports *exports = met_recorder_exports(recorder);
    if (!atomic_load_explicit(&exports->open, memory_order_relaxed)) return false;
    uint64_t unread = met_recorder_head(recorder) -
                      atomic_load_explicit(&exports->cursor, memory_order_relaxed);
    size_t half = met_recorder_capacity(recorder) / 2;
    size_t enough = all ? 1 : half < DRAIN_EVENTS ? half : DRAIN_EVENTS;
    if (unread < enough) return false;
    pthread_mutex_lock(&exports->mutex);
    drain(recorder, exports);
    flush_files(exports);
    pthread_mutex_unlock(&exports->mutex);
    return true;
}

void met_exports_summary(met_recorder *recorder, int32_t track, const met_summary *summary,
                         const char *finish)
{
    met_exports *exports = met_recorder_exports(recorder);
    if (!atomic_load_explicit(&exports->open, memory_order_relaxed)) return;
    met_counters counters = met_recorder_counters(recorder);
    pthread_mutex_lock(&exports->mutex);
    drain(recorder, exports);
    name_track(recorder, exports, track);
    met_jsonl_summary(&exports->jsonl.writer, track, summary, finish);
    met_jsonl_counters(&exports->jsonl.writer, &counters);
    met_chrome_memory(&exports->trace.writer, &summary->memory, met_recorder_now(recorder));
    flush_files(exports);
    pthread_mutex_unlock(&exports->mutex);
}

/* ---------------------------------------------------------------- files */

typedef void (*start_fn)(met_writer *writer, const met_recorder *recorder);

typedef struct format {
    start_fn start;
    const char *signature;
} format;

static void start_trace(met_writer *writer, const met_recorder *recorder)
{
    (void)recorder;
    met_chrome_start(writer);
}

static const format jsonl_format = {met_jsonl_start, MET_JSONL_SIGNATURE};
static const format trace_format = {start_trace, MET_CHROME_SIGNATURE};

static met_status open_file(met_recorder *recorder, file *f, const char *path, const format *how,
                            met_error *err)
{
    met_exports *exports = met_recorder_exports(recorder);
    met_status status = MET_OK;
    if (path == NULL) return met_fail(err, MET_E_ARGUMENT, "export: found NULL, expected a path");
    pthread_mutex_lock(&exports->mutex);
    if (f->writer.fd >= 0) {
        status = met_fail(err, MET_E_ARGUMENT, "%s: a file of this format is open already: %s",
                          path, f->path);
        goto done;
    }
    const file *other = f == &exports->jsonl ? &exports->trace : &exports->jsonl;
    if (met_writer_has(&other->writer, path)) {
        status = met_fail(err, MET_E_ARGUMENT, "%s: found the file of the other format", path);
        goto done;
    }
    if (exports->batch == NULL) {
        exports->batch = malloc(BATCH_EVENTS * sizeof *exports->batch);
        if (exports->batch == NULL) {
            status = met_fail_memory(err, "export", BATCH_EVENTS * sizeof *exports->batch);
            goto done;
        }
    }
    status = met_writer_open(&f->writer, path, met_str_of(how->signature), err);
    if (status != MET_OK) goto done;
    size_t shown = strlen(path) < PATH_SHOWN ? strlen(path) : PATH_SHOWN - 1;
    memcpy(f->path, path, shown);
    f->path[shown] = '\0';
    how->start(&f->writer, recorder);
    for (int32_t track = 0; track < MET_TRACKS_MAX; track++)
        exports->named[track] = false; /* the new file knows none */
    atomic_store_explicit(&exports->open, true, memory_order_relaxed);
    flush_files(exports); /* from now on it looks like ours to others, too */
done:
    pthread_mutex_unlock(&exports->mutex);
    return status;
}

met_status met_recorder_export_jsonl(met_recorder *recorder, const char *path, met_error *err)
{
    return open_file(recorder, &met_recorder_exports(recorder)->jsonl, path, &jsonl_format, err);
}

met_status met_recorder_export_trace(met_recorder *recorder, const char *path, met_error *err)
{
    return open_file(recorder, &met_recorder_exports(recorder)->trace, path, &trace_format, err);
}

/* The outermost span ends with the files. */
static void write_process(met_exports *exports, uint64_t now_ns)
{
    met_event process = {
        .id = MET_SPAN_PROCESS,
        .name = "process",
        .detail = {"", 0},
        .track = MET_TRACK_MAIN,
        .layer = -1,
        .end_ns = now_ns,
    };
    met_jsonl_span(&exports->jsonl.writer, &process);
    met_chrome_span(&exports->trace.writer, &process);
}

met_status met_recorder_close_exports(met_recorder *recorder, met_error *err)
{
    met_exports *exports = met_recorder_exports(recorder);
    pthread_mutex_lock(&exports->mutex);
    if (atomic_load_explicit(&exports->open, memory_order_relaxed)) {
        drain(recorder, exports);
        uint64_t now_ns = met_recorder_now(recorder);
        met_counters counters = met_recorder_counters(recorder);
        name_track(recorder, exports, MET_TRACK_MAIN);
        write_process(exports, now_ns);
        met_jsonl_counters(&exports->jsonl.writer, &counters);
        met_jsonl_end(&exports->jsonl.writer, now_ns);
        met_chrome_finish(&exports->trace.writer);
    }
    met_writer_close(&exports->jsonl.writer);
    met_writer_close(&exports->trace.writer);
    flush_files(exports);
    atomic_store_explicit(&exports->open, false, memory_order_relaxed);
    met_error failure = exports->failure;
    exports->failure = (met_error){MET_OK, ""};
    pthread_mutex_unlock(&exports->mutex);
    if (failure.status == MET_OK) return MET_OK;
    return met_fail(err, failure.status, "%s", failure.text);
}

void met_exports_free(met_recorder *recorder, met_exports *exports)
{
    (void)met_recorder_close_exports(recorder, NULL);
    pthread_mutex_destroy(&exports->mutex);
    free(exports->batch);
    free(exports);
}
