/* What the programs of this folder share: checks, random numbers, threads. */
#ifndef KERAZOO_TESTS_CHECK_H
#define KERAZOO_TESTS_CHECK_H

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition, ...) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__); \
            fprintf(stderr, "\n"); \
            exit(1); \
        } \
    } while (0)

/* Numbers for test data, not those of rng.h: a xorshift generator (Marsaglia 2003). */
static uint64_t random_state = 88172645463325252u;

static inline uint64_t random_bits(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static inline int64_t random_below(int64_t n) { return (int64_t)((random_bits() >> 11) % (uint64_t)n); }

static inline double random_uniform(void) { return (double)(random_bits() >> 11) / 9007199254740992.0; }

/* About normal, which is enough: the sum of 12 uniform numbers. */
static inline double random_normal(void) {
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += random_uniform();
    return sum;
}

/* Zeros; the program ends if there is no memory. */
static inline void *zeros(int64_t n, size_t size) {
    void *memory = calloc((size_t)(n ? n : 1), size);
    CHECK(memory, "no memory");
    return memory;
}

/* Calls work(argument[i]) in n threads, which start together, and waits for them. */
static inline void in_threads(int n, void *(*work)(void *), void *arguments, size_t size) {
    pthread_t threads[64];
    CHECK(n <= 64, "%d threads", n);
    for (int i = 0; i < n; i++)
        CHECK(!pthread_create(threads + i, NULL, work, (char *)arguments + (size_t)i * size), "thread %d", i);
    for (int i = 0; i < n; i++) pthread_join(threads[i], NULL);
}

#endif
