/*
 * The C twin of the exception path: all packets of an AF_XDP socket to a TAP interface and back, on core 0; it sleeps
 * when there is nothing to do. It looks into no packet. --interface NAME --tap NAME
 * Prints a line when it is ready, and one at its end, on SIGTERM.
 */
#include "memory.h"
#include "xdp-program.h"
#include "xsk.h"
#include <linux/if_tun.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>

enum { FRAME_SIZE = 2048, RING = 4096, FRAMES = 3 * RING, RX_BURST = 64, TX_BURST = 32, SPINS = 10, LONGEST = 1515 };
enum { SLEEP_MS = 100 };

static volatile sig_atomic_t stopped;
static void stop(int signal) { stopped = signal; }

static int open_tap(const char *name) {
    int fd = check(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "/dev/net/tun");
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    check(ioctl(fd, TUNSETIFF, &request), "TUNSETIFF");
    return fd;
}

static void open_device(struct xsk *x, const char *interface) {
    uint32_t ifindex = if_nametoindex(interface);
    if (ifindex == 0) die(interface);
    uint32_t bytes = align_up(FRAMES * FRAME_SIZE, L_REGION_ALIGNMENT);
    uint8_t *umem = map_region(create_region("umem", bytes, false), bytes, PROT_READ | PROT_WRITE);
    open_xsk(x, umem, bytes,
             (struct xsk_sizes){.frame_size = FRAME_SIZE, .rx = RING, .tx = RING, .fill = 2 * RING, .completion = RING});
    xsk_reserve(&x->fill, 2 * RING);
    for (uint32_t i = 0; i < 2 * RING; i++) *xsk_frame(&x->fill, i) = (uint64_t)i * FRAME_SIZE;
    xsk_submit(&x->fill, 2 * RING);
    bind_xsk(x, ifindex, 0);
    attach_all(ifindex, x->fd);
}

/* To the kernel; returns packets taken. */
static uint32_t pass_in(struct xsk *x, int tap, uint64_t *lost) {
    uint32_t n = xsk_peek(&x->rx, RX_BURST);
    if (!n) return 0;
    xsk_reserve(&x->fill, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct xdp_desc *packet = xsk_packet(&x->rx, i);
        if (write(tap, x->umem + packet->addr, packet->len) < 0) ++*lost;
        *xsk_frame(&x->fill, i) = packet->addr & ~(uint64_t)(FRAME_SIZE - 1);
    }
    xsk_release(&x->rx, n);
    xsk_submit(&x->fill, n);
    return n;
}

struct free_frames {
    uint64_t address[RING];
    uint32_t count;
};

/* From the kernel; returns packets sent. */
static uint32_t pass_out(struct xsk *x, int tap, struct free_frames *free) {
    uint32_t done = xsk_peek(&x->completion, RING);
    for (uint32_t i = 0; i < done; i++) free->address[free->count++] = *xsk_frame(&x->completion, i);
    if (done) xsk_release(&x->completion, done);
    uint32_t room = xsk_reserve(&x->tx, free->count < TX_BURST ? free->count : TX_BURST), n = 0;
    for (; n < room; n++) {
        uint64_t address = free->address[free->count - 1];
        ssize_t length = read(tap, x->umem + address, LONGEST);
        if (length <= 0) break;
        free->count--;
        *xsk_packet(&x->tx, n) = (struct xdp_desc){.addr = address, .len = (uint32_t)length};
    }
    if (n) xsk_submit(&x->tx, n);
    if (x->tx.cursor != __atomic_load_n(x->tx.consumer, __ATOMIC_ACQUIRE)) xsk_doorbell(x);
    return n;
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    pin_to_core(0);
    struct xsk *device = allocate(sizeof *device);
    open_device(device, option(argc, argv, "interface", NULL));
    int tap = open_tap(option(argc, argv, "tap", NULL));
    struct free_frames *free = allocate(sizeof *free);
    while (free->count < RING) {
        free->address[free->count] = (uint64_t)(2 * RING + free->count) * FRAME_SIZE;
        free->count++;
    }
    printf("{\"ready\":true}\n");
    fflush(stdout);

    uint64_t in = 0, out = 0, lost = 0;
    for (uint32_t idle = 0; !stopped;) {
        uint32_t taken = pass_in(device, tap, &lost), sent = pass_out(device, tap, free);
        in += taken;
        out += sent;
        idle = taken + sent ? 0 : idle + 1;
        if (idle <= SPINS) continue;
        struct pollfd fds[] = {{.fd = device->fd, .events = POLLIN}, {.fd = tap, .events = POLLIN}};
        poll(fds, 2, SLEEP_MS);
        idle = 0;
    }
    printf("{\"toKernel\":%lu,\"fromKernel\":%lu,\"lost\":%lu}\n", in, out, lost);
    return 0;
}
