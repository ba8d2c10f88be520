#pragma once
#include <stdint.h>

// What the importing target is compiled for, by the macros that its -march sets, against what the processor and the
// operating system have. Bit i of every mask is the i-th instruction set of the table.
//
// Only sets that a compiler uses by itself: a processor without AES or AMX, say, is no obstacle. The columns after the
// macro say which of cpuid's answers tells, by which register and bit, and what the operating system must save.
#define DURE_INSTRUCTION_SETS(SET)                                                                                   \
    SET("CMPXCHG16B", __GCC_HAVE_SYNC_COMPARE_AND_SWAP_16, DURE_LEAF_1, c, 13, 0)                                    \
    SET("SSE3", __SSE3__, DURE_LEAF_1, c, 0, 0)                                                                      \
    SET("SSSE3", __SSSE3__, DURE_LEAF_1, c, 9, 0)                                                                    \
    SET("SSE4.1", __SSE4_1__, DURE_LEAF_1, c, 19, 0)                                                                 \
    SET("SSE4.2", __SSE4_2__, DURE_LEAF_1, c, 20, 0)                                                                 \
    SET("SSE4A", __SSE4A__, DURE_LEAF_EXTENDED, c, 6, 0)                                                             \
    SET("POPCNT", __POPCNT__, DURE_LEAF_1, c, 23, 0)                                                                 \
    SET("LZCNT", __LZCNT__, DURE_LEAF_EXTENDED, c, 5, 0)                                                             \
    SET("MOVBE", __MOVBE__, DURE_LEAF_1, c, 22, 0)                                                                   \
    SET("BMI1", __BMI__, DURE_LEAF_7, b, 3, 0)                                                                       \
    SET("BMI2", __BMI2__, DURE_LEAF_7, b, 8, 0)                                                                      \
    SET("TBM", __TBM__, DURE_LEAF_EXTENDED, c, 21, 0)                                                                \
    SET("ADX", __ADX__, DURE_LEAF_7, b, 19, 0)                                                                       \
    SET("GFNI", __GFNI__, DURE_LEAF_7, c, 8, 0)                                                                      \
    SET("CMPCCXADD", __CMPCCXADD__, DURE_LEAF_7_1, a, 7, 0)                                                          \
    SET("APX", __APX_F__, DURE_LEAF_7_1, d, 21, DURE_APX_STATE)                                                      \
    SET("AVX", __AVX__, DURE_LEAF_1, c, 28, DURE_AVX_STATE)                                                          \
    SET("F16C", __F16C__, DURE_LEAF_1, c, 29, DURE_AVX_STATE)                                                        \
    SET("FMA", __FMA__, DURE_LEAF_1, c, 12, DURE_AVX_STATE)                                                          \
    SET("FMA4", __FMA4__, DURE_LEAF_EXTENDED, c, 16, DURE_AVX_STATE)                                                 \
    SET("XOP", __XOP__, DURE_LEAF_EXTENDED, c, 11, DURE_AVX_STATE)                                                   \
    SET("AVX2", __AVX2__, DURE_LEAF_7, b, 5, DURE_AVX_STATE)                                                         \
    SET("AVX-VNNI", __AVXVNNI__, DURE_LEAF_7_1, a, 4, DURE_AVX_STATE)                                                \
    SET("AVX-VNNI-INT8", __AVXVNNIINT8__, DURE_LEAF_7_1, d, 4, DURE_AVX_STATE)                                       \
    SET("AVX-VNNI-INT16", __AVXVNNIINT16__, DURE_LEAF_7_1, d, 10, DURE_AVX_STATE)                                    \
    SET("AVX-NE-CONVERT", __AVXNECONVERT__, DURE_LEAF_7_1, d, 5, DURE_AVX_STATE)                                     \
    SET("AVX-IFMA", __AVXIFMA__, DURE_LEAF_7_1, a, 23, DURE_AVX_STATE)                                               \
    SET("AVX512F", __AVX512F__, DURE_LEAF_7, b, 16, DURE_AVX512_STATE)                                               \
    SET("AVX512DQ", __AVX512DQ__, DURE_LEAF_7, b, 17, DURE_AVX512_STATE)                                             \
    SET("AVX512CD", __AVX512CD__, DURE_LEAF_7, b, 28, DURE_AVX512_STATE)                                             \
    SET("AVX512BW", __AVX512BW__, DURE_LEAF_7, b, 30, DURE_AVX512_STATE)                                             \
    SET("AVX512VL", __AVX512VL__, DURE_LEAF_7, b, 31, DURE_AVX512_STATE)                                             \
    SET("AVX512IFMA", __AVX512IFMA__, DURE_LEAF_7, b, 21, DURE_AVX512_STATE)                                         \
    SET("AVX512VBMI", __AVX512VBMI__, DURE_LEAF_7, c, 1, DURE_AVX512_STATE)                                          \
    SET("AVX512VBMI2", __AVX512VBMI2__, DURE_LEAF_7, c, 6, DURE_AVX512_STATE)                                        \
    SET("AVX512VNNI", __AVX512VNNI__, DURE_LEAF_7, c, 11, DURE_AVX512_STATE)                                         \
    SET("AVX512BITALG", __AVX512BITALG__, DURE_LEAF_7, c, 12, DURE_AVX512_STATE)                                     \
    SET("AVX512VPOPCNTDQ", __AVX512VPOPCNTDQ__, DURE_LEAF_7, c, 14, DURE_AVX512_STATE)                               \
    SET("AVX512BF16", __AVX512BF16__, DURE_LEAF_7_1, a, 5, DURE_AVX512_STATE)                                        \
    SET("AVX512FP16", __AVX512FP16__, DURE_LEAF_7, d, 23, DURE_AVX512_STATE)

/// The name of an instruction set by its bit, NULL past the last.
static inline const char *dure_instruction_set_name(unsigned bit) {
#define DURE_NAME(name, macro, leaf, word, position, state) name,
    static const char *const names[] = {DURE_INSTRUCTION_SETS(DURE_NAME)};
#undef DURE_NAME
    _Static_assert(sizeof names / sizeof *names <= 64, "the masks have 64 bits");
    return bit < sizeof names / sizeof *names ? names[bit] : 0;
}

// cpuid is x86's, and so are the macros: elsewhere nothing is built for, and nothing is missing.
#if defined(__x86_64__)

// Compiled for any x86-64, or asking would itself end in an illegal instruction.
#define DURE_ANY_PROCESSOR __attribute__((noinline, target("arch=x86-64")))

enum { DURE_LEAF_1, DURE_LEAF_7, DURE_LEAF_7_1, DURE_LEAF_EXTENDED, DURE_LEAF_COUNT };

// Bits of XCR0: the registers that the operating system keeps when it switches between programs.
enum { DURE_AVX_STATE = 0x6, DURE_AVX512_STATE = 0xE6, DURE_APX_STATE = 0x80000 };

struct dure_cpuid {
    uint32_t a, b, c, d;
};

// Not <cpuid.h>, whose functions would be compiled for what the importing target is.
DURE_ANY_PROCESSOR static struct dure_cpuid dure_ask_cpuid(uint32_t leaf, uint32_t subleaf) {
    struct dure_cpuid answer;
    __asm__ volatile("cpuid"
                     : "=a"(answer.a), "=b"(answer.b), "=c"(answer.c), "=d"(answer.d)
                     : "a"(leaf), "c"(subleaf));
    return answer;
}

/// A leaf, zeros where the processor has none of that number: it would answer with another's bits.
DURE_ANY_PROCESSOR static struct dure_cpuid dure_leaf(uint32_t leaf, uint32_t subleaf) {
    const struct dure_cpuid none = {0, 0, 0, 0};
    if (dure_ask_cpuid(leaf & 0x80000000u, 0).a < leaf) return none;
    // Leaf 7 tells its last subleaf.
    if (subleaf > 0 && dure_ask_cpuid(leaf, 0).a < subleaf) return none;
    return dure_ask_cpuid(leaf, subleaf);
}

/// XCR0, zero where the operating system has not enabled it.
DURE_ANY_PROCESSOR static uint32_t dure_kept_state(struct dure_cpuid leaf1) {
    if (!(leaf1.c >> 27 & 1)) return 0;
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/// Instruction sets that the processor has and the operating system lets programs use.
DURE_ANY_PROCESSOR static uint64_t dure_processor_has(void) {
    struct dure_cpuid leaves[DURE_LEAF_COUNT];
    leaves[DURE_LEAF_1] = dure_leaf(1, 0);
    leaves[DURE_LEAF_7] = dure_leaf(7, 0);
    leaves[DURE_LEAF_7_1] = dure_leaf(7, 1);
    leaves[DURE_LEAF_EXTENDED] = dure_leaf(0x80000001u, 0);
    const uint32_t kept = dure_kept_state(leaves[DURE_LEAF_1]);
    uint64_t sets = 0;
    unsigned bit = 0;
#define DURE_ADD(name, macro, leaf, word, position, state)                                                           \
    sets |= (uint64_t)((leaves[leaf].word >> position & 1) && (kept & (state)) == (state)) << bit++;
    DURE_INSTRUCTION_SETS(DURE_ADD)
#undef DURE_ADD
    return sets;
}

#define DURE_TEXT_OF(value) #value
#define DURE_TEXT(macro) DURE_TEXT_OF(macro)

/// Instruction sets that the importing target may use: a macro that is set stands for 1, another for its own name.
DURE_ANY_PROCESSOR static uint64_t dure_processor_built_for(void) {
    uint64_t sets = 0;
    unsigned bit = 0;
#define DURE_ADD(name, macro, leaf, word, position, state) sets |= (uint64_t)(DURE_TEXT(macro)[0] == '1') << bit++;
    DURE_INSTRUCTION_SETS(DURE_ADD)
#undef DURE_ADD
    return sets;
}

DURE_ANY_PROCESSOR static uint64_t dure_processor_missing(void) {
    return dure_processor_built_for() & ~dure_processor_has();
}

#else

static inline uint64_t dure_processor_has(void) { return 0; }
static inline uint64_t dure_processor_built_for(void) { return 0; }
static inline uint64_t dure_processor_missing(void) { return 0; }

#endif

// Whether the importing target is compiled for 32 registers of 512 bits.
#ifdef __AVX512F__
#define DURE_HAS_WIDE_REGISTERS 1
#else
#define DURE_HAS_WIDE_REGISTERS 0
#endif

// Sixteen numbers, as Swift's SIMD16.
typedef float dure_lanes __attribute__((vector_size(64)));
typedef uint32_t dure_words __attribute__((vector_size(64)));

// What Swift has no word for: a word is two bfloat16, and to each sum come the products of the lower and of the upper
// halves of two words.
#ifdef __AVX512BF16__
#define DURE_HAS_BRAIN_PRODUCTS 1
typedef __bf16 dure_brain_floats __attribute__((vector_size(64)));
static inline dure_lanes dure_add_products(dure_lanes sums, dure_words a, dure_words b) {
    return __builtin_ia32_dpbf16ps_512(sums, (dure_brain_floats)a, (dure_brain_floats)b);
}
#else
#define DURE_HAS_BRAIN_PRODUCTS 0
static inline dure_lanes dure_add_products(dure_lanes sums, dure_words a, dure_words b) {
    const dure_words upper = (dure_words){} + 0xFFFF0000u;
    sums += (dure_lanes)(a << 16) * (dure_lanes)(b << 16);
    return sums + (dure_lanes)(a & upper) * (dure_lanes)(b & upper);
}
#endif
