/* Owns: the table of the AVX2 level (with FMA and F16C). It is compiled for any processor. */
#include "backend/cpu/kernels_avx2.h"

void met_cpu_fill_avx2(met_cpu_kernels *kernels)
{
    kernels->quantize_q8 = met_avx2_quantize_q8;
    kernels->matvec_q8 = met_avx2_matvec_q8;
    kernels->matmul_q8 = met_avx2_matmul_q8;
    kernels->matvec_f16 = met_avx2_matvec_f16;
    kernels->matvec_f32 = met_avx2_matvec_f32;
    kernels->matmul_f16 = met_avx2_matmul_f16;
    kernels->matmul_f32 = met_avx2_matmul_f32;
    kernels->row_q8 = met_avx2_row_q8;
    kernels->row_f16 = met_avx2_row_f16;
    kernels->to_f16 = met_avx2_to_f16;
    kernels->rmsnorm = met_avx2_rmsnorm;
    kernels->rope = met_avx2_rope;
    kernels->swiglu = met_avx2_swiglu;
    kernels->add = met_avx2_add;
    kernels->attend = met_avx2_attend;
    kernels->attend_merge = met_avx2_attend_merge;
    kernels->attend_finish = met_avx2_attend_finish;
    kernels->exp = met_avx2_exp;
}
