/*
 * Sends prepared UDP packets at a fixed rate from core 1, through AF_XDP: the frames lie in the UMEM and are written
 * once. --interface NAME --mac ADDRESS --ports A,B --rate PPS --seconds S --size BYTES --frames N
 */
#include "frames.h"
#include "memory.h"
#include "xsk.h"

enum { FRAME_SIZE = 2048, RING = 2048, SEND_BURST = 32 };

/* Queues up to `max` packets and kicks the kernel; returns how many. */
static uint32_t send_burst(struct xsk *x, uint32_t max, uint32_t *next, uint32_t frames, uint32_t size) {
    uint32_t done = xsk_peek(&x->completion, RING);
    if (done) xsk_release(&x->completion, done);
    uint32_t n = xsk_reserve(&x->tx, max);
    for (uint32_t i = 0; i < n; i++) {
        *xsk_packet(&x->tx, i) = (struct xdp_desc){.addr = (uint64_t)*next * FRAME_SIZE, .len = size};
        *next = *next + 1 == frames ? 0 : *next + 1;
    }
    if (n) xsk_submit(&x->tx, n);
    xsk_doorbell(x);
    return n;
}

/* Waits until the kernel has taken all. */
static void drain(struct xsk *x) {
    uint64_t until = now_ns() + NS_PER_S;
    while (__atomic_load_n(x->tx.consumer, __ATOMIC_ACQUIRE) != x->tx.cursor && now_ns() < until) {
        uint32_t done = xsk_peek(&x->completion, RING);
        if (done) xsk_release(&x->completion, done);
        xsk_doorbell(x);
    }
}

int main(int argc, char **argv) {
    double rate = option_number(argc, argv, "rate", "300000");
    double seconds = option_number(argc, argv, "seconds", "1");
    uint32_t frames = (uint32_t)option_number(argc, argv, "frames", "65536");
    struct traffic traffic = {.packet_size = (uint32_t)option_number(argc, argv, "size", "64")};
    parse_mac(&traffic, option(argc, argv, "mac", NULL));
    parse_ports(&traffic, option(argc, argv, "ports", "5001"));
    const char *interface = option(argc, argv, "interface", NULL);
    uint32_t ifindex = if_nametoindex(interface);
    if (ifindex == 0) die(interface);

    pin_to_core(1);
    size_t bytes = (size_t)frames * FRAME_SIZE;
    uint8_t *umem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (umem == MAP_FAILED) die("mmap");
    write_frames(umem, frames, FRAME_SIZE, &traffic);
    struct xsk *x = allocate(sizeof *x);
    open_xsk(x, umem, bytes, (struct xsk_sizes){.frame_size = FRAME_SIZE, .tx = RING, .fill = RING, .completion = RING});
    bind_xsk(x, ifindex, 0);

    uint64_t begin = now_ns(), sent = 0, elapsed = 0, total = (uint64_t)(rate * seconds);
    uint32_t next = 0;
    while (sent < total && elapsed < (uint64_t)(2 * seconds * NS_PER_S)) {
        elapsed = now_ns() - begin;
        uint64_t due = (uint64_t)(rate * (double)elapsed / NS_PER_S);
        if (due > total) due = total;
        if (due <= sent) continue;
        sent += send_burst(x, due - sent < SEND_BURST ? (uint32_t)(due - sent) : SEND_BURST, &next, frames,
                           traffic.packet_size);
    }
    drain(x);
    elapsed = now_ns() - begin;
    uint64_t left = x->tx.cursor - __atomic_load_n(x->tx.consumer, __ATOMIC_ACQUIRE);
    printf("{\"sent\":%lu,\"seconds\":%.6f}\n", sent - left, (double)elapsed / NS_PER_S);
    return 0;
}
