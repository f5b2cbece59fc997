/*
 * Keeps what was forced to disk, so that what was not can be lost: put in front of libc by LD_PRELOAD, it lays a copy
 * aside at each forced write. After a kill, `forced.ts` makes the folder what the copies say.
 *
 * A file's copy is made at fsync, fdatasync and msync(MS_SYNC): whatever was written since by any call (write, pwrite,
 * writev, ftruncate, a mapping) is not in it. A folder's copy is the list of its names, made at fsync of the folder: names
 * made, changed and removed since are not in it. sync, syncfs, sync_file_range and O_SYNC count as nothing.
 *
 *   FORCED_ROOT   the folder whose files are meant, without a slash at its end
 *   FORCED_KEPT   where copies lie: files/ID and folders/ID, of which ID is inode and time of birth
 *   FORCED_NOT    forced writes of files and folders whose path has this text in it count as nothing
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int (*flush_call)(int);
typedef int (*msync_call)(void *, size_t, int);

static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Two threads that force the same file: the copy of the later state stays. */
static pthread_mutex_t copying = PTHREAD_MUTEX_INITIALIZER;
static flush_call real_fsync, real_fdatasync;
static msync_call real_msync;
static const char *root, *kept, *not_part;
static char buffer[1 << 18];

static void read_environment(void) {
  real_fsync = (flush_call)dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = (flush_call)dlsym(RTLD_NEXT, "fdatasync");
  real_msync = (msync_call)dlsym(RTLD_NEXT, "msync");
  root = getenv("FORCED_ROOT");
  kept = getenv("FORCED_KEPT");
  not_part = getenv("FORCED_NOT");
}

static int is_meant(const char *path) {
  size_t length = strlen(root);
  if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != 0)) return 0;
  return !not_part || !strstr(path, not_part);
}

/* An inode's number is given again once its file is gone; with the time of birth it is one file's for ever. */
static void name_of(const struct statx *found, char *id, size_t size) {
  unsigned long long born = found->stx_mask & STATX_BTIME ? found->stx_btime.tv_sec * 1000000000ULL + found->stx_btime.tv_nsec : 0;
  snprintf(id, size, "%llu-%llu", (unsigned long long)found->stx_ino, born);
}

static int keep_file(int fd, const char *id, mode_t mode) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/files/%s", kept, id);
  int from = fd, to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (to < 0) return -1;
  if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    from = open(path, O_RDONLY | O_CLOEXEC);
  }
  off_t at = 0;
  ssize_t count = -1;
  while (from >= 0 && (count = pread(from, buffer, sizeof buffer, at)) > 0) {
    for (ssize_t done = 0, part; done < count; done += part) {
      if ((part = pwrite(to, buffer + done, count - done, at + done)) < 0) { count = -1; break; }
    }
    if (count < 0) break;
    at += count;
  }
  int failed = count < 0 || ftruncate(to, at) != 0 || fchmod(to, mode & 07777) != 0;
  if (from != fd && from >= 0) close(from);
  close(to);
  return failed ? -1 : 0;
}

/* One record a name: kind, mode in octal, id, name, and a null. */
static int keep_folder(int fd, const char *id) {
  char path[PATH_MAX], draft[PATH_MAX + 8];
  snprintf(path, sizeof path, "%s/folders/%s", kept, id);
  snprintf(draft, sizeof draft, "%s.new", path);
  int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = own < 0 ? NULL : fdopendir(own);
  FILE *list = folder ? fopen(draft, "we") : NULL;
  if (!list) {
    if (folder) closedir(folder);
    else if (own >= 0) close(own);
    return -1;
  }
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    struct statx found;
    char its[64];
    if (statx(own, entry->d_name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &found) != 0) continue;
    name_of(&found, its, sizeof its);
    fprintf(list, "%c %o %s %s", S_ISDIR(found.stx_mode) ? 'd' : S_ISREG(found.stx_mode) ? 'f' : '?', found.stx_mode & 07777, its, entry->d_name);
    fputc(0, list);
  }
  closedir(folder);
  return fclose(list) == 0 && rename(draft, path) == 0 ? 0 : -1;
}

static int keep(int fd) {
  char link[64], path[PATH_MAX], id[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  struct statx found;
  if (!is_meant(path) || statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &found) != 0) return 0;
  name_of(&found, id, sizeof id);
  pthread_mutex_lock(&copying);
  int result = S_ISREG(found.stx_mode) ? keep_file(fd, id, found.stx_mode) : S_ISDIR(found.stx_mode) ? keep_folder(fd, id) : 0;
  pthread_mutex_unlock(&copying);
  /* Not kept is not forced: whoever asked for it hears that it failed. */
  if (result != 0) errno = EIO;
  return result;
}

static int forced(int fd, int result) {
  return result != 0 || !root || !kept ? result : keep(fd);
}

int fsync(int fd) {
  pthread_once(&once, read_environment);
  return forced(fd, real_fsync(fd));
}

int fdatasync(int fd) {
  pthread_once(&once, read_environment);
  return forced(fd, real_fdatasync(fd));
}

/* The mapping's file, found by its address. */
int msync(void *address, size_t length, int flags) {
  pthread_once(&once, read_environment);
  int result = real_msync(address, length, flags);
  if (result != 0 || !root || !kept || !(flags & MS_SYNC)) return result;
  FILE *maps = fopen("/proc/self/maps", "re");
  if (!maps) return -1;
  char line[PATH_MAX + 256], path[PATH_MAX];
  while (fgets(line, sizeof line, maps)) {
    unsigned long long from, to;
    path[0] = 0;
    if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %4095[^\n]", &from, &to, path) < 3 || (uintptr_t)address < from || (uintptr_t)address >= to) continue;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) break;
    result = keep(fd);
    close(fd);
    break;
  }
  fclose(maps);
  return result;
}
