/* libFuzzer target: a small vocabulary and a text, both from the input. What the tokenizer says is
 * held against naive merging and against what must be true of any text. Hostile vocabulary files
 * are fuzz_gguf's.
 *
 * Input: count of merges, flags, two bytes for each merge (which tokens), count of control ranges,
 * two bytes for each (gap, length), text. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tokenizer/nfc.h"
#include "tokenizer/scan.h"
#include "tokenizer/tokenizer.h"

enum {
    MERGES_MAX = 31,
    RANGES_MAX = 8,
    TEXT_MAX = 4096,
    FLAG_SHUFFLE = 1, /* ids not in the order of merges: the vocabulary is not ranked */
    CONTROL_ID = 256 + MERGES_MAX,
};

static const char control_text[] = "<|x|>";

/* The letters that merges begin with: each class of the pre-tokenizer has some. */
static const uint8_t alphabet[16] = {'a', 'b', 'e', 's', ' ',  '\n', '\'', '!',
                                     '7', '<', '|', 'x', 0xcc, 0x81, 0xc3, 0xa9};

typedef struct piece {
    uint8_t bytes[64];
    size_t count;
} piece;

typedef struct input {
    const uint8_t *at;
    size_t left;
    piece pieces[16 + MERGES_MAX]; /* the alphabet, then what merges make */
    struct {
        size_t left;
        size_t right;
    } merges[MERGES_MAX];
    size_t merge_count;
    unsigned flags;
    met_span ranges[RANGES_MAX];
    size_t range_count;
    met_str text;
} input;

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) abort();                                                                 \
    } while (0)

static unsigned take(input *in)
{
    if (in->left == 0) return 0;
    in->left--;
    return *in->at++;
}

static void read_merges(input *in)
{
    for (size_t i = 0; i < 16; i++)
        in->pieces[i] = (piece){{alphabet[i]}, 1};
    size_t wanted = take(in) % (MERGES_MAX + 1);
    in->flags = take(in);
    for (size_t i = 0; i < wanted; i++) {
        size_t known = 16 + in->merge_count;
        size_t left = take(in) % known;
        size_t right = take(in) % known;
        piece made = in->pieces[left];
        if (made.count + in->pieces[right].count > sizeof made.bytes) continue;
        memcpy(made.bytes + made.count, in->pieces[right].bytes, in->pieces[right].count);
        made.count += in->pieces[right].count;
        bool is_new = true; /* one way to each token: what the oracle below is simple for */
        for (size_t k = 0; k < known; k++) {
            is_new = is_new && (in->pieces[k].count != made.count ||
                                memcmp(in->pieces[k].bytes, made.bytes, made.count) != 0);
        }
        if (!is_new) continue;
        in->pieces[known] = made;
        in->merges[in->merge_count].left = left;
        in->merges[in->merge_count++].right = right;
    }
}

static void read_text(input *in)
{
    size_t count = take(in) % (RANGES_MAX + 1);
    struct {
        uint8_t gap, length;
    } sizes[RANGES_MAX];
    for (size_t i = 0; i < count; i++) {
        sizes[i].gap = (uint8_t)take(in);
        sizes[i].length = (uint8_t)take(in);
    }
    in->text = (met_str){(const char *)in->at, in->left < TEXT_MAX ? in->left : TEXT_MAX};
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        at += sizes[i].gap;
        if (at + sizes[i].length > in->text.bytes) break;
        in->ranges[in->range_count++] = (met_span){at, at + sizes[i].length};
        at += sizes[i].length;
    }
}

/* ---------------------------------------------------------------- the file */

static void put_u32(met_buffer *f, uint32_t value)
{
    met_buffer_add(f, &value, 4);
}

static void put_str(met_buffer *f, const char *text, size_t bytes)
{
    uint64_t count = bytes;
    met_buffer_add(f, &count, 8);
    met_buffer_add(f, text, bytes);
}

static void put_key(met_buffer *f, const char *name, uint32_t type)
{
    put_str(f, name, strlen(name));
    put_u32(f, type);
}

/* GPT-2's spelling, appended to `out`. */
static size_t spell(const uint8_t *bytes, size_t count, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned point = bytes[i];
        if (point < 0x21) {
            point += 0x100;
        } else if (point >= 0x7f && point < 0xa1) {
            point += 0x121 - 0x7f;
        } else if (point == 0xad) {
            point = 0x143;
        }
        if (point < 0x80) {
            out[used++] = (char)point;
        } else {
            out[used++] = (char)(0xc0 | point >> 6);
            out[used++] = (char)(0x80 | (point & 0x3f));
        }
    }
    return used;
}

/* The token of merge i, and the other way round: reversed where ids are shuffled. */
static size_t place(const input *in, size_t i)
{
    return (in->flags & FLAG_SHUFFLE) != 0 ? in->merge_count - 1 - i : i;
}

static void put_vocabulary(met_buffer *f, const input *in)
{
    char text[300];
    uint64_t merges = in->merge_count;
    uint64_t tokens = 256 + MERGES_MAX + 1;
    put_key(f, "tokenizer.ggml.tokens", MET_GGUF_ARRAY);
    put_u32(f, MET_GGUF_STRING);
    met_buffer_add(f, &tokens, 8);
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t one = (uint8_t)byte;
        put_str(f, text, spell(&one, 1, text));
    }
    for (size_t i = 0; i < MERGES_MAX; i++) {
        const piece *p = i < merges ? &in->pieces[16 + place(in, i)] : NULL;
        put_str(f, text, p == NULL ? 0 : spell(p->bytes, p->count, text));
    }
    put_str(f, control_text, strlen(control_text));
    put_key(f, "tokenizer.ggml.token_type", MET_GGUF_ARRAY);
    put_u32(f, MET_GGUF_I32);
    met_buffer_add(f, &tokens, 8);
    for (uint64_t i = 0; i < tokens; i++)
        put_u32(f, i == CONTROL_ID ? 3 : 1);
    put_key(f, "tokenizer.ggml.merges", MET_GGUF_ARRAY);
    put_u32(f, MET_GGUF_STRING);
    met_buffer_add(f, &merges, 8);
    for (size_t i = 0; i < merges; i++) {
        const piece *left = &in->pieces[in->merges[i].left];
        const piece *right = &in->pieces[in->merges[i].right];
        size_t used = spell(left->bytes, left->count, text);
        text[used++] = ' ';
        used += spell(right->bytes, right->count, text + used);
        put_str(f, text, used);
    }
}

static met_tokenizer *make_tokenizer(const input *in)
{
    met_buffer f = {0};
    uint64_t tensors = 0;
    uint64_t keys = 5;
    met_error err;
    met_gguf *gguf = NULL;
    met_tokenizer *tokenizer = NULL;
    met_buffer_add(&f, "GGUF", 4);
    put_u32(&f, 3);
    met_buffer_add(&f, &tensors, 8);
    met_buffer_add(&f, &keys, 8);
    put_key(&f, "tokenizer.ggml.model", MET_GGUF_STRING);
    put_str(&f, "gpt2", 4);
    put_key(&f, "tokenizer.ggml.pre", MET_GGUF_STRING);
    put_str(&f, "qwen2", 5);
    put_vocabulary(&f, in);
    void *aligned = aligned_alloc(64, met_buffer_reserve(&f, 64) ? (f.bytes + 63) / 64 * 64 : 0);
    REQUIRE(aligned != NULL);
    memcpy(aligned, f.data, f.bytes);
    REQUIRE(met_gguf_parse(aligned, f.bytes, "fuzz", &gguf, &err) == MET_OK);
    REQUIRE(met_tokenizer_create(gguf, &tokenizer, &err) == MET_OK);
    met_gguf_free(gguf);
    free(aligned);
    met_buffer_free(&f);
    return tokenizer;
}

/* ---------------------------------------------------------------- what must be true */

/* Naive merging of one word; ids appended at *count. */
static void merge_naively(const input *in, met_str word, int32_t *ids, size_t *count)
{
    static size_t symbols[TEXT_MAX * 4]; /* index into pieces, or 1000 + byte */
    size_t n = 0;
    for (size_t i = 0; i < word.bytes; i++) {
        const uint8_t *found = memchr(alphabet, (uint8_t)word.data[i], sizeof alphabet);
        symbols[n++] = found != NULL ? (size_t)(found - alphabet) : 1000u + (uint8_t)word.data[i];
    }
    for (size_t rank = 0; rank < in->merge_count;) {
        size_t at = 0;
        while (at + 1 < n && (symbols[at] != in->merges[rank].left ||
                              symbols[at + 1] != in->merges[rank].right)) {
            at++;
        }
        if (at + 1 >= n) {
            rank++;
            continue;
        }
        symbols[at] = 16 + rank;
        memmove(symbols + at + 1, symbols + at + 2, (n - at - 2) * sizeof *symbols);
        n--;
        rank = 0; /* a lower rank may be possible now */
    }
    for (size_t i = 0; i < n; i++) {
        size_t s = symbols[i];
        ids[(*count)++] = (int32_t)(s >= 1000 ? s - 1000
                                    : s < 16  ? alphabet[s]
                                              : 256 + place(in, s - 16));
    }
}

static void check_plain(const input *in, const met_tokenizer *tokenizer)
{
    static int32_t found[TEXT_MAX * 4];
    static int32_t expected[TEXT_MAX * 4];
    size_t count = 0;
    size_t expected_count = 0;
    met_nfc_work work = {0};
    met_nfc_work again = {0};
    met_str normal;
    met_str twice;
    REQUIRE(met_tokenizer_encode(tokenizer, in->text, NULL, 0, found, TEXT_MAX * 4, &count, NULL) ==
            MET_OK);
    REQUIRE(met_nfc_normalize(in->text, &work, &normal, NULL) == MET_OK);
    REQUIRE(met_utf8_valid(normal, NULL));
    REQUIRE(met_nfc_normalize(normal, &again, &twice, NULL) == MET_OK);
    REQUIRE(met_str_equal(normal, twice));
    for (size_t at = 0; at < normal.bytes;) {
        size_t end = met_scan_qwen2(normal.data, normal.bytes, at);
        met_str word = {normal.data + at, end - at};
        REQUIRE(end > at && end <= normal.bytes && met_utf8_valid(word, NULL));
        merge_naively(in, word, expected, &expected_count);
        at = end;
    }
    REQUIRE(count == expected_count);
    REQUIRE(memcmp(found, expected, count * sizeof *found) == 0);
    met_nfc_work_free(&work);
    met_nfc_work_free(&again);
}

/* Control tokens come from ranges, and each takes its spelling out of one. */
static void check_control(const input *in, const met_tokenizer *tokenizer)
{
    static int32_t found[TEXT_MAX * 4];
    size_t count = 0;
    size_t controls = 0;
    size_t most = 0;
    REQUIRE(met_tokenizer_encode(tokenizer, in->text, in->ranges, in->range_count, found,
                                 TEXT_MAX * 4, &count, NULL) == MET_OK);
    for (size_t i = 0; i < count; i++)
        controls += found[i] == CONTROL_ID;
    for (size_t i = 0; i < in->range_count; i++) {
        for (size_t at = in->ranges[i].begin; at + 5 <= in->ranges[i].end; at++) {
            most += memcmp(in->text.data + at, control_text, 5) == 0;
        }
    }
    REQUIRE(controls == most); /* the spelling cannot overlap itself */
}

/* In two parts or at once, a stream gives the same. */
static void check_stream(const input *in)
{
    met_utf8_stream parts = {0};
    met_utf8_stream whole = {0};
    met_buffer a = {0};
    met_buffer b = {0};
    size_t middle = in->text.bytes == 0 ? 0 : in->flags % (in->text.bytes + 1);
    met_str rest = {in->text.data + middle, in->text.bytes - middle};
    met_utf8_stream_add(&parts, (met_str){in->text.data, middle}, &a);
    REQUIRE(met_utf8_valid((met_str){a.data, a.bytes}, NULL));
    met_utf8_stream_add(&parts, rest, &a);
    met_utf8_stream_finish(&parts, &a);
    met_utf8_stream_add(&whole, in->text, &b);
    met_utf8_stream_finish(&whole, &b);
    REQUIRE(met_str_equal((met_str){a.data, a.bytes}, (met_str){b.data, b.bytes}));
    REQUIRE(met_utf8_valid((met_str){a.data, a.bytes}, NULL));
    met_buffer_free(&a);
    met_buffer_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static input in;
    memset(&in, 0, sizeof in);
    in.at = data;
    in.left = bytes;
    read_merges(&in);
    read_text(&in);
    met_tokenizer *tokenizer = make_tokenizer(&in);
    check_stream(&in);
    if (met_utf8_valid(in.text, NULL)) {
        check_plain(&in, tokenizer);
        check_control(&in, tokenizer);
    } else {
        size_t count = 0;
        REQUIRE(met_tokenizer_encode(tokenizer, in.text, in.ranges, in.range_count, NULL, 0, &count,
                                     NULL) == MET_E_FORMAT);
    }
    met_tokenizer_free(tokenizer);
    return 0;
}
