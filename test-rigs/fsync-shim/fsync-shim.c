/*
 * A disk that flushes slowly or not at all: put in front of libc by LD_PRELOAD, it delays fsync and fdatasync, or lets
 * them fail, and counts them. Read from the environment at each process's first call:
 *
 *   FSYNC_SHIM_DELAY_MS  each call takes so much longer (fractions allowed)
 *   FSYNC_SHIM_ERRNO     each call fails with this number (5 = EIO, 28 = ENOSPC), and flushes nothing
 *   FSYNC_SHIM_PATH      only files whose path has this text in it
 *   FSYNC_SHIM_WHILE     delays and fails only while this file exists
 *   FSYNC_SHIM_COUNT     a file of two 64-bit counters, shared by all processes: calls, and those that failed here
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef int (*flush_call)(int);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static flush_call real_fsync, real_fdatasync;
static double delay_ms;
static int fail_errno;
static const char *path_part, *while_file;
static _Atomic uint64_t *counters;

static void read_environment(void) {
  real_fsync = (flush_call)dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = (flush_call)dlsym(RTLD_NEXT, "fdatasync");
  const char *text;
  delay_ms = (text = getenv("FSYNC_SHIM_DELAY_MS")) ? atof(text) : 0;
  fail_errno = (text = getenv("FSYNC_SHIM_ERRNO")) ? atoi(text) : 0;
  path_part = getenv("FSYNC_SHIM_PATH");
  while_file = getenv("FSYNC_SHIM_WHILE");
  if (!(text = getenv("FSYNC_SHIM_COUNT"))) return;
  int fd = open(text, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return;
  if (ftruncate(fd, 2 * sizeof(uint64_t)) == 0) {
    void *at = mmap(NULL, 2 * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) counters = at;
  }
  close(fd);
}

static int is_meant(int fd) {
  if (!path_part) return 1;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, path_part) != NULL;
}

static int flush(int fd, int data_only) {
  pthread_once(&once, read_environment);
  flush_call real = data_only ? real_fdatasync : real_fsync;
  if (!is_meant(fd)) return real(fd);
  if (counters) atomic_fetch_add(&counters[0], 1);
  if (while_file && access(while_file, F_OK) != 0) return real(fd);
  if (delay_ms > 0) {
    struct timespec rest = { (time_t)(delay_ms / 1000), (long)((delay_ms - 1000.0 * (time_t)(delay_ms / 1000)) * 1e6) };
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {}
  }
  if (!fail_errno) return real(fd);
  if (counters) atomic_fetch_add(&counters[1], 1);
  errno = fail_errno;
  return -1;
}

int fsync(int fd) { return flush(fd, 0); }
int fdatasync(int fd) { return flush(fd, 1); }
