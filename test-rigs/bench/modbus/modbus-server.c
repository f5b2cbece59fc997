/* Modbus TCP server for the bench: N ports from the given one on, each with 1,240 holding registers. gcc modbus-server.c -lmodbus */
#include <errno.h>
#include <modbus.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 2048
#define REGISTERS 1240

int main(int argc, char **argv) {
  int first = argc > 1 ? atoi(argv[1]) : 0, count = argc > 2 ? atoi(argv[2]) : 1, used = 0;
  struct pollfd fds[MOST];
  modbus_t *context = modbus_new_tcp("127.0.0.1", first);
  modbus_mapping_t *map = modbus_mapping_new(0, 0, REGISTERS, 0);
  for (int at = 0; at < REGISTERS; at++) map->tab_registers[at] = at % 2 ? 0x3d71 : 0x4148; /* 12.515 as float32, ABCD */
  for (; used < count; used++) {
    modbus_t *listening = modbus_new_tcp("127.0.0.1", first + used);
    fds[used].fd = modbus_tcp_listen(listening, 16);
    fds[used].events = POLLIN;
    if (fds[used].fd < 0) return fprintf(stderr, "port %d: %s\n", first + used, modbus_strerror(errno)), 1;
  }
  puts("ready");
  fflush(stdout);
  for (;;) {
    if (poll(fds, used, -1) < 0) return 1;
    int known = used;
    for (int at = 0; at < known; at++) {
      if (!(fds[at].revents & (POLLIN | POLLHUP | POLLERR))) continue;
      if (at < count) {
        int socket = accept(fds[at].fd, NULL, NULL), one = 1;
        if (socket < 0 || used == MOST) { if (socket >= 0) close(socket); continue; }
        setsockopt(socket, 6, 1, &one, sizeof one); /* TCP_NODELAY */
        fds[used].fd = socket;
        fds[used].events = POLLIN;
        fds[used++].revents = 0;
        continue;
      }
      uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
      modbus_set_socket(context, fds[at].fd);
      int length = modbus_receive(context, query);
      if (length > 0) modbus_reply(context, query, length, map);
      else if (length < 0) {
        close(fds[at].fd);
        fds[at] = fds[--used];
        if (used < known) { known = used; at--; }
      }
    }
  }
}
