/* Runs the tokenizer for the Python tests: frames on stdin, answers on stdout, all numbers
 * little-endian u32.
 *
 *     driver encode MODEL.gguf   text, control ranges (begin, end each)  -> ids
 *     driver words               text                                    -> ends of words
 *     driver nfc                 text                                    -> bytes
 *     driver stream              bytes, sizes of the chunks              -> bytes
 *
 * A frame is: bytes of text, count of numbers, text, numbers. An answer is: status, count, then
 * that many numbers (encode, words) or bytes (the others; always the error's text on failure). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mapping.h"
#include "base/text.h"
#include "tokenizer/nfc.h"
#include "tokenizer/scan.h"
#include "tokenizer/tokenizer.h"

typedef struct frame {
    met_str text;
    uint32_t *numbers;
    uint32_t count;
} frame;

static void die(const char *why)
{
    fprintf(stderr, "driver: %s\n", why);
    exit(1);
}

static void read_exactly(void *data, size_t bytes)
{
    if (fread(data, 1, bytes, stdin) != bytes) die("input ends within a frame");
}

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes + 1);
    if (memory == NULL) die("out of memory");
    return memory;
}

static bool read_frame(frame *f)
{
    uint32_t head[2];
    size_t got = fread(head, 1, sizeof head, stdin);
    if (got == 0) return false;
    if (got != sizeof head) die("input ends within a frame");
    char *text = allocate(head[0]);
    f->count = head[1];
    f->numbers = allocate(head[1] * sizeof *f->numbers);
    read_exactly(text, head[0]);
    read_exactly(f->numbers, head[1] * sizeof *f->numbers);
    f->text = (met_str){text, head[0]};
    return true;
}

static void free_frame(frame *f)
{
    free((char *)f->text.data);
    free(f->numbers);
}

static void answer(met_status status, const met_error *err, const void *data, size_t count,
                   size_t element_bytes)
{
    if (status != MET_OK) {
        data = err->text;
        count = strlen(err->text);
        element_bytes = 1;
    }
    uint32_t head[2] = {(uint32_t)status, (uint32_t)count};
    fwrite(head, sizeof head, 1, stdout);
    if (count > 0) fwrite(data, element_bytes, count, stdout);
    fflush(stdout);
}

static void encode(const met_tokenizer *tokenizer, const frame *f)
{
    size_t ranges = f->count / 2;
    met_span *control = allocate(ranges * sizeof *control);
    for (size_t i = 0; i < ranges; i++) {
        control[i] = (met_span){f->numbers[2 * i], f->numbers[2 * i + 1]};
    }
    met_error err = {0};
    size_t capacity = f->text.bytes; /* NFC may need more: then a second time */
    size_t count = 0;
    int32_t *ids = allocate(capacity * sizeof *ids);
    met_status status =
        met_tokenizer_encode(tokenizer, f->text, control, ranges, ids, capacity, &count, &err);
    if (status == MET_E_RANGE) {
        free(ids);
        capacity = count;
        ids = allocate(capacity * sizeof *ids);
        status =
            met_tokenizer_encode(tokenizer, f->text, control, ranges, ids, capacity, &count, &err);
    }
    answer(status, &err, ids, count, sizeof *ids);
    free(ids);
    free(control);
}

static void words(const frame *f)
{
    uint32_t *ends = allocate(f->text.bytes * sizeof *ends);
    size_t count = 0;
    for (size_t at = 0; at < f->text.bytes;) {
        at = met_scan_qwen2(f->text.data, f->text.bytes, at);
        ends[count++] = (uint32_t)at;
    }
    answer(MET_OK, NULL, ends, count, sizeof *ends);
    free(ends);
}

static void nfc(const frame *f)
{
    met_error err = {0};
    met_nfc_work work = {0};
    met_str out = {NULL, 0};
    met_status status = met_nfc_normalize(f->text, &work, &out, &err);
    answer(status, &err, out.data, out.bytes, 1);
    met_nfc_work_free(&work);
}

static void stream(const frame *f)
{
    met_utf8_stream s = {0};
    met_buffer out = {0};
    size_t at = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        met_str chunk = {f->text.data + at, f->numbers[i]};
        met_utf8_stream_add(&s, chunk, &out);
        if (!met_utf8_valid((met_str){out.data, out.bytes}, NULL)) die("half a character came out");
        at += f->numbers[i];
    }
    met_utf8_stream_finish(&s, &out);
    answer(MET_OK, NULL, out.data, out.bytes, 1);
    met_buffer_free(&out);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    met_mapping *mapping = NULL;
    met_gguf *gguf = NULL;
    met_tokenizer *tokenizer = NULL;
    met_error err = {0};
    if (strcmp(mode, "encode") == 0) {
        if (argc != 3) die("encode needs a GGUF");
        met_status status = met_mapping_open(argv[2], &mapping, &err);
        if (status == MET_OK) {
            status = met_gguf_parse(met_mapping_data(mapping), met_mapping_bytes(mapping), argv[2],
                                    &gguf, &err);
        }
        if (status == MET_OK) status = met_tokenizer_create(gguf, &tokenizer, &err);
        if (status != MET_OK) die(err.text);
    }
    frame f;
    while (read_frame(&f)) {
        if (tokenizer != NULL) {
            encode(tokenizer, &f);
        } else if (strcmp(mode, "words") == 0) {
            words(&f);
        } else if (strcmp(mode, "nfc") == 0) {
            nfc(&f);
        } else if (strcmp(mode, "stream") == 0) {
            stream(&f);
        } else {
            die("unknown mode");
        }
        free_frame(&f);
    }
    met_tokenizer_free(tokenizer);
    met_gguf_free(gguf);
    met_mapping_close(mapping);
    return 0;
}
