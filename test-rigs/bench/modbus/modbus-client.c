/* libmodbus as a poller: a thread a device, each reads 10 blocks of 124 holding registers in turn and makes 62 float32 of each.
   FIRST_PORT DEVICES SECONDS -> one line: reads in that time, sum of the values. gcc modbus-client.c -lmodbus -lpthread */
#include <modbus.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REGISTERS 124
#define BLOCKS 10

static int first, devices;
static double seconds;

struct work { int device; long reads; double sum; };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void *poll_device(void *given) {
  struct work *work = given;
  uint16_t registers[REGISTERS];
  modbus_t *context = modbus_new_tcp("127.0.0.1", first + work->device);
  modbus_set_slave(context, 1);
  if (modbus_connect(context) < 0) exit(1);
  for (double until = now() + seconds; now() < until; work->reads++) {
    if (modbus_read_registers(context, (work->reads % BLOCKS) * REGISTERS, REGISTERS, registers) != REGISTERS) exit(2);
    for (int at = 0; at < REGISTERS; at += 2) work->sum += modbus_get_float_abcd(registers + at);
  }
  modbus_close(context);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  first = atoi(argv[1]);
  devices = atoi(argv[2]);
  seconds = atof(argv[3]);
  pthread_t *threads = calloc(devices, sizeof *threads);
  struct work *work = calloc(devices, sizeof *work);
  for (int at = 0; at < devices; at++) {
    work[at].device = at;
    pthread_create(&threads[at], NULL, poll_device, &work[at]);
  }
  long reads = 0;
  double sum = 0;
  for (int at = 0; at < devices; at++) {
    pthread_join(threads[at], NULL);
    reads += work[at].reads;
    sum += work[at].sum;
  }
  struct timespec cpu;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  printf("{\"reads\":%ld,\"cpuMs\":%.1f,\"sum\":%.3f}\n", reads, cpu.tv_sec * 1e3 + cpu.tv_nsec / 1e6, sum);
  return 0;
}
