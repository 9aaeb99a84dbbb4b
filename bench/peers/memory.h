/* Regions: sealed memfds, in 2 MiB or in 4 KiB pages. */
#pragma once
#include "layout.h"
#include "machine.h"
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static inline uint32_t align_up(uint32_t value, uint32_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

/* A sealed memfd of whole 2 MiB, in hugepages or not. */
static inline int create_region(const char *name, size_t bytes, bool huge) {
    int fd = check(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge ? MFD_HUGETLB | MFD_HUGE_2MB : 0)),
                   "memfd_create");
    check(ftruncate(fd, (off_t)bytes), "ftruncate");
    check(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), "fcntl(F_ADD_SEALS)");
    check(fchmod(fd, 0400), "fchmod");
    return fd;
}

static inline uint8_t *map_region(int fd, size_t bytes, int protection) {
    void *at = mmap(NULL, bytes, protection, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED) die("mmap");
    return at;
}

/* Zeroed private memory on cache lines of its own. */
static inline void *allocate(size_t bytes) {
    void *at = aligned_alloc(L_LINE, (bytes + L_LINE - 1) / L_LINE * L_LINE);
    if (!at) die("aligned_alloc");
    return memset(at, 0, bytes);
}
