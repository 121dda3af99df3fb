/* Owns: opening a model, one step after the other, and what can be asked of it. Does not own files,
 * tokens or programs: each has its room.
 *
 * The invariant: an open model never changes, so that threads share it without a lock. */
#include "generate/objects.h"

#include "base/checked.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "metrics/export.h"

#include <stdlib.h>

enum { ALIGNMENT_BYTES = 64 };

/* What the tensors add up to, and the type that holds most of the parameters. Only the types that
 * can be bound are here, and their sizes fit: the reader has checked them. */
static met_status describe_weights(const met_gguf *gguf, met_model_info *info, met_error *err)
{
    uint64_t parameters[MET_DTYPE_Q8_0 + 1] = {0};
    for (uint64_t t = 0; t < met_gguf_tensor_count(gguf); t++) {
        const met_gguf_tensor *tensor = met_gguf_tensor_at(gguf, t);
        met_dtype type;
        met_status status = met_gguf_tensor_dtype(gguf, tensor, &type, err);
        if (status != MET_OK) return status;
        uint64_t elements = 1;
        for (uint32_t d = 0; d < tensor->dims; d++)
            elements *= tensor->shape[d];
        parameters[type] += elements;
        info->parameters += elements;
        info->weight_bytes += tensor->bytes;
    }
    met_dtype most = MET_DTYPE_F32;
    if (parameters[MET_DTYPE_F16] > parameters[most]) most = MET_DTYPE_F16;
    if (parameters[MET_DTYPE_Q8_0] > parameters[most]) most = MET_DTYPE_Q8_0;
    info->weight_type = met_str_of(met_dtype_name(most));
    return MET_OK;
}

static met_status describe(met_model *model, met_error *err)
{
    const met_hyper *hyper = &model->hyper;
    met_model_info *info = &model->info;
    *info = (met_model_info){
        .name = {"", 0},
        .architecture = hyper->architecture,
        .chat_template = {"", 0},
        .vocab = model->program.vocab,
        .context_length = hyper->context_length,
        .layers = hyper->layers,
        .embedding_length = hyper->embedding_length,
        .feed_forward_length = hyper->feed_forward_length,
        .heads = hyper->heads,
        .kv_heads = hyper->kv_heads,
        .head_dim = hyper->head_dim,
    };
    met_status status = met_gguf_maybe_str(model->gguf, "general.name", &info->name, err);
    if (status != MET_OK) return status;
    return describe_weights(model->gguf, info, err);
}

/* A template that cannot be used does not make the model unusable: who asks for a chat gets its
 * error then. Out of memory does. */
static met_status parse_chat_template(met_model *model, met_error *err)
{
    static const char key[] = "tokenizer.chat_template";
    if (met_gguf_find(model->gguf, key) == NULL) return MET_OK;
    met_str *source = &model->info.chat_template;
    met_status status = met_gguf_get_str(model->gguf, key, source, &model->chat_error);
    if (status != MET_OK) return MET_OK;
    met_error reason;
    status = met_template_parse(*source, &model->chat, &reason);
    if (status == MET_E_MEMORY) return met_fail(err, status, "%s", reason.text);
    if (status != MET_OK) {
        (void)met_fail(&model->chat_error, status, "%s: key %s: %s", met_gguf_name(model->gguf),
                       key, reason.text);
    }
    return MET_OK;
}

/* Every id that the model can choose or is given must mean the same to the tokenizer. */
static met_status check_vocabulary(const met_model *model, met_error *err)
{
    int32_t tokens = met_tokenizer_count(model->tokenizer);
    if (tokens <= model->program.vocab) return MET_OK;
    return met_fail(err, MET_E_TOKENIZER,
                    "%s: vocabulary has %d tokens, expected at most %d, the "
                    "rows of the logits",
                    met_gguf_name(model->gguf), tokens, model->program.vocab);
}

/* What the model takes now is what it will take. */
static void account(met_model *model)
{
    met_account *total = &model->context->account;
    met_holding *held = &model->holding;
    met_loaded_memory machine = {0, 0};
    const met_machine_ops *ops = model->context->machine->ops;
    if (ops->loaded_memory != NULL) machine = ops->loaded_memory(model->loaded);
    uint64_t bytes[MET_MEMORY_KINDS] = {
        [MET_MEMORY_MAPPED] = model->info.weight_bytes,
        [MET_MEMORY_REPACKED] = machine.repacked_bytes,
        [MET_MEMORY_GPU] = machine.gpu_bytes,
        [MET_MEMORY_TOKENIZER] = met_tokenizer_memory(model->tokenizer),
    };
    for (int kind = 0; kind < MET_MEMORY_KINDS; kind++) {
        met_account_plan(total, held, (met_memory_kind)kind, bytes[kind]);
        met_account_hold(total, held, (met_memory_kind)kind, bytes[kind]);
    }
}

/* A model while it is opened. */
typedef struct opening {
    const char *name;     /* of the file */
    double start, since;  /* the clock, at the beginning and after the last stage */
    met_laps laps;        /* stages as spans, when there is a recorder that asks */
} opening;

static void begin_opening(opening *o, const met_context *context, const char *name)
{
    double now = met_clock_seconds();
    bool asks = met_recorder_asks(context->recorder) != MET_RECORD_OFF;
    *o = (opening){.name = name, .start = now, .since = now};
    met_laps_begin(&o->laps, asks ? context->recorder : NULL, MET_TRACK_MAIN, 0);
}

/* A stage ends, and the next one begins. */
static void end_stage(opening *o, const met_context *context, const char *span, const char *told)
{
    double now = met_clock_seconds();
    MET_LOG(&context->machine->log, MET_LOG_DEBUG, "%s: %s in %.3f ms", o->name, told,
            (now - o->since) * 1e3);
    o->since = now;
    met_laps_next(&o->laps, span);
}

static void record_load(opening *o, const met_model *model)
{
    if (o->laps.recorder == NULL) return;
    met_event load = {
        .parent = MET_SPAN_PROCESS,
        .name = "load",
        .detail = met_recorder_intern(o->laps.recorder, met_str_of(o->name)),
        .bytes = model->info.file_bytes,
    };
    met_recorder_count(o->laps.recorder, MET_COUNT_LOADS, 1);
    met_recorder *recorder = o->laps.recorder;
    met_laps_end(&o->laps, &load);
    (void)met_exports_drain(recorder, true);
}

/* One line of facts when a model is open. */
static void log_facts(const met_model *model, const char *name)
{
    const met_model_info *info = &model->info;
    MET_LOG(met_model_log(model), MET_LOG_INFO,
            "%s: %.*s, %d layers, %llu parameters, %.*s, %llu bytes of weights, context %d; opened "
            "in %.2f ms",
            name, met_str_shown(info->architecture), info->architecture.data, info->layers,
            (unsigned long long)info->parameters, met_str_shown(info->weight_type),
            info->weight_type.data, (unsigned long long)info->weight_bytes, info->context_length,
            info->open_seconds * 1e3);
    MET_LOG(met_model_log(model), MET_LOG_DEBUG,
            "%s: vocabulary of %d tokens for %d rows of logits, chat template %s", name,
            met_tokenizer_count(model->tokenizer), model->program.vocab,
            model->chat != NULL             ? "parsed"
            : model->chat_error.status != 0 ? "unusable"
                                            : "none");
    if (model->chat_error.status != MET_OK) {
        MET_LOG(met_model_log(model), MET_LOG_INFO, "%s", model->chat_error.text);
    }
}

/* `mapping` is NULL for borrowed bytes and owned, also on failure, otherwise. */
static met_status open_bytes(met_context *context, met_mapping *mapping, const void *data,
                             size_t bytes, opening *o, met_model **out, met_error *err)
{
    met_status status = MET_OK;
    met_machine *machine = context->machine;
    met_model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        met_mapping_close(mapping);
        return met_fail_memory(err, "model", sizeof *model);
    }
    model->context = context;
    model->mapping = mapping;
    met_program_init(&model->program);
    end_stage(o, context, "map", mapping != NULL ? "mapped" : "in memory");

    status = met_gguf_parse(data, bytes, o->name, &model->gguf, err);
    if (status != MET_OK) goto done;
    end_stage(o, context, "header", "keys and tensors read");
    status = met_model_bind(model->gguf, &model->hyper, &model->program, err);
    if (status != MET_OK) goto done;
    end_stage(o, context, "bind", "weights bound");
    status = met_tokenizer_create(model->gguf, &model->tokenizer, err);
    if (status != MET_OK) goto done;
    status = check_vocabulary(model, err);
    if (status != MET_OK) goto done;
    end_stage(o, context, "vocabulary", "vocabulary loaded");
    status = describe(model, err);
    if (status != MET_OK) goto done;
    status = parse_chat_template(model, err);
    if (status != MET_OK) goto done;
    if (mapping != NULL) {
        model->program.pages = data;
        model->program.page_bytes = met_align_up(bytes, MET_MAPPING_ALIGN);
    }
    end_stage(o, context, "template", "template parsed");
    status = machine->ops->load(machine, &model->program, &model->loaded, err);
    if (status != MET_OK) goto done;
    end_stage(o, context, "upload", "lowered for the machine");
    model->info.file_bytes = bytes;
    model->info.open_seconds = met_clock_seconds() - o->start;
    account(model);
    record_load(o, model);
    log_facts(model, o->name);
    *out = model;
    model = NULL;
done:
    met_model_free(model);
    return status;
}

met_status met_model_open(met_context *context, const char *path, met_model **out, met_error *err)
{
    met_mapping *mapping = NULL;
    opening o;
    *out = NULL;
    begin_opening(&o, context, path);
    met_status status = met_mapping_open(path, &mapping, err);
    if (status != MET_OK) return status;
    return open_bytes(context, mapping, met_mapping_data(mapping), met_mapping_bytes(mapping), &o,
                      out, err);
}

met_status met_model_open_memory(met_context *context, const void *data, size_t bytes,
                                 const char *name, met_model **out, met_error *err)
{
    opening o;
    *out = NULL;
    if (data == NULL || (uintptr_t)data % ALIGNMENT_BYTES != 0) {
        return met_fail(err, MET_E_ARGUMENT,
                        "%s: found bytes at %p, expected an address aligned to "
                        "%d",
                        name, data, ALIGNMENT_BYTES);
    }
    begin_opening(&o, context, name);
    return open_bytes(context, NULL, data, bytes, &o, out, err);
}

void met_model_free(met_model *model)
{
    if (model == NULL) return;
    if (model->loaded != NULL) model->context->machine->ops->unload(model->loaded);
    met_template_free(model->chat);
    met_tokenizer_free(model->tokenizer);
    met_program_free(&model->program);
    met_gguf_free(model->gguf);
    met_mapping_close(model->mapping);
    met_account_release(&model->context->account, &model->holding);
    free(model);
}

met_model_info met_model_describe(const met_model *model)
{
    return model->info;
}

met_status met_model_program(const met_model *model, met_text *out, met_error *err)
{
    *out = (met_text){0};
    return met_program_print(&model->program, out, err);
}

met_status met_model_tokenize(const met_model *model, met_str text, const met_span *control,
                              size_t control_count, int32_t *tokens, size_t capacity, size_t *count,
                              met_error *err)
{
    return met_tokenizer_encode(model->tokenizer, text, control, control_count, tokens, capacity,
                                count, err);
}

met_status met_model_detokenize(const met_model *model, const int32_t *tokens, size_t count,
                                bool control, met_text *out, met_error *err)
{
    met_buffer buffer = {0};
    *out = (met_text){0};
    int32_t known = met_tokenizer_count(model->tokenizer);
    for (size_t i = 0; i < count; i++) {
        int32_t token = tokens[i];
        if (token < 0 || token >= model->program.vocab) {
            met_buffer_free(&buffer);
            return met_fail(err, MET_E_RANGE, "token %zu of %zu is %d, expected 0 to %d", i, count,
                            token, model->program.vocab - 1);
        }
        if (token >= known) continue; /* a row of the logits that has no text */
        if (!control && met_tokenizer_is_control(model->tokenizer, token)) continue;
        met_buffer_add_str(&buffer, met_tokenizer_bytes(model->tokenizer, token));
    }
    return met_buffer_to_text(&buffer, out, err);
}

bool met_model_is_end(const met_model *model, int32_t token)
{
    return token >= 0 && token < met_tokenizer_count(model->tokenizer) &&
           met_tokenizer_is_end(model->tokenizer, token);
}
