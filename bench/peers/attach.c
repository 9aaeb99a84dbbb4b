/*
 * Attach time: connect to a server's unix socket, ask for a queue, receive two regions and a wake-up socket, map them,
 * read the first packet out of the ring; in milliseconds. The server has the regions of the next session ready, as the
 * dispatcher has. --attaches N --pages huge|small
 */
#include "client.h"
#include "session.h"
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { FRAME_SIZE = 2048, RING_SIZE = 1024, RX_FRAMES = 2048, TX_FRAMES = 1024, DESCRIPTORS = 3 };
enum { PAUSE_US = 30000 };

static struct sockaddr_un server_address(socklen_t *length) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int bytes = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "nicshare-bench-%d", (int)getpid());
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)bytes);
    return address;
}

union rights {
    char bytes[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
    struct cmsghdr align;
};

static void send_descriptors(int socket, const struct shape *shape, const int *fds) {
    union rights control = {0};
    struct iovec payload = {(void *)shape, sizeof *shape};
    struct msghdr message = {.msg_iov = &payload, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){CMSG_LEN(DESCRIPTORS * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(header), fds, DESCRIPTORS * sizeof(int));
    check(sendmsg(socket, &message, MSG_NOSIGNAL), "sendmsg");
}

static void receive_descriptors(int socket, struct shape *shape, int *fds) {
    union rights control = {0};
    struct iovec payload = {shape, sizeof *shape};
    struct msghdr message = {.msg_iov = &payload, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control.bytes};
    check(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), "recvmsg");
    memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), DESCRIPTORS * sizeof(int));
}

/* A session made before anybody asks for it. */
struct offer {
    struct session session;
    int own_fd, peer_fd, read_only_fd, wake[2];
};

static void prepare(struct offer *o, bool huge) {
    struct shape shape = session_shape(false, RING_SIZE, FRAME_SIZE, RX_FRAMES, TX_FRAMES);
    o->own_fd = create_region("dispatcher", shape.dispatcher_bytes, huge);
    o->peer_fd = create_region("client", shape.client_bytes, false);
    uint8_t *own = map_region(o->own_fd, shape.dispatcher_bytes, PROT_READ | PROT_WRITE);
    uint8_t *peer = map_region(o->peer_fd, shape.client_bytes, PROT_READ | PROT_WRITE);
    check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, o->wake), "socketpair");
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", o->own_fd);
    o->read_only_fd = check(open(path, O_RDONLY | O_CLOEXEC), "open");
    open_session(&o->session, shape, own, peer, o->wake[0]);
}

static void discard(struct offer *o) {
    struct session *s = &o->session;
    free(s->free_frames);
    free(s->held);
    munmap(s->own, s->shape.dispatcher_bytes);
    munmap(s->peer, s->shape.client_bytes);
    int fds[] = {o->wake[0], o->wake[1], o->own_fd, o->peer_fd, o->read_only_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) close(fds[i]);
}

/* Gives the session to the one who asks and delivers its first packet; ends with the connection. */
static void serve(struct offer *o, int socket) {
    char queue[64];
    check(recv(socket, queue, sizeof queue, 0), "recv");
    send_descriptors(socket, &o->session.shape, (int[]){o->read_only_fd, o->peer_fd, o->wake[1]});
    uint8_t packet[64] = {1};
    deliver(&o->session, packet, sizeof packet);
    publish(&o->session);
    wake_client(&o->session, 0);
    check(recv(socket, queue, sizeof queue, 0), "recv");
}

/* Attaches once; returns the nanoseconds from connect(2) to the first packet. */
static uint64_t attach_once(void) {
    socklen_t length;
    struct sockaddr_un address = server_address(&length);
    uint64_t begin = now_ns();
    int socket_fd = check(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "socket");
    check(connect(socket_fd, (struct sockaddr *)&address, length), "connect");
    check(send(socket_fd, "dns", 3, MSG_NOSIGNAL), "send");
    struct client client = {0};
    int fds[DESCRIPTORS];
    receive_descriptors(socket_fd, &client.shape, fds);
    client.dispatcher = map_region(fds[0], client.shape.dispatcher_bytes, PROT_READ);
    client.packets_at = client.dispatcher;
    client.own = map_region(fds[1], client.shape.client_bytes, PROT_READ | PROT_WRITE);
    client.wake_fd = fds[2];
    if (*cell(client.dispatcher, L_HEADER_MAGIC) != L_MAGIC) die("the region's magic");
    while (receive(&client) == 0) sleep_until_readable(&client, 1000);
    uint64_t took = now_ns() - begin;
    munmap(client.dispatcher, client.shape.dispatcher_bytes);
    munmap(client.own, client.shape.client_bytes);
    for (int i = 0; i < DESCRIPTORS; i++) close(fds[i]);
    close(socket_fd);
    return took;
}

int main(int argc, char **argv) {
    uint32_t attaches = (uint32_t)option_number(argc, argv, "attaches", "21");
    bool huge = strcmp(option(argc, argv, "pages", "huge"), "huge") == 0;
    socklen_t length;
    struct sockaddr_un address = server_address(&length);
    int listener = check(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "socket");
    check(bind(listener, (struct sockaddr *)&address, length), "bind");
    check(listen(listener, 8), "listen");
    pid_t child = check(fork(), "fork");
    pin_to_core(child == 0 ? 0 : 1);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            struct offer offer;
            prepare(&offer, huge);
            int socket = check(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept4");
            serve(&offer, socket);
            discard(&offer);
            close(socket);
        }
    }
    uint64_t *took = allocate(attaches * sizeof *took);
    for (uint32_t i = 0; i < attaches; i++) {
        took[i] = attach_once();
        usleep(PAUSE_US);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    sort_u64(took, attaches);
    printf("{\"medianMs\":%.3f,\"minMs\":%.3f,\"maxMs\":%.3f}\n", (double)took[attaches / 2] / 1e6,
           (double)took[0] / 1e6, (double)took[attaches - 1] / 1e6);
    return 0;
}
