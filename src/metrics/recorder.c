/* Owns: the ring, the counters, the names of tracks and of details. Does not own files (export.c)
 * nor what is worth recording.
 *
 * The ring is written by many and read by many without a lock. Slot i mod N holds event i; its
 * state is 2i + 1 while it is written and 2i + 2 when it is whole. A writer takes index i only when
 * the slot holds event i - N, whole, so that every index that was given out becomes a whole event.
 * The words of an event are atomic: a reader that copies a slot while it is written sees that from
 * the state, and nothing is a data race. */
#include "metrics/recorder.h"

#include "base/error.h"
#include "base/text.h"
#include "metrics/export.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY_LEAST = 1024, CAPACITY_USUAL = 65536, EVENT_WORDS = 11, INTERN_LISTS = 1024 };

static const size_t CAPACITY_MOST = (size_t)1 << 24; /* 1.5 GiB */

typedef struct slot {
    _Atomic uint64_t state;
    _Atomic uint64_t words[EVENT_WORDS];
} slot;

typedef struct interned {
    struct interned *next;
    size_t bytes;
    char text[]; /* and a NUL */
} interned;

typedef struct track {
    const char *kind; /* NULL: never opened */
    int32_t number;
    bool open;
} track;

struct met_recorder {
    _Atomic int level;
    _Atomic uint64_t next_id;
    _Atomic uint64_t counts[MET_COUNTS];
    uint64_t epoch_ns;
    size_t capacity; /* a power of two */
    slot *slots;
    met_exports *exports;
    /* Written by every recorded span: on a cache line of its own. */
    _Alignas(128) _Atomic uint64_t head; /* index of the next event */
    _Alignas(128) pthread_mutex_t mutex; /* of all that follows */
    interned *lists[INTERN_LISTS];
    track tracks[MET_TRACKS_MAX];
};

/* ---------------------------------------------------------------- the ring */

/* A slot's words. What is small shares one; texts are pointers to what lives as long as the
 * recorder, or static. */
static void pack(const met_recorder *recorder, const met_event *event,
                 uint64_t words[EVENT_WORDS])
{
    words[0] = event->id;
    words[1] = event->parent;
    words[2] = (uint64_t)(uintptr_t)event->name;
    words[3] = event->detail.bytes > 0 ? (uint64_t)(uintptr_t)event->detail.data : 0;
    words[4] = (uint64_t)(uint32_t)event->track << 32 | (uint32_t)event->layer;
    words[5] = event->begin_ns - recorder->epoch_ns;
    words[6] = event->end_ns - recorder->epoch_ns;
    words[7] = event->wait_ns;
    words[8] = event->tokens;
    words[9] = event->bytes;
    words[10] = event->macs;
}

static met_event unpack(const uint64_t words[EVENT_WORDS])
{
    const char *detail = (const char *)(uintptr_t)words[3];
    return (met_event){
        .id = words[0],
        .parent = words[1],
        .name = (const char *)(uintptr_t)words[2],
        .detail = met_str_of(detail == NULL ? "" : detail),
        .track = (int32_t)(words[4] >> 32),
        .layer = (int32_t)(uint32_t)words[4],
        .begin_ns = words[5],
        .end_ns = words[6],
        .wait_ns = words[7],
        .tokens = words[8],
        .bytes = words[9],
        .macs = words[10],
    };
}

static slot *slot_of(const met_recorder *recorder, uint64_t index)
{
    return &recorder->slots[index & (recorder->capacity - 1)];
}

/* Take the next index, whose slot is then this thread's. NULL: who had the slot a ring ago is not
 * done with it. */
static slot *take_slot(met_recorder *recorder, uint64_t *index)
{
    uint64_t at = atomic_load_explicit(&recorder->head, memory_order_relaxed);
    for (;;) {
        slot *s = slot_of(recorder, at);
        uint64_t free_state = at < recorder->capacity ? 0 : 2 * (at - recorder->capacity) + 2;
        uint64_t state = atomic_load_explicit(&s->state, memory_order_acquire);
        uint64_t now = atomic_load_explicit(&recorder->head, memory_order_relaxed);
        if (now != at) {
            at = now; /* another thread was faster: what was seen is of no use */
        } else if (state != free_state) {
            return NULL;
        } else if (atomic_compare_exchange_weak_explicit(&recorder->head, &at, at + 1,
                                                         memory_order_relaxed,
                                                         memory_order_relaxed)) {
            *index = at;
            return s;
        }
    }
}

void met_recorder_add(met_recorder *recorder, const met_event *event)
{
    uint64_t words[EVENT_WORDS];
    uint64_t index = 0;
    slot *s = take_slot(recorder, &index);
    if (s == NULL) {
        met_recorder_count(recorder, MET_COUNT_DROPPED_EVENTS, 1);
        return;
    }
    pack(recorder, event, words);
    atomic_store_explicit(&s->state, 2 * index + 1, memory_order_relaxed);
    /* Release: whoever sees one of these words sees the state above, too. */
    for (int i = 0; i < EVENT_WORDS; i++)
        atomic_store_explicit(&s->words[i], words[i], memory_order_release);
    atomic_store_explicit(&s->state, 2 * index + 2, memory_order_release);
}

/* Event `index`, when it is still there whole. */
static bool copy_event(const met_recorder *recorder, uint64_t index, met_event *out)
{
    const slot *s = slot_of(recorder, index);
    uint64_t words[EVENT_WORDS];
    for (int i = 0; i < EVENT_WORDS; i++)
        words[i] = atomic_load_explicit(&s->words[i], memory_order_acquire);
    if (atomic_load_explicit(&s->state, memory_order_relaxed) != 2 * index + 2) return false;
    *out = unpack(words);
    return true;
}

size_t met_recorder_read(met_recorder *recorder, uint64_t *cursor, met_event *out, size_t capacity,
                         uint64_t *lost)
{
    uint64_t head = atomic_load_explicit(&recorder->head, memory_order_acquire);
    uint64_t at = *cursor, missed = 0;
    size_t count = 0;
    if (at > head) at = head; /* no cursor of this recorder */
    if (head - at > recorder->capacity) {
        missed = head - recorder->capacity - at;
        at += missed;
    }
    for (; at < head && count < capacity; at++) {
        uint64_t state = atomic_load_explicit(&slot_of(recorder, at)->state, memory_order_acquire);
        if (state < 2 * at + 2) break; /* its writer is not done: next time */
        if (copy_event(recorder, at, &out[count])) {
            count++;
        } else {
            missed++;
        }
    }
    *cursor = at;
    if (lost != NULL) *lost += missed;
    return count;
}

/* ---------------------------------------------------------------- counters */

uint64_t met_recorder_new_id(met_recorder *recorder)
{
    return atomic_fetch_add_explicit(&recorder->next_id, 1, memory_order_relaxed);
}

void met_recorder_count(met_recorder *recorder, met_count what, uint64_t by)
{
    atomic_fetch_add_explicit(&recorder->counts[what], by, memory_order_relaxed);
}

static uint64_t count_of(const met_recorder *recorder, met_count what)
{
    return atomic_load_explicit(&recorder->counts[what], memory_order_relaxed);
}

met_counters met_recorder_counters(const met_recorder *recorder)
{
    return (met_counters){
        .loads = count_of(recorder, MET_COUNT_LOADS),
        .generations = count_of(recorder, MET_COUNT_GENERATIONS),
        .prompt_tokens = count_of(recorder, MET_COUNT_PROMPT_TOKENS),
        .reused_tokens = count_of(recorder, MET_COUNT_REUSED_TOKENS),
        .generated_tokens = count_of(recorder, MET_COUNT_GENERATED_TOKENS),
        .proposed_tokens = count_of(recorder, MET_COUNT_PROPOSED_TOKENS),
        .accepted_tokens = count_of(recorder, MET_COUNT_ACCEPTED_TOKENS),
        .prefill_steps = count_of(recorder, MET_COUNT_PREFILL_STEPS),
        .prefill_tokens = count_of(recorder, MET_COUNT_PREFILL_TOKENS),
        .prefill_ns = count_of(recorder, MET_COUNT_PREFILL_NS),
        .prefill_bytes = count_of(recorder, MET_COUNT_PREFILL_BYTES),
        .decode_steps = count_of(recorder, MET_COUNT_DECODE_STEPS),
        .decode_tokens = count_of(recorder, MET_COUNT_DECODE_TOKENS),
        .decode_ns = count_of(recorder, MET_COUNT_DECODE_NS),
        .decode_bytes = count_of(recorder, MET_COUNT_DECODE_BYTES),
        .barrier_wait_ns = count_of(recorder, MET_COUNT_BARRIER_WAIT_NS),
        .device_ns = count_of(recorder, MET_COUNT_DEVICE_NS),
        .events = met_recorder_head(recorder),
        .dropped_events = count_of(recorder, MET_COUNT_DROPPED_EVENTS),
    };
}

/* ---------------------------------------------------------------- names */

met_str met_recorder_intern(met_recorder *recorder, met_str text)
{
    met_str found = {"", 0};
    if (recorder == NULL || text.bytes == 0) return found;
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < text.bytes; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 1099511628211u;
    interned **list = &recorder->lists[hash % INTERN_LISTS];

    pthread_mutex_lock(&recorder->mutex);
    interned *at = *list;
    while (at != NULL && !met_str_equal((met_str){at->text, at->bytes}, text))
        at = at->next;
    if (at == NULL) {
        at = malloc(sizeof *at + text.bytes + 1);
        if (at != NULL) {
            memcpy(at->text, text.data, text.bytes);
            at->text[text.bytes] = '\0';
            at->bytes = text.bytes;
            at->next = *list;
            *list = at;
        }
    }
    if (at != NULL) found = (met_str){at->text, at->bytes};
    pthread_mutex_unlock(&recorder->mutex);
    return found;
}

/* Whether tracks [first, first + count) are free, and were of `kind` if they ever were anything:
 * the name of a track does not change under the spans that it holds. */
static bool can_open(const met_recorder *recorder, const char *kind, int32_t first, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const track *t = &recorder->tracks[first + i];
        if (t->open || (t->kind != NULL && strcmp(t->kind, kind) != 0)) return false;
    }
    return true;
}

int32_t met_recorder_open_tracks(met_recorder *recorder, const char *kind, int32_t count)
{
    int32_t found = MET_TRACK_MAIN, number = 1;
    pthread_mutex_lock(&recorder->mutex);
    for (int32_t first = 1; first + count <= MET_TRACKS_MAX; first++) {
        if (can_open(recorder, kind, first, count)) {
            found = first;
            break;
        }
        const char *other = recorder->tracks[first].kind;
        if (other != NULL && strcmp(other, kind) == 0) number++;
    }
    for (int32_t i = 0; i < count && found != MET_TRACK_MAIN; i++)
        recorder->tracks[found + i] = (track){kind, number + i, true};
    pthread_mutex_unlock(&recorder->mutex);
    return found;
}

void met_recorder_close_tracks(met_recorder *recorder, int32_t first, int32_t count)
{
    if (recorder == NULL || first == MET_TRACK_MAIN) return;
    pthread_mutex_lock(&recorder->mutex);
    for (int32_t i = 0; i < count; i++)
        recorder->tracks[first + i].open = false;
    pthread_mutex_unlock(&recorder->mutex);
}

size_t met_recorder_track(met_recorder *recorder, int32_t index, char *name, size_t capacity)
{
    track found = {NULL, 0, false};
    int bytes = 0;
    if (capacity > 0) name[0] = '\0';
    if (index == MET_TRACK_MAIN) return (size_t)snprintf(name, capacity, "main");
    if (index < 0 || index >= MET_TRACKS_MAX) return 0;
    pthread_mutex_lock(&recorder->mutex);
    found = recorder->tracks[index];
    pthread_mutex_unlock(&recorder->mutex);
    if (found.kind != NULL) bytes = snprintf(name, capacity, "%s %d", found.kind, found.number);
    return bytes > 0 ? (size_t)bytes : 0;
}

/* ---------------------------------------------------------------- lifetime and level */

met_recorder_options met_recorder_options_default(void)
{
    return (met_recorder_options){.level = MET_RECORD_TOKEN, .capacity_events = 0};
}

met_status met_recorder_create(const met_recorder_options *options, met_recorder **out,
                               met_error *err)
{
    met_recorder_options o = options != NULL ? *options : met_recorder_options_default();
    *out = NULL;
    if ((int)o.level < MET_RECORD_OFF || o.level > MET_RECORD_OP) {
        return met_fail(err, MET_E_ARGUMENT, "recorder: found level %d, expected 0 to %d",
                        (int)o.level, (int)MET_RECORD_OP);
    }
    if (o.capacity_events > CAPACITY_MOST) {
        return met_fail(err, MET_E_ARGUMENT, "recorder: found room for %zu events, expected at "
                        "most %zu", o.capacity_events, CAPACITY_MOST);
    }
    size_t wanted = o.capacity_events == 0 ? CAPACITY_USUAL : o.capacity_events;
    size_t capacity = CAPACITY_LEAST;
    while (capacity < wanted)
        capacity *= 2;
    met_recorder *recorder = aligned_alloc(128, (sizeof *recorder + 127) / 128 * 128);
    if (recorder == NULL) return met_fail_memory(err, "recorder", sizeof *recorder);
    memset(recorder, 0, sizeof *recorder);
    recorder->slots = calloc(capacity, sizeof *recorder->slots);
    if (recorder->slots == NULL) {
        free(recorder);
        return met_fail_memory(err, "recorder", capacity * sizeof *recorder->slots);
    }
    recorder->exports = met_exports_create((met_log){o.log, o.log_user, MET_LOG_ERROR});
    if (recorder->exports == NULL) {
        free(recorder->slots);
        free(recorder);
        return met_fail_memory(err, "recorder", sizeof(void *));
    }
    recorder->capacity = capacity;
    recorder->epoch_ns = met_clock_ns();
    atomic_init(&recorder->level, (int)o.level);
    atomic_init(&recorder->next_id, MET_SPAN_PROCESS + 1);
    pthread_mutex_init(&recorder->mutex, NULL);
    *out = recorder;
    return MET_OK;
}

void met_recorder_free(met_recorder *recorder)
{
    if (recorder == NULL) return;
    met_exports_free(recorder, recorder->exports);
    for (int i = 0; i < INTERN_LISTS; i++) {
        while (recorder->lists[i] != NULL) {
            interned *next = recorder->lists[i]->next;
            free(recorder->lists[i]);
            recorder->lists[i] = next;
        }
    }
    pthread_mutex_destroy(&recorder->mutex);
    free(recorder->slots);
    free(recorder);
}

void met_recorder_set_level(met_recorder *recorder, met_record_level level)
{
    atomic_store_explicit(&recorder->level, (int)level, memory_order_relaxed);
}

met_record_level met_recorder_level(const met_recorder *recorder)
{
    return (met_record_level)atomic_load_explicit(&recorder->level, memory_order_relaxed);
}

const char *met_record_level_name(met_record_level level)
{
    switch (level) {
    case MET_RECORD_OFF: return "off";
    case MET_RECORD_TOKEN: return "token";
    case MET_RECORD_LAYER: return "layer";
    case MET_RECORD_OP: return "op";
    }
    return "unknown";
}

met_exports *met_recorder_exports(const met_recorder *recorder)
{
    return recorder->exports;
}

uint64_t met_recorder_head(const met_recorder *recorder)
{
    return atomic_load_explicit(&recorder->head, memory_order_relaxed);
}

uint64_t met_recorder_epoch(const met_recorder *recorder)
{
    return recorder->epoch_ns;
}

size_t met_recorder_capacity(const met_recorder *recorder)
{
    return recorder->capacity;
}

uint64_t met_recorder_now(const met_recorder *recorder)
{
    return met_clock_ns() - recorder->epoch_ns;
}
