/*
 * The C twin over a null device: a pool of prepared frames, a dispatcher on core 0, a client process on core 1.
 * --size BYTES --seconds S --warmup S --mode lossless|drop|device --queue isolated|shared --pages huge|small
 * device: only the pool, its packets looked at; no client, no rings.
 * lossless: a burst is taken from the device once the client has room for all of it.
 */
#include "client.h"
#include "dataplane.h"
#include "frames.h"
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>

enum { POOL_FRAMES = 65536, FRAME_SIZE = 2048, RING_SIZE = 1024, RX_FRAMES = 16384, TX_FRAMES = 1024, CREDIT = 1024 };
enum { TURNS_A_LOOK = 1024 };
static const uint16_t QUEUE_PORTS[4] = {5001, 5002, 5003, 5004};

struct result {
    bool done;
    uint64_t packets, bytes, ns, sum;
};

struct null_device {
    int pool_fd;
    uint8_t *pool;
    uint32_t packet_size, next;
    uint64_t given_back;
    struct packet tx[TX_TURN];
    uint64_t sent;
};

static uint32_t null_rx_burst(struct null_device *d, struct packet *burst, uint32_t max) {
    for (uint32_t i = 0; i < max; i++) {
        burst[i] = (struct packet){d->pool + (size_t)d->next * FRAME_SIZE, d->packet_size};
        d->next = (d->next + 1) & (POOL_FRAMES - 1);
    }
    return max;
}

static struct null_device *open_null_device(uint32_t packet_size, bool huge) {
    struct null_device *d = allocate(sizeof *d);
    size_t bytes = (size_t)POOL_FRAMES * FRAME_SIZE;
    d->pool_fd = create_region("null-pool", bytes, huge);
    d->pool = map_region(d->pool_fd, bytes, PROT_READ | PROT_WRITE);
    d->packet_size = packet_size;
    struct traffic traffic = {.packet_size = packet_size, .destination_mac = {2, 0, 0, 0, 0, 2}};
    traffic.ports[0] = QUEUE_PORTS[0];
    traffic.port_count = 1;
    write_frames(d->pool, POOL_FRAMES, FRAME_SIZE, &traffic);
    for (int i = 0; i < TX_TURN; i++) d->tx[i].bytes = allocate(FRAME_SIZE);
    return d;
}

/* Runs until the client has measured enough. */
static void dispatch(struct dataplane *d, struct null_device *device, bool lossless, const volatile bool *done) {
    struct packet burst[BURST];
    for (uint32_t turn = 0; turn % TURNS_A_LOOK || (!*done && !any_violated(d)); turn++) {
        if (!lossless || all_have_room(d)) {
            device->given_back += receive_burst(d, burst, null_rx_burst(device, burst, BURST));
        }
        reclaim_all(d);
        for (uint32_t i = 0; i < d->session_count; i++)
            device->sent += transmit(d->sessions[i], device->tx, TX_TURN);
        wake_clients(d, 0);
    }
}

/* Reads packets for the warm-up, then measures for `measure_ns`. */
static void consume(struct client *c, uint64_t warmup_ns, uint64_t measure_ns, struct result *result) {
    uint64_t begin = now_ns() + warmup_ns, packets = 0, bytes = 0;
    bool measuring = false;
    for (uint32_t turn = 0;; turn++) {
        receive(c);
        if (turn % TURNS_A_LOOK) continue;
        uint64_t now = now_ns();
        if (measuring && now - begin >= measure_ns) {
            *result = (struct result){true, c->packets - packets, c->bytes - bytes, now - begin, c->sum};
            return;
        }
        if (measuring || now < begin) continue;
        measuring = true;
        begin = now;
        packets = c->packets;
        bytes = c->bytes;
    }
}

/* Takes bursts and reads 8 bytes of every packet, for the warm-up, then for `measure_ns`. */
static int measure_device(struct null_device *device, uint64_t warmup_ns, uint64_t measure_ns) {
    struct packet burst[BURST];
    uint64_t begin = now_ns() + warmup_ns, packets = 0, sum = 0;
    bool measuring = false;
    for (uint32_t turn = 0;; turn++) {
        uint32_t count = null_rx_burst(device, burst, BURST);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t word;
            memcpy(&word, burst[i].bytes, sizeof word);
            sum += word;
        }
        device->given_back += count;
        packets += count;
        if (turn % TURNS_A_LOOK) continue;
        uint64_t now = now_ns();
        if (measuring && now - begin >= measure_ns) {
            printf("{\"mpps\":%.3f,\"sum\":%lu}\n", (double)packets * 1e3 / (double)(now - begin), sum);
            return 0;
        }
        if (measuring || now < begin) continue;
        measuring = true;
        begin = now;
        packets = 0;
    }
}

int main(int argc, char **argv) {
    uint32_t size = (uint32_t)option_number(argc, argv, "size", "64");
    uint64_t measure = (uint64_t)(option_number(argc, argv, "seconds", "2") * NS_PER_S);
    uint64_t warmup = (uint64_t)(option_number(argc, argv, "warmup", "0.5") * NS_PER_S);
    bool lossless = strcmp(option(argc, argv, "mode", "lossless"), "lossless") == 0;
    bool huge = strcmp(option(argc, argv, "pages", "huge"), "huge") == 0;

    pin_to_core(0);
    if (strcmp(option(argc, argv, "mode", "lossless"), "device") == 0)
        return measure_device(open_null_device(size, huge), warmup, measure);
    bool is_shared = strcmp(option(argc, argv, "queue", "isolated"), "shared") == 0;
    struct shape shape = session_shape(is_shared, RING_SIZE, FRAME_SIZE, is_shared ? CREDIT : RX_FRAMES, TX_FRAMES);
    int own_fd = create_region("dispatcher", shape.dispatcher_bytes, huge);
    int peer_fd = create_region("client", shape.client_bytes, false);
    uint8_t *own = map_region(own_fd, shape.dispatcher_bytes, PROT_READ | PROT_WRITE);
    uint8_t *peer = map_region(peer_fd, shape.client_bytes, PROT_READ | PROT_WRITE);
    struct result *result =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int wake[2];
    check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, wake), "socketpair");

    struct session *session = allocate(sizeof *session);
    open_session(session, shape, own, peer, wake[0]);
    struct dataplane *dataplane = allocate(sizeof *dataplane);
    classify_udp_ports(&dataplane->classifier, QUEUE_PORTS, 4);
    dataplane->of_queue[0] = dataplane->sessions[0] = session;
    dataplane->session_count = 1;
    struct null_device *device = open_null_device(size, huge);
    if (is_shared) lend_from(session, device->pool, POOL_FRAMES, CREDIT);

    pid_t child = check(fork(), "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin_to_core(1);
        check(munmap(own, shape.dispatcher_bytes), "munmap");
        struct client client = {.shape = shape, .own = peer, .wake_fd = wake[1]};
        client.dispatcher = map_region(own_fd, shape.dispatcher_bytes, PROT_READ);
        client.packets_at = client.dispatcher;
        if (is_shared) {
            size_t bytes = (size_t)POOL_FRAMES * FRAME_SIZE;
            check(munmap(device->pool, bytes), "munmap");
            client.packets_at = map_region(device->pool_fd, bytes, PROT_READ);
        }
        consume(&client, warmup, measure, result);
        _exit(0);
    }
    dispatch(dataplane, device, lossless, &result->done);
    waitpid(child, NULL, 0);
    if (session->violated) {
        fprintf(stderr, "the client broke the rules of its rings\n");
        return 1;
    }
    uint64_t dropped = counted(session, L_COUNTER_RX_DROP_RING_FULL) + counted(session, L_COUNTER_RX_DROP_NO_FRAME) +
                       counted(session, L_COUNTER_RX_DROP_NO_CREDIT);
    printf("{\"mpps\":%.3f,\"gbps\":%.3f,\"delivered\":%lu,\"dropped\":%lu,\"framesCycled\":%lu,\"pages\":\"%s\"}\n",
           (double)result->packets * 1e3 / (double)result->ns, (double)result->bytes * 8 / (double)result->ns,
           counted(session, L_COUNTER_RX_PACKETS), dropped, is_shared ? dataplane->returned.total : (uint64_t)session->free_taken, huge ? "2 MiB" : "4 KiB");
    return 0;
}
