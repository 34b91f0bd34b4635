// glibc's module map leaves sys/pidfd.h out, and Swift cannot call the variadic syscall().
#include <sys/pidfd.h>

// Swift reads spawn.h without _GNU_SOURCE, which hides these two of glibc 2.34.
#include <spawn.h>
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *, const char *);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
