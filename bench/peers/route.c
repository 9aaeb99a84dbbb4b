/*
 * Asks the kernel for the next hop of an address, as a program without a snapshot does: one request for the route and one
 * for the neighbour, by rtnetlink. Neighbours are NETWORK.0.0 on (10.91.x.y); those of --neighbours N are known.
 * --neighbours N --lookups N
 */
#include "machine.h"
#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

enum { NETWORK = 10 << 24 | 91 << 16, ANSWER_BYTES = 8192 };

struct request {
    struct nlmsghdr header;
    union {
        struct rtmsg route;
        struct ndmsg neighbour;
    };
    struct rtattr attribute;
    uint32_t address;
};

/* Sends one request and takes its answer; the answer is left in `answer`. */
static void ask(int fd, struct request *request, void *answer) {
    check(send(fd, request, request->header.nlmsg_len, 0), "send");
    check(recv(fd, answer, ANSWER_BYTES, 0), "recv");
    struct nlmsghdr *header = answer;
    if (header->nlmsg_type != NLMSG_ERROR) return;
    errno = -((struct nlmsgerr *)NLMSG_DATA(header))->error;
    die("rtnetlink");
}

static void route_request(struct request *request, uint32_t address) {
    *request = (struct request){
        .header = {.nlmsg_len = sizeof *request, .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
        .route = {.rtm_family = AF_INET, .rtm_dst_len = 32},
        .attribute = {.rta_len = sizeof(struct rtattr) + 4, .rta_type = RTA_DST},
        .address = htonl(address),
    };
}

static void neighbour_request(struct request *request, uint32_t address, int interface) {
    *request = (struct request){
        .header = {.nlmsg_len = sizeof *request, .nlmsg_type = RTM_GETNEIGH, .nlmsg_flags = NLM_F_REQUEST},
        .neighbour = {.ndm_family = AF_INET, .ndm_ifindex = interface},
        .attribute = {.rta_len = sizeof(struct rtattr) + 4, .rta_type = NDA_DST},
        .address = htonl(address),
    };
}

int main(int argc, char **argv) {
    uint32_t neighbours = (uint32_t)option_number(argc, argv, "neighbours", NULL);
    uint32_t lookups = (uint32_t)option_number(argc, argv, "lookups", "50000");
    int interface = (int)if_nametoindex(option(argc, argv, "interface", NULL));
    int fd = check(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "socket");
    static _Alignas(8) char answer[ANSWER_BYTES];
    struct request request;
    pin_to_core(1);
    uint64_t random = 1, begin = now_ns();
    for (uint32_t i = 0; i < lookups; i++) {
        uint32_t address = NETWORK + 0x100 + (uint32_t)(next_random(&random) % neighbours);
        route_request(&request, address);
        ask(fd, &request, answer);
        neighbour_request(&request, address, interface);
        ask(fd, &request, answer);
    }
    printf("{\"ns\":%.1f}\n", (double)(now_ns() - begin) / lookups);
    return 0;
}
