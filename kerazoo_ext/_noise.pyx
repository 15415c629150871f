"""Noise words from an alias table. See `_noise.pyi`."""

from libc.stdint cimport int32_t, uint64_t

cdef extern from *:
    """
    #include "rng.h"

    /* Walker's alias method (Vose 1991): entry i holds a threshold (high half) and an alias (low half). The draw is
     * multiplied by n in two halves, to avoid 96-bit numbers. The integer part selects the entry, the fraction decides. */
    KZ_CLONES static void kz_noise(const uint64_t *restrict table, uint64_t n, uint64_t key, int64_t count,
                                   int32_t *restrict out) {
        for (int64_t j = 0; j < count; j++) {
            uint64_t r = kz_draw(key, (uint64_t)j);
            uint64_t t = (r >> 32) * n + (((r & KZ_LOW) * n) >> 32);
            uint64_t place = t >> 32, entry = table[place];
            out[j] = (int32_t)((t & KZ_LOW) < (entry >> 32) ? place : entry & KZ_LOW);
        }
    }
    static uint64_t kz_stream_key(uint64_t key, uint64_t stream) { return kz_draw(key, stream); }
    """
    void kz_noise(const uint64_t *, uint64_t, uint64_t, long long, int32_t *) noexcept nogil
    uint64_t kz_stream_key(uint64_t, uint64_t) noexcept nogil


def draw(const unsigned long long[::1] table, unsigned long long key, unsigned long long stream, int[::1] out):
    cdef uint64_t stream_key = kz_stream_key(key, stream)
    if not 0 < table.shape[0] < 2**31:
        raise ValueError("table must have 1 to 2**31 - 1 entries")
    if out.shape[0] == 0:
        return
    with nogil:
        kz_noise(<const uint64_t *> &table[0], <uint64_t> table.shape[0], stream_key, out.shape[0], <int32_t *> &out[0])
