/* Owns: the library's handle and the calls into it. Does not own which product goes there.
 *
 * The invariant: a product runs on the thread that asks for it and on no other, as far as the
 * library can be told. */
#include "backend/cpu/vendor.h"

#include "base/error.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the C interface to BLAS. Its integers are 32 bits wide in every library listed below. */
enum { BLAS_ROW_MAJOR = 101, BLAS_NO_TRANS = 111, BLAS_TRANS = 112 };
typedef void (*sgemm_fn)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                         const float *a, int lda, const float *b, int ldb, float beta, float *c,
                         int ldc);
typedef char *(*get_config_fn)(void);
typedef int (*get_int_fn)(void);
typedef void (*set_int_fn)(int value);

enum { OPENBLAS_OPENMP = 2 }; /* what openblas_get_parallel returns for such a build */

struct met_cpu_vendor {
    void *handle;
    char library[128];
    sgemm_fn sgemm;
    get_int_fn omp_get_max_threads; /* a build on OpenMP; else both are NULL */
    set_int_fn omp_set_num_threads;
};

static const char *const system_libraries[] = {
#if defined(__APPLE__)
    "/System/Library/Frameworks/Accelerate.framework/Accelerate",
    "libopenblas.dylib",
#else
    "libopenblas.so.0",
    "libopenblas.so",
    "libblas.so.3",
#endif
    NULL,
};

/* Store the function in the pointer at `function`, NULL when the library has none of that name. */
static void find_function(void *handle, const char *name, void *function)
{
    void *address = dlsym(handle, name);
    memcpy(function, &address, sizeof address); /* C has no cast from object to function */
}

/* Why the library cannot be used, or NULL. */
static const char *find_functions(met_cpu_vendor *vendor)
{
    get_config_fn get_config = NULL;
    get_int_fn get_parallel = NULL;
    set_int_fn set_num_threads = NULL;

    find_function(vendor->handle, "cblas_sgemm", &vendor->sgemm);
    if (vendor->sgemm == NULL) return "has no cblas_sgemm";
    find_function(vendor->handle, "openblas_get_config", &get_config);
    if (get_config != NULL && strstr(get_config(), "USE64BITINT") != NULL) {
        return "takes integers of 64 bits";
    }
    find_function(vendor->handle, "openblas_get_parallel", &get_parallel);
    if (get_parallel != NULL && get_parallel() == OPENBLAS_OPENMP) {
        find_function(vendor->handle, "omp_get_max_threads", &vendor->omp_get_max_threads);
        find_function(vendor->handle, "omp_set_num_threads", &vendor->omp_set_num_threads);
        if (vendor->omp_get_max_threads == NULL || vendor->omp_set_num_threads == NULL) {
            return "is built on an OpenMP that cannot be found";
        }
        return NULL;
    }
    find_function(vendor->handle, "openblas_set_num_threads", &set_num_threads);
    if (set_num_threads != NULL) set_num_threads(1);
    return NULL;
}

/* Whether the library can be used; when not, `why` says so, with its name. */
static bool open_library(met_cpu_vendor *vendor, const char *library, char *why, size_t why_bytes)
{
    vendor->handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (vendor->handle == NULL) {
        const char *reason = dlerror(); /* begins with the library's name, or with a path */
        (void)snprintf(why, why_bytes, "%.110s", reason != NULL ? reason : library);
        return false;
    }
    const char *reason = find_functions(vendor);
    if (reason != NULL) {
        (void)snprintf(why, why_bytes, "%.64s %s", library, reason);
        (void)dlclose(vendor->handle);
        *vendor = (met_cpu_vendor){0};
        return false;
    }
    (void)snprintf(vendor->library, sizeof vendor->library, "%s", library);
    return true;
}

static void call_sgemm(const met_cpu_vendor *vendor, const float *w, size_t rows, size_t cols,
                       const float *x, size_t tokens, float *y, size_t y_stride)
{
    int threads = 0;
    if (vendor->omp_get_max_threads != NULL) { /* of this thread; its owner gets them back */
        threads = vendor->omp_get_max_threads();
        vendor->omp_set_num_threads(1);
    }
    vendor->sgemm(BLAS_ROW_MAJOR, BLAS_NO_TRANS, BLAS_TRANS, (int)tokens, (int)rows, (int)cols,
                  1.0f, x, (int)cols, w, (int)cols, 0.0f, y, (int)y_stride);
    if (vendor->omp_get_max_threads != NULL) vendor->omp_set_num_threads(threads);
}

met_status met_cpu_vendor_open(const char *const *libraries, met_cpu_vendor **out, met_error *err)
{
    char tried[384] = "";
    size_t used = 0;

    *out = NULL;
    met_cpu_vendor *vendor = calloc(1, sizeof *vendor);
    if (vendor == NULL) return met_fail_memory(err, "matmul", sizeof *vendor);
    if (libraries == NULL) libraries = system_libraries;
    for (const char *const *library = libraries; *library != NULL; library++) {
        char why[128];
        if (open_library(vendor, *library, why, sizeof why)) {
            /* The first product sets the library up; some do that without a lock. */
            float one = 1.0f, product = 0.0f;
            call_sgemm(vendor, &one, 1, 1, &one, 1, &product, 1);
            *out = vendor;
            return MET_OK;
        }
        if (used >= sizeof tried) continue;
        used +=
            (size_t)snprintf(tried + used, sizeof tried - used, "%s%s", used == 0 ? "" : "; ", why);
    }
    free(vendor);
    return met_fail(err, MET_E_DEVICE,
                    "matmul: no vendor library: found %s; expected one of them, such as Debian's "
                    "libopenblas0-pthread",
                    tried);
}

void met_cpu_vendor_close(met_cpu_vendor *vendor)
{
    if (vendor == NULL) return;
    (void)dlclose(vendor->handle);
    free(vendor);
}

const char *met_cpu_vendor_library(const met_cpu_vendor *vendor)
{
    return vendor->library;
}

void met_cpu_vendor_matmul_f32(const met_cpu_vendor *vendor, const float *w, size_t rows,
                               size_t cols, const float *x, size_t tokens, float *y,
                               size_t y_stride)
{
    call_sgemm(vendor, w, rows, cols, x, tokens, y, y_stride);
}

void met_cpu_vendor_matmul_f16(const met_cpu_vendor *vendor, const met_cpu_kernels *kernels,
                               const uint16_t *w, size_t rows, size_t cols, const float *x,
                               size_t tokens, float *y, size_t y_stride, float *panel)
{
    for (size_t r = 0; r < rows; r += MET_VENDOR_ROWS) {
        size_t count = rows - r < MET_VENDOR_ROWS ? rows - r : MET_VENDOR_ROWS;
        kernels->row_f16(w + r * cols, count * cols, panel); /* rows lie one after another */
        call_sgemm(vendor, panel, count, cols, x, tokens, y + r, y_stride);
    }
}
