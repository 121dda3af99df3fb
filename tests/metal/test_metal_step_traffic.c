/* The bytes that a whole step of decoding moves, counted by the simulator: every weight exactly
 * once, and at most 5% more in all than the weights, the keys and the values that it needs. */
#include "metal_model.h"

#include "backend/metal/arguments.h"

#include <inspect.h>

/* A layer of Qwen2.5-0.5B with half of its feed-forward. */
static const test_shape shape = {.name = "q8_0, 0.5B", .type = "q8_0", .layers = 2, .heads = 14,
                                 .kv_heads = 2, .head_dim = 64, .ffn = 2432, .vocab = 320,
                                 .untied = true};
enum { PROMPT = 3, KEY_TILE = 32 };

/* What a step has to read: each matrix, but one row of the embedding, and each vector. */
typedef struct needed {
    uint64_t matrices, vectors, keys_and_values;
} needed;

static needed count_needed(const met_program *program)
{
    needed n = {0};
    for (int32_t i = 0; i < program->weight_count; i++) {
        const met_weight *weight = &program->weights[i];
        bool is_row = strncmp(weight->name.data, "token_embd", strlen("token_embd")) == 0;
        uint64_t bytes = met_dtype_row_bytes(weight->type, (size_t)weight->cols) *
                         (uint64_t)(is_row ? 1 : weight->rows);
        if (weight->rows > 1)
            n.matrices += bytes;
        else
            n.vectors += bytes;
    }
    uint64_t key = (uint64_t)program->head_dim * 2 * (uint64_t)(program->kv_heads * program->layers);
    n.keys_and_values = (PROMPT + 1) * key + met_align_up(PROMPT + 1, KEY_TILE) * key;
    return n;
}

static void run_steps(const met_program *program)
{
    met_error err = {0};
    met_loaded *loaded = NULL;
    met_timeline *timeline = NULL;
    met_machine *machine = metal_open(NULL);
    const float *logits = NULL;
    int32_t tokens[PROMPT + 1];
    metal_tokens(program, tokens, PROMPT + 1);
    assert_ok(machine->ops->load(machine, program, &loaded, &err));
    assert_ok(machine->ops->timeline_create(loaded, 512, MET_DTYPE_F16, &timeline, &err));
    met_step step = {.tokens = tokens, .count = PROMPT, .position = 0, .want = MET_WANT_LAST};
    assert_ok(machine->ops->step(timeline, &step, &logits, &err));
    metalsim_log_clear();
    step = (met_step){
        .tokens = tokens + PROMPT, .count = 1, .position = PROMPT, .want = MET_WANT_LAST};
    assert_ok(machine->ops->step(timeline, &step, &logits, &err));
    machine->ops->timeline_free(timeline);
    machine->ops->unload(loaded);
    machine->ops->close(machine);
}

static void a_step_reads_every_weight_once_and_little_else(void **state)
{
    uint64_t weights = 0, everything = 0, dispatches = 0;
    test_model model;
    (void)state;
    metal_model_make(&model, &shape);
    needed n = count_needed(&model.program);
    metalsim_count_traffic(true);
    metalsim_log_enable(true);
    run_steps(&model.program);
    for (size_t i = 0; i < metalsim_log_count(); i++) {
        const struct metalsim_entry *entry = metalsim_log_entry(i);
        bool product = strcmp(entry->kernel, "met_matvec") == 0;
        dispatches += entry->work == METALSIM_DISPATCH;
        for (int b = 0; b < METALSIM_BINDINGS; b++) {
            const struct metalsim_traffic *of = &entry->bindings[b];
            if (of->is_bytes) continue;
            bool weight = product ? b >= MET_METAL_AT_WEIGHT && b < MET_METAL_AT_BIAS
                                  : strcmp(entry->kernel, "met_embed") == 0 && b == 1;
            if (weight) weights += of->read_unique;
            everything += of->read_unique + of->written_unique;
        }
    }
    uint64_t ideal = n.matrices + n.vectors + n.keys_and_values;
    print_message("# a step of %d layers: %llu dispatches; %llu bytes of matrices; moved %llu "
                  "of %llu needed: %.4f\n",
                  shape.layers, (unsigned long long)dispatches, (unsigned long long)weights,
                  (unsigned long long)everything, (unsigned long long)ideal,
                  (double)everything / (double)ideal);
    assert_int_equal(weights, n.matrices);
    /* With the embedding and the head; a sixth in a layer merges what more than 128 keys leave. */
    assert_int_equal(dispatches, 5 * shape.layers + 2);
    assert_true((double)everything <= 1.05 * (double)ideal);
    test_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_reads_every_weight_once_and_little_else),
    };
    return cmocka_run_group_tests_name("metal step traffic", tests, NULL, NULL);
}
