/* Owns: bringing text to NFC. Data and composition are utf8proc's; the quick check and the order of
 * combining marks are here, because utf8proc sorts long runs of marks in quadratic time.
 * The invariant: a character that neither composes nor combines (see unicode.h) begins a segment
 * which is normalised without looking at what is before it. */
#include "tokenizer/nfc.h"

#include "base/error.h"
#include "base/text.h"
#include "tokenizer/unicode.h"

#include <stdlib.h>
#include <utf8proc.h>

enum {
    POINTS_OF_ONE = 32, /* more than any character decomposes to */
    SORT_BY_INSERTION = 16,
};

void met_nfc_work_free(met_nfc_work *work)
{
    free(work->text);
    free(work->points);
    memset(work, 0, sizeof *work);
}

static unsigned combining_class(int32_t point)
{
    return (unsigned)utf8proc_get_property(point)->combining_class;
}

/* ---------------------------------------------------------------- quick check */

/* Below U+0300 nothing composes with what is before it, and nothing combines. */
static inline bool begins_below_marks(unsigned char first)
{
    return first < 0xcc;
}

/* The first segment at or after `at`, which begins one, that may not be in NFC; false: none. */
static bool find_segment(met_str text, size_t at, met_span *segment)
{
    const unsigned char *s = (const unsigned char *)text.data;
    size_t begin = at;
    unsigned last_rank = 0; /* combining class of the character before */
    bool suspect = false;
    while (at < text.bytes) {
        if (!suspect && text.bytes - at >= 8) {
            uint64_t eight;
            memcpy(&eight, s + at, 8);
            if ((eight & 0x8080808080808080u) == 0) {
                at += 8;
                begin = at - 1;
                last_rank = 0;
                continue;
            }
        }
        size_t bytes = 0;
        uint32_t point = met_unicode_decode(s + at, &bytes);
        unsigned flags = begins_below_marks(s[at]) ? 0 : met_unicode_flags(point);
        if ((flags & (MET_UNICODE_COMPOSES | MET_UNICODE_COMBINES)) == 0) {
            if (suspect) break;
            begin = at;
            last_rank = 0;
        } else {
            unsigned rank =
                (flags & MET_UNICODE_COMBINES) != 0 ? combining_class((int32_t)point) : 0;
            bool out_of_order = rank != 0 && rank < last_rank;
            if ((flags & MET_UNICODE_COMPOSES) != 0 || out_of_order) suspect = true;
            last_rank = rank;
        }
        at += bytes;
    }
    segment->begin = begin;
    segment->end = at;
    return suspect;
}

/* ---------------------------------------------------------------- one segment */

static met_status reserve_points(met_nfc_work *work, size_t count, met_error *err)
{
    if (count <= work->points_capacity) return MET_OK;
    size_t capacity = 2 * work->points_capacity;
    if (capacity < count) capacity = count;
    int32_t *points = realloc(work->points, capacity * sizeof *points);
    if (points == NULL) return met_fail_memory(err, "normalisation", capacity * sizeof *points);
    work->points = points;
    work->points_capacity = capacity;
    return MET_OK;
}

/* Stable, by combining class. `spare` has room for `count`. */
static void sort_marks(int32_t *points, size_t count, int32_t *spare)
{
    if (count <= SORT_BY_INSERTION) {
        for (size_t i = 1; i < count; i++) {
            int32_t point = points[i];
            unsigned rank = combining_class(point);
            size_t to = i;
            for (; to > 0 && combining_class(points[to - 1]) > rank; to--) {
                points[to] = points[to - 1];
            }
            points[to] = point;
        }
        return;
    }
    size_t begins[256 + 1] = {0};
    for (size_t i = 0; i < count; i++)
        begins[combining_class(points[i]) + 1]++;
    for (size_t rank = 0; rank < 256; rank++)
        begins[rank + 1] += begins[rank];
    for (size_t i = 0; i < count; i++)
        spare[begins[combining_class(points[i])]++] = points[i];
    memcpy(points, spare, count * sizeof *points);
}

/* Canonical decomposition of `text` into work->points, marks in order. */
static met_status decompose(met_str text, met_nfc_work *work, size_t *count, met_error *err)
{
    const unsigned char *s = (const unsigned char *)text.data;
    size_t used = 0;
    for (size_t at = 0; at < text.bytes;) {
        met_status status = reserve_points(work, used + POINTS_OF_ONE, err);
        if (status != MET_OK) return status;
        size_t bytes = 0;
        int32_t point = (int32_t)met_unicode_decode(s + at, &bytes);
        utf8proc_ssize_t points = utf8proc_decompose_char(
            point, work->points + used, POINTS_OF_ONE, UTF8PROC_DECOMPOSE | UTF8PROC_STABLE, NULL);
        if (points < 0 || points > POINTS_OF_ONE) {
            return met_fail(err, MET_E_FORMAT, "U+%04X: %s", (unsigned)point,
                            utf8proc_errmsg(points));
        }
        used += (size_t)points;
        at += bytes;
    }
    met_status status = reserve_points(work, 2 * used, err); /* the second half is spare */
    if (status != MET_OK) return status;
    for (size_t i = 0; i < used;) {
        size_t end = i;
        while (end < used && combining_class(work->points[end]) != 0)
            end++;
        sort_marks(work->points + i, end - i, work->points + used);
        i = end + 1;
    }
    *count = used;
    return MET_OK;
}

static met_status reserve_text(met_nfc_work *work, size_t bytes, met_error *err)
{
    if (bytes <= work->text_capacity_bytes) return MET_OK;
    size_t capacity = work->text_capacity_bytes + work->text_capacity_bytes / 2;
    if (capacity < bytes) capacity = bytes;
    char *text = realloc(work->text, capacity);
    if (text == NULL) return met_fail_memory(err, "normalisation", capacity);
    work->text = text;
    work->text_capacity_bytes = capacity;
    return MET_OK;
}

/* Append the normalised segment to the first *used bytes of work->text. */
static met_status append_segment(met_str text, met_nfc_work *work, size_t *used, met_error *err)
{
    size_t points = 0;
    met_status status = decompose(text, work, &points, err);
    if (status != MET_OK) return status;
    utf8proc_ssize_t composed = utf8proc_normalize_utf32(work->points, (utf8proc_ssize_t)points,
                                                         UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (composed < 0) return met_fail(err, MET_E_FORMAT, "text: %s", utf8proc_errmsg(composed));
    status = reserve_text(work, *used + 4 * (size_t)composed, err);
    if (status != MET_OK) return status;
    for (utf8proc_ssize_t i = 0; i < composed; i++) {
        *used +=
            (size_t)utf8proc_encode_char(work->points[i], (utf8proc_uint8_t *)work->text + *used);
    }
    return MET_OK;
}

static met_status append_text(met_str text, met_nfc_work *work, size_t *used, met_error *err)
{
    met_status status = reserve_text(work, *used + text.bytes, err);
    if (status != MET_OK) return status;
    if (text.bytes > 0) memcpy(work->text + *used, text.data, text.bytes);
    *used += text.bytes;
    return MET_OK;
}

met_status met_nfc_normalize(met_str text, met_nfc_work *work, met_str *out, met_error *err)
{
    met_span segment = {0, 0};
    if (!find_segment(text, 0, &segment)) {
        *out = text;
        return MET_OK;
    }
    size_t used = 0;
    size_t copied = 0; /* bytes of `text` that are in work->text */
    do {
        met_str before = {text.data + copied, segment.begin - copied};
        met_str inside = {text.data + segment.begin, segment.end - segment.begin};
        met_status status = append_text(before, work, &used, err);
        if (status == MET_OK) status = append_segment(inside, work, &used, err);
        if (status != MET_OK) return status;
        copied = segment.end;
    } while (find_segment(text, copied, &segment));
    met_str rest = {text.data + copied, text.bytes - copied};
    met_status status = append_text(rest, work, &used, err);
    if (status != MET_OK) return status;
    *out = (met_str){work->text, used};
    return MET_OK;
}
