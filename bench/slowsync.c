/* A disk that is $SLOWSYNC_US microseconds slower: preloaded, it waits before every sync. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int after_a_wait(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  const char *microseconds = getenv("SLOWSYNC_US");
  if (microseconds) usleep((useconds_t)atoi(microseconds));
  return real(fd);
}

int fsync(int fd) { return after_a_wait("fsync", fd); }
int fdatasync(int fd) { return after_a_wait("fdatasync", fd); }
