/* Owns: the table of the AVX-VNNI level: AVX2 with a 256-bit dot product of bytes, for processors
 * without AVX-512. It is compiled for any processor. */
#include "backend/cpu/kernels_avxvnni.h"

void met_cpu_fill_avxvnni(met_cpu_kernels *kernels)
{
    kernels->matvec_q8 = met_avxvnni_matvec_q8;
    kernels->matmul_q8 = met_avxvnni_matmul_q8;
}
