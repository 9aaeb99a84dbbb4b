/* An AF_XDP socket with its UMEM and four rings (linux/if_xdp.h, Documentation/networking/af_xdp.rst). */
#pragma once
#include "machine.h"
#include <linux/if_xdp.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

struct xsk_ring {
    uint32_t *producer, *consumer, *flags;
    void *entries;
    uint32_t size, cursor, seen; /* our own cursor; the kernel's as we saw it last */
};

struct xsk {
    int fd;
    uint8_t *umem;
    uint32_t frame_size;
    struct xsk_ring rx, tx, fill, completion;
};

struct xsk_sizes {
    uint32_t frame_size, rx, tx, fill, completion;
};

static inline void set_xdp(int fd, int name, const void *value, socklen_t length) {
    check(setsockopt(fd, SOL_XDP, name, value, length), "setsockopt(SOL_XDP)");
}

static inline struct xsk_ring map_xsk_ring(int fd, const struct xdp_ring_offset *at, uint32_t size, size_t entry,
                                           uint64_t page_offset) {
    uint8_t *ring = mmap(NULL, at->desc + size * entry, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
                         (off_t)page_offset);
    if (ring == MAP_FAILED) die("mmap(AF_XDP ring)");
    return (struct xsk_ring){.producer = (uint32_t *)(ring + at->producer),
                             .consumer = (uint32_t *)(ring + at->consumer),
                             .flags = (uint32_t *)(ring + at->flags),
                             .entries = ring + at->desc,
                             .size = size};
}

/* Opens a socket over `umem`, not yet bound: nothing is received before bind_xsk(). */
static inline void open_xsk(struct xsk *x, uint8_t *umem, size_t bytes, struct xsk_sizes sizes) {
    x->umem = umem;
    x->frame_size = sizes.frame_size;
    x->fd = check(socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), "socket(AF_XDP)");
    struct xdp_umem_reg umem_reg = {.addr = (uintptr_t)umem, .len = bytes, .chunk_size = sizes.frame_size};
    set_xdp(x->fd, XDP_UMEM_REG, &umem_reg, sizeof umem_reg);
    set_xdp(x->fd, XDP_UMEM_FILL_RING, &sizes.fill, sizeof sizes.fill);
    set_xdp(x->fd, XDP_UMEM_COMPLETION_RING, &sizes.completion, sizeof sizes.completion);
    if (sizes.rx) set_xdp(x->fd, XDP_RX_RING, &sizes.rx, sizeof sizes.rx);
    if (sizes.tx) set_xdp(x->fd, XDP_TX_RING, &sizes.tx, sizeof sizes.tx);
    struct xdp_mmap_offsets offsets;
    socklen_t length = sizeof offsets;
    check(getsockopt(x->fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &length), "getsockopt(XDP_MMAP_OFFSETS)");
    if (sizes.rx)
        x->rx = map_xsk_ring(x->fd, &offsets.rx, sizes.rx, sizeof(struct xdp_desc), XDP_PGOFF_RX_RING);
    if (sizes.tx)
        x->tx = map_xsk_ring(x->fd, &offsets.tx, sizes.tx, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING);
    x->fill = map_xsk_ring(x->fd, &offsets.fr, sizes.fill, sizeof(uint64_t), XDP_UMEM_PGOFF_FILL_RING);
    x->completion =
        map_xsk_ring(x->fd, &offsets.cr, sizes.completion, sizeof(uint64_t), XDP_UMEM_PGOFF_COMPLETION_RING);
}

/* Starts traffic. The kernel lets go of a queue a moment after its last owner has gone, hence the patience. */
static inline void bind_xsk(struct xsk *x, uint32_t ifindex, uint32_t queue) {
    struct sockaddr_xdp address = {.sxdp_family = AF_XDP,
                                   .sxdp_flags = XDP_USE_NEED_WAKEUP,
                                   .sxdp_ifindex = ifindex,
                                   .sxdp_queue_id = queue};
    uint64_t until = now_ns() + 2 * NS_PER_S;
    while (bind(x->fd, (struct sockaddr *)&address, sizeof address) < 0) {
        if (errno != EBUSY || now_ns() > until) die("bind(AF_XDP)");
        usleep(10000);
    }
}

/* Entries that the kernel has produced and we have not read, at most `max`. */
static inline uint32_t xsk_peek(struct xsk_ring *r, uint32_t max) {
    if (r->seen - r->cursor < max) r->seen = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
    uint32_t waiting = r->seen - r->cursor;
    return waiting < max ? waiting : max;
}

static inline void xsk_release(struct xsk_ring *r, uint32_t count) {
    r->cursor += count;
    __atomic_store_n(r->consumer, r->cursor, __ATOMIC_RELEASE);
}

/* Entries that we may produce, at most `max`. */
static inline uint32_t xsk_reserve(struct xsk_ring *r, uint32_t max) {
    if (r->size - (r->cursor - r->seen) < max) r->seen = __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE);
    uint32_t room = r->size - (r->cursor - r->seen);
    return room < max ? room : max;
}

static inline void xsk_submit(struct xsk_ring *r, uint32_t count) {
    r->cursor += count;
    __atomic_store_n(r->producer, r->cursor, __ATOMIC_SEQ_CST);
}

static inline struct xdp_desc *xsk_packet(struct xsk_ring *r, uint32_t i) {
    return (struct xdp_desc *)r->entries + ((r->cursor + i) & (r->size - 1));
}

static inline uint64_t *xsk_frame(struct xsk_ring *r, uint32_t i) {
    return (uint64_t *)r->entries + ((r->cursor + i) & (r->size - 1));
}

/* Tells the kernel of packets to send, where it wants to be told. True: it asks to be told again. */
static inline bool xsk_doorbell(struct xsk *x) {
    if (!(__atomic_load_n(x->tx.flags, __ATOMIC_ACQUIRE) & XDP_RING_NEED_WAKEUP)) return false;
    if (sendto(x->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0) return false;
    if (errno != EAGAIN && errno != EBUSY && errno != ENOBUFS) die("sendto(AF_XDP)");
    return true;
}
