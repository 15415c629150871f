/* Whether an object is in use: by one thread that changes it, or by any number that read it. The kernels run without the
 * GIL, so two threads could otherwise change one table at the same time, which corrupts memory. A second user is refused,
 * not made to wait: no caller shares a table on purpose.
 */
#ifndef KERAZOO_USE_H
#define KERAZOO_USE_H

typedef int kz_use; /* 0: free; -1: being changed; otherwise the number of readers */

/* Each returns 1, or 0 if another thread's use does not allow it. */
static inline int kz_begin_change(kz_use *use) {
    int expected = 0;
    return __atomic_compare_exchange_n(use, &expected, -1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline int kz_begin_read(kz_use *use) {
    int readers = __atomic_load_n(use, __ATOMIC_RELAXED);
    while (readers >= 0)
        if (__atomic_compare_exchange_n(use, &readers, readers + 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return 1;
    return 0;
}

static inline void kz_end_change(kz_use *use) { __atomic_store_n(use, 0, __ATOMIC_RELEASE); }

static inline void kz_end_read(kz_use *use) { __atomic_fetch_sub(use, 1, __ATOMIC_RELEASE); }

#endif
