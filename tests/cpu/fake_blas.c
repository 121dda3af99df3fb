/* A BLAS of one function, for tests: products in double, rounded once, and an account of how it was
 * called. FAKE_KIND makes the kinds that metallic must tell apart. */
#include <stdatomic.h>
#include <stdlib.h>

#define FAKE_API __attribute__((visibility("default")))

/* 0 to 4: preprocessor conditions below say the number. */
enum { KIND_THREADS, KIND_OPENMP, KIND_LOST_OPENMP, KIND_64_BIT, KIND_EMPTY };

static atomic_int calls, threads = 99, most_threads_in_call;

/* How many products it made, and the most threads that it was allowed during one. */
FAKE_API int fake_calls(void);
FAKE_API int fake_most_threads_in_call(void);
/* Threads allowed now. */
FAKE_API int fake_threads(void);

int fake_calls(void)
{
    return calls;
}

int fake_most_threads_in_call(void)
{
    return most_threads_in_call;
}

int fake_threads(void)
{
    return threads;
}

FAKE_API char *openblas_get_config(void);
char *openblas_get_config(void)
{
    static char plain[] = "Fake 1.0", wide[] = "Fake 1.0 USE64BITINT";
    return FAKE_KIND == KIND_64_BIT ? wide : plain;
}

FAKE_API int openblas_get_parallel(void);
int openblas_get_parallel(void)
{
    return FAKE_KIND == KIND_OPENMP || FAKE_KIND == KIND_LOST_OPENMP ? 2 : 1;
}

FAKE_API void openblas_set_num_threads(int count);
void openblas_set_num_threads(int count)
{
    if (FAKE_KIND == KIND_OPENMP) abort(); /* it would not be this thread's own setting */
    threads = count;
}

#if FAKE_KIND == 1 /* KIND_OPENMP: the real ones keep a number for each thread */
static _Thread_local int omp_threads = 7;

FAKE_API int omp_get_max_threads(void);
int omp_get_max_threads(void)
{
    return omp_threads;
}

FAKE_API void omp_set_num_threads(int count);
void omp_set_num_threads(int count)
{
    omp_threads = count;
    threads = count;
}
#endif

#if FAKE_KIND != 4 /* KIND_EMPTY */
FAKE_API void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                          const float *a, int lda, const float *b, int ldb, float beta, float *c,
                          int ldc);
void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                 const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    /* Row-major c[m][n] = a[m][k] . b[n][k] transposed: all that metallic asks for. */
    if (order != 101 || trans_a != 111 || trans_b != 112 || alpha != 1 || beta != 0) abort();
    if (m < 1 || n < 1 || k < 1 || lda < k || ldb < k || ldc < n) abort();
#if FAKE_KIND == 1
    int allowed = omp_threads;
#else
    int allowed = threads;
#endif
    if (allowed > most_threads_in_call) most_threads_in_call = allowed;
    calls++;
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int l = k - 1; l >= 0; l--)
                sum += (double)a[(long)i * lda + l] * b[(long)j * ldb + l];
            c[(long)i * ldc + j] = (float)sum;
        }
    }
}
#endif
