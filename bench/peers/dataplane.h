/* The dispatcher's turn: packets in, frames back, packets out. */
#pragma once
#include "classifier.h"
#include "lending.h"

enum { BURST = 64, MAX_QUEUES = 16, CACHE_LINE = 64 };
/* How many packets ahead of the one in hand the cache is asked for: what was fastest of 2, 4 and a whole burst. */
enum { PREFETCH_AHEAD = 4 };

struct dataplane {
    struct classifier classifier;
    struct session *of_queue[MAX_QUEUES]; /* NULL: nobody is attached */
    struct session *sessions[MAX_QUEUES];
    uint32_t session_count;
    uint64_t no_client, not_passed;
    struct returned returned;
};

/* Only headers are read of what is not copied. */
static inline void prefetch(const struct packet *packet, bool whole) {
    if (!whole) {
        __builtin_prefetch(packet->bytes);
        return;
    }
    for (uint32_t at = 0; at < packet->length; at += CACHE_LINE) __builtin_prefetch(packet->bytes + at);
}

/* Whether the frame stays out. */
static inline bool hand_on(struct dataplane *d, struct session *s, const struct packet *packet) {
    if (s->window) return lend(s, packet->bytes, packet->length, &d->returned);
    deliver(s, packet->bytes, packet->length);
    return false;
}

/*
 * Delivers a burst of the device's packets and hands them to the clients. The frames that do not stay out stand at the
 * front of the burst afterwards; returns how many they are.
 */
static inline uint32_t receive_burst(struct dataplane *d, struct packet *burst, uint32_t n) {
    bool whole = d->session_count == 0 || !d->sessions[0]->window;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i + PREFETCH_AHEAD < n) prefetch(&burst[i + PREFETCH_AHEAD], whole);
        bool out = false;
        uint16_t queue = classify(&d->classifier, burst[i].bytes, burst[i].length);
        if (unlikely(queue == NO_QUEUE)) d->not_passed++;
        else if (unlikely(!d->of_queue[queue])) d->no_client++;
        else out = hand_on(d, d->of_queue[queue], &burst[i]);
        if (!out) burst[kept++] = burst[i];
    }
    for (uint32_t i = 0; i < d->session_count; i++) publish(d->sessions[i]);
    return kept;
}

/* Takes frames back from all clients; returns how many. */
static inline uint32_t reclaim_all(struct dataplane *d) {
    uint32_t work = 0;
    for (uint32_t i = 0; i < d->session_count; i++) {
        struct session *s = d->sessions[i];
        work += s->window ? reclaim_lent(s, &d->returned) : reclaim(s);
    }
    if (d->returned.count) flush_returned(&d->returned);
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
        if (s->window) {
            if (s->credit - s->lent < BURST) reclaim_lent(s, &d->returned);
            if (ring_room(s) < BURST || s->credit - s->lent < BURST) return false;
            continue;
        }
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
