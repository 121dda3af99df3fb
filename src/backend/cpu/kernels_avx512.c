/* Owns: the table of the AVX-512 level (F, BW, DQ, VL, VNNI). It is compiled for any processor. */
#include "backend/cpu/kernels_avx512.h"

/* matvec_f16 and matvec_f32 stay as they are: AVX2's are no slower. */
void met_cpu_fill_avx512(met_cpu_kernels *kernels)
{
    kernels->quantize_q8 = met_avx512_quantize_q8;
    kernels->matvec_q8 = met_avx512_matvec_q8;
    kernels->matmul_q8 = met_avx512_matmul_q8;
    kernels->matmul_f16 = met_avx512_matmul_f16;
    kernels->matmul_f32 = met_avx512_matmul_f32;
    kernels->row_q8 = met_avx512_row_q8;
    kernels->row_f16 = met_avx512_row_f16;
    kernels->to_f16 = met_avx512_to_f16;
    kernels->rmsnorm = met_avx512_rmsnorm;
    kernels->rope = met_avx512_rope;
    kernels->swiglu = met_avx512_swiglu;
    kernels->add = met_avx512_add;
    kernels->attend = met_avx512_attend;
    kernels->attend_merge = met_avx512_attend_merge;
    kernels->attend_finish = met_avx512_attend_finish;
    kernels->exp = met_avx512_exp;
}
