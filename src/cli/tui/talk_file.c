/* Owns: a conversation as a file. The invariant: a failure leaves the file and the conversation as
 * they were. */
#include "cli/failure.h"
#include "cli/json_value.h"
#include "cli/replace.h"
#include "cli/tui/talk.h"

#include <string.h>

#include <sys/stat.h>

/* Above any conversation, of a context of a million tokens too: what is larger is a model or data
 * named by mistake, and reading it would stop the screen for seconds and take the memory. */
enum { FILE_MOST_BYTES = 16 << 20 };

static met_status bad(met_error *err, const char *subject, size_t index, const char *problem)
{
    return met_failure_set(err, MET_E_FORMAT, "%s: message %zu: %s", subject, index + 1, problem);
}

static met_status add_message(met_tui_talk *talk, const json_t *message, const char *subject,
                              size_t index, met_error *err)
{
    const json_t *role = json_object_get(message, "role");
    const json_t *content = json_object_get(message, "content");
    met_tui_role known;

    if (!json_is_string(role) || !json_is_string(content)) {
        return bad(err, subject, index, "expected an object with the texts role and content");
    }
    if (strcmp(json_string_value(role), "system") == 0) {
        known = MET_TUI_ROLE_SYSTEM;
    } else if (strcmp(json_string_value(role), "user") == 0) {
        known = MET_TUI_ROLE_USER;
    } else if (strcmp(json_string_value(role), "assistant") == 0) {
        known = MET_TUI_ROLE_ASSISTANT;
    } else {
        return met_failure_set(err, MET_E_FORMAT,
                               "%s: message %zu: found the role \"%.32s\", expected system, user "
                               "or assistant",
                               subject, index + 1, json_string_value(role));
    }
    if (known == MET_TUI_ROLE_SYSTEM && index > 0) {
        return bad(err, subject, index, "found a system message, expected it first");
    }
    if (json_object_size(message) != 2) { /* a template may read it: the prompt would be another */
        return bad(err, subject, index, "found other keys, expected role and content alone");
    }
    met_str text = {json_string_value(content), json_string_length(content)};
    return met_tui_talk_add(talk, known, text, err);
}

met_status met_tui_talk_take(met_tui_talk *talk, const json_t *list, const char *subject,
                             met_error *err)
{
    met_tui_talk taken = {0};
    met_status status = MET_OK;

    if (!json_is_array(list)) {
        return met_failure_set(err, MET_E_FORMAT, "%s: expected a JSON list of messages", subject);
    }
    for (size_t i = 0; i < json_array_size(list) && status == MET_OK; i++)
        status = add_message(&taken, json_array_get(list, i), subject, i, err);
    if (status != MET_OK) {
        met_tui_talk_free(&taken);
        return status;
    }
    met_tui_talk_free(talk);
    *talk = taken;
    return MET_OK;
}

met_status met_tui_talk_load(met_tui_talk *talk, const char *path, met_error *err)
{
    json_t *document = NULL;
    struct stat info;

    /* A pipe would be waited for, and with it the screen. "-" is no name of standard input here. */
    bool exists = stat(path, &info) == 0;
    if (exists && !S_ISREG(info.st_mode)) {
        return met_failure_set(err, MET_E_IO, "%s: expected the name of a file", path);
    }
    if (exists && info.st_size > FILE_MOST_BYTES) {
        return met_failure_set(err, MET_E_FORMAT, "%s: found %lld bytes, expected at most %d", path,
                               (long long)info.st_size, FILE_MOST_BYTES);
    }
    met_status status = met_json_read(strcmp(path, "-") == 0 ? "./-" : path, &document, err);
    if (status != MET_OK) return status;
    status = met_tui_talk_take(talk, document, path, err);
    json_decref(document);
    return status;
}

/* Whether the path is free, or holds a conversation, which a newer one may replace. */
static met_status check_target(const char *path, met_error *err)
{
    met_tui_talk there = {0};
    struct stat info;
    met_error why;

    if (stat(path, &info) != 0) return MET_OK; /* opening the new file says what is wrong */
    if (!S_ISREG(info.st_mode)) {
        return met_failure_set(err, MET_E_ARGUMENT, "%s: expected the name of a file", path);
    }
    met_status status = met_tui_talk_load(&there, path, &why);
    met_tui_talk_free(&there);
    if (status == MET_OK || info.st_size == 0) return MET_OK;
    return met_failure_set(err, MET_E_ARGUMENT,
                           "%s: found a file that is no conversation, expected a new name", path);
}

static json_t *make_document(const met_tui_talk *talk)
{
    json_t *list = json_array();

    for (size_t i = 0; i < talk->count && list != NULL; i++) {
        const met_tui_message *message = &talk->messages[i];
        json_t *item = json_pack("{s:s, s:o}", "role", met_tui_role_name(message->role), "content",
                                 met_json_text(message->text, message->bytes));
        if (json_array_append_new(list, item) == 0) continue;
        json_decref(list);
        list = NULL;
    }
    return list;
}

met_status met_tui_talk_save(const met_tui_talk *talk, const char *path, met_error *err)
{
    met_replacement file;

    met_status status = check_target(path, err);
    if (status == MET_OK) status = met_replace_begin(&file, path, err);
    if (status != MET_OK) return status;
    met_output_json(&file.output, make_document(talk), MET_JSON_DOUBLE_DIGITS);
    return met_replace_end(&file, true, err);
}
