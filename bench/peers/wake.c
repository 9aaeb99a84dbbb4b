/*
 * Wake-up latency: a packet to a SOCK_SEQPACKET socket pair wakes a process that sleeps in poll(2), one way, in
 * microseconds. --wakes N
 */
#include "memory.h"
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { MIN_GAP_NS = 120000, GAP_SPREAD_NS = 100000 };

struct shared {
    uint64_t sent_at;
    _Alignas(128) uint32_t awake; /* how often the sleeper has woken */
};

static void sleeper(int fd, struct shared *shared, uint32_t wakes, uint64_t *latencies) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char sink[64];
    for (uint32_t i = 0; i < wakes; i++) {
        poll(&wait, 1, -1);
        latencies[i] = now_ns() - __atomic_load_n(&shared->sent_at, __ATOMIC_ACQUIRE);
        while (recv(fd, sink, sizeof sink, MSG_DONTWAIT) > 0) continue;
        __atomic_store_n(&shared->awake, i + 1, __ATOMIC_RELEASE);
    }
}

static uint64_t waker(int fd, struct shared *shared, uint32_t wakes) {
    uint64_t random = 1, cost = 0;
    for (uint32_t i = 0; i < wakes; i++) {
        while (__atomic_load_n(&shared->awake, __ATOMIC_ACQUIRE) != i) continue;
        uint64_t until = now_ns() + MIN_GAP_NS + next_random(&random) % GAP_SPREAD_NS;
        while (now_ns() < until) continue;
        uint64_t begin = now_ns();
        __atomic_store_n(&shared->sent_at, begin, __ATOMIC_RELEASE);
        send(fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        cost += now_ns() - begin;
    }
    return cost / wakes;
}

int main(int argc, char **argv) {
    uint32_t wakes = (uint32_t)option_number(argc, argv, "wakes", "2000");
    size_t bytes = 4096 + wakes * sizeof(uint64_t);
    struct shared *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) die("mmap");
    uint64_t *latencies = (uint64_t *)((uint8_t *)shared + 4096);
    int pair[2];
    check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), "socketpair");
    pid_t child = check(fork(), "fork");
    pin_to_core(child == 0 ? 1 : 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sleeper(pair[1], shared, wakes, latencies);
        _exit(0);
    }
    uint64_t cost = waker(pair[0], shared, wakes);
    waitpid(child, NULL, 0);
    sort_u64(latencies, wakes);
    printf("{\"p50Us\":%.2f,\"p99Us\":%.2f,\"wakerUs\":%.2f}\n", (double)latencies[wakes / 2] / 1e3,
           (double)latencies[wakes * 99 / 100] / 1e3, (double)cost / 1e3);
    return 0;
}
