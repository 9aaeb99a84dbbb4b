/* What every program here needs of the machine: clocks, cores, arguments, a way to give up. */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define NS_PER_S 1000000000ull

_Noreturn static inline void die(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

/* Passes a call's result on; ends the program where it is negative. */
static inline int check(long result, const char *what) {
    if (result < 0) die(what);
    return (int)result;
}

static inline uint64_t clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static inline uint64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
static inline uint64_t cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

static inline void pin_to_core(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    check(sched_setaffinity(0, sizeof set, &set), "sched_setaffinity");
}

/* The word after `--name` among the arguments, or the fallback. */
static inline const char *option(int argc, char **argv, const char *name, const char *fallback) {
    for (int i = 1; i + 1 < argc; i++)
        if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0) return argv[i + 1];
    if (fallback) return fallback;
    fprintf(stderr, "--%s is missing\n", name);
    exit(2);
}

static inline double option_number(int argc, char **argv, const char *name, const char *fallback) {
    const char *text = option(argc, argv, name, fallback);
    char *end;
    double value = strtod(text, &end);
    if (end != text && *end == 0) return value;
    fprintf(stderr, "--%s takes a number, not '%s'\n", name, text);
    exit(2);
}

static inline void sort_u64(uint64_t *values, size_t count) {
    for (size_t gap = count / 2; gap > 0; gap /= 2)
        for (size_t i = gap; i < count; i++)
            for (size_t j = i; j >= gap && values[j - gap] > values[j]; j -= gap) {
                uint64_t held = values[j];
                values[j] = values[j - gap];
                values[j - gap] = held;
            }
}

/* xorshift64*, Vigna 2016: the same packets in every run. */
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}
