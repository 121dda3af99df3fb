/* Owns: the tables of the ARM levels: NEON with the dot product, and i8mm, which adds the matrix
 * product of bytes. They are compiled for any ARMv8 processor. */
#include "backend/cpu/kernels_neon.h"

void met_cpu_fill_neon(met_cpu_kernels *kernels)
{
    kernels->quantize_q8 = met_neon_quantize_q8;
    kernels->matvec_q8 = met_neon_matvec_q8;
    kernels->matmul_q8 = met_neon_matmul_q8;
    kernels->matvec_f16 = met_neon_matvec_f16;
    kernels->matvec_f32 = met_neon_matvec_f32;
    kernels->matmul_f16 = met_neon_matmul_f16;
    kernels->matmul_f32 = met_neon_matmul_f32;
    kernels->row_q8 = met_neon_row_q8;
    kernels->row_f16 = met_neon_row_f16;
    kernels->to_f16 = met_neon_to_f16;
    kernels->rmsnorm = met_neon_rmsnorm;
    kernels->rope = met_neon_rope;
    kernels->swiglu = met_neon_swiglu;
    kernels->add = met_neon_add;
    kernels->attend = met_neon_attend;
    kernels->attend_merge = met_neon_attend_merge;
    kernels->attend_finish = met_neon_attend_finish;
    kernels->exp = met_neon_exp;
}

void met_cpu_fill_i8mm(met_cpu_kernels *kernels)
{
    kernels->matmul_q8 = met_i8mm_matmul_q8;
}
