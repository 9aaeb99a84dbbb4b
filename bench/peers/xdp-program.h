/* XDP programs: IPv4/UDP packets to one of some ports go to the interface queue's socket, the rest to the kernel; or all. */
#pragma once
#include "machine.h"
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_PROGRAM = 64, LOG_BYTES = 65536 };

struct program {
    struct bpf_insn code[MAX_PROGRAM];
    int length;
    int to_pass[MAX_PROGRAM], pass_count; /* jumps whose target is not known yet */
    int to_redirect[MAX_PROGRAM], redirect_count;
};

static inline int bpf(int command, union bpf_attr *attributes) {
    return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

static inline int emit(struct program *p, int code, int dst, int src, int offset, int immediate) {
    p->code[p->length] = (struct bpf_insn){.code = (uint8_t)code,
                                           .dst_reg = (uint8_t)dst & 15,
                                           .src_reg = (uint8_t)src & 15,
                                           .off = (int16_t)offset,
                                           .imm = immediate};
    return p->length++;
}

/* Loads a field of the packet into r5; passes the packet on where the field, masked, is not `value`. */
static inline void require_field(struct program *p, int size, int offset, int mask, int value) {
    emit(p, BPF_LDX | BPF_MEM | size, 5, 2, offset, 0);
    if (mask) emit(p, BPF_ALU64 | BPF_AND | BPF_K, 5, 0, 0, mask);
    p->to_pass[p->pass_count++] = emit(p, BPF_JMP | BPF_JNE | BPF_K, 5, 0, 0, value);
}

static inline void land(struct program *p, const int *jumps, int count) {
    for (int i = 0; i < count; i++) p->code[jumps[i]].off = (int16_t)(p->length - jumps[i] - 1);
}

/* r6 = the context. */
static inline void write_redirect(struct program *p, int xsk_map) {
    emit(p, BPF_LDX | BPF_MEM | BPF_W, 2, 6, offsetof(struct xdp_md, rx_queue_index), 0);
    emit(p, BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, xsk_map);
    emit(p, 0, 0, 0, 0, 0);
    emit(p, BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, XDP_PASS);
    emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map);
    emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static inline void write_program(struct program *p, int xsk_map, const uint16_t *ports, uint32_t port_count) {
    emit(p, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
    emit(p, BPF_LDX | BPF_MEM | BPF_W, 2, 1, offsetof(struct xdp_md, data), 0);
    emit(p, BPF_LDX | BPF_MEM | BPF_W, 3, 1, offsetof(struct xdp_md, data_end), 0);
    emit(p, BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0);
    emit(p, BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, 14 + 20 + 8);
    p->to_pass[p->pass_count++] = emit(p, BPF_JMP | BPF_JGT | BPF_X, 4, 3, 0, 0);
    require_field(p, BPF_H, 12, 0, htons(0x0800));
    require_field(p, BPF_B, 14, 0, 0x45);
    require_field(p, BPF_B, 23, 0, 17);
    require_field(p, BPF_H, 20, htons(0x1fff), 0);
    emit(p, BPF_LDX | BPF_MEM | BPF_H, 5, 2, 36, 0);
    for (uint32_t i = 0; i < port_count; i++)
        p->to_redirect[p->redirect_count++] = emit(p, BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 0, htons(ports[i]));
    land(p, p->to_pass, p->pass_count);
    emit(p, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS);
    emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    land(p, p->to_redirect, p->redirect_count);
    write_redirect(p, xsk_map);
}

static inline int create_xsk_map(int xsk_fd) {
    union bpf_attr create = {
        .map_type = BPF_MAP_TYPE_XSKMAP, .key_size = 4, .value_size = 4, .max_entries = 1};
    int map = check(bpf(BPF_MAP_CREATE, &create), "bpf(MAP_CREATE)");
    uint32_t key = 0;
    union bpf_attr update = {.map_fd = (uint32_t)map, .key = (uintptr_t)&key, .value = (uintptr_t)&xsk_fd};
    check(bpf(BPF_MAP_UPDATE_ELEM, &update), "bpf(MAP_UPDATE_ELEM)");
    return map;
}

static inline int load_program(const struct program *p) {
    static char log[LOG_BYTES];
    union bpf_attr load = {.prog_type = BPF_PROG_TYPE_XDP,
                           .insn_cnt = (uint32_t)p->length,
                           .insns = (uintptr_t)p->code,
                           .license = (uintptr_t) "GPL",
                           .log_level = 1,
                           .log_size = LOG_BYTES,
                           .log_buf = (uintptr_t)log,
                           .expected_attach_type = BPF_XDP};
    int fd = bpf(BPF_PROG_LOAD, &load);
    if (fd < 0) fprintf(stderr, "%s", log);
    return check(fd, "bpf(PROG_LOAD)");
}

/* Attaches the program until the process ends; returns how: "native" or "generic". */
static inline const char *attach_program(uint32_t ifindex, const struct program *p) {
    union bpf_attr link = {.link_create.prog_fd = (uint32_t)load_program(p),
                           .link_create.target_ifindex = ifindex,
                           .link_create.attach_type = BPF_XDP,
                           .link_create.flags = XDP_FLAGS_DRV_MODE};
    if (bpf(BPF_LINK_CREATE, &link) >= 0) return "native";
    link.link_create.flags = XDP_FLAGS_SKB_MODE;
    check(bpf(BPF_LINK_CREATE, &link), "bpf(LINK_CREATE)");
    return "generic";
}

static inline const char *attach_ports(uint32_t ifindex, int xsk_fd, const uint16_t *ports, uint32_t port_count) {
    struct program p = {0};
    write_program(&p, create_xsk_map(xsk_fd), ports, port_count);
    return attach_program(ifindex, &p);
}

static inline const char *attach_all(uint32_t ifindex, int xsk_fd) {
    struct program p = {0};
    emit(&p, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
    write_redirect(&p, create_xsk_map(xsk_fd));
    return attach_program(ifindex, &p);
}
