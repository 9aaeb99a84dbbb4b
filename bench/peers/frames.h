/* Prepared UDP/IPv4 frames with random 5-tuples. */
#pragma once
#include "machine.h"
#include <arpa/inet.h>

enum { MAX_PORTS = 16 };

struct traffic {
    uint32_t packet_size; /* bytes in memory, without the frame check sequence */
    uint8_t destination_mac[6];
    uint16_t ports[MAX_PORTS];
    uint32_t port_count;
};

static inline uint16_t ipv4_checksum(const uint8_t *header) {
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2) sum += (uint32_t)(header[i] << 8 | header[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static inline void put_be16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Ethernet II, RFC 791, RFC 768; UDP checksum 0: none. */
static inline void write_frame(uint8_t *frame, const struct traffic *t, uint64_t *random) {
    uint64_t addresses = next_random(random), ports = next_random(random);
    memset(frame, 0, t->packet_size);
    memcpy(frame, t->destination_mac, 6);
    memcpy(frame + 6, "\x02\x00\x00\x00\x00\x01", 6);
    put_be16(frame + 12, 0x0800);
    uint8_t *ip = frame + 14;
    ip[0] = 0x45;
    put_be16(ip + 2, t->packet_size - 14);
    ip[8] = 64;
    ip[9] = 17;
    memcpy(ip + 12, &addresses, 8);
    ip[12] = ip[16] = 10;
    put_be16(ip + 10, ipv4_checksum(ip));
    uint8_t *udp = ip + 20;
    put_be16(udp, 1024 + (uint32_t)(ports % 60000));
    put_be16(udp + 2, t->ports[(ports >> 32) % t->port_count]);
    put_be16(udp + 4, t->packet_size - 34);
}

/* Fills `count` frames, each `stride` bytes after the one before. */
static inline void write_frames(uint8_t *pool, uint32_t count, uint32_t stride, const struct traffic *t) {
    uint64_t random = 0x6e69637368617265ull;
    for (uint32_t i = 0; i < count; i++) write_frame(pool + (size_t)i * stride, t, &random);
}

/* '53,54' */
static inline void parse_ports(struct traffic *t, const char *text) {
    t->port_count = 0;
    while (*text && t->port_count < MAX_PORTS) {
        char *end;
        t->ports[t->port_count++] = (uint16_t)strtoul(text, &end, 10);
        text = *end == ',' ? end + 1 : end + strlen(end);
    }
}

static inline void parse_mac(struct traffic *t, const char *text) {
    unsigned m[6];
    if (sscanf(text, "%x:%x:%x:%x:%x:%x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6) {
        fprintf(stderr, "'%s' is no MAC address\n", text);
        exit(2);
    }
    for (int i = 0; i < 6; i++) t->destination_mac[i] = (uint8_t)m[i];
}
