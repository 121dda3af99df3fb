/* Matrix products by a BLAS library of the system, opened at run time: the second implementation
 * that `matmul: vendor` asks for. It serves F32 and F16 weights and steps of many tokens.
 *
 * Numbers: the bit contract of kernels.h does not hold here, since the library chooses the order of
 * its sums, by shape and by processor. For finite inputs without overflow or underflow
 *     |y - exact| <= cols * u / (1 - cols * u) * sum |w[k] * x[k]|,   u = 2^-24,
 * which is what cols products summed in any order can lose, fused or not (Higham, Accuracy and
 * Stability of Numerical Algorithms, 3.1). F16 weights are widened to F32, which is exact.
 *
 * Threads: every worker of the team calls the library for its own rows, at one thread. A build of
 * OpenBLAS with threads of its own is set to one for the whole process, and stays so: it has no
 * narrower setting. Builds on OpenMP are set for the calling thread and the call alone. */
#ifndef MET_BACKEND_CPU_VENDOR_H
#define MET_BACKEND_CPU_VENDOR_H

#include "backend/cpu/kernels.h"
#include "metallic.h"

enum {
    MET_VENDOR_ROWS = 256, /* weight rows of one call: its packing of x must pay */
    /* Fewest tokens of a step that go there. Below, reading the weights is what counts; and guessed
     * tokens (met_generate_options.speculate, up to 16) must get the very bits of single ones. */
    MET_VENDOR_TOKENS = 32
};

typedef struct met_cpu_vendor met_cpu_vendor;

/* Open the first library of a list that ends in NULL; NULL is this system's list. Names are those
 * that dlopen takes. MET_E_DEVICE names every library tried and why it is not usable. */
met_status met_cpu_vendor_open(const char *const *libraries, met_cpu_vendor **out, met_error *err);
/* Accepts NULL. The library stays in the process: unloading threads is not safe. */
void met_cpu_vendor_close(met_cpu_vendor *vendor);

/* "libopenblas.so.0". Borrowed until it is closed. */
const char *met_cpu_vendor_library(const met_cpu_vendor *vendor);

/* Bytes of the work space of met_cpu_vendor_matmul_f16. */
static inline size_t met_cpu_vendor_panel_bytes(size_t cols)
{
    return MET_VENDOR_ROWS * cols * sizeof(float);
}

/* y[t * y_stride + r] = sum over k of w[r][k] * x[t][k], as matmul_f32 and matmul_f16 of kernels.h
 * but for the order of the sum. Sizes are at least 1 and below 2^31. May be called by several
 * threads at once. panel: met_cpu_vendor_panel_bytes(cols). */
void met_cpu_vendor_matmul_f32(const met_cpu_vendor *vendor, const float *w, size_t rows,
                               size_t cols, const float *x, size_t tokens, float *y,
                               size_t y_stride);
void met_cpu_vendor_matmul_f16(const met_cpu_vendor *vendor, const met_cpu_kernels *kernels,
                               const uint16_t *w, size_t rows, size_t cols, const float *x,
                               size_t tokens, float *y, size_t y_stride, float *panel);

#endif
