/*
 * Sends UDP requests at a fixed rate from core 1 and counts the answers, through one AF_XDP socket. An answer counts if
 * it goes back to where its request came from, byte for byte the same payload, with right checksums.
 * --interface NAME --from MAC --to MAC --source ADDRESS --destination ADDRESS --port P --rate PPS --seconds S
 * --payload BYTES
 */
#include "machine.h"
#include "xdp-program.h"
#include "xsk.h"

enum { FRAME_SIZE = 2048, RING = 4096, SEND_BURST = 32, RECEIVE_BURST = 64 };
enum { FRAMES = 2 * RING, FLOWS = 16, FIRST_PORT = 20000 };
enum { IPV4 = 14, UDP = 34, PAYLOAD = 42 };
/* After the last request, for so long without an answer nothing more is waited for. */
#define PATIENCE_NS (NS_PER_S / 4)

struct exchange {
    struct xsk x;
    uint8_t *umem;
    uint8_t request[FRAME_SIZE];
    uint32_t length, next;
    uint64_t sent, answered, wrong;
};

static uint32_t sum(const uint8_t *bytes, uint32_t length) {
    uint32_t total = 0;
    for (uint32_t i = 0; i + 1 < length; i += 2) total += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    return length & 1 ? total + (uint32_t)(bytes[length - 1] << 8) : total;
}

static uint16_t fold(uint32_t total) {
    total = (total & 0xffff) + (total >> 16);
    return (uint16_t)((total & 0xffff) + (total >> 16));
}

static void put_be16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* The sum over a datagram and its pseudo header (RFC 768); 0xffff where its checksum is right. */
static uint16_t udp_sum(const uint8_t *frame, uint32_t udp_length) {
    return fold(sum(frame + IPV4 + 12, 8) + 17 + udp_length + sum(frame + UDP, udp_length));
}

static void read_mac(uint8_t *mac, const char *text) {
    if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) == 6) return;
    fprintf(stderr, "'%s' is no MAC address\n", text);
    exit(2);
}

static void read_ip(uint8_t *ip, const char *text) {
    if (inet_pton(AF_INET, text, ip) == 1) return;
    fprintf(stderr, "'%s' is no IPv4 address\n", text);
    exit(2);
}

static void write_request(struct exchange *e, int argc, char **argv) {
    uint32_t payload = (uint32_t)option_number(argc, argv, "payload", "22");
    uint8_t *frame = e->request;
    e->length = PAYLOAD + payload;
    read_mac(frame, option(argc, argv, "to", NULL));
    read_mac(frame + 6, option(argc, argv, "from", NULL));
    put_be16(frame + 12, 0x0800);
    frame[IPV4] = 0x45;
    put_be16(frame + IPV4 + 2, e->length - IPV4);
    frame[IPV4 + 8] = 64;
    frame[IPV4 + 9] = 17;
    read_ip(frame + IPV4 + 12, option(argc, argv, "source", NULL));
    read_ip(frame + IPV4 + 16, option(argc, argv, "destination", NULL));
    put_be16(frame + IPV4 + 10, (uint16_t)~fold(sum(frame + IPV4, 20)));
    put_be16(frame + UDP + 2, (uint32_t)option_number(argc, argv, "port", NULL));
    put_be16(frame + UDP + 4, 8 + payload);
    for (uint32_t i = 0; i < payload; i++) frame[PAYLOAD + i] = (uint8_t)(i * 7 + 1);
}

/* Each TX frame holds a request of one flow from the beginning: sending writes nothing. */
static void write_requests(struct exchange *e) {
    for (uint32_t i = 0; i < RING; i++) {
        uint8_t *frame = e->umem + (size_t)i * FRAME_SIZE;
        memcpy(frame, e->request, e->length);
        put_be16(frame + UDP, FIRST_PORT + i % FLOWS);
        uint16_t checksum = (uint16_t)~udp_sum(frame, e->length - UDP);
        put_be16(frame + UDP + 6, checksum ? checksum : 0xffff);
    }
}

static bool is_answer(const struct exchange *e, const uint8_t *frame, uint32_t length) {
    const uint8_t *request = e->request;
    uint32_t port = (uint32_t)(frame[UDP + 2] << 8 | frame[UDP + 3]);
    if (length < e->length || port < FIRST_PORT || port >= FIRST_PORT + FLOWS) return false;
    if (memcmp(frame + IPV4 + 12, request + IPV4 + 16, 4) || memcmp(frame + IPV4 + 16, request + IPV4 + 12, 4))
        return false;
    if (memcmp(frame + UDP, request + UDP + 2, 2) || memcmp(frame + UDP + 4, request + UDP + 4, 2)) return false;
    if (memcmp(frame + PAYLOAD, request + PAYLOAD, e->length - PAYLOAD)) return false;
    return fold(sum(frame + IPV4, 20)) == 0xffff && udp_sum(frame, e->length - UDP) == 0xffff;
}

static uint32_t receive(struct exchange *e) {
    struct xsk *x = &e->x;
    uint32_t n = xsk_peek(&x->rx, RECEIVE_BURST);
    if (n == 0) return 0;
    xsk_reserve(&x->fill, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct xdp_desc *packet = xsk_packet(&x->rx, i);
        if (is_answer(e, e->umem + packet->addr, packet->len)) e->answered++;
        else e->wrong++;
        *xsk_frame(&x->fill, i) = packet->addr & ~(uint64_t)(FRAME_SIZE - 1);
    }
    xsk_release(&x->rx, n);
    xsk_submit(&x->fill, n);
    return n;
}

/* Queues up to `max` requests and kicks the kernel. */
static void send_requests(struct exchange *e, uint32_t max) {
    struct xsk *x = &e->x;
    uint32_t done = xsk_peek(&x->completion, RING);
    if (done) xsk_release(&x->completion, done);
    uint32_t n = xsk_reserve(&x->tx, max);
    for (uint32_t i = 0; i < n; i++) {
        *xsk_packet(&x->tx, i) = (struct xdp_desc){.addr = (uint64_t)e->next * FRAME_SIZE, .len = e->length};
        e->next = (e->next + 1) % RING;
    }
    if (n) xsk_submit(&x->tx, n);
    e->sent += n;
    xsk_doorbell(x);
}

static uint32_t not_taken(const struct xsk *x) {
    return x->tx.cursor - __atomic_load_n(x->tx.consumer, __ATOMIC_ACQUIRE);
}

static void open_exchange(struct exchange *e, const char *interface) {
    uint32_t ifindex = if_nametoindex(interface);
    if (ifindex == 0) die(interface);
    size_t bytes = (size_t)FRAMES * FRAME_SIZE;
    e->umem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (e->umem == MAP_FAILED) die("mmap");
    write_requests(e);
    open_xsk(&e->x, e->umem, bytes,
             (struct xsk_sizes){.frame_size = FRAME_SIZE, .rx = RING, .tx = RING, .fill = RING, .completion = RING});
    xsk_reserve(&e->x.fill, RING);
    for (uint32_t i = 0; i < RING; i++) *xsk_frame(&e->x.fill, i) = (uint64_t)(RING + i) * FRAME_SIZE;
    xsk_submit(&e->x.fill, RING);
    bind_xsk(&e->x, ifindex, 0);
    uint16_t ports[FLOWS];
    for (uint32_t i = 0; i < FLOWS; i++) ports[i] = (uint16_t)(FIRST_PORT + i);
    attach_ports(ifindex, e->x.fd, ports, FLOWS);
}

int main(int argc, char **argv) {
    static struct exchange e;
    double rate = option_number(argc, argv, "rate", "100000");
    double seconds = option_number(argc, argv, "seconds", "1");
    pin_to_core(1);
    write_request(&e, argc, argv);
    open_exchange(&e, option(argc, argv, "interface", NULL));

    uint64_t begin = now_ns(), elapsed = 0, total = (uint64_t)(rate * seconds);
    while (e.sent < total && elapsed < (uint64_t)(2 * seconds * NS_PER_S)) {
        elapsed = now_ns() - begin;
        uint64_t due = (uint64_t)(rate * (double)elapsed / NS_PER_S);
        if (due > total) due = total;
        if (due > e.sent) send_requests(&e, due - e.sent < SEND_BURST ? (uint32_t)(due - e.sent) : SEND_BURST);
        receive(&e);
    }
    elapsed = now_ns() - begin;
    for (uint64_t last = now_ns(); now_ns() - last < PATIENCE_NS;) {
        if (not_taken(&e.x)) xsk_doorbell(&e.x);
        if (receive(&e)) last = now_ns();
    }
    printf("{\"sent\":%lu,\"answered\":%lu,\"wrong\":%lu,\"seconds\":%.6f}\n", e.sent - not_taken(&e.x), e.answered,
           e.wrong, (double)elapsed / NS_PER_S);
    return 0;
}
