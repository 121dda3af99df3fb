/* Owns: a file on its way to its name. The invariant: the name leads to what was there before or to
 * all of what was written; only SIGKILL and the like leave the file beside it. */
#include "cli/replace.h"

#include "cli/failure.h"
#include "cli/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static met_status fail(const char *path, met_error *err)
{
    return errno == ENOMEM ? met_failure_memory(err)
                           : met_failure_set(err, MET_E_IO, "%s: %s", path, strerror(errno));
}

/* The file that `path` leads to, to be freed; NULL: errno. A link to nothing is not followed by
 * guessing where it leads, and never replaced. */
static char *resolve(const char *path)
{
    struct stat link;
    char *resolved = realpath(path, NULL);

    if (resolved != NULL || errno != ENOENT || lstat(path, &link) == 0) return resolved;
    return strdup(path);
}

static char *name_beside(const char *target)
{
    size_t bytes = strlen(target) + 32;
    char *name = malloc(bytes);

    if (name != NULL) snprintf(name, bytes, "%s.part-%ld", target, (long)getpid());
    return name;
}

/* A new file, read by nobody who cannot read the one that it will replace. */
static FILE *open_new(const char *name, const struct stat *there)
{
    mode_t mode = there != NULL ? there->st_mode & 0777 : 0666;
    int descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    if (descriptor < 0) return NULL;
    if (there != NULL) (void)fchmod(descriptor, mode); /* what the umask took away */
    FILE *file = fdopen(descriptor, "w");
    if (file != NULL) return file;
    close(descriptor);
    (void)unlink(name);
    return NULL;
}

static void forget(met_replacement *replacement)
{
    met_fault_removes(NULL);
    free(replacement->target);
    free(replacement->temporary);
    *replacement = (met_replacement){0};
}

met_status met_replace_begin(met_replacement *replacement, const char *path, met_error *err)
{
    met_status status = MET_OK;
    struct stat there;
    bool exists = stat(path, &there) == 0;

    *replacement = (met_replacement){.output = {.name = path}};
    if (exists && !S_ISREG(there.st_mode)) {
        replacement->output.file = fopen(path, "we");
        return replacement->output.file != NULL ? MET_OK : fail(path, err);
    }
    replacement->target = resolve(path);
    if (replacement->target == NULL) {
        status = fail(path, err);
        goto failed;
    }
    replacement->temporary = name_beside(replacement->target);
    if (replacement->temporary == NULL) {
        status = met_failure_memory(err);
        goto failed;
    }
    replacement->output.file = open_new(replacement->temporary, exists ? &there : NULL);
    if (replacement->output.file == NULL) {
        status = fail(path, err);
        goto failed;
    }
    met_fault_removes(replacement->temporary);
    return MET_OK;
failed:
    forget(replacement);
    return status;
}

met_status met_replace_end(met_replacement *replacement, bool whole, met_error *err)
{
    const char *path = replacement->output.name, *temporary = replacement->temporary;
    met_status status = met_output_close(&replacement->output, err);

    if (temporary != NULL && status == MET_OK && whole &&
        rename(temporary, replacement->target) != 0) {
        status = fail(path, err);
    }
    if (temporary != NULL && (status != MET_OK || !whole)) (void)unlink(temporary);
    forget(replacement);
    return status;
}
