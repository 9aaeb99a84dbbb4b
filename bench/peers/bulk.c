/*
 * One end of a TCP transfer. --role take|give --address ADDRESS --core N --seconds S
 * `take` accepts one connection and reads it to its end; `give` connects, sends for the seconds, and waits until all
 * has been taken. Both print bytes and seconds.
 */
#include "machine.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 5201, PIECE = 131072, PATIENCE_S = 10 };
static char piece[PIECE];

static int take(const struct sockaddr_in *address) {
    int one = 1, listener = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), "setsockopt");
    check(bind(listener, (const struct sockaddr *)address, sizeof *address), "bind");
    check(listen(listener, 1), "listen");
    return check(accept(listener, NULL, NULL), "accept");
}

/* The other end may not listen yet. */
static int give(const struct sockaddr_in *address) {
    for (uint64_t until = now_ns() + PATIENCE_S * NS_PER_S;; usleep(10000)) {
        int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
        if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0) return fd;
        if (errno != ECONNREFUSED || now_ns() > until) die("connect");
        close(fd);
    }
}

int main(int argc, char **argv) {
    bool gives = strcmp(option(argc, argv, "role", NULL), "give") == 0;
    uint64_t duration = (uint64_t)(option_number(argc, argv, "seconds", "1") * NS_PER_S);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    if (inet_pton(AF_INET, option(argc, argv, "address", NULL), &address.sin_addr) != 1) die("--address");
    pin_to_core((int)option_number(argc, argv, "core", "1"));
    int fd = gives ? give(&address) : take(&address);

    uint64_t begin = now_ns(), bytes = 0;
    while (gives && now_ns() - begin < duration) bytes += (uint64_t)check(write(fd, piece, PIECE), "write");
    if (gives) check(shutdown(fd, SHUT_WR), "shutdown");
    for (int length = 1; length > 0; bytes += (uint64_t)length) length = check(read(fd, piece, PIECE), "read");
    printf("{\"bytes\":%lu,\"seconds\":%.6f}\n", bytes, (double)(now_ns() - begin) / NS_PER_S);
    return 0;
}
