/* The constants of the one exponential that every ISA level computes with the same operations:
 *
 *   x = HI < x ? HI : x; x = LO > x ? LO : x      (a NaN stays, infinities are clamped)
 *   t = fma(x, LOG2E, MAGIC); n = t - MAGIC       (n = x * log2(e) rounded to an integer)
 *   r = fma(n, MINUS_LN2_LOW, fma(n, MINUS_LN2_HIGH, x))
 *   p = Horner with fma over P6 .. P1, 1, 1
 *   k = bits(t) - MAGIC_BITS; a = k >> 1; b = k - a
 *   exp = (p * 2^a) * 2^b                         (two steps: subnormal results round once)
 *
 * 0.895 ulp at most over all normal results; above HI it overflows to infinity, below LO it is 0.
 * The polynomial is that of Cephes' expf (S. Moshier): minimax on |r| <= ln(2) / 2; Taylor
 * coefficients of the same degree err by 2.6 ulp. LN2 is split so that n * HIGH is exact. */
#ifndef MET_BACKEND_CPU_EXP_H
#define MET_BACKEND_CPU_EXP_H

#define MET_EXP_HI 89.0f
#define MET_EXP_LO (-104.0f)
#define MET_EXP_LOG2E 1.44269504088896341f
#define MET_EXP_MAGIC 12582912.0f /* 1.5 * 2^23: adding it leaves the nearest integer below */
#define MET_EXP_MAGIC_BITS 0x4b400000
#define MET_EXP_MINUS_LN2_HIGH (-0.693359375f)
#define MET_EXP_MINUS_LN2_LOW 2.12194440e-4f
#define MET_EXP_P6 1.9875691500e-4f
#define MET_EXP_P5 1.3981999507e-3f
#define MET_EXP_P4 8.3334519073e-3f
#define MET_EXP_P3 4.1665795894e-2f
#define MET_EXP_P2 1.6666665459e-1f
#define MET_EXP_P1 5.0000001201e-1f

#endif
