/* A fuzz target without a fuzzer: every file of a folder, and small changes of it that a fixed seed
 * chooses. So the seeds run with every compiler and sanitizer, in every `make test`.
 *
 *     replay_NAME FOLDER CHANGES
 *
 * Prints how many inputs ran; an input that the target refuses ends the process, and what is
 * printed before says which one it was. */
#include "support/testing.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_BYTES_MAX = 1 << 20 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#ifndef REPLAY_INITIALIZES
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}
#endif

/* One to eight bytes changed, or the end cut off; returns what is left. */
static size_t change(uint8_t *data, size_t bytes, uint64_t *state)
{
    uint64_t draw = test_random(state);
    if (bytes == 0) return 0;
    if (draw % 4 == 0) return (size_t)(test_random(state) % bytes);
    for (uint64_t left = 1 + draw / 4 % 8; left > 0; left--) {
        uint64_t where = test_random(state);
        /* Headers are at the beginning: half of the changes are there. */
        size_t reach = where % 2 == 0 && bytes > 512 ? 512 : bytes;
        data[where / 2 % reach] = (uint8_t)(test_random(state) >> 32);
    }
    return bytes;
}

/* In memory of exactly that size, so that a sanitizer sees its end. */
static void run(const char *name, int number, const uint8_t *data, size_t bytes)
{
    uint8_t *copy = malloc(bytes > 0 ? bytes : 1);
    if (copy == NULL) exit(1);
    if (bytes > 0) memcpy(copy, data, bytes);
    fprintf(stderr, "# %s, change %d\n", name, number);
    (void)LLVMFuzzerTestOneInput(copy, bytes);
    free(copy);
}

int main(int argc, char **argv)
{
    static uint8_t whole[INPUT_BYTES_MAX], changed[INPUT_BYTES_MAX];
    char path[4096];
    uint64_t state = 20261123;
    long inputs = 0;

    if (argc != 3) return 2;
    DIR *folder = opendir(argv[1]);
    if (folder == NULL || LLVMFuzzerInitialize(&argc, &argv) != 0) return 1;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (file == NULL) continue;
        size_t bytes = fread(whole, 1, sizeof whole, file);
        fclose(file);
        run(entry->d_name, 0, whole, bytes);
        inputs++;
        for (int i = 1; i <= atoi(argv[2]); i++, inputs++) {
            memcpy(changed, whole, bytes);
            run(entry->d_name, i, changed, change(changed, bytes, &state));
        }
    }
    closedir(folder);
    printf("%ld inputs\n", inputs);
    return 0;
}
