/* Writes seeds for fuzz_template into a folder: the templates and lines of cases of tests/template,
 * one a file. */
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int written;

static void write_seed(const char *folder, const char *text, size_t bytes)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/seed-%04d", folder, written++);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(text, 1, bytes, file) != bytes || fclose(file) != 0) exit(1);
}

/* A line of cases writes a newline as \n where the file says so at its beginning. */
static void write_lines(const char *folder, FILE *file)
{
    char line[4096];
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '\0' || line[0] == '#') continue;
        char *to = line;
        for (const char *from = line; *from != '\0'; from++) {
            bool newline = from[0] == '\\' && from[1] == 'n';
            *to++ = newline ? '\n' : *from;
            from += newline;
        }
        write_seed(folder, line, (size_t)(to - line));
    }
}

static void write_whole(const char *folder, FILE *file)
{
    static char text[1 << 16];
    write_seed(folder, text, fread(text, 1, sizeof text, file));
}

static void for_each(const char *folder, const char *pattern, void (*each)(const char *, FILE *))
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) exit(1);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        FILE *file = fopen(found.gl_pathv[i], "rb");
        if (file == NULL) exit(1);
        each(folder, file);
        fclose(file);
    }
    globfree(&found);
}

int main(int count, char **arguments)
{
    if (count != 2) return 2;
    for_each(arguments[1], TEMPLATE_TESTS "/chat/*.jinja", write_whole);
    for_each(arguments[1], TEMPLATE_TESTS "/cases/*s.txt", write_lines);
    return 0;
}
