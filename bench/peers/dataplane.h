/* The dispatcher's turn: packets in, frames back, packets out. */
#pragma once
#include "classifier.h"
#include "session.h"

enum { BURST = 64, MAX_QUEUES = 16, CACHE_LINE = 64 };
/* How many packets ahead of the one in hand the cache is asked for: what was fastest of 2, 4 and a whole burst. */
enum { PREFETCH_AHEAD = 4 };

struct dataplane {
    struct classifier classifier;
    struct session *of_queue[MAX_QUEUES]; /* NULL: nobody is attached */
    struct session *sessions[MAX_QUEUES];
    uint32_t session_count;
    uint64_t no_client, not_passed;
};

static inline void prefetch(const struct packet *packet) {
    for (uint32_t at = 0; at < packet->length; at += CACHE_LINE) __builtin_prefetch(packet->bytes + at);
}

/* Delivers a burst of the device's packets and hands them to the clients. */
static inline void receive_burst(struct dataplane *d, const struct packet *burst, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (i + PREFETCH_AHEAD < n) prefetch(&burst[i + PREFETCH_AHEAD]);
        uint16_t queue = classify(&d->classifier, burst[i].bytes, burst[i].length);
        if (unlikely(queue == NO_QUEUE)) d->not_passed++;
        else if (unlikely(!d->of_queue[queue])) d->no_client++;
        else deliver(d->of_queue[queue], burst[i].bytes, burst[i].length);
    }
    for (uint32_t i = 0; i < d->session_count; i++) publish(d->sessions[i]);
}

/* Takes frames back from all clients; returns how many. */
static inline uint32_t reclaim_all(struct dataplane *d) {
    uint32_t work = 0;
    for (uint32_t i = 0; i < d->session_count; i++) work += reclaim(d->sessions[i]);
    return work;
}

/* Wakes the clients that sleep; returns how many have to wait for it. */
static inline uint32_t wake_clients(struct dataplane *d, uint64_t interval_ns) {
    uint32_t late = 0;
    for (uint32_t i = 0; i < d->session_count; i++) late += wake_client(d->sessions[i], interval_ns);
    return late;
}

/* Whether every client has room for a whole burst. */
static inline bool all_have_room(struct dataplane *d) {
    for (uint32_t i = 0; i < d->session_count; i++) {
        struct session *s = d->sessions[i];
        if (ring_room(s) < BURST) refresh_rx_consumer(s);
        if (free_frames(s) < BURST) reclaim(s);
        if (ring_room(s) < BURST || free_frames(s) < BURST) return false;
    }
    return true;
}

static inline bool any_violated(const struct dataplane *d) {
    for (uint32_t i = 0; i < d->session_count; i++)
        if (d->sessions[i]->violated) return true;
    return false;
}
