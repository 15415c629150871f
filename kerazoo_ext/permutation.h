/* A random permutation of 0..n-1. Each element is computed independently, without a table, for any n. */
#ifndef KERAZOO_PERMUTATION_H
#define KERAZOO_PERMUTATION_H

#include "rng.h"

#define KZ_ROUNDS 6

/* An unbalanced Feistel network over the smallest 2^bits >= n: each round XORs a keyed mix of one half into the other,
 * which is invertible, so the network is a bijection. Values >= n pass through it again until they are below n ("cycle
 * walking", Black & Rogaway 2002), fewer than two passes on average. */
KZ_INLINE uint64_t kz_permute(uint64_t value, uint64_t n, uint64_t key) {
    int bits = 0;
    while (bits < 63 && (UINT64_C(1) << bits) < n) bits++;
    int low_bits = (bits + 1) / 2;
    uint64_t low_mask = (UINT64_C(1) << low_bits) - 1, high_mask = (UINT64_C(1) << (bits - low_bits)) - 1;
    do {
        uint64_t low = value & low_mask, high = value >> low_bits;
        for (uint64_t round = 0; round < KZ_ROUNDS; round += 2) {
            high ^= kz_mix(kz_draw(key, round) ^ low) & high_mask;
            low ^= kz_mix(kz_draw(key, round + 1) ^ high) & low_mask;
        }
        value = high << low_bits | low;
    } while (value >= n);
    return value;
}

#endif
