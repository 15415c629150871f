/* Changes of rows as they go between workers: packing to bfloat16 and back, sums, and the scales by which they are
 * combined. Plain C, which compilers turn into vectors. See `_exchange.pyi` for what the functions compute. */

#ifndef KERAZOO_EXCHANGE_H
#define KERAZOO_EXCHANGE_H

#include <stdint.h>
#include <string.h>

static inline uint32_t kz_bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float kz_float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline void kz_pack_change(const float *now, const float *base, uint16_t *out, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = (uint16_t)((kz_bits_of(now[i] - base[i]) + 0x8000u) >> 16);
}

static inline void kz_pack(const float *values, uint16_t *out, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = (uint16_t)((kz_bits_of(values[i]) + 0x8000u) >> 16);
}

static inline void kz_add_packed(float *total, const uint16_t *sent, int64_t n) {
    for (int64_t i = 0; i < n; i++) total[i] += kz_float_of((uint32_t)sent[i] << 16);
}

static inline void kz_apply_packed(float *base, float *now, const uint16_t *change, int64_t n) {
    for (int64_t i = 0; i < n; i++) now[i] = base[i] = base[i] + kz_float_of((uint32_t)change[i] << 16);
}

/* `chosen ? a : b` without a branch, which would keep a loop from being turned into vectors. */
static inline float kz_select(int chosen, float a, float b) {
    uint32_t mask = 0u - (uint32_t)chosen;
    return kz_float_of((kz_bits_of(a) & mask) | (kz_bits_of(b) & ~mask));
}

/* 1 - exp(-x) for x >= 0, to 1e-6 of its value. */
static inline float kz_rise(float x) {
    float small = x * (1 - x * (0.5f - x * (1 / 6.f - x * (1 / 24.f - x * (1 / 120.f)))));
    float y = x * -1.44269504f;
    y = kz_select(y < -126.f, -126.f, y);
    float shifted = y + 12582912.f; /* 1.5 2^23: the low bits are the nearest integer */
    float f = y - (shifted - 12582912.f);
    float p = 1 + f * (0.693147180f + f * (0.240226507f + f * (0.0555041087f + f * (0.00961812911f + f * 0.00133335581f))));
    float large = 1 - kz_float_of(kz_bits_of(p) + (kz_bits_of(shifted) << 23));
    return kz_select(x < 0.25f, small, large);
}

static inline void kz_scale(float *projected, const float *values, float updates, float workers, float flat, int64_t n) {
    float part = 1 / workers;
    for (int64_t j = 0; j < n; j++) {
        float way = updates * values[j];
        float ratio = kz_rise(way) / (workers * kz_rise(way * part) + 1e-38f) - 1;
        projected[j] *= kz_select(way > flat, ratio, 0);
    }
}

static inline void kz_count(const int32_t *ids, int64_t n, int32_t *counts) {
    for (int64_t i = 0; i < n; i++) counts[ids[i]]++;
}

#endif
