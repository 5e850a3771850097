/* TCP connections from the first SYN to TIME_WAIT: states, polls and errors at every step. */
#include "inet.h"

static void fresh_socket(void)
{
    printf("--- fresh\n");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte;
    SHOW(state_of(fd));
    SHOW(ready(fd));
    CALL(recv(fd, &byte, 1, 0));
    CALL(recv(fd, &byte, 1, MSG_DONTWAIT));
    CALL(send(fd, "x", 1, MSG_NOSIGNAL));
    CALL(shutdown(fd, SHUT_RDWR));
    CALL(accept(fd, NULL, NULL));
    show_names(fd);
    close(fd);
}

static void refused(void)
{
    printf("--- refused\n");
    int unused = socket(AF_INET, SOCK_STREAM, 0);
    bind4(unused, "127.0.0.1", 0);
    int port = port_of(unused), fd = socket(AF_INET, SOCK_STREAM, 0);
    CALL(connect4(fd, "127.0.0.1", port));
    SHOW(state_of(fd));
    SHOW(pending_error(fd));
    CALL(connect4(fd, "127.0.0.1", port));
    listen(unused, 1);
    CALL(connect4(fd, "127.0.0.1", port));
    CALL(connect4(fd, "127.0.0.1", port));
    SHOW(state_of(fd));
    close(fd);
    close(unused);
    unused = socket(AF_INET, SOCK_STREAM, 0);
    bind4(unused, "127.0.0.1", 0);
    port = port_of(unused);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CALL(connect4(fd, "127.0.0.1", port));
    SHOW(wait_ready(fd, POLLIN | POLLOUT));
    SHOW(pending_error(fd));
    SHOW(pending_error(fd));
    SHOW(ready(fd));
    CALL(connect4(fd, "127.0.0.1", port));
    CALL(connect4(fd, "127.0.0.1", port));
    wait_ready(fd, POLLOUT);
    CALL(connect4(fd, "127.0.0.1", port));
    CALL(send(fd, "x", 1, MSG_NOSIGNAL));
    close(fd);
    close(unused);
}

static void connects_without_waiting(void)
{
    printf("--- nonblocking\n");
    int l = listener4(5), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), port = port_of(l);
    SHOW(ready(l));
    CALL(connect4(fd, "127.0.0.1", port));
    SHOW(wait_ready(fd, POLLOUT));
    SHOW(pending_error(fd));
    CALL(connect4(fd, "127.0.0.1", port));
    CALL(connect4(fd, "127.0.0.1", port));
    SHOW(state_of(fd));
    SHOW(state_of(l));
    SHOW(ready(l));
    show_names(fd);
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    DONE(fcntl(l, F_SETFL, O_NONBLOCK));
    int other = accept4(l, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK);
    show_address("accepted", (struct sockaddr *)&peer, size, false);
    SHOW(ntohs(peer.sin_port) == port_of(fd));
    SHOW(port_of(other) == port);
    SHOW(fcntl(other, F_GETFL) & O_NONBLOCK ? 1 : 0);
    CALL(accept(l, NULL, NULL));
    CALL(listen(fd, 1));
    CALL(bind4(fd, "127.0.0.1", 0));
    CALL(connect4(l, "127.0.0.1", port));
    CALL(send(l, "x", 1, MSG_NOSIGNAL));
    char byte;
    CALL(recv(l, &byte, 1, 0));
    CALL(recv(fd, &byte, 1, 0));
    close(fd);
    close(other);
    close(l);
}

static void half_close(void)
{
    printf("--- half close\n");
    int e[2];
    char byte[8];
    connected_pair(e);
    CALL(write(e[0], "last", 4));
    CALL(shutdown(e[0], SHUT_WR));
    SHOW(wait_ready(e[1], POLLRDHUP));
    SHOW(state_of(e[1]));
    SHOW(ready(e[0]));
    SHOW(ready(e[1]));
    CALL(send(e[0], "x", 1, MSG_NOSIGNAL));
    CALL(read(e[1], byte, 8));
    CALL(read(e[1], byte, 8));
    CALL(read(e[1], byte, 8));
    CALL(write(e[1], "answer", 6));
    CALL(read(e[0], byte, 8));
    CALL(shutdown(e[0], SHUT_WR));
    CALL(shutdown(e[1], SHUT_WR));
    wait_ready(e[0], POLLRDHUP);
    SHOW(state_of(e[0]));
    SHOW(state_of(e[1]));
    SHOW(ready(e[0]));
    SHOW(ready(e[1]));
    CALL(read(e[0], byte, 8));
    CALL(shutdown(e[0], SHUT_WR));
    show_names(e[0]);
    show_names(e[1]);
    CALL(connect4(e[0], "127.0.0.1", 9));
    close(e[0]);
    close(e[1]);
}

static void stop_reading(void)
{
    printf("--- shutdown of reading\n");
    int e[2];
    char byte[8];
    connected_pair(e);
    CALL(shutdown(e[0], SHUT_RD));
    SHOW(state_of(e[0]));
    SHOW(ready(e[0]));
    CALL(read(e[0], byte, 8));
    CALL(write(e[1], "still", 5));
    wait_ready(e[0], POLLIN);
    CALL(read(e[0], byte, 8));
    CALL(read(e[0], byte, 8));
    CALL(write(e[0], "x", 1));
    CALL(shutdown(e[0], 7));
    CALL(shutdown(e[0], -1));
    close(e[0]);
    close(e[1]);
}

static void peer_closes(void)
{
    printf("--- the peer closes\n");
    int e[2];
    char byte[8];
    connected_pair(e);
    CALL(write(e[0], "bye", 3));
    close(e[0]);
    wait_ready(e[1], POLLRDHUP);
    SHOW(ready(e[1]));
    SHOW(state_of(e[1]));
    CALL(read(e[1], byte, 8));
    CALL(read(e[1], byte, 8));
    CALL(send(e[1], "x", 1, MSG_NOSIGNAL));
    wait_ready(e[1], POLLHUP);
    SHOW(state_of(e[1]));
    SHOW(ready(e[1]));
    CALL(send(e[1], "x", 1, MSG_NOSIGNAL));
    SHOW(pending_error(e[1]));
    CALL(send(e[1], "x", 1, MSG_NOSIGNAL));
    CALL(read(e[1], byte, 8));
    SHOW(ready(e[1]));
    close(e[1]);
}

static void unread_data(void)
{
    printf("--- closed with unread data\n");
    int e[2];
    char byte[8];
    connected_pair(e);
    CALL(write(e[1], "unread", 6));
    CALL(write(e[0], "to be read", 6));
    wait_ready(e[0], POLLIN);
    close(e[0]);
    wait_ready(e[1], POLLHUP);
    SHOW(ready(e[1]));
    SHOW(state_of(e[1]));
    CALL(read(e[1], byte, 8));
    CALL(read(e[1], byte, 8));
    CALL(read(e[1], byte, 8));
    CALL(send(e[1], "x", 1, MSG_NOSIGNAL));
    show_names(e[1]);
    CALL(shutdown(e[1], SHUT_RDWR));
    CALL(connect4(e[1], "127.0.0.1", 9));
    close(e[1]);
}

static void lingers(void)
{
    printf("--- SO_LINGER 0\n");
    int e[2];
    char byte[8];
    const struct linger now = { 1, 0 };
    connected_pair(e);
    CALL(setsockopt(e[0], SOL_SOCKET, SO_LINGER, &now, sizeof now));
    close(e[0]);
    wait_ready(e[1], POLLHUP);
    SHOW(ready(e[1]));
    CALL(send(e[1], "x", 1, MSG_NOSIGNAL));
    CALL(send(e[1], "x", 1, MSG_NOSIGNAL));
    CALL(read(e[1], byte, 8));
    close(e[1]);
}

static volatile int signals;
static void count_signal(int number)
{
    signals += number == SIGPIPE;
}

static void broken_pipe(void)
{
    printf("--- SIGPIPE\n");
    int e[2];
    signal(SIGPIPE, count_signal);
    connected_pair(e);
    shutdown(e[0], SHUT_WR);
    CALL(write(e[0], "x", 1));
    SHOW(signals);
    CALL(send(e[0], "x", 1, MSG_NOSIGNAL));
    SHOW(signals);
    close(e[0]);
    CALL(write(e[1], "x", 1));
    wait_ready(e[1], POLLHUP);
    CALL(write(e[1], "x", 1));
    CALL(write(e[1], "x", 1));
    SHOW(signals);
    close(e[1]);
    signal(SIGPIPE, SIG_DFL);
}

static void disconnects(void)
{
    printf("--- AF_UNSPEC\n");
    int e[2], l = listener4(2);
    char byte;
    connected_pair(e);
    CALL(unconnect(e[0]));
    SHOW(state_of(e[0]));
    SHOW(pending_error(e[0]));
    show_names(e[0]);
    CALL(read(e[1], &byte, 1));
    CALL(connect4(e[0], "127.0.0.1", port_of(l)));
    SHOW(state_of(e[0]));
    CALL(write(e[0], "again", 5));
    int other = accept(l, NULL, NULL);
    CALL(read(other, &byte, 1));
    CALL(unconnect(l));
    SHOW(state_of(l));
    CALL(accept(l, NULL, NULL));
    SHOW(port_of(l) != 0);
    CALL(listen(l, 1));
    SHOW(state_of(l));
    CALL(shutdown(l, SHUT_WR));
    SHOW(state_of(l));
    CALL(shutdown(l, SHUT_RD));
    SHOW(state_of(l));
    CALL(accept(l, NULL, NULL));
    close(other);
    close(l);
    close(e[0]);
    close(e[1]);
}

static void listener_goes(void)
{
    printf("--- the listener goes\n");
    int l = listener4(2), fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte;
    CALL(connect4(fd, "127.0.0.1", port_of(l)));
    CALL(write(fd, "early", 5));
    close(l);
    wait_ready(fd, POLLHUP);
    SHOW(ready(fd));
    CALL(read(fd, &byte, 1));
    CALL(read(fd, &byte, 1));
    close(fd);
}

static void accept_queue(void)
{
    printf("--- accept queue\n");
    int l = listener4(1), fd[4];
    struct timeval patience = { 0, 200000 };
    for (int i = 0; i < 3; i++) {
        fd[i] = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd[i], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        CALL(connect4(fd[i], "127.0.0.1", port_of(l)));
    }
    SHOW(state_of(fd[2]));
    CALL(connect4(fd[2], "127.0.0.1", port_of(l)));
    SHOW(ready(fd[2]));
    CALL(send(fd[2], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL));
    char byte;
    CALL(recv(fd[2], &byte, 1, MSG_DONTWAIT));
    show_names(fd[2]);
    close(fd[0]); /* it stays in the queue */
    int first = accept(l, NULL, NULL);
    CALL(read(first, &byte, 1));
    int second = accept(l, NULL, NULL);
    CALL(wait_ready(fd[2], POLLOUT)); /* the SYN comes again after a second */
    CALL(connect4(fd[2], "127.0.0.1", port_of(l)));
    SHOW(state_of(fd[2]));
    int third = accept(l, NULL, NULL);
    SHOW(third >= 0);
    close(first);
    close(second);
    close(third);
    close(fd[1]);
    close(fd[2]);
    const struct linger now = { 1, 0 };
    fd[3] = socket(AF_INET, SOCK_STREAM, 0);
    CALL(connect4(fd[3], "127.0.0.1", port_of(l)));
    setsockopt(fd[3], SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd[3]); /* reset before it is accepted */
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    int gone = accept(l, (struct sockaddr *)&peer, &size);
    SHOW(gone >= 0);
    show_address("who has gone", (struct sockaddr *)&peer, size, false);
    show_names(gone);
    CALL(read(gone, &byte, 1));
    CALL(read(gone, &byte, 1));
    close(gone);
    close(l);
}

static void time_wait(void)
{
    printf("--- TIME_WAIT\n");
    int l = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0), again;
    bind4(l, "127.0.0.1", 0);
    listen(l, 1);
    int port = port_of(l);
    connect4(fd, "127.0.0.1", port);
    int other = accept(l, NULL, NULL);
    close(l);
    again = socket(AF_INET, SOCK_STREAM, 0);
    CALL(bind4(again, "127.0.0.1", port)); /* the connection still has it */
    close(other);                          /* the server's side closes first: it keeps the port */
    char byte;
    read(fd, &byte, 1);
    close(fd);
    CALL(bind4(again, "127.0.0.1", port));
    CALL(bind4(again, "127.0.0.2", port));
    close(again);
    again = socket(AF_INET, SOCK_STREAM, 0);
    set_int(again, SOL_SOCKET, SO_REUSEADDR, 1);
    CALL(bind4(again, "127.0.0.1", port)); /* the other had not set it */
    close(again);
    l = socket(AF_INET, SOCK_STREAM, 0);
    set_int(l, SOL_SOCKET, SO_REUSEADDR, 1);
    bind4(l, "127.0.0.1", 0);
    listen(l, 1);
    port = port_of(l);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    connect4(fd, "127.0.0.1", port);
    other = accept(l, NULL, NULL);
    close(l);
    close(other);
    read(fd, &byte, 1);
    close(fd);
    again = socket(AF_INET, SOCK_STREAM, 0);
    set_int(again, SOL_SOCKET, SO_REUSEADDR, 1);
    CALL(bind4(again, "127.0.0.1", port));
    CALL(listen(again, 1));
    close(again);
}

static void with_itself(void)
{
    printf("--- connected with itself\n");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char text[8] = "";
    bind4(fd, "127.0.0.1", 0);
    CALL(connect4(fd, "127.0.0.1", port_of(fd)));
    SHOW(state_of(fd));
    CALL(write(fd, "echo", 4));
    CALL(read(fd, text, 8));
    puts(text);
    CALL(shutdown(fd, SHUT_WR));
    CALL(read(fd, text, 8));
    SHOW(state_of(fd));
    close(fd);
}

int main(void)
{
    own_network();
    fresh_socket();
    refused();
    connects_without_waiting();
    half_close();
    stop_reading();
    peer_closes();
    unread_data();
    lingers();
    broken_pipe();
    disconnects();
    listener_goes();
    accept_queue();
    time_wait();
    with_itself();
    return 0;
}
