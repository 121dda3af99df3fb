/* The log of what ran (inspect.h), in memory when a test asks for it and in a file for
 * METALSIM_LOG. */
#include "api.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_enabled;
static struct metalsim_entry *entries;
static size_t entry_count, entry_capacity;
static struct metalsim_totals totals;
static FILE *file;

static void fill_binding(struct metalsim_traffic *out, const struct api_binding *binding,
                         const sim_traffic *traffic)
{
    out->bound = binding->buffer != nil || binding->bytes != NULL;
    out->is_bytes = binding->bytes != NULL;
    if (binding->buffer != nil) api_copy_label(binding->buffer, out->label, sizeof out->label);
    if (traffic == NULL) return;
    out->read_total = traffic->read_total;
    out->read_unique = traffic->read_unique;
    out->written_total = traffic->written_total;
    out->written_unique = traffic->written_unique;
}

static const char *name_of(const struct api_command *command)
{
    if (command->kind == API_COPY) return "copy";
    if (command->kind == API_FILL) return "fill";
    if (command->kind == API_MATMUL) return "MPSMatrixMultiplication";
    return command->pipeline->function->kernel->name;
}

static struct metalsim_entry entry_of(const SimCommandBuffer *buffer,
                                      const struct api_command *command, const sim_report *report)
{
    struct metalsim_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.work = command->kind == API_COPY     ? METALSIM_COPY
                 : command->kind == API_FILL   ? METALSIM_FILL
                 : command->kind == API_MATMUL ? METALSIM_MATMUL
                                               : METALSIM_DISPATCH;
    snprintf(entry.kernel, sizeof entry.kernel, "%s", name_of(command));
    snprintf(entry.encoder, sizeof entry.encoder, "%s", command->encoder);
    entry.command_buffer = buffer->number;
    entry.window = buffer->window_count;
    for (size_t i = 0; i < 3; i++) {
        entry.grid_threads[i] = command->grid_threads[i];
        entry.group_threads[i] = command->group_threads[i];
        if (command->group_threads[i] != 0)
            entry.groups[i] =
                (uint32_t)(((uint64_t)command->grid_threads[i] + command->group_threads[i] - 1) /
                           command->group_threads[i]);
    }
    for (size_t i = 0; i < SIM_SLOTS; i++) {
        entry.group_memory_bytes += command->group_memory_bytes[i];
        fill_binding(&entry.bindings[i], &command->bindings[i],
                     report != NULL ? &report->traffic[i] : NULL);
    }
    return entry;
}

/* Copies and fills move what they say; so do products, which no kernel counts for us. */
static void count_plain(struct metalsim_entry *entry, const struct api_command *command)
{
    struct metalsim_traffic *first = &entry->bindings[0], *second = &entry->bindings[1];
    if (command->kind == API_COPY) {
        first->read_total = first->read_unique = command->size;
        second->written_total = second->written_unique = command->size;
    } else if (command->kind == API_FILL) {
        first->written_total = first->written_unique = command->size;
    }
}

/* A label, which is any text, as JSON. */
static void write_text(const char *name, const char *text)
{
    fprintf(file, "\"%s\":\"", name);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(file, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(file, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            fputc(*text, file);
    }
    fputs("\",", file);
}

static void write_line(const struct metalsim_entry *entry)
{
    const struct api_settings *settings = api_settings_get();
    if (settings->log_path[0] == '\0') return;
    if (file == NULL) file = fopen(settings->log_path, "a");
    if (file == NULL) api_misuse("METALSIM_LOG: cannot write %s", settings->log_path);
    fprintf(file, "{\"command_buffer\":%" PRIu64 ",\"window\":%u,", entry->command_buffer,
            entry->window);
    write_text("encoder", entry->encoder);
    write_text("kernel", entry->kernel);
    fprintf(file, "\"groups\":[%u,%u,%u],\"group_threads\":[%u,%u,%u],\"buffers\":[",
            entry->groups[0], entry->groups[1], entry->groups[2], entry->group_threads[0],
            entry->group_threads[1], entry->group_threads[2]);
    const char *separator = "";
    for (size_t i = 0; i < METALSIM_BINDINGS; i++) {
        const struct metalsim_traffic *one = &entry->bindings[i];
        if (!one->bound || one->is_bytes) continue;
        fprintf(file, "%s{\"index\":%zu,", separator, i);
        write_text("label", one->label);
        fprintf(file,
                "\"read\":%" PRIu64 ",\"read_total\":%" PRIu64 ",\"written\":%" PRIu64
                ",\"written_total\":%" PRIu64 "}",
                one->read_unique, one->read_total, one->written_unique, one->written_total);
        separator = ",";
    }
    fputs("]}\n", file);
    if (fflush(file) != 0) api_misuse("METALSIM_LOG: cannot write %s", settings->log_path);
}

void api_log_work(const SimCommandBuffer *buffer, const struct api_command *command,
                  const sim_report *report)
{
    struct metalsim_entry entry = entry_of(buffer, command, report);
    count_plain(&entry, command);
    totals.dispatches += command->kind == API_DISPATCH;
    for (size_t i = 0; i < METALSIM_BINDINGS; i++) {
        const struct metalsim_traffic *one = &entry.bindings[i];
        if (one->is_bytes) continue;
        totals.read_unique += one->read_unique;
        totals.written_unique += one->written_unique;
        totals.read_total += one->read_total;
        totals.written_total += one->written_total;
    }
    write_line(&entry);
    if (!is_enabled) return;
    if (entry_count == entry_capacity) {
        entry_capacity = entry_capacity != 0 ? 2 * entry_capacity : 256;
        entries = realloc(entries, entry_capacity * sizeof *entries);
        if (entries == NULL) api_misuse("no memory for the log");
    }
    entries[entry_count++] = entry;
}

void api_log_barrier(void)
{
    totals.barriers++;
}

void api_log_completed(void)
{
    totals.command_buffers++;
}

void metalsim_log_enable(bool on)
{
    api_lock();
    is_enabled = on;
    api_unlock();
}

void metalsim_log_clear(void)
{
    api_lock();
    free(entries);
    entries = NULL;
    entry_count = entry_capacity = 0;
    totals = (struct metalsim_totals){.dispatches = 0};
    api_unlock();
}

size_t metalsim_log_count(void)
{
    api_lock();
    size_t count = entry_count;
    api_unlock();
    return count;
}

/* Entries move when the log grows: a caller reads while nothing runs. */
const struct metalsim_entry *metalsim_log_entry(size_t index)
{
    api_lock();
    const struct metalsim_entry *entry = index < entry_count ? &entries[index] : NULL;
    api_unlock();
    return entry;
}

struct metalsim_totals metalsim_log_totals(void)
{
    api_lock();
    struct metalsim_totals copy = totals;
    api_unlock();
    return copy;
}
