/*
 * The C twin over AF_XDP: one hardware queue, four rules, some clients, all on core 0; it sleeps when there is nothing
 * to do. --interface NAME --clients N --seconds S --spins N --yields N --wakeup-interval MICROSECONDS --client-spins N
 * --pages huge|small
 * Prints a line when it is ready and one at its end, after the seconds or on SIGTERM.
 */
#include "client.h"
#include "dataplane.h"
#include "xdp-program.h"
#include "xsk.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { FRAME_SIZE = 2048, RING_SIZE = 4096, RX_FRAMES = 16384, TX_FRAMES = 4096, DEVICE_RING = 4096 };
enum { DEVICE_RX_FRAMES = 2 * DEVICE_RING, DEVICE_FRAMES = DEVICE_RX_FRAMES + DEVICE_RING, MAX_CLIENTS = 4 };
enum { SLEEP_MS = 100 };
static const uint16_t QUEUE_PORTS[4] = {5001, 5002, 5003, 5004};

struct client_result {
    uint64_t packets, cpu_ns;
    _Alignas(128) bool ready;
};

struct shared {
    volatile bool stop;
    struct client_result clients[MAX_CLIENTS];
};

static volatile sig_atomic_t stopped;
static void stop(int signal) { stopped = signal; }

/* The device's TX frames, of which a stack names the free ones. */
struct tx_frames {
    uint64_t free[DEVICE_RING];
    uint32_t count;
};

static void give_back(struct xsk *x, const struct packet *burst, uint32_t n) {
    xsk_reserve(&x->fill, n);
    for (uint32_t i = 0; i < n; i++)
        *xsk_frame(&x->fill, i) = (uint64_t)(burst[i].bytes - x->umem) & ~(uint64_t)(x->frame_size - 1);
    xsk_submit(&x->fill, n);
}

static uint32_t receive_step(struct dataplane *d, struct xsk *x) {
    struct packet burst[BURST];
    uint32_t n = xsk_peek(&x->rx, BURST);
    if (n == 0) return 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct xdp_desc *packet = xsk_packet(&x->rx, i);
        burst[i] = (struct packet){x->umem + packet->addr, packet->len};
    }
    xsk_release(&x->rx, n);
    give_back(x, burst, receive_burst(d, burst, n));
    return n;
}

static void reap(struct xsk *x, struct tx_frames *frames) {
    uint32_t done = xsk_peek(&x->completion, BURST);
    for (uint32_t i = 0; i < done; i++) frames->free[frames->count++] = *xsk_frame(&x->completion, i);
    if (done) xsk_release(&x->completion, done);
}

static uint32_t transmit_step(struct session *s, struct xsk *x, struct tx_frames *frames) {
    if (frames->count < TX_TURN) reap(x, frames);
    uint32_t room = xsk_reserve(&x->tx, frames->count < TX_TURN ? frames->count : TX_TURN);
    struct packet packets[TX_TURN];
    for (uint32_t i = 0; i < room; i++) packets[i].bytes = x->umem + frames->free[frames->count - 1 - i];
    uint32_t n = transmit(s, packets, room);
    if (n == 0) return 0;
    for (uint32_t i = 0; i < n; i++)
        *xsk_packet(&x->tx, i) =
            (struct xdp_desc){.addr = (uint64_t)(packets[i].bytes - x->umem), .len = packets[i].length};
    frames->count -= n;
    xsk_submit(&x->tx, n);
    while (xsk_doorbell(x)) continue;
    return n;
}

/* Whether a client submitted something while it was being told that we sleep. */
static bool clients_have_work(const struct dataplane *d) {
    for (uint32_t i = 0; i < d->session_count; i++) {
        const struct session *s = d->sessions[i];
        if (__atomic_load_n(cell(s->peer, L_TX_PRODUCER), __ATOMIC_SEQ_CST) != s->tx_consumer) return true;
        if (__atomic_load_n(cell(s->peer, L_FILL_PRODUCER), __ATOMIC_SEQ_CST) != s->fill_consumer) return true;
    }
    return false;
}

static void tell_clients(const struct dataplane *d, uint32_t epoch) {
    for (uint32_t i = 0; i < d->session_count; i++)
        __atomic_store_n(cell(d->sessions[i]->own, L_DISPATCHER_SLEEP), epoch, __ATOMIC_SEQ_CST);
}

/* Takes the wake-ups that clients have sent; the first of `fds` is the first session's. */
static void drain_doorbells(const struct dataplane *d, const struct pollfd *fds) {
    char sink[64];
    for (uint32_t i = 0; i < d->session_count; i++)
        if (fds[i].revents & POLLIN)
            while (recv(d->sessions[i]->wake_fd, sink, sizeof sink, MSG_DONTWAIT) > 0) continue;
}

/*
 * Sleeps until there is work; where `nap_ns` is not 0, clients wait for wake-ups that may not be sent yet: then the
 * device is left alone for so long, and its packets gather.
 */
static void sleep_until_work(const struct dataplane *d, struct xsk *x, uint64_t nap_ns) {
    static uint32_t epoch;
    if (++epoch == 0) epoch = 1;
    tell_clients(d, epoch);
    struct pollfd fds[MAX_CLIENTS + 1] = {{.fd = x->fd, .events = POLLIN}};
    for (uint32_t i = 0; i < d->session_count; i++)
        fds[i + 1] = (struct pollfd){.fd = d->sessions[i]->wake_fd, .events = POLLIN};
    if (nap_ns) {
        struct timespec nap = {.tv_nsec = (long)nap_ns};
        if (!clients_have_work(d)) ppoll(fds + 1, d->session_count, &nap, NULL);
        drain_doorbells(d, fds + 1);
    } else if (!xsk_peek(&x->rx, 1) && !clients_have_work(d)) {
        poll(fds, d->session_count + 1, SLEEP_MS);
        drain_doorbells(d, fds + 1);
    }
    tell_clients(d, 0);
}

struct idle {
    uint32_t spins, yields, turns;
    uint64_t wakeup_interval_ns;
};

/* Spins, then yields; true where it is time to sleep. */
static bool idle(struct idle *idle, uint32_t work) {
    if (work > 0) idle->turns = 0;
    else if (++idle->turns > idle->spins + idle->yields) return true;
    else if (idle->turns > idle->spins) sched_yield();
    return false;
}

static void dispatch(struct dataplane *d, struct xsk *x, struct idle strategy, uint64_t until) {
    struct tx_frames *frames = allocate(sizeof *frames);
    for (; frames->count < DEVICE_RING; frames->count++)
        frames->free[frames->count] = (uint64_t)(DEVICE_RX_FRAMES + frames->count) * FRAME_SIZE;
    while (!stopped && now_ns() < until && !any_violated(d)) {
        uint32_t work = 0;
        for (int turn = 0; turn < 64; turn++) {
            work = receive_step(d, x) + reclaim_all(d);
            for (uint32_t i = 0; i < d->session_count; i++) work += transmit_step(d->sessions[i], x, frames);
            uint32_t late = wake_clients(d, strategy.wakeup_interval_ns);
            if (!idle(&strategy, work)) continue;
            sleep_until_work(d, x, late ? strategy.wakeup_interval_ns : 0);
            strategy.turns = 0;
            break;
        }
    }
}

static void consume(struct client *c, struct shared *shared, struct client_result *result, uint32_t spins) {
    uint64_t begin = cpu_ns();
    struct idle strategy = {.spins = spins};
    result->ready = true;
    while (!shared->stop)
        if (idle(&strategy, receive(c))) {
            sleep_until_readable(c, SLEEP_MS);
            strategy.turns = 0;
        }
    while (receive(c)) continue;
    result->packets = c->packets;
    result->cpu_ns = cpu_ns() - begin;
}

/* Makes a session and its client process. */
static pid_t start_client(struct session *s, struct shared *shared, uint32_t id, bool huge, uint32_t spins) {
    struct shape shape = session_shape(false, RING_SIZE, FRAME_SIZE, RX_FRAMES, TX_FRAMES);
    int own_fd = create_region("dispatcher", shape.dispatcher_bytes, huge);
    int peer_fd = create_region("client", shape.client_bytes, false);
    uint8_t *own = map_region(own_fd, shape.dispatcher_bytes, PROT_READ | PROT_WRITE);
    uint8_t *peer = map_region(peer_fd, shape.client_bytes, PROT_READ | PROT_WRITE);
    int wake[2];
    check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, wake), "socketpair");
    open_session(s, shape, own, peer, wake[0]);
    pid_t child = check(fork(), "fork");
    if (child != 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGTERM, SIG_IGN);
    check(munmap(own, shape.dispatcher_bytes), "munmap");
    struct client client = {.shape = shape, .own = peer, .wake_fd = wake[1]};
    client.dispatcher = map_region(own_fd, shape.dispatcher_bytes, PROT_READ);
    client.packets_at = client.dispatcher;
    consume(&client, shared, &shared->clients[id], spins);
    _exit(0);
}

static const char *open_device(struct xsk *x, const char *interface, bool huge) {
    uint32_t ifindex = if_nametoindex(interface);
    if (ifindex == 0) die(interface);
    uint32_t bytes = align_up(DEVICE_FRAMES * FRAME_SIZE, L_REGION_ALIGNMENT);
    uint8_t *umem = map_region(create_region("umem", bytes, huge), bytes, PROT_READ | PROT_WRITE);
    open_xsk(x, umem, bytes,
             (struct xsk_sizes){.frame_size = FRAME_SIZE, .rx = DEVICE_RING, .tx = DEVICE_RING,
                                .fill = DEVICE_RX_FRAMES, .completion = DEVICE_RING});
    xsk_reserve(&x->fill, DEVICE_RX_FRAMES);
    for (uint32_t i = 0; i < DEVICE_RX_FRAMES; i++) *xsk_frame(&x->fill, i) = (uint64_t)i * FRAME_SIZE;
    xsk_submit(&x->fill, DEVICE_RX_FRAMES);
    bind_xsk(x, ifindex, 0);
    return attach_ports(ifindex, x->fd, QUEUE_PORTS, 4);
}

static uint64_t device_drops(const struct xsk *x) {
    struct xdp_statistics statistics;
    socklen_t length = sizeof statistics;
    check(getsockopt(x->fd, SOL_XDP, XDP_STATISTICS, &statistics, &length), "getsockopt(XDP_STATISTICS)");
    return statistics.rx_dropped + statistics.rx_ring_full + statistics.rx_invalid_descs;
}

static void print_result(const struct dataplane *d, const struct xsk *x, const struct shared *shared,
                         uint64_t dispatcher_cpu, uint64_t elapsed) {
    uint64_t delivered = 0, dropped = 0, clients_cpu = 0, wakeups = 0;
    for (uint32_t i = 0; i < d->session_count; i++) {
        const struct session *s = d->sessions[i];
        delivered += shared->clients[i].packets;
        clients_cpu += shared->clients[i].cpu_ns;
        dropped += counted(s, L_COUNTER_RX_DROP_RING_FULL) + counted(s, L_COUNTER_RX_DROP_NO_FRAME) +
                   counted(s, L_COUNTER_RX_DROP_OVERSIZED);
        wakeups += counted(s, L_COUNTER_WAKEUPS);
    }
    printf("{\"delivered\":%lu,\"dropped\":%lu,\"noClient\":%lu,\"deviceDropped\":%lu,\"wakeups\":%lu,"
           "\"dispatcherCpuNs\":%lu,\"clientsCpuNs\":%lu,\"elapsedNs\":%lu}\n",
           delivered, dropped, d->no_client, device_drops(x), wakeups, dispatcher_cpu, clients_cpu, elapsed);
}

int main(int argc, char **argv) {
    uint32_t clients = (uint32_t)option_number(argc, argv, "clients", "2");
    uint64_t duration = (uint64_t)(option_number(argc, argv, "seconds", "3600") * NS_PER_S);
    uint32_t client_spins = (uint32_t)option_number(argc, argv, "client-spins", "0");
    bool huge = strcmp(option(argc, argv, "pages", "huge"), "huge") == 0;
    struct idle strategy = {.spins = (uint32_t)option_number(argc, argv, "spins", "200"),
                            .yields = (uint32_t)option_number(argc, argv, "yields", "20"),
                            .wakeup_interval_ns = (uint64_t)option_number(argc, argv, "wakeup-interval", "50") * 1000};
    if (clients < 1 || clients > MAX_CLIENTS) {
        fprintf(stderr, "--clients takes 1 to %d\n", MAX_CLIENTS);
        return 2;
    }
    pin_to_core(0);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct dataplane *d = allocate(sizeof *d);
    classify_udp_ports(&d->classifier, QUEUE_PORTS, 4);
    pid_t children[MAX_CLIENTS];
    for (uint32_t i = 0; i < clients; i++) {
        d->of_queue[i] = d->sessions[i] = allocate(sizeof *d->sessions[i]);
        children[i] = start_client(d->sessions[i], shared, i, huge, client_spins);
        while (!*(volatile bool *)&shared->clients[i].ready) sched_yield();
    }
    d->session_count = clients;
    struct xsk *device = allocate(sizeof *device);
    const char *mode = open_device(device, option(argc, argv, "interface", NULL), huge);
    printf("{\"ready\":true,\"mode\":\"%s\",\"pages\":\"%s\"}\n", mode, huge ? "2 MiB" : "4 KiB");
    fflush(stdout);

    uint64_t begin = now_ns(), begin_cpu = cpu_ns();
    dispatch(d, device, strategy, begin + duration);
    uint64_t dispatcher_cpu = cpu_ns() - begin_cpu, elapsed = now_ns() - begin;
    shared->stop = true;
    for (uint32_t i = 0; i < clients; i++) send(d->sessions[i]->wake_fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    for (uint32_t i = 0; i < clients; i++) waitpid(children[i], NULL, 0);
    print_result(d, device, shared, dispatcher_cpu, elapsed);
    return any_violated(d);
}
