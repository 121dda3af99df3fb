/* Owns: control and user-defined tokens in the order of their spelling. Does not own: where in a
 * text they count (tokenizer.c).
 * The invariant: spellings are strictly ascending, so that those with a common prefix are
 * neighbours and the shorter comes first. */
#include "tokenizer/specials.h"

#include "base/error.h"
#include "base/text.h"

#include <stdlib.h>

static int compare(met_str a, met_str b)
{
    size_t common = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) return order;
    return (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

typedef struct entry {
    met_str text;
    int32_t id;
} entry;

static int compare_entries(const void *a, const void *b)
{
    const entry *left = a;
    const entry *right = b;
    int order = compare(left->text, right->text);
    return order != 0 ? order : (left->id > right->id) - (left->id < right->id);
}

static bool is_special(const met_vocab *vocab, int32_t id)
{
    if (vocab->types[id] != MET_TOKEN_CONTROL && vocab->types[id] != MET_TOKEN_USER) return false;
    met_str text = met_vocab_bytes(vocab, id);
    return text.bytes > 0 && met_utf8_valid(text, NULL);
}

met_status met_specials_init(met_specials *specials, const met_vocab *vocab, met_error *err)
{
    met_status status = MET_OK;
    size_t count = 0;
    for (int32_t id = 0; id < vocab->count; id++)
        count += is_special(vocab, id);
    entry *entries = malloc((count + 1) * sizeof *entries);
    specials->ids = malloc((count + 1) * sizeof *specials->ids);
    if (entries == NULL || specials->ids == NULL) {
        status = met_fail_memory(err, "control tokens", count * (sizeof *entries + 4));
        goto done;
    }
    specials->memory_bytes = (count + 1) * sizeof *specials->ids;
    count = 0;
    for (int32_t id = 0; id < vocab->count; id++) {
        if (is_special(vocab, id)) entries[count++] = (entry){met_vocab_bytes(vocab, id), id};
    }
    qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && met_str_equal(entries[i].text, entries[i + 1].text)) continue;
        specials->ids[specials->count++] = entries[i].id;
        specials->begins[(uint8_t)entries[i].text.data[0]] = true;
    }
done:
    free(entries);
    if (status != MET_OK) met_specials_free(specials);
    return status;
}

void met_specials_free(met_specials *specials)
{
    free(specials->ids);
    memset(specials, 0, sizeof *specials);
}

/* Within [low, high), where all spellings share `depth` bytes and the first may end there: the
 * first whose byte at `depth` is >= `byte`. */
static size_t lower_bound(const met_specials *specials, const met_vocab *vocab, size_t low,
                          size_t high, size_t depth, unsigned byte)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        met_str text = met_vocab_bytes(vocab, specials->ids[middle]);
        if (text.bytes <= depth || (uint8_t)text.data[depth] < byte) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int32_t met_specials_match(const met_specials *specials, const met_vocab *vocab, const char *text,
                           size_t bytes, size_t *matched_bytes)
{
    int32_t found = -1;
    size_t low = 0;
    size_t high = specials->count;
    for (size_t depth = 0; depth < bytes && low < high; depth++) {
        unsigned byte = (uint8_t)text[depth];
        low = lower_bound(specials, vocab, low, high, depth, byte);
        high = lower_bound(specials, vocab, low, high, depth, byte + 1);
        if (low < high && met_vocab_bytes(vocab, specials->ids[low]).bytes == depth + 1) {
            found = specials->ids[low];
            *matched_bytes = depth + 1;
        }
    }
    return found;
}

int32_t met_specials_find(const met_specials *specials, const met_vocab *vocab, met_str spelling)
{
    size_t matched = 0;
    int32_t id = met_specials_match(specials, vocab, spelling.data, spelling.bytes, &matched);
    return id >= 0 && matched == spelling.bytes ? id : -1;
}
