/* Owns: read-only file mappings. The file may not shrink while it is mapped (see SECURITY.md). */
#include "base/mapping.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct met_mapping {
    void *data;
    size_t bytes;
};

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
    mapping->data = mmap(NULL, mapping->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapping->data == MAP_FAILED) {
        status = met_fail(err, MET_E_IO, "%s: cannot map %zu bytes: %s", path, mapping->bytes,
                          strerror(errno));
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
    (void)munmap(mapping->data, mapping->bytes);
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
