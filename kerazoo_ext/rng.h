/* Counter-based random numbers, and the macro that compiles a function for several instruction sets.
 *
 * Draw number `counter` of the stream `key` is a pure function of the two, so any batch can be made independently, in any
 * order and on any thread, and NumPy's uint64 arithmetic computes the same numbers bit for bit.
 */
#ifndef KERAZOO_RNG_H
#define KERAZOO_RNG_H

#include <stdint.h>
#include <stddef.h> /* defines __GLIBC__, on glibc */
#include <limits.h>

/* One wheel for every x86-64: gcc compiles the marked functions two or three times, and glibc's loader selects one (v4
 * is AVX-512 with the 64-bit product that the generator needs; gcc supports it from version 12 on). Other compilers and
 * systems get the plain build. The sanitizers start after the loader runs the resolvers, so they need it disabled. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) \
    && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__OPTIMIZE__)
#if __GNUC__ >= 12
#define KZ_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define KZ_CLONES __attribute__((target_clones("avx2", "default")))
#endif
#else
#define KZ_CLONES
#endif

#if defined(_MSC_VER)
#define KZ_INLINE static __forceinline
#elif defined(__OPTIMIZE__)
#define KZ_INLINE static inline __attribute__((always_inline))
#else
#define KZ_INLINE static inline
#endif

#define KZ_GOLDEN UINT64_C(0x9E3779B97F4A7C15) /* 2^64 / golden ratio, odd */
#define KZ_LOW UINT64_C(0xFFFFFFFF)

/* Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators": the finalizer of SplitMix64 (variant 13
 * of Stafford), whose stream `mix(key + counter * golden)` passes BigCrush. */
KZ_INLINE uint64_t kz_mix(uint64_t z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

KZ_INLINE uint64_t kz_draw(uint64_t key, uint64_t counter) { return kz_mix(key + counter * KZ_GOLDEN); }

/* Maps the low 32 bits of `r` to an integer from 0 to n - 1 (Lemire's multiplication; bias below n / 2^32). */
KZ_INLINE uint32_t kz_below(uint64_t r, uint32_t n) { return (uint32_t)(((r & KZ_LOW) * n) >> 32); }

#endif
