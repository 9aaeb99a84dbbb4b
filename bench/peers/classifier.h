/* Which queue a packet belongs to: headers are read as packages/driver/src/rules.ts says, the first rule that fits decides. */
#pragma once
#include "machine.h"
#include <netinet/in.h>

enum { HAS_ETHER_TYPE = 1, HAS_PROTOCOL = 2, HAS_PORT = 4, HAS_MAC = 8 };
enum { ETHERNET = 14, IPV4_MIN = 20, IPV6_HEADER = 40, PORTS = 4, MAX_RULES = 64, NO_QUEUE = 0xffff };

struct headers {
    uint32_t present;
    uint32_t mac_low;
    uint16_t mac_high, ether_type, port;
    uint8_t protocol;
};

struct rule {
    uint32_t fields;
    uint32_t mac_low;
    uint16_t mac_high, ether_type, port, queue;
    uint8_t protocol;
};

struct classifier {
    uint32_t count;
    struct rule rules[MAX_RULES];
};

static inline uint16_t read_be16(const uint8_t *at) {
    uint16_t value;
    memcpy(&value, at, 2);
    return __builtin_bswap16(value);
}

static inline bool has_ports(uint8_t protocol) {
    return protocol == IPPROTO_UDP || protocol == IPPROTO_TCP || protocol == IPPROTO_SCTP ||
           protocol == IPPROTO_UDPLITE;
}

/* Takes the port of the L4 header at `l4`, where there is one. */
static inline void read_port(struct headers *h, const uint8_t *packet, uint32_t l4, uint32_t length) {
    if (!has_ports(h->protocol) || l4 + PORTS > length) return;
    h->port = read_be16(packet + l4 + 2);
    h->present |= HAS_PORT;
}

static inline void read_ipv4(struct headers *h, const uint8_t *packet, uint32_t length) {
    if (length < ETHERNET + IPV4_MIN) return;
    uint32_t header = (packet[ETHERNET] & 15u) * 4;
    if (packet[ETHERNET] >> 4 != 4 || header < IPV4_MIN || ETHERNET + header > length) return;
    h->protocol = packet[ETHERNET + 9];
    h->present |= HAS_PROTOCOL;
    if ((read_be16(packet + ETHERNET + 6) & 0x1fff) == 0) read_port(h, packet, ETHERNET + header, length);
}

static inline void read_ipv6(struct headers *h, const uint8_t *packet, uint32_t length) {
    if (length < ETHERNET + IPV6_HEADER || packet[ETHERNET] >> 4 != 6) return;
    h->protocol = packet[ETHERNET + 6];
    h->present |= HAS_PROTOCOL;
    read_port(h, packet, ETHERNET + IPV6_HEADER, length);
}

static inline struct headers read_headers(const uint8_t *packet, uint32_t length) {
    struct headers h = {0};
    if (length < ETHERNET) return h;
    h.present = HAS_ETHER_TYPE | HAS_MAC;
    memcpy(&h.mac_low, packet, 4);
    memcpy(&h.mac_high, packet + 4, 2);
    h.ether_type = read_be16(packet + 12);
    if (h.ether_type == 0x0800) read_ipv4(&h, packet, length);
    else if (h.ether_type == 0x86dd) read_ipv6(&h, packet, length);
    return h;
}

static inline bool fits(const struct rule *r, const struct headers *h) {
    if (r->fields & ~h->present) return false;
    if ((r->fields & HAS_PORT) && r->port != h->port) return false;
    if ((r->fields & HAS_PROTOCOL) && r->protocol != h->protocol) return false;
    if ((r->fields & HAS_ETHER_TYPE) && r->ether_type != h->ether_type) return false;
    return !(r->fields & HAS_MAC) || (r->mac_low == h->mac_low && r->mac_high == h->mac_high);
}

/* The queue of the first rule that fits, or NO_QUEUE. */
static inline uint16_t classify(const struct classifier *c, const uint8_t *packet, uint32_t length) {
    struct headers h = read_headers(packet, length);
    for (uint32_t i = 0; i < c->count; i++)
        if (fits(&c->rules[i], &h)) return c->rules[i].queue;
    return NO_QUEUE;
}

/* One rule for each UDP port, queue i for the i-th. */
static inline void classify_udp_ports(struct classifier *c, const uint16_t *ports, uint32_t count) {
    c->count = count;
    for (uint32_t i = 0; i < count; i++)
        c->rules[i] = (struct rule){.fields = HAS_PROTOCOL | HAS_PORT,
                                    .protocol = IPPROTO_UDP,
                                    .port = ports[i],
                                    .queue = (uint16_t)i};
}
