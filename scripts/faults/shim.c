/* Sees every file operation below FAULTS_ROOT, numbers it over all processes, and does one of three things at number FAULTS_AT:
 * kills the process (FAULTS_MODE=kill), refuses the operation (error:ERRNO), or writes half (short). With FAULTS_LOG it notes
 * every operation with its data, and what is written to standard output, in the order in which they are carried out.
 * Loaded by LD_PRELOAD; raw system calls pass it by. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name, result, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static char root[PATH_MAX];
static size_t root_length;
static uint64_t *counter, at;
static int mode_kill, mode_short, mode_error, log_fd = -1, lock_fd = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("FAULTS_ROOT"), *mode = getenv("FAULTS_MODE");
    if (!text || !getenv("FAULTS_COUNTER")) return;
    snprintf(root, sizeof root, "%s/", text);
    root_length = strlen(root);
    int fd = open(getenv("FAULTS_COUNTER"), O_RDWR | O_CLOEXEC);
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) { root_length = 0; return; }
    counter = page;
    if (getenv("FAULTS_AT")) at = strtoull(getenv("FAULTS_AT"), NULL, 10);
    if (mode) {
        mode_kill = !strcmp(mode, "kill");
        mode_short = !strcmp(mode, "short");
        if (!strncmp(mode, "error:", 6)) mode_error = atoi(mode + 6);
    }
    if (getenv("FAULTS_LOG")) {
        log_fd = open(getenv("FAULTS_LOG"), O_WRONLY | O_APPEND | O_CLOEXEC);
        lock_fd = open(getenv("FAULTS_LOG"), O_RDONLY | O_CLOEXEC);
    }
}

/* The absolute path of a name in a folder; 0 when it does not lie below the root. */
static int below(int folder, const char *name, char *path) {
    if (!root_length) return 0;
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
    } else {
        char base[PATH_MAX], link[64];
        ssize_t n;
        if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        if ((n = readlink(link, base, sizeof base - 1)) < 0) return 0;
        base[n] = 0;
        if (n + strlen(name) + 2 > PATH_MAX) return 0;
        strcpy(path, base);
        strcat(path, "/");
        strcat(path, name);
    }
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') path[--n] = 0;
    return !strncmp(path, root, root_length);
}

/* The same for a descriptor. What an engine says on its standard streams is no part of the run. */
static int file_below(int fd, char *path) {
    char link[64];
    ssize_t n;
    if (!root_length) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if ((n = readlink(link, path, PATH_MAX - 1)) < 0) return 0;
    path[n] = 0;
    if (strncmp(path, root, root_length)) return 0;
    return !(n > 8 && !strcmp(path + n - 8, "/log.txt"));
}

/* Counts an operation; nonzero when it is the one. */
static int due(void) {
    uint64_t n = __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
    if (!at || n != at) return 0;
    if (mode_kill) { kill(getpid(), SIGKILL); pause(); }
    return 1;
}

static int refuses(void) {
    if (due() && mode_error) { errno = mode_error; return 1; }
    return 0;
}

static void lock(void) {
    if (log_fd < 0) return;
    pthread_mutex_lock(&mutex);
    flock(lock_fd, LOCK_EX);
}

static void note(char kind, const char *path, const char *to, uint64_t offset, const void *data, size_t length) {
    if (log_fd < 0) return;
    struct { char kind[8]; uint64_t offset, path, to, length; } head = {
        { kind }, offset, strlen(path), to ? strlen(to) : 0, length };
    struct iovec parts[] = { { &head, sizeof head }, { (void *)path, head.path },
        { (void *)(to ? to : ""), head.to }, { (void *)(data ? data : ""), length } };
    static ssize_t (*real)(int, const struct iovec *, int);
    if (!real) real = (ssize_t (*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
    real(log_fd, parts, 4);
}

static void unlock(void) {
    if (log_fd < 0) return;
    int kept = errno;
    flock(lock_fd, LOCK_UN);
    pthread_mutex_unlock(&mutex);
    errno = kept;
}

static int open_at(int folder, const char *name, int flags, mode_t mode) {
    REAL("openat", int, int, const char *, int, ...);
    char path[PATH_MAX];
    int writes = (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);
    size_t n = strlen(name);
    int is_log = n > 8 && !strcmp(name + n - 8, "/log.txt");
    if (!writes || is_log || !below(folder, name, path)) return real(folder, name, flags, mode);
    if (refuses()) return -1;
    lock();
    int fd = real(folder, name, flags, mode);
    if (fd >= 0) note(flags & O_TRUNC ? 't' : flags & O_CREAT ? 'c' : 'o', path, NULL, 0, NULL, 0);
    unlock();
    return fd;
}

#define OPEN(function) \
    int function(const char *name, int flags, ...) { \
        va_list more; va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        return open_at(AT_FDCWD, name, flags, mode); }
#define OPENAT(function) \
    int function(int folder, const char *name, int flags, ...) { \
        va_list more; va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        return open_at(folder, name, flags, mode); }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *data, size_t length) {
    REAL("write", ssize_t, int, const void *, size_t);
    char path[PATH_MAX];
    if (fd == 1 && log_fd >= 0 && !file_below(fd, path)) {
        lock();
        ssize_t n = real(fd, data, length);
        if (n > 0) note('a', "", NULL, 0, data, n);
        unlock();
        return n;
    }
    if (!file_below(fd, path)) return real(fd, data, length);
    if (due()) {
        if (mode_error) { errno = mode_error; return -1; }
        if (mode_short && length > 1) length /= 2;
    }
    lock();
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t n = real(fd, data, length);
    if (n > 0) note('w', path, NULL, offset, data, n);
    unlock();
    return n;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL("writev", ssize_t, int, const struct iovec *, int);
    char path[PATH_MAX];
    if (!file_below(fd, path)) return real(fd, parts, count);
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len) return write(fd, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

static ssize_t write_at(int fd, const void *data, size_t length, off_t offset) {
    REAL("pwrite64", ssize_t, int, const void *, size_t, off_t);
    char path[PATH_MAX];
    if (!file_below(fd, path)) return real(fd, data, length, offset);
    if (due()) {
        if (mode_error) { errno = mode_error; return -1; }
        if (mode_short && length > 1) length /= 2;
    }
    lock();
    ssize_t n = real(fd, data, length, offset);
    if (n > 0) note('w', path, NULL, offset, data, n);
    unlock();
    return n;
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return write_at(fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) { return write_at(fd, data, length, offset); }

static int sync_file(int fd, const char *function) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, function);
    char path[PATH_MAX] = "";
    /* The root itself: the folder that the run lies in. */
    int is_ours = file_below(fd, path) || (root_length && strlen(path) == root_length - 1 && !strncmp(path, root, root_length - 1));
    if (!is_ours) return real(fd);
    if (refuses()) return -1;
    lock();
    int result = real(fd);
    if (!result) note('s', path, NULL, 0, NULL, 0);
    unlock();
    return result;
}
int fsync(int fd) { return sync_file(fd, "fsync"); }
int fdatasync(int fd) { return sync_file(fd, "fdatasync"); }

static int cut(int fd, off_t length) {
    REAL("ftruncate64", int, int, off_t);
    char path[PATH_MAX];
    if (!file_below(fd, path)) return real(fd, length);
    if (refuses()) return -1;
    lock();
    int result = real(fd, length);
    if (!result) note('l', path, NULL, length, NULL, 0);
    unlock();
    return result;
}
int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

int renameat2(int f, const char *a, int g, const char *b, unsigned flags) {
    REAL("renameat2", int, int, const char *, int, const char *, unsigned);
    char from[PATH_MAX], to[PATH_MAX];
    int ours = below(f, a, from), theirs = below(g, b, to);
    if (!ours && !theirs) return real(f, a, g, b, flags);
    if (refuses()) return -1;
    lock();
    int result = real(f, a, g, b, flags);
    if (!result) note('r', from, to, 0, NULL, 0);
    unlock();
    return result;
}
int renameat(int f, const char *a, int g, const char *b) { return renameat2(f, a, g, b, 0); }
int rename(const char *a, const char *b) { return renameat2(AT_FDCWD, a, AT_FDCWD, b, 0); }

int mkdirat(int folder, const char *name, mode_t mode) {
    REAL("mkdirat", int, int, const char *, mode_t);
    char path[PATH_MAX];
    if (!below(folder, name, path)) return real(folder, name, mode);
    if (refuses()) return -1;
    lock();
    int result = real(folder, name, mode);
    if (!result) note('d', path, NULL, 0, NULL, 0);
    unlock();
    return result;
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

int unlinkat(int folder, const char *name, int flags) {
    REAL("unlinkat", int, int, const char *, int);
    char path[PATH_MAX];
    if (!below(folder, name, path)) return real(folder, name, flags);
    if (refuses()) return -1;
    lock();
    int result = real(folder, name, flags);
    if (!result) note('u', path, NULL, 0, NULL, 0);
    unlock();
    return result;
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int linkat(int f, const char *a, int g, const char *b, int flags) {
    REAL("linkat", int, int, const char *, int, const char *, int);
    char from[PATH_MAX], to[PATH_MAX];
    int ours = below(f, a, from), theirs = below(g, b, to);
    if (!ours && !theirs) return real(f, a, g, b, flags);
    if (refuses()) return -1;
    lock();
    int result = real(f, a, g, b, flags);
    if (!result) note('h', from, to, 0, NULL, 0);
    unlock();
    return result;
}
int link(const char *a, const char *b) { return linkat(AT_FDCWD, a, AT_FDCWD, b, 0); }

/* Copies within the kernel: whoever makes them writes instead. */
ssize_t copy_file_range(int a, off64_t *b, int fd, off64_t *c, size_t d, unsigned e) {
    REAL("copy_file_range", ssize_t, int, off64_t *, int, off64_t *, size_t, unsigned);
    char path[PATH_MAX];
    if (file_below(fd, path)) { errno = ENOSYS; return -1; }
    return real(a, b, fd, c, d, e);
}
ssize_t sendfile64(int fd, int a, off64_t *b, size_t c) {
    REAL("sendfile64", ssize_t, int, int, off64_t *, size_t);
    char path[PATH_MAX];
    if (file_below(fd, path)) { errno = ENOSYS; return -1; }
    return real(fd, a, b, c);
}
