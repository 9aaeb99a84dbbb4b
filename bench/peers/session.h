/*
 * The dispatcher's side of a session. The client's memory is copied once, checked, then used; what the dispatcher
 * wrote itself is kept here and never read back.
 */
#pragma once
#include "shape.h"
#include <emmintrin.h>
#include <sys/socket.h>

/* Packets of one client a turn; the longest packet that the device sends, Ethernet header included. */
enum { TX_TURN = 32, MAX_PACKET = 1514 };

struct session {
    uint8_t *own;  /* dispatcher region */
    uint8_t *peer; /* client region */
    struct shape shape;
    uint32_t frame_shift;
    bool violated;
    int wake_fd;
    uint32_t woken, due; /* the client's sleep epoch that was answered last; the one to answer */
    uint64_t woken_at;

    uint32_t rx_producer, rx_published, rx_consumer;
    uint64_t rx_bytes;
    uint32_t fill_consumer;
    uint32_t tx_consumer, completion_producer;

    uint32_t *free_frames; /* a FIFO with as many slots as frames */
    uint32_t free_taken, free_given;
    uint8_t *held; /* a byte a frame: 1 while the client has it; shared: of the device's frames, its ring + 1 */

    uint8_t *window; /* shared: where the device's frames begin */
    uint32_t window_frames, credit, lent;
};

/* A batch's entry: a frame of the device and its packet's length. */
struct packet {
    uint8_t *bytes;
    uint32_t length;
};

static inline void count(struct session *s, uint32_t counter, uint64_t by) {
    ((uint64_t *)(s->own + L_COUNTERS))[counter] += by;
}

static inline uint64_t counted(const struct session *s, uint32_t counter) {
    return ((uint64_t *)(s->own + L_COUNTERS))[counter];
}

static inline void write_header(uint8_t *region, const struct shape *shape) {
    *cell(region, L_HEADER_VERSION) = L_VERSION;
    *cell(region, L_HEADER_RING_SIZE) = shape->ring_size;
    *cell(region, L_HEADER_FRAME_SIZE) = shape->frame_size;
    *cell(region, L_HEADER_RX_FRAMES) = shape->rx_frames;
    *cell(region, L_HEADER_TX_FRAMES) = shape->tx_frames;
    __atomic_store_n(cell(region, L_HEADER_MAGIC), L_MAGIC, __ATOMIC_RELEASE);
}

static inline void open_session(struct session *s, struct shape shape, uint8_t *own, uint8_t *peer, int wake_fd) {
    *s = (struct session){.own = own, .peer = peer, .shape = shape, .wake_fd = wake_fd};
    s->frame_shift = (uint32_t)__builtin_ctz(shape.frame_size);
    s->free_frames = allocate(shape.rx_frames * sizeof(uint32_t));
    s->held = allocate(shape.rx_frames);
    for (uint32_t i = 0; i < shape.rx_frames; i++) s->free_frames[i] = i;
    s->free_given = shape.rx_frames;
    *cell(own, L_SESSION_STATE) = L_STATE_ATTACHED;
    write_header(own, &s->shape);
    write_header(peer, &s->shape);
}

/* Copies a packet: short ones by 16-byte moves of which the last overlaps. */
static inline void copy_packet(uint8_t *to, const uint8_t *from, uint32_t length) {
    if (length > 128 || length < 16) {
        memcpy(to, from, length);
        return;
    }
    uint32_t last = length - 16;
    for (uint32_t at = 0; at < last; at += 16)
        _mm_storeu_si128((__m128i *)(to + at), _mm_loadu_si128((const __m128i *)(from + at)));
    _mm_storeu_si128((__m128i *)(to + last), _mm_loadu_si128((const __m128i *)(from + last)));
}

static inline uint32_t free_frames(const struct session *s) { return s->free_given - s->free_taken; }
static inline uint32_t ring_room(const struct session *s) {
    return s->shape.ring_size - (s->rx_producer - s->rx_consumer);
}

/* Looks how far the client has read its rxRing. */
static inline void refresh_rx_consumer(struct session *s) {
    uint32_t consumer = __atomic_load_n(cell(s->peer, L_RX_CONSUMER), __ATOMIC_ACQUIRE);
    if (s->rx_producer - consumer > s->shape.ring_size) s->violated = true;
    else s->rx_consumer = consumer;
}

/* Takes one frame back; false where the client had no right to give it. */
static inline bool take_back(struct session *s, uint32_t entry) {
    uint32_t offset = entry - s->shape.rx_frames_offset;
    uint32_t index = offset >> s->frame_shift;
    if ((offset & (s->shape.frame_size - 1)) || index >= s->shape.rx_frames || s->held[index] != 1) return false;
    s->held[index] = 0;
    s->free_frames[s->free_given++ & (s->shape.rx_frames - 1)] = index;
    return true;
}

/* Takes the frames back that the client has put into its fillRing; returns how many. */
static inline uint32_t reclaim(struct session *s) {
    uint32_t producer = __atomic_load_n(cell(s->peer, L_FILL_PRODUCER), __ATOMIC_ACQUIRE);
    uint32_t waiting = producer - s->fill_consumer;
    if (waiting == 0) return 0;
    if (waiting > s->shape.rx_frames) {
        s->violated = true;
        return 0;
    }
    const volatile uint32_t *entries = cell(s->peer, s->shape.fill_entries);
    uint32_t mask = s->shape.rx_frames - 1;
    for (uint32_t i = 0; i < waiting; i++)
        if (unlikely(!take_back(s, entries[(s->fill_consumer + i) & mask]))) {
            s->violated = true;
            return i;
        }
    s->fill_consumer = producer;
    __atomic_store_n(cell(s->own, L_FILL_CONSUMER), producer, __ATOMIC_RELEASE);
    return waiting;
}

/* Why a packet cannot be delivered now, as the counter of such drops; -1 where it can. */
static inline int refusal(struct session *s, uint32_t length) {
    if (unlikely(ring_room(s) == 0)) {
        refresh_rx_consumer(s);
        if (ring_room(s) == 0) return L_COUNTER_RX_DROP_RING_FULL;
    }
    if (unlikely(length > s->shape.frame_size)) return L_COUNTER_RX_DROP_OVERSIZED;
    if (unlikely(free_frames(s) == 0)) {
        reclaim(s);
        if (free_frames(s) == 0) return L_COUNTER_RX_DROP_NO_FRAME;
    }
    return -1;
}

/* Copies a packet to the client, or counts why not. The client sees it at the next publish(). */
static inline void deliver(struct session *s, const uint8_t *packet, uint32_t length) {
    int reason = refusal(s, length);
    if (unlikely(reason >= 0)) {
        count(s, (uint32_t)reason, 1);
        return;
    }
    uint32_t index = s->free_frames[s->free_taken++ & (s->shape.rx_frames - 1)];
    s->held[index] = 1;
    uint32_t offset = s->shape.rx_frames_offset + (index << s->frame_shift);
    copy_packet(s->own + offset, packet, length);
    struct descriptor *ring = (struct descriptor *)(s->own + s->shape.rx_descriptors);
    ring[s->rx_producer & (s->shape.ring_size - 1)] = (struct descriptor){offset, (uint16_t)length, 0};
    s->rx_producer++;
    s->rx_bytes += length;
}

/* Notes that the client sleeps and nobody has told it yet. */
static inline void note_sleeper(struct session *s, uint32_t sleep_offset) {
    uint32_t epoch = __atomic_load_n(cell(s->peer, sleep_offset), __ATOMIC_SEQ_CST);
    if (unlikely(epoch != 0 && epoch != s->woken)) s->due = epoch;
}

/* Wakes the client if that is due and the last time is `interval_ns` ago; returns whether it is still due. */
static inline bool wake_client(struct session *s, uint64_t interval_ns) {
    if (likely(s->due == 0)) return false;
    uint64_t now = now_ns();
    if (now - s->woken_at < interval_ns) return true;
    s->woken = s->due;
    s->due = 0;
    s->woken_at = now;
    bool sent = send(s->wake_fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
    count(s, sent ? L_COUNTER_WAKEUPS : L_COUNTER_WAKEUPS_REFUSED, 1);
    return false;
}

/* Hands what was delivered to the client: once a burst. */
static inline void publish(struct session *s) {
    uint32_t fresh = s->rx_producer - s->rx_published;
    if (fresh == 0) return;
    count(s, L_COUNTER_RX_PACKETS, fresh);
    count(s, L_COUNTER_RX_BYTES, s->rx_bytes);
    s->rx_bytes = 0;
    s->rx_published = s->rx_producer;
    __atomic_store_n(cell(s->own, L_RX_PRODUCER), s->rx_producer, __ATOMIC_SEQ_CST);
    note_sleeper(s, L_CLIENT_SLEEP_RX);
}

/* Descriptors that wait in the txRing and whose completion has a slot, at most `max`. */
static inline uint32_t waiting_to_send(struct session *s, uint32_t max) {
    uint32_t waiting = __atomic_load_n(cell(s->peer, L_TX_PRODUCER), __ATOMIC_ACQUIRE) - s->tx_consumer;
    if (likely(waiting == 0)) return 0;
    uint32_t completion_consumer = __atomic_load_n(cell(s->peer, L_COMPLETION_CONSUMER), __ATOMIC_ACQUIRE);
    uint32_t completions = s->completion_producer - completion_consumer;
    if (waiting > s->shape.ring_size || completions > s->shape.tx_frames) {
        s->violated = true;
        return 0;
    }
    uint32_t slots = s->shape.tx_frames - completions;
    if (waiting > slots) waiting = slots;
    return waiting < max ? waiting : max;
}

/* Copies one packet of the client to the device's frame; returns its length, 0 where it was refused. */
static inline uint32_t take_packet(struct session *s, struct descriptor d, uint8_t *to) {
    uint32_t offset = d.offset - s->shape.tx_frames_offset;
    uint32_t in_frame = offset & (s->shape.frame_size - 1);
    if (offset >> s->frame_shift >= s->shape.tx_frames || in_frame + d.length > s->shape.frame_size) {
        s->violated = true;
        return 0;
    }
    if (d.length < L_ETHERNET_HEADER || d.length > MAX_PACKET) {
        count(s, d.length > MAX_PACKET ? L_COUNTER_TX_DROP_OVERSIZED : L_COUNTER_TX_DROP_RUNT, 1);
        return 0;
    }
    copy_packet(to, s->peer + d.offset, d.length);
    count(s, L_COUNTER_TX_BYTES, d.length);
    return d.length;
}

/*
 * Copies up to `max` packets of the client's txRing into the device's frames, sets their lengths, and gives the
 * client's frames back. Returns how many of the device's frames were filled.
 */
static inline uint32_t transmit(struct session *s, struct packet *frames, uint32_t max) {
    uint32_t turn = waiting_to_send(s, max);
    if (likely(turn == 0)) return 0;
    const volatile uint64_t *ring = (const volatile uint64_t *)(s->peer + s->shape.tx_descriptors);
    uint32_t *completions = cell(s->own, s->shape.completion_entries);
    uint32_t filled = 0;
    for (uint32_t i = 0; i < turn && !s->violated; i++) {
        uint64_t raw = ring[s->tx_consumer++ & (s->shape.ring_size - 1)];
        struct descriptor d;
        memcpy(&d, &raw, sizeof d);
        frames[filled].length = take_packet(s, d, frames[filled].bytes);
        filled += frames[filled].length > 0;
        completions[s->completion_producer++ & (s->shape.tx_frames - 1)] = d.offset;
    }
    count(s, L_COUNTER_TX_PACKETS, filled);
    __atomic_store_n(cell(s->own, L_TX_CONSUMER), s->tx_consumer, __ATOMIC_RELEASE);
    __atomic_store_n(cell(s->own, L_COMPLETION_PRODUCER), s->completion_producer, __ATOMIC_SEQ_CST);
    note_sleeper(s, L_CLIENT_SLEEP_TX);
    return filled;
}
