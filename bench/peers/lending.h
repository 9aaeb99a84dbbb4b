/* Mode shared: the device's frames are lent to the client; who holds one is a mark of its own, never a count. */
#pragma once
#include "session.h"

enum { RETURNED = 64 };

/* Frames on their way back to the device. */
struct returned {
    uint8_t *frames[RETURNED];
    uint32_t count;
    uint64_t total;
};

static inline void lend_from(struct session *s, uint8_t *window, uint32_t frames, uint32_t credit) {
    s->window = window;
    s->window_frames = frames;
    s->credit = credit;
    free(s->held);
    s->held = allocate(frames);
}

/* The device takes them: nothing is to do for one whose frames come round by themselves. */
static inline void flush_returned(struct returned *r) {
    r->total += r->count;
    r->count = 0;
}

/* Takes the frames back that the client has put into its fillRing; returns how many. */
static inline uint32_t reclaim_lent(struct session *s, struct returned *r) {
    uint32_t producer = __atomic_load_n(cell(s->peer, L_FILL_PRODUCER), __ATOMIC_ACQUIRE);
    uint32_t waiting = producer - s->fill_consumer;
    if (waiting == 0) return 0;
    if (waiting > s->shape.rx_frames) {
        s->violated = true;
        return 0;
    }
    const volatile uint32_t *entries = cell(s->peer, s->shape.fill_entries);
    uint32_t mask = s->shape.rx_frames - 1;
    for (uint32_t i = 0; i < waiting; i++) {
        uint32_t offset = entries[(s->fill_consumer + i) & mask], index = offset >> s->frame_shift;
        if (unlikely(index >= s->window_frames || !s->held[index])) {
            s->violated = true;
            return i;
        }
        s->held[index] = 0;
        r->frames[r->count++] = s->window + offset;
        if (r->count == RETURNED) flush_returned(r);
    }
    s->lent -= waiting;
    s->fill_consumer = producer;
    __atomic_store_n(cell(s->own, L_FILL_CONSUMER), producer, __ATOMIC_RELEASE);
    return waiting;
}

static inline bool refuse_lending(struct session *s, uint32_t counter) {
    count(s, counter, 1);
    return false;
}

/* Lends a packet's frame of ring 0 to the client, or counts why not. The client sees it at the next publish(). */
static inline bool lend(struct session *s, const uint8_t *packet, uint32_t length, struct returned *r) {
    if (unlikely(ring_room(s) == 0)) {
        refresh_rx_consumer(s);
        if (ring_room(s) == 0) return refuse_lending(s, L_COUNTER_RX_DROP_RING_FULL);
    }
    if (unlikely(s->lent >= s->credit)) {
        reclaim_lent(s, r);
        if (s->lent >= s->credit) return refuse_lending(s, L_COUNTER_RX_DROP_NO_CREDIT);
    }
    uint32_t offset = (uint32_t)(packet - s->window);
    uint8_t *holder = &s->held[offset >> s->frame_shift];
    if (unlikely(*holder)) return refuse_lending(s, L_COUNTER_RX_DROP_NO_FRAME);
    *holder = 1;
    s->lent++;
    struct descriptor *ring = (struct descriptor *)(s->own + s->shape.rx_descriptors);
    ring[s->rx_producer & (s->shape.ring_size - 1)] = (struct descriptor){offset, (uint16_t)length, 0};
    s->rx_producer++;
    s->rx_bytes += length;
    return true;
}
