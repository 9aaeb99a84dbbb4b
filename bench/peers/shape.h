/* Where the arrays of a session's two regions stand: the formulas of packages/shm/src/shape.ts. */
#pragma once
#include "memory.h"

struct shape {
    bool shared; /* packets stay where the device has put them: no RX frames of the session's own */
    uint32_t ring_size, frame_size, rx_frames, tx_frames;
    uint32_t rx_descriptors, completion_entries, rx_frames_offset, dispatcher_bytes;
    uint32_t fill_entries, tx_descriptors, tx_frames_offset, client_bytes;
};

/* `rx_frames`: the session's own, and entries of its fillRing; shared: the entries alone. */
static inline struct shape session_shape(bool shared, uint32_t ring_size, uint32_t frame_size, uint32_t rx_frames,
                                         uint32_t tx_frames) {
    struct shape s = {.shared = shared, .ring_size = ring_size, .frame_size = frame_size, .rx_frames = rx_frames,
                      .tx_frames = tx_frames};
    s.rx_descriptors = L_ARRAYS;
    s.completion_entries = s.rx_descriptors + ring_size * L_DESCRIPTOR_SIZE;
    s.rx_frames_offset = align_up(s.completion_entries + tx_frames * L_ENTRY_SIZE, L_MAX_FRAME_SIZE);
    s.dispatcher_bytes = align_up(s.rx_frames_offset + (shared ? 0 : rx_frames * frame_size), L_REGION_ALIGNMENT);
    s.fill_entries = L_ARRAYS;
    s.tx_descriptors = s.fill_entries + rx_frames * L_ENTRY_SIZE;
    s.tx_frames_offset = align_up(s.tx_descriptors + ring_size * L_DESCRIPTOR_SIZE, L_MAX_FRAME_SIZE);
    s.client_bytes = align_up(s.tx_frames_offset + tx_frames * frame_size, L_REGION_ALIGNMENT);
    return s;
}

struct descriptor {
    uint32_t offset;
    uint16_t length;
    uint16_t flags;
};
_Static_assert(sizeof(struct descriptor) == L_DESCRIPTOR_SIZE && L_DESCRIPTOR_OFFSET == 0 &&
                   L_DESCRIPTOR_LENGTH == 4 && L_DESCRIPTOR_FLAGS == 6,
               "struct descriptor is not that of layout.ts");

/* A cursor or a sleep epoch, by its offset in a region. */
static inline uint32_t *cell(uint8_t *region, uint32_t offset) { return (uint32_t *)(region + offset); }
