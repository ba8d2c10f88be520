#pragma once
#include <cpuid.h>

// What the importing target is compiled for (its -march sets the macros), and what the processor says it has.
// Bit i of both masks is the same instruction set; dure_processor_feature_name(i) names it.

static inline unsigned dure_processor_built_for(void) {
    unsigned mask = 0;
#ifdef __AVX2__
    mask |= 1u << 0;
#endif
#ifdef __FMA__
    mask |= 1u << 1;
#endif
#ifdef __BMI2__
    mask |= 1u << 2;
#endif
#ifdef __AVX512F__
    mask |= 1u << 3;
#endif
#ifdef __AVX512BW__
    mask |= 1u << 4;
#endif
#ifdef __AVX512DQ__
    mask |= 1u << 5;
#endif
#ifdef __AVX512VL__
    mask |= 1u << 6;
#endif
#ifdef __AVX512VNNI__
    mask |= 1u << 7;
#endif
#ifdef __AVX512BF16__
    mask |= 1u << 8;
#endif
#ifdef __AVX512VBMI2__
    mask |= 1u << 9;
#endif
#ifdef __AMX_TILE__
    mask |= 1u << 10;
#endif
    return mask;
}

// Compiled for any x86-64, or asking would itself end in an illegal instruction.
#define DURE_ANY_PROCESSOR __attribute__((noinline, target("arch=x86-64")))

DURE_ANY_PROCESSOR static unsigned dure_processor_has(void) {
    unsigned a = 0, b = 0, c = 0, d = 0, mask = 0;
    if (__get_cpuid(1, &a, &b, &c, &d)) mask |= (c >> 12 & 1) << 1;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        mask |= (b >> 5 & 1) << 0 | (b >> 8 & 1) << 2 | (b >> 16 & 1) << 3 | (b >> 30 & 1) << 4;
        mask |= (b >> 17 & 1) << 5 | (b >> 31 & 1) << 6 | (c >> 11 & 1) << 7 | (c >> 6 & 1) << 9;
        mask |= (d >> 24 & 1) << 10;
    }
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d)) mask |= (a >> 5 & 1) << 8;
    return mask;
}

DURE_ANY_PROCESSOR static unsigned dure_processor_missing(void) {
    return dure_processor_built_for() & ~dure_processor_has();
}

static inline const char *dure_processor_feature_name(unsigned index) {
    static const char *const names[] = {"AVX2", "FMA", "BMI2", "AVX512F", "AVX512BW", "AVX512DQ", "AVX512VL",
                                        "AVX512_VNNI", "AVX512_BF16", "AVX512_VBMI2", "AMX"};
    return index < sizeof names / sizeof *names ? names[index] : "";
}

static inline unsigned dure_processor_avx512f(void) { return 1u << 3; }

// Whether the importing target is compiled for 32 registers of 512 bits.
#ifdef __AVX512F__
#define DURE_HAS_WIDE_REGISTERS 1
#else
#define DURE_HAS_WIDE_REGISTERS 0
#endif
