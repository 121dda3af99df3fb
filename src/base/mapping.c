/* Owns: read-only file mappings. The file may not shrink while it is mapped (see SECURITY.md). */
#include "base/mapping.h"

#include "base/checked.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nothing is written, so both kinds hold the same. On Apple's systems a GPU wraps these pages, and
 * shared ones are those that are known to be wrapped without a copy. */
#if defined(__APPLE__)
enum { MAP_KIND = MAP_SHARED };
#else
enum { MAP_KIND = MAP_PRIVATE };
#endif

/* Where a file's place in memory agrees with large pages: the system may use them for it. */
static const size_t large_page_bytes = (size_t)2 << 20;

struct met_mapping {
    void *data;
    size_t bytes;
    void *reserved; /* address space that `data` lies in */
    size_t reserved_bytes;
};

/* Map the file at a well aligned place, with zeros behind it to the end of a page of any machine.
 * Returns 0 or the system's error. */
static int map_aligned(met_mapping *mapping, int fd)
{
    size_t align = mapping->bytes < large_page_bytes ? MET_MAPPING_ALIGN : large_page_bytes;
    size_t whole = met_align_up(mapping->bytes, MET_MAPPING_ALIGN);
    if (whole < mapping->bytes || SIZE_MAX - whole < align) return ENOMEM;
    mapping->reserved_bytes = whole + align;
    mapping->reserved = mmap(NULL, mapping->reserved_bytes, PROT_READ,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping->reserved == MAP_FAILED) return errno;
    uintptr_t at = (uintptr_t)mapping->reserved;
    void *place = (char *)mapping->reserved + (met_align_up(at, align) - at);
    mapping->data = mmap(place, mapping->bytes, PROT_READ, MAP_KIND | MAP_FIXED, fd, 0);
    if (mapping->data != MAP_FAILED) return 0;
    int reason = errno;
    (void)munmap(mapping->reserved, mapping->reserved_bytes);
    return reason;
}

met_status met_mapping_open(const char *path, met_mapping **out, met_error *err)
{
    met_status status = MET_OK;
    met_mapping *mapping = NULL;
    struct stat info;

    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a fifo must not block us */
    if (fd < 0 || fstat(fd, &info) != 0) {
        status = met_fail(err, MET_E_IO, "%s: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        status = met_fail(err, MET_E_IO, "%s: not a regular file", path);
        goto done;
    }
    if (info.st_size == 0) {
        status = met_fail(err, MET_E_TRUNCATED, "%s: file is empty", path);
        goto done;
    }
    mapping = calloc(1, sizeof *mapping);
    if (mapping == NULL) {
        status = met_fail_memory(err, "mapping", sizeof *mapping);
        goto done;
    }
    mapping->bytes = (size_t)info.st_size;
    int reason = map_aligned(mapping, fd);
    if (reason != 0) {
        status = met_fail(err, MET_E_IO, "%s: cannot map %zu bytes: %s", path, mapping->bytes,
                          strerror(reason));
        free(mapping);
        goto done;
    }
#if defined(MADV_HUGEPAGE)
    /* Weights are streamed: with small pages a fifth of decode's speed goes into walking page
     * tables. A file that comes from disk now can be cached in large pages; one that already lies
     * in small ones stays so (docs/BENCHMARKS.md). */
    (void)madvise(mapping->data, mapping->bytes, MADV_HUGEPAGE);
#endif
    *out = mapping;
done:
    if (fd >= 0) close(fd); /* the mapping does not need it */
    return status;
}

void met_mapping_close(met_mapping *mapping)
{
    if (mapping == NULL) return;
    (void)munmap(mapping->reserved, mapping->reserved_bytes);
    free(mapping);
}

const void *met_mapping_data(const met_mapping *mapping)
{
    return mapping->data;
}

size_t met_mapping_bytes(const met_mapping *mapping)
{
    return mapping->bytes;
}
