/* System calls that fail on demand, for files under one folder. Preloaded (LD_PRELOAD), so that it sees the calls of
 * Python, NumPy, zipfile, HDF5 and every other library of the process.
 *
 * A call counts if its kind is armed and its file is under the folder. The n-th one that counts fails, or with
 * `lasting` the n-th and all later ones; or it does only half of its work, for kinds that end with "short". With KILL
 * all calls that change files count, and the process is killed before the n-th one; with KILL_HALF in the middle of a
 * write.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    OPEN_TO_WRITE, OPEN_TO_READ, OPEN_ANY, READ, READ_SHORT, WRITE, WRITE_SHORT, FSYNC, RENAME, MKDIR, MMAP, CLOSE,
    TRUNCATE, MEMORY, UNLINK, RMDIR, LOCK, SEEK, STAT, LIST, KILL, KILL_HALF
};

static char root[PATH_MAX];
static size_t root_length;
static atomic_int armed = -1;
static atomic_long seen, failed;
static long target, smallest;
static int number, lasting;
static char last[PATH_MAX + 64];

/* The next definition of a symbol, found on the first call. */
#define REAL(name) \
    static __typeof__(&name) real_##name; \
    if (!real_##name) real_##name = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

void faults_arm(const char *folder, int kind, long n, int error, int keep, long least_bytes) {
    atomic_store(&armed, -1);
    if (!realpath(folder, root)) abort();
    root_length = strlen(root);
    target = n;
    number = error;
    lasting = keep;
    smallest = least_bytes;
    last[0] = 0;
    atomic_store(&seen, 0);
    atomic_store(&failed, 0);
    atomic_store(&armed, kind);
}

void faults_disarm(void) { atomic_store(&armed, -1); }
long faults_seen(void) { return atomic_load(&seen); }
long faults_failed(void) { return atomic_load(&failed); }
const char *faults_last(void) { return last; }

static int under_root(const char *path) {
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || !path[root_length]);
}

/* Whether calls of the kind count. */
static int counts(int kind) {
    int now = atomic_load(&armed);
    if (now != KILL) return now == kind;
    switch (kind) {
    case OPEN_TO_WRITE: case WRITE: case FSYNC: case RENAME: case MKDIR: case CLOSE: case TRUNCATE: case UNLINK:
    case RMDIR:
        return 1;
    default:
        return 0;
    }
}

/* 1 if this call is to fail. */
static int hit(const char *call, const char *path) {
    long count = atomic_fetch_add(&seen, 1) + 1;
    if (count < target || (count > target && !lasting)) return 0;
    if (atomic_fetch_add(&failed, 1) == 0) {
        /* Without printf, which may allocate. */
        char *end = stpncpy(last, call, 32);
        *end++ = ' ';
        strncpy(end, path, PATH_MAX);
    }
    if (atomic_load(&armed) == KILL) raise(SIGKILL);
    errno = number;
    return 1;
}

static int path_of(int fd, char *path) {
    char name[64] = "/proc/self/fd/";
    char digits[16];
    int n = 0, at = 14;
    if (fd < 0) return 0;
    do digits[n++] = (char)('0' + fd % 10); while (fd /= 10);
    while (n) name[at++] = digits[--n];
    name[at] = 0;
    ssize_t length = readlink(name, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return path[0] == '/';
}

static int fails_fd(int kind, const char *call, int fd) {
    char path[PATH_MAX];
    if (!counts(kind)) return 0;
    int before = errno;
    if (!path_of(fd, path) || !under_root(path)) {
        errno = before;
        return 0;
    }
    errno = before;
    return hit(call, path);
}

static int fails_path(int kind, const char *call, int folder, const char *name) {
    char path[PATH_MAX * 2] = "";
    if (!counts(kind)) return 0;
    int before = errno;
    if (name[0] != '/') {
        if (folder == AT_FDCWD) {
            if (!getcwd(path, PATH_MAX)) return 0;
        } else if (!path_of(folder, path)) {
            return 0;
        }
        strcat(path, "/");
    }
    strncat(path, name, PATH_MAX);
    errno = before;
    return under_root(path) && hit(call, path);
}

static int fails_open(const char *call, int folder, const char *name, int flags) {
    /* Temporary folders are removed through a descriptor of the folder; that fails only where every open fails. */
    if (flags & O_PATH) return 0;
    if (fails_path(OPEN_ANY, call, folder, name)) return 1;
    int temporary = (flags & O_TMPFILE) == O_TMPFILE;
    if ((flags & O_DIRECTORY) && !temporary) return 0;
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
    return fails_path(writes ? OPEN_TO_WRITE : OPEN_TO_READ, call, folder, name);
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        MODE(flags) \
        return fails_open(#name, AT_FDCWD, path, flags) ? -1 : real_##name(path, flags, mode); \
    }
#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(name); \
        MODE(flags) \
        return fails_open(#name, folder, path, flags) ? -1 : real_##name(folder, path, flags, mode); \
    }
#define FOPEN(name) \
    FILE *name(const char *path, const char *how) { \
        REAL(name); \
        int flags = strpbrk(how, "wa+") ? O_RDWR | O_CREAT : O_RDONLY; \
        return fails_open(#name, AT_FDCWD, path, flags) ? NULL : real_##name(path, how); \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
FOPEN(fopen)
FOPEN(fopen64)

/* Half of the bytes for a call that is to be short; 0 and 1 bytes stay. */
static size_t some(int kind, const char *call, int fd, size_t n) {
    return n > 1 && fails_fd(kind, call, fd) ? n / 2 : n;
}

ssize_t write(int fd, const void *data, size_t n) {
    REAL(write);
    if (n > 1 && fails_fd(KILL_HALF, "write", fd)) {
        ssize_t half = real_write(fd, data, n / 2);
        raise(SIGKILL);
        return half;
    }
    return fails_fd(WRITE, "write", fd) ? -1 : real_write(fd, data, some(WRITE_SHORT, "write", fd, n));
}
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) {
    REAL(pwrite);
    return fails_fd(WRITE, "pwrite", fd) ? -1 : real_pwrite(fd, data, some(WRITE_SHORT, "pwrite", fd, n), at);
}
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) {
    REAL(pwrite64);
    return fails_fd(WRITE, "pwrite", fd) ? -1 : real_pwrite64(fd, data, some(WRITE_SHORT, "pwrite", fd, n), at);
}
ssize_t writev(int fd, const struct iovec *parts, int n) {
    REAL(writev);
    return fails_fd(WRITE, "writev", fd) ? -1 : real_writev(fd, parts, n);
}
size_t fwrite(const void *data, size_t size, size_t n, FILE *file) {
    REAL(fwrite);
    return fails_fd(WRITE, "fwrite", fileno(file)) ? 0 : real_fwrite(data, size, n, file);
}
ssize_t read(int fd, void *data, size_t n) {
    REAL(read);
    return fails_fd(READ, "read", fd) ? -1 : real_read(fd, data, some(READ_SHORT, "read", fd, n));
}
ssize_t pread(int fd, void *data, size_t n, off_t at) {
    REAL(pread);
    return fails_fd(READ, "pread", fd) ? -1 : real_pread(fd, data, some(READ_SHORT, "pread", fd, n), at);
}
ssize_t pread64(int fd, void *data, size_t n, off64_t at) {
    REAL(pread64);
    return fails_fd(READ, "pread", fd) ? -1 : real_pread64(fd, data, some(READ_SHORT, "pread", fd, n), at);
}
size_t fread(void *data, size_t size, size_t n, FILE *file) {
    REAL(fread);
    return fails_fd(READ, "fread", fileno(file)) ? 0 : real_fread(data, size, n, file);
}

/* Closing reports what the writes before it could not: the descriptor is closed all the same. */
int close(int fd) {
    REAL(close);
    int fails = fails_fd(CLOSE, "close", fd), found = real_close(fd);
    if (fails) errno = number;
    return fails ? -1 : found;
}
int fclose(FILE *file) {
    REAL(fclose);
    int fails = fails_fd(CLOSE, "fclose", fileno(file)), found = real_fclose(file);
    if (fails) errno = number;
    return fails ? EOF : found;
}

int fsync(int fd) {
    REAL(fsync);
    return fails_fd(FSYNC, "fsync", fd) ? -1 : real_fsync(fd);
}
int fdatasync(int fd) {
    REAL(fdatasync);
    return fails_fd(FSYNC, "fdatasync", fd) ? -1 : real_fdatasync(fd);
}
int ftruncate(int fd, off_t size) {
    REAL(ftruncate);
    return fails_fd(TRUNCATE, "ftruncate", fd) ? -1 : real_ftruncate(fd, size);
}
int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64);
    return fails_fd(TRUNCATE, "ftruncate", fd) ? -1 : real_ftruncate64(fd, size);
}
int rename(const char *from, const char *to) {
    REAL(rename);
    return fails_path(RENAME, "rename", AT_FDCWD, to) ? -1 : real_rename(from, to);
}
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    REAL(renameat);
    return fails_path(RENAME, "renameat", to_folder, to) ? -1 : real_renameat(from_folder, from, to_folder, to);
}
int link(const char *from, const char *to) {
    REAL(link);
    return fails_path(RENAME, "link", AT_FDCWD, to) ? -1 : real_link(from, to);
}
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    return fails_path(MKDIR, "mkdir", AT_FDCWD, path) ? -1 : real_mkdir(path, mode);
}
int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(mkdirat);
    return fails_path(MKDIR, "mkdirat", folder, path) ? -1 : real_mkdirat(folder, path, mode);
}
int unlink(const char *path) {
    REAL(unlink);
    return fails_path(UNLINK, "unlink", AT_FDCWD, path) ? -1 : real_unlink(path);
}
int rmdir(const char *path) {
    REAL(rmdir);
    return fails_path(RMDIR, "rmdir", AT_FDCWD, path) ? -1 : real_rmdir(path);
}
int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat);
    int kind = flags & AT_REMOVEDIR ? RMDIR : UNLINK;
    return fails_path(kind, "unlinkat", folder, path) ? -1 : real_unlinkat(folder, path, flags);
}
int remove(const char *path) {
    REAL(remove);
    return fails_path(UNLINK, "remove", AT_FDCWD, path) ? -1 : real_remove(path);
}
int flock(int fd, int how) {
    REAL(flock);
    return fails_fd(LOCK, "flock", fd) ? -1 : real_flock(fd, how);
}
off_t lseek(int fd, off_t at, int from) {
    REAL(lseek);
    return fails_fd(SEEK, "lseek", fd) ? -1 : real_lseek(fd, at, from);
}
off64_t lseek64(int fd, off64_t at, int from) {
    REAL(lseek64);
    return fails_fd(SEEK, "lseek", fd) ? -1 : real_lseek64(fd, at, from);
}
DIR *opendir(const char *path) {
    REAL(opendir);
    return fails_path(LIST, "opendir", AT_FDCWD, path) ? NULL : real_opendir(path);
}
DIR *fdopendir(int fd) {
    REAL(fdopendir);
    return fails_fd(LIST, "fdopendir", fd) ? NULL : real_fdopendir(fd);
}

/* Names that glibc exports since 2.33; before, nothing calls them. */
#define STAT(name, type) \
    int name(const char *path, struct type *found) { \
        REAL(name); \
        return fails_path(STAT, #name, AT_FDCWD, path) ? -1 : real_##name(path, found); \
    }
#define FSTAT(name, type) \
    int name(int fd, struct type *found) { \
        REAL(name); \
        return fails_fd(STAT, #name, fd) ? -1 : real_##name(fd, found); \
    }
#define FSTATAT(name, type) \
    int name(int folder, const char *path, struct type *found, int flags) { \
        REAL(name); \
        return fails_path(STAT, #name, folder, path) ? -1 : real_##name(folder, path, found, flags); \
    }
STAT(stat, stat)
STAT(stat64, stat64)
STAT(lstat, stat)
STAT(lstat64, stat64)
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)
FSTATAT(fstatat, stat)
FSTATAT(fstatat64, stat64)

void *mmap(void *address, size_t n, int protection, int flags, int fd, off_t at) {
    REAL(mmap);
    if (!(flags & MAP_ANONYMOUS) && fails_fd(MMAP, "mmap", fd)) return MAP_FAILED;
    return real_mmap(address, n, protection, flags, fd, at);
}
void *mmap64(void *address, size_t n, int protection, int flags, int fd, off64_t at) {
    REAL(mmap64);
    if (!(flags & MAP_ANONYMOUS) && fails_fd(MMAP, "mmap", fd)) return MAP_FAILED;
    return real_mmap64(address, n, protection, flags, fd, at);
}

/* glibc's own names, as dlsym may allocate. */
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static int no_memory(size_t bytes) {
    return atomic_load(&armed) == MEMORY && (long)bytes >= smallest && hit("malloc", "memory");
}
void *malloc(size_t n) { return no_memory(n) ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return no_memory(n * size) ? NULL : __libc_calloc(n, size); }
void *realloc(void *old, size_t n) { return no_memory(n) ? NULL : __libc_realloc(old, n); }
void *memalign(size_t to, size_t n) { return no_memory(n) ? NULL : __libc_memalign(to, n); }
void *aligned_alloc(size_t to, size_t n) { return no_memory(n) ? NULL : __libc_memalign(to, n); }
int posix_memalign(void **out, size_t to, size_t n) {
    if (no_memory(n)) return ENOMEM;
    *out = __libc_memalign(to, n);
    return *out ? 0 : ENOMEM;
}
