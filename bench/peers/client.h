/* A client: reads its packets where they lie and gives the frames back. */
#pragma once
#include "shape.h"
#include <poll.h>
#include <sys/socket.h>

enum { CLIENT_BURST = 64 };

struct client {
    uint8_t *dispatcher; /* mapped read-only */
    uint8_t *packets_at; /* from where descriptors count: the dispatcher region, or the device's frames */
    uint8_t *own;
    struct shape shape;
    uint32_t rx_consumer, fill_producer;
    uint64_t packets, bytes;
    uint64_t sum; /* of the first 8 bytes of every packet: that they were read cannot be optimised away */
    int wake_fd;
    uint32_t sleep_epoch;
};

/* Reads up to a burst of packets, gives their frames back; returns how many. */
static inline uint32_t receive(struct client *c) {
    uint32_t producer = __atomic_load_n(cell(c->dispatcher, L_RX_PRODUCER), __ATOMIC_ACQUIRE);
    uint32_t waiting = producer - c->rx_consumer;
    if (waiting == 0) return 0;
    uint32_t burst = waiting < CLIENT_BURST ? waiting : CLIENT_BURST;
    const struct descriptor *ring = (const struct descriptor *)(c->dispatcher + c->shape.rx_descriptors);
    uint32_t *fill = cell(c->own, c->shape.fill_entries);
    uint32_t ring_mask = c->shape.ring_size - 1, fill_mask = c->shape.rx_frames - 1;
    uint32_t frame_mask = ~(c->shape.frame_size - 1);
    uint64_t sum = 0, bytes = 0;
    for (uint32_t i = 0; i < burst; i++) {
        struct descriptor d = ring[(c->rx_consumer + i) & ring_mask];
        uint64_t word;
        memcpy(&word, c->packets_at + d.offset, sizeof word);
        sum += word;
        bytes += d.length;
        fill[(c->fill_producer + i) & fill_mask] = d.offset & frame_mask;
    }
    c->sum += sum;
    c->bytes += bytes;
    c->packets += burst;
    c->rx_consumer += burst;
    c->fill_producer += burst;
    __atomic_store_n(cell(c->own, L_FILL_PRODUCER), c->fill_producer, __ATOMIC_RELEASE);
    __atomic_store_n(cell(c->own, L_RX_CONSUMER), c->rx_consumer, __ATOMIC_RELEASE);
    return burst;
}

/* Sleeps until the dispatcher has something or `timeout_ms` is over; does not sleep where it has already. */
static inline void sleep_until_readable(struct client *c, int timeout_ms) {
    uint32_t *flag = cell(c->own, L_CLIENT_SLEEP_RX);
    if (++c->sleep_epoch == 0) c->sleep_epoch = 1;
    __atomic_store_n(flag, c->sleep_epoch, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(cell(c->dispatcher, L_RX_PRODUCER), __ATOMIC_SEQ_CST) == c->rx_consumer) {
        struct pollfd wait = {.fd = c->wake_fd, .events = POLLIN};
        poll(&wait, 1, timeout_ms);
        char sink[64];
        if (wait.revents & POLLIN)
            while (recv(c->wake_fd, sink, sizeof sink, MSG_DONTWAIT) > 0) continue;
    }
    __atomic_store_n(flag, 0, __ATOMIC_SEQ_CST);
}
