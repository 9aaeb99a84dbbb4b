/* How far apart two cores are: a cache line thrown to and fro. --rounds N; prints nanoseconds a round trip. */
#include "memory.h"
#include <sys/wait.h>

enum { SETS = 9 };

int main(int argc, char **argv) {
    uint32_t rounds = (uint32_t)option_number(argc, argv, "rounds", "20000");
    uint32_t *ball = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint32_t last = rounds * SETS * 2;
    pid_t child = check(fork(), "fork");
    pin_to_core(child == 0 ? 1 : 0);
    if (child == 0) {
        for (uint32_t next = 1; next < last; next += 2) {
            while (__atomic_load_n(ball, __ATOMIC_ACQUIRE) != next) continue;
            __atomic_store_n(ball, next + 1, __ATOMIC_RELEASE);
        }
        _exit(0);
    }
    uint64_t sets[SETS];
    uint32_t next = 0;
    for (int set = 0; set < SETS; set++) {
        uint64_t begin = now_ns();
        for (uint32_t i = 0; i < rounds; i++, next += 2) {
            __atomic_store_n(ball, next + 1, __ATOMIC_RELEASE);
            while (__atomic_load_n(ball, __ATOMIC_ACQUIRE) != next + 2) continue;
        }
        sets[set] = now_ns() - begin;
    }
    waitpid(child, NULL, 0);
    sort_u64(sets, SETS);
    printf("{\"roundTripNs\":%.1f}\n", (double)sets[SETS / 2] / rounds);
    return 0;
}
