/* simdgroup_matrix: an 8 x 8 matrix held by the 32 lanes of a simdgroup (MSL specification,
 * "SIMD-group matrix functions").
 *
 * Lane l holds two neighbours of one row. Which ones Metal does not say; this is the arrangement
 * that is known from Apple's hardware, for kernels that use thread_elements().
 * Products are summed in float, in the order of k, and rounded once to the type of the result.
 */
#pragma once

namespace sim {
/* Bits of a lane: r2 c2 r1 r0 c1, of row r and column c; c0 is the element. */
SIM_INLINE int matrix_row(int lane) { return (lane >> 4 & 1) * 4 + (lane >> 1 & 3); }
SIM_INLINE int matrix_col(int lane) { return (lane >> 3 & 1) * 4 + (lane & 1) * 2; }
SIM_INLINE int matrix_lane(int row, int col)
{
    return (row >> 2) << 4 | (col >> 2) << 3 | (row & 3) << 1 | (col >> 1 & 1);
}
} // namespace sim

namespace metal {

template <class T, int COLS, int ROWS = COLS> struct simdgroup_matrix {
    static_assert(COLS == 8 && ROWS == 8, "a simdgroup matrix has 8 rows and 8 columns");
    vec<T, 2> elements;
    simdgroup_matrix() = default;
    explicit simdgroup_matrix(T diagonal)
    {
        int row = sim::matrix_row((int)sim_lane()), col = sim::matrix_col((int)sim_lane());
        for (int i = 0; i < 2; i++) elements[i] = row == col + i ? diagonal : (T)0;
    }
    vec<T, 2> &thread_elements() { return elements; }
};
typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8, 8> simdgroup_half8x8;

template <class T, int COLS, int ROWS = COLS>
SIM_INLINE simdgroup_matrix<T, COLS, ROWS> make_filled_simdgroup_matrix(T value)
{
    simdgroup_matrix<T, COLS, ROWS> m;
    m.elements = value;
    return m;
}
template <class T, int COLS, int ROWS = COLS>
SIM_INLINE simdgroup_matrix<T, COLS, ROWS> make_diagonal_simdgroup_matrix(T value)
{
    return simdgroup_matrix<T, COLS, ROWS>(value);
}

/* `stride` elements from row to row; `origin` is (column, row). */
template <class P>
SIM_INLINE P sim_matrix_place(P base, ulong stride, ulong2 origin, bool transposed, int i)
{
    ulong row = (ulong)sim::matrix_row((int)sim_lane());
    ulong col = (ulong)(sim::matrix_col((int)sim_lane()) + i);
    return transposed ? base + (origin.y + col) * stride + origin.x + row
                      : base + (origin.y + row) * stride + origin.x + col;
}
#define SIM_MATRIX_MEMORY(SPACE)                                                                   \
    template <class T>                                                                             \
    SIM_INLINE void simdgroup_load(simdgroup_matrix<T, 8, 8> &m, const SPACE T *source,            \
                                   ulong stride = 8, ulong2 origin = 0, bool transposed = false)   \
    {                                                                                              \
        for (int i = 0; i < 2; i++)                                                                \
            m.elements[i] = *sim_matrix_place(source, stride, origin, transposed, i);              \
    }                                                                                              \
    template <class T>                                                                             \
    SIM_INLINE void simdgroup_store(simdgroup_matrix<T, 8, 8> m, SPACE T *target,                  \
                                    ulong stride = 8, ulong2 origin = 0, bool transposed = false)  \
    {                                                                                              \
        for (int i = 0; i < 2; i++)                                                                \
            *sim_matrix_place(target, stride, origin, transposed, i) = m.elements[i];              \
    }
SIM_MATRIX_MEMORY(device)
#ifdef SIM_CHECK
SIM_MATRIX_MEMORY(threadgroup)
#endif

/* Operands by reference to what is not const, as in the specification, table 6.10. */
template <class D, class A, class B, class C>
SIM_INLINE void simdgroup_multiply_accumulate(simdgroup_matrix<D, 8, 8> &d,
                                              simdgroup_matrix<A, 8, 8> &a,
                                              simdgroup_matrix<B, 8, 8> &b,
                                              simdgroup_matrix<C, 8, 8> &c,
                                              int line = __builtin_LINE())
{
    struct parts {
        vec<A, 2> a;
        vec<B, 2> b;
    };
    sim::handed<parts> h = sim::hand_over(parts{a.elements, b.elements}, line);
    int row = sim::matrix_row((int)sim_lane()), col = sim::matrix_col((int)sim_lane());
    float2 sum = {(float)c.elements[0], (float)c.elements[1]};
    for (int k = 0; k < 8; k += 2) {
        vec<A, 2> left = h.at(sim::matrix_lane(row, k)).a;
        vec<B, 2> top = h.at(sim::matrix_lane(k, col)).b;
        vec<B, 2> bottom = h.at(sim::matrix_lane(k + 1, col)).b;
        sum += (float)left[0] * float2{(float)top[0], (float)top[1]};
        sum += (float)left[1] * float2{(float)bottom[0], (float)bottom[1]};
    }
    d.elements = vec<D, 2>{(D)sum[0], (D)sum[1]};
}
template <class D, class A, class B>
SIM_INLINE void simdgroup_multiply(simdgroup_matrix<D, 8, 8> &d, simdgroup_matrix<A, 8, 8> &a,
                                   simdgroup_matrix<B, 8, 8> &b, int line = __builtin_LINE())
{
    simdgroup_matrix<D, 8, 8> zero = make_filled_simdgroup_matrix<D, 8, 8>((D)0);
    simdgroup_multiply_accumulate(d, a, b, zero, line);
}
} // namespace metal
