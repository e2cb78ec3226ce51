/* Runs a command with all processes that it starts, and stops each of their file operations below a folder at the boundary of
 * the system call. Operations are numbered over all threads and carried out one at a time. At one number the process is killed
 * (kill), the operation is refused (error:ERRNO), or it writes half (short). A log holds every operation with its data, and
 * what is written to standard output, in the order in which they were carried out.
 *
 * trace FOLDER REPORT LOG MODE NUMBER COMMAND...    LOG may be empty, NUMBER 0
 *
 * REPORT receives how many operations there were, and in a second line the one that was disturbed. The exit status is the
 * command's, when all processes have ended. When this program is killed, they are killed as well. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if !defined(__x86_64__) || !defined(__linux__)
#error "the registers are those of Linux on x86-64"
#endif

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof *(a))

/* The letter is the kind in the log: o, c, t opens (t truncates, c creates), w writes, s syncs, l sets a length, r renames,
 * h gives a second name, d makes a folder, u removes, x copies within the kernel, a tells on standard output. */
static const struct traced_call { long number; char kind; } CALLS[] = {
    { SYS_open, 'o' }, { SYS_creat, 'o' }, { SYS_openat, 'o' }, { SYS_openat2, 'o' },
    { SYS_write, 'w' }, { SYS_pwrite64, 'w' }, { SYS_writev, 'w' }, { SYS_pwritev, 'w' }, { SYS_pwritev2, 'w' },
    { SYS_fsync, 's' }, { SYS_fdatasync, 's' }, { SYS_ftruncate, 'l' }, { SYS_truncate, 'l' },
    { SYS_rename, 'r' }, { SYS_renameat, 'r' }, { SYS_renameat2, 'r' }, { SYS_link, 'h' }, { SYS_linkat, 'h' },
    { SYS_mkdir, 'd' }, { SYS_mkdirat, 'd' }, { SYS_unlink, 'u' }, { SYS_unlinkat, 'u' }, { SYS_rmdir, 'u' },
    { SYS_copy_file_range, 'x' }, { SYS_sendfile, 'x' },
};

struct operation {
    long call;
    char kind;
    unsigned long long arguments[6];
    char path[PATH_MAX], to[PATH_MAX];
};

static char root[PATH_MAX];
static size_t root_length;
static unsigned long count, disturbed_number;
static char disturbed[2 * PATH_MAX + 8];
static int mode_kill, mode_short, mode_error, log_fd = -1;

/* The thread whose operation is being carried out, and those that wait for it. */
static pid_t busy;
static struct operation current;
static pid_t waiting[4096];
static size_t waiting_length;

static void fail(const char *what) {
    fprintf(stderr, "trace: %s: %s\n", what, strerror(errno));
    exit(125);
}

static size_t read_memory(pid_t thread, unsigned long long address, void *into, size_t length) {
    size_t done = 0;
    while (done < length) {
        /* Page by page: the next one need not be there. */
        size_t part = 4096 - (address + done) % 4096;
        if (part > length - done) part = length - done;
        struct iovec ours = { (char *)into + done, part }, theirs = { (void *)(address + done), part };
        ssize_t n = process_vm_readv(thread, &ours, 1, &theirs, 1, 0);
        if (n <= 0) break;
        done += n;
        if (length == PATH_MAX && memchr((char *)into + done - n, 0, n)) break;
    }
    return done;
}

static int is_beneath(const char *path) {
    return !strncmp(path, root, root_length) && path[root_length] == '/';
}

/* What an engine says on its standard streams is no part of a run. */
static int is_log(const char *path) {
    size_t n = strlen(path);
    return n > 8 && !strcmp(path + n - 8, "/log.txt");
}

/* The path behind a link of /proc. */
static int follow(pid_t thread, const char *name, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/%s", thread, name);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n < 0 ? 0 : n] = 0;
    return n >= 0;
}

static int follow_descriptor(pid_t thread, int fd, char *path) {
    char name[32];
    snprintf(name, sizeof name, "fd/%d", fd);
    return follow(thread, name, path);
}

/* The absolute path of a name in a folder; 0 when it does not lie below the root. */
static int name_path(pid_t thread, int folder, unsigned long long address, char *path) {
    char name[PATH_MAX] = "";
    read_memory(thread, address, name, sizeof name);
    name[PATH_MAX - 1] = 0;
    if (name[0] == '/') {
        strcpy(path, name);
    } else {
        int found = folder == AT_FDCWD ? follow(thread, "cwd", path) : follow_descriptor(thread, folder, path);
        size_t n = strlen(path);
        if (!found || n + strlen(name) + 2 > PATH_MAX) return 0;
        path[n] = '/';
        strcpy(path + n + 1, name);
    }
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') path[--n] = 0;
    return is_beneath(path);
}

static int opens_for_writing(struct operation *op, unsigned long long flags) {
    op->kind = flags & O_TRUNC ? 't' : flags & O_CREAT ? 'c' : 'o';
    int writes = (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);
    return writes && !(flags & O_PATH) && !is_log(op->path);
}

/* Finds out what a thread is about to do; 0 when it is nothing below the root. */
static int describe(pid_t thread, struct operation *op) {
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) return 0;
    memset(op, 0, offsetof(struct operation, path));
    op->path[0] = op->to[0] = 0;
    op->call = info.seccomp.nr;
    memcpy(op->arguments, info.seccomp.args, sizeof op->arguments);
    for (size_t i = 0; i < ARRAY_LENGTH(CALLS); i++)
        if (CALLS[i].number == op->call) op->kind = CALLS[i].kind;
    unsigned long long *a = op->arguments;
    struct open_how how = { 0 };
    switch (op->call) {
    case SYS_open: return name_path(thread, AT_FDCWD, a[0], op->path) && opens_for_writing(op, a[1]);
    case SYS_creat: return name_path(thread, AT_FDCWD, a[0], op->path) && opens_for_writing(op, O_CREAT | O_TRUNC);
    case SYS_openat: return name_path(thread, a[0], a[1], op->path) && opens_for_writing(op, a[2]);
    case SYS_openat2:
        read_memory(thread, a[2], &how, sizeof how);
        return name_path(thread, a[0], a[1], op->path) && opens_for_writing(op, how.flags);
    case SYS_rename: case SYS_link:
        return name_path(thread, AT_FDCWD, a[0], op->path) | name_path(thread, AT_FDCWD, a[1], op->to);
    case SYS_renameat: case SYS_renameat2: case SYS_linkat:
        return name_path(thread, a[0], a[1], op->path) | name_path(thread, a[2], a[3], op->to);
    case SYS_truncate: case SYS_mkdir: case SYS_unlink: case SYS_rmdir:
        return name_path(thread, AT_FDCWD, a[0], op->path);
    case SYS_mkdirat: case SYS_unlinkat: return name_path(thread, a[0], a[1], op->path);
    case SYS_copy_file_range: return follow_descriptor(thread, a[2], op->path) && is_beneath(op->path);
    }
    if (!follow_descriptor(thread, a[0], op->path)) return 0;
    if (op->kind == 's' && !strcmp(op->path, root)) return 1;
    if (is_beneath(op->path)) return !is_log(op->path);
    if (op->kind == 'w' && a[0] == 1 && log_fd >= 0) op->kind = 'a';
    return op->kind == 'a';
}

/* Changes what a call does: to nothing with this result, or to fewer bytes. */
static void change(pid_t thread, long result, int halve) {
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, thread, 0, &registers)) return;
    if (halve) {
        registers.rdx -= registers.rdx / 2;
    } else {
        registers.orig_rax = -1;
        registers.rax = result;
    }
    ptrace(PTRACE_SETREGS, thread, 0, &registers);
}

static void proceed(pid_t thread, int signal) { ptrace(PTRACE_CONT, thread, 0, signal); }

/* Carries out the operation that a thread stands before, or lets it go when it is none. */
static void begin(pid_t thread) {
    if (!describe(thread, &current)) { proceed(thread, 0); return; }
    /* Whoever copies within the kernel can write instead, which can be seen. */
    if (current.kind == 'x') { change(thread, -ENOSYS, 0); proceed(thread, 0); return; }
    if (current.kind != 'a' && ++count == disturbed_number) {
        snprintf(disturbed, sizeof disturbed, "%c %s %s", current.kind, current.path, current.to);
        if (mode_kill) { syscall(SYS_tkill, thread, SIGKILL); return; }
        if (mode_error) change(thread, -mode_error, 0);
        if (mode_short && current.kind == 'w') change(thread, 0, 1);
    }
    busy = thread;
    ptrace(PTRACE_SYSCALL, thread, 0, 0);
}

static void note(uint64_t offset, const void *data, size_t length) {
    struct { char kind[8]; uint64_t offset, path, to, length; } head = {
        { current.kind }, offset, strlen(current.path), strlen(current.to), length };
    struct iovec parts[] = { { &head, sizeof head }, { current.path, head.path }, { current.to, head.to },
        { (void *)data, length } };
    if (log_fd >= 0 && writev(log_fd, parts, 4) != (ssize_t)(sizeof head + head.path + head.to + length)) fail("the log");
}

static uint64_t position(pid_t thread, int fd) {
    char name[64], text[256] = "";
    snprintf(name, sizeof name, "/proc/%d/fdinfo/%d", thread, fd);
    int file = open(name, O_RDONLY);
    ssize_t n = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0) close(file);
    char *at = n > 0 ? strstr(text, "pos:") : NULL;
    return at ? strtoull(at + 4, NULL, 10) : 0;
}

/* Takes down an operation that was carried out. */
static void finish(pid_t thread) {
    struct __ptrace_syscall_info info;
    if (log_fd < 0 || ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0 || info.exit.is_error) return;
    unsigned long long *a = current.arguments;
    if (current.kind == 'l') { note(a[1], NULL, 0); return; }
    if (current.kind != 'w' && current.kind != 'a') { note(0, NULL, 0); return; }
    size_t length = info.exit.rval, done = 0;
    char *data = malloc(length + 1);
    if (!data) fail("memory");
    if (current.call == SYS_write || current.call == SYS_pwrite64) {
        done = read_memory(thread, a[1], data, length);
    } else {
        for (unsigned long long i = 0; i < a[2] && done < length; i++) {
            struct iovec part;
            if (read_memory(thread, a[1] + i * sizeof part, &part, sizeof part) != sizeof part) break;
            size_t n = part.iov_len < length - done ? part.iov_len : length - done;
            done += read_memory(thread, (uintptr_t)part.iov_base, data + done, n);
        }
    }
    if (done != length) fail("what was written cannot be read");
    int placed = current.call != SYS_write && current.call != SYS_writev;
    note(placed ? a[3] : position(thread, a[0]) - length, data, length);
    free(data);
}

static void begin_next(void) {
    while (!busy && waiting_length) {
        pid_t thread = waiting[0];
        memmove(waiting, waiting + 1, --waiting_length * sizeof *waiting);
        begin(thread);
    }
}

static void forget(pid_t thread) {
    if (busy == thread) busy = 0;
    for (size_t i = 0; i < waiting_length; i++)
        if (waiting[i] == thread) waiting[i--] = waiting[--waiting_length];
}

/* Has the calls of the table stop this process and its children. */
static void filter_calls(void) {
    struct sock_filter code[ARRAY_LENGTH(CALLS) + 5];
    size_t n = 0, calls = ARRAY_LENGTH(CALLS);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < calls; i++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALLS[i].number, calls - i, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    struct sock_fprog program = { n, code };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) fail("seccomp");
}

static pid_t start(char **command) {
    int seized[2];
    if (pipe(seized)) fail("pipe");
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (!child) {
        char byte;
        close(seized[1]);
        if (read(seized[0], &byte, 1) < 0) fail("pipe");
        close(seized[0]);
        filter_calls();
        execvp(command[0], command);
        fail(command[0]);
    }
    long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE
        | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, child, 0, options)) fail("ptrace");
    close(seized[0]);
    close(seized[1]);
    return child;
}

int main(int words, char **word) {
    if (words < 7) { fprintf(stderr, "trace FOLDER REPORT LOG MODE NUMBER COMMAND...\n"); return 125; }
    snprintf(root, sizeof root, "%s", word[1]);
    root_length = strlen(root);
    int report = open(word[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (report < 0) fail(word[2]);
    if (word[3][0] && (log_fd = open(word[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) < 0) fail(word[3]);
    mode_kill = !strcmp(word[4], "kill");
    mode_short = !strcmp(word[4], "short");
    if (!strncmp(word[4], "error:", 6)) mode_error = atoi(word[4] + 6);
    disturbed_number = strtoul(word[5], NULL, 10);
    pid_t command = start(word + 6);
    int code = 125, status;
    for (;;) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0 && errno == EINTR) continue;
        if (thread < 0) break;
        if (!WIFSTOPPED(status)) {
            forget(thread);
            if (thread == command) code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        } else if (status >> 16 == PTRACE_EVENT_SECCOMP) {
            if (waiting_length == ARRAY_LENGTH(waiting)) fail("too many threads");
            waiting[waiting_length++] = thread;
        } else if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            if (thread == busy) { finish(thread); busy = 0; }
            proceed(thread, 0);
        } else if (status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP) {
            ptrace(PTRACE_LISTEN, thread, 0, 0);
        } else {
            proceed(thread, status >> 16 ? 0 : WSTOPSIG(status));
        }
        begin_next();
    }
    dprintf(report, "%lu\n%s\n", count, disturbed);
    return code;
}
