/* The element types of GGUF: activations to Q8_0, Q8_0 and F16 rows to floats, floats to F16; and
 * opening a file of them. GB/s of everything read and written, against reading as many bytes; of a
 * file, its header.
 *
 *   bench_gguf_quant [OPTION]... [MODEL.gguf]      the bundled model */
#include "rows.h"

#include "base/mapping.h"
#include "gguf/gguf.h"


static void run_quantize(const met_cpu_kernels *k, const bench_row *row)
{
    k->quantize_q8(row->a, row->cols, row->q, row->scale, row->offset);
}

typedef struct open_job {
    const char *path;
    uint64_t header_bytes;
    met_status status;
    met_error err;
} open_job;

/* What met_file_open does: map, check, index. */
static void run_open(void *arg, int32_t worker, int32_t workers)
{
    (void)worker, (void)workers;
    open_job *job = arg;
    met_mapping *mapping = NULL;
    met_gguf *gguf = NULL;
    job->status = met_mapping_open(job->path, &mapping, &job->err);
    if (job->status == MET_OK) {
        job->status = met_gguf_parse(met_mapping_data(mapping), met_mapping_bytes(mapping),
                                     job->path, &gguf, &job->err);
    }
    if (job->status == MET_OK) job->header_bytes = met_gguf_data_offset(gguf);
    met_gguf_free(gguf);
    met_mapping_close(mapping);
}

static void bench_open(bench *b, const char *path)
{
    open_job job = {.path = path};
    run_open(&job, 0, 1); /* is it there, and how long is its header? */
    if (job.status != MET_OK) bench_fail(b, job.err.text);
    bench_measure(b, NULL,
                  &(bench_case){.name = "open a cached file",
                                .run = run_open,
                                .arg = &job,
                                .bytes = (double)job.header_bytes,
                                .waits = true});
    if (job.status != MET_OK) bench_fail(b, job.err.text);
}

int main(int argc, char **argv)
{
    /* Quantizing reads a float and writes a byte, and 8 bytes of scale and offset a block. */
    static const bench_row_op ops[] = {
        {"f32 to q8_0", 4 + 40.0 / 32, run_quantize, false},
        {"q8_0 to f32", BENCH_Q8_TO_F32_BYTES, bench_run_q8_to_f32, false},
        {"f16 to f32", BENCH_F16_TO_F32_BYTES, bench_run_f16_to_f32, false},
        {"f32 to f16", BENCH_F16_TO_F32_BYTES, bench_run_f32_to_f16, false},
    };
    /* A token's input and hidden row in 0.5B, the hidden row of 3B, then whole matrices. */
    static const bench_shape shapes[] = {{1, 896},   {1, 4864},   {1, 11008},
                                         {512, 896}, {4864, 896}, {11008, 2048}};
    bench b;
    bench_begin(&b, "gguf_quant", "[MODEL.gguf]", argc, argv);
    bench_rows(&b, ops, sizeof ops / sizeof ops[0], shapes, sizeof shapes / sizeof shapes[0]);
    bench_open(&b, b.operand_count > 0 ? b.operands[0] : BENCH_SOURCE "/models/bundled-q8_0.gguf");
    return bench_end(&b);
}
