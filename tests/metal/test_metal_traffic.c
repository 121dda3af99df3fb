/* metal: what a decode step moves and how many dispatches it takes, as the simulator counts them. These
 * are the numbers that can be known without the hardware; none of them is a speed. */
#include "metal_model.h"

#include <inspect.h>

enum { POSITION = 40 };

static met_error err;

/* Weights that outweigh activations, as in a real model. */
static const struct {
    test_shape shape;
    int32_t layer_dispatches; /* while one block holds all keys */
} cases[] = {
    {{.name = "F16", .type = "f16", .layers = 2, .heads = 6, .kv_heads = 2, .head_dim = 64,
     .ffn = 1024, .vocab = 1500, .untied = true}, 5},
    {{.name = "Q8_0", .type = "q8_0", .layers = 2, .heads = 6, .kv_heads = 2, .head_dim = 64,
     .ffn = 1024, .vocab = 1500, .untied = true}, 5},
    /* q with v, k; gate, up, the two together: three dispatches more */
    {{.name = "F16 and Q8_0", .type = "f16", .layers = 2, .heads = 6, .kv_heads = 2,
     .head_dim = 64, .ffn = 1024, .vocab = 1500, .untied = true,
     .other = {{"attn_k", "q8_0"}, {"ffn_gate", "q8_0"}}}, 8},
};

typedef struct moved {
    uint64_t matrices;       /* unique bytes read of what products multiply with */
    uint64_t matrices_total; /* with repeated reads */
    uint64_t unique;         /* of everything, each dispatch for itself */
    size_t dispatches;
} moved;

static bool is_product(const struct metalsim_entry *entry)
{
    return strcmp(entry->kernel, "met_matvec") == 0;
}

static moved sum_log(void)
{
    moved sum = {.dispatches = metalsim_log_count()};
    for (size_t i = 0; i < sum.dispatches; i++) {
        const struct metalsim_entry *entry = metalsim_log_entry(i);
        for (int b = 0; b < METALSIM_BINDINGS; b++) {
            const struct metalsim_traffic *t = &entry->bindings[b];
            if (!t->bound || t->is_bytes) continue;
            sum.unique += t->read_unique + t->written_unique;
            bool matrix = is_product(entry) && b >= 3 && b <= 5; /* MET_METAL_AT_WEIGHT */
            if (!matrix) continue;
            sum.matrices += t->read_unique;
            sum.matrices_total += t->read_total;
        }
    }
    return sum;
}

typedef struct ideal {
    uint64_t matrices;       /* bytes */
    uint64_t matrices_total; /* as the kernel reads them */
    uint64_t all;
} ideal;

/* What one decode step at POSITION has to move at least: every matrix once, a row of the embedding,
 * norms and biases, the keys and values before it, its own, and the logits. */
static ideal ideal_of(const met_program *program)
{
    ideal least = {0};
    for (int32_t i = 0; i < program->op_count; i++) {
        const met_op *op = &program->ops[i];
        for (int32_t j = 0; op->kind == MET_OP_MATMUL && j < op->weights; j++) {
            const met_weight *w = &program->weights[op->weight[j]];
            uint64_t bytes = (uint64_t)w->rows * met_dtype_row_bytes(w->type, (size_t)w->cols);
            least.matrices += bytes;
            /* Four lanes share a block of Q8_0 and each reads its scale: 40 bytes for 34. */
            least.matrices_total += w->type == MET_DTYPE_Q8_0 ? bytes / 34 * 40 : bytes;
            if (op->bias[j] != MET_NONE) least.all += (uint64_t)w->rows * 4;
        }
        if (op->kind == MET_OP_RMSNORM) {
            least.all += (uint64_t)program->weights[op->weight[0]].cols * 4;
        }
        if (op->kind == MET_OP_EMBED) {
            const met_weight *w = &program->weights[op->weight[0]];
            least.all += met_dtype_row_bytes(w->type, (size_t)w->cols);
        }
    }
    uint64_t row = (uint64_t)program->layers * (uint64_t)program->kv_heads * 2 *
                   (uint64_t)program->head_dim * 2; /* F16 keys and values of a position */
    least.all += least.matrices + (POSITION + 2) * row + (uint64_t)program->vocab * 4;
    return least;
}

static void check_step(const test_shape *shape, int32_t layer_dispatches)
{
    test_model model;
    met_loaded *loaded = NULL;
    met_timeline *timeline = NULL;
    const float *logits = NULL;
    int32_t tokens[POSITION + 2];
    metal_model_make(&model, shape);
    met_machine *metal = metal_open(NULL);
    metal_tokens(&model.program, tokens, POSITION + 2);
    assert_ok(metal->ops->load(metal, &model.program, &loaded, &err));
    assert_ok(metal->ops->timeline_create(loaded, 128, MET_DTYPE_F16, &timeline, &err));
    met_step prompt = {.tokens = tokens, .count = POSITION, .want = MET_WANT_LAST};
    met_step next = {
        .tokens = tokens + POSITION, .count = 1, .position = POSITION, .want = MET_WANT_LAST};
    assert_ok(metal->ops->step(timeline, &prompt, &logits, &err));
    metalsim_log_clear();
    metalsim_log_enable(true);
    assert_ok(metal->ops->step(timeline, &next, &logits, &err));
    metalsim_log_enable(false);
    moved found = sum_log();
    ideal least = ideal_of(&model.program);
    print_message("# %s: %zu dispatches a token; matrices %llu bytes once, %.3f times in all; "
                  "everything %llu bytes, %.2f%% above the ideal\n",
                  shape->name, found.dispatches, (unsigned long long)found.matrices,
                  (double)found.matrices_total / (double)found.matrices,
                  (unsigned long long)found.unique,
                  100 * ((double)found.unique / (double)least.all - 1));
    assert_int_equal(found.dispatches, 1 + layer_dispatches * shape->layers + 1); /* embed, head */
    assert_true(found.matrices == least.matrices);
    assert_true(found.matrices_total == least.matrices_total);
    assert_true((double)found.unique <= 1.05 * (double)least.all);
    assert_true(found.unique >= least.matrices);
    metal->ops->timeline_free(timeline);
    metal->ops->unload(loaded);
    metal->ops->close(metal);
    test_model_free(&model);
}

static void a_decode_step_reads_every_weight_once(void **state)
{
    (void)state;
    metalsim_count_traffic(true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_step(&cases[i].shape, cases[i].layer_dispatches);
    metalsim_count_traffic(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decode_step_reads_every_weight_once),
    };
    return cmocka_run_group_tests_name("metal_traffic", tests, NULL, NULL);
}
