/* Metal's standard library for clang on a processor: what a rewritten source is compiled after.
 *
 * Owns: the list of its parts. No system header is included: their names would meet the
 * macros below, and parsing them costs more than all of this. With SIM_CHECK the address spaces are real and the
 * compiler only checks; without, they are empty words.
 */
#pragma once

#define SIM_NO_SYSTEM_HEADERS
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long int64_t;
typedef unsigned long uint64_t;
typedef decltype(sizeof(0)) size_t;
typedef long ptrdiff_t;
typedef unsigned long uintptr_t;

#include "../../kernel_abi.h"

#ifdef SIM_CHECK
#define device __attribute__((address_space(1)))
#define constant const __attribute__((address_space(2)))
#define threadgroup __attribute__((address_space(3)))
#else
#define device
#define constant const
#define threadgroup
#endif
#define thread
#define kernel

#define SIM_INLINE static inline __attribute__((always_inline))

#include "types.h"
#include "math.h"
#include "simdgroup.h"
#include "matrix.h"
#include "atomic.h"
#ifndef SIM_CHECK
#include "entry.h"
#endif
