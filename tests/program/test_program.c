/* program: what the verifier refuses, what the planner promises, what the listing shows. */
#include "program/program.h"
#include "support/testing.h"

/* A one-layer model by hand: width 8, 2 heads over 1, head_dim 4, ffn 12, vocabulary 16. */
typedef struct hand_made {
    met_program program;
    int32_t x, h, q, k, v, attn, ffn, xl, attnl, hl, ffnl;
} hand_made;

static float numbers[16 * 16];

static int32_t weight(met_program *program, const char *name, int32_t rows, int32_t cols)
{
    met_str text = {name, strlen(name)};
    return met_program_add_weight(program, (met_weight){text, MET_DTYPE_F32, rows, cols, numbers});
}

static void add_norm(met_program *p, int32_t layer, int32_t in, int32_t out)
{
    met_op op = met_op_make(MET_OP_RMSNORM, layer);
    op.in = in;
    op.out[0] = out;
    op.weight[0] = weight(p, "norm", 1, 8);
    op.eps = 1e-6f;
    met_program_add_op(p, op);
}

static void add_matmul(met_program *p, int32_t layer, int32_t in, int32_t out, int32_t rows,
                       int32_t cols, int32_t residual)
{
    met_op op = met_op_make(MET_OP_MATMUL, layer);
    op.in = in;
    op.out[0] = out;
    op.weights = 1;
    op.weight[0] = weight(p, "w", rows, cols);
    op.residual = residual;
    met_program_add_op(p, op);
}

static void add_simple(met_program *p, met_op_kind kind, int32_t layer, int32_t in, int32_t in2,
                       int32_t out, int32_t heads)
{
    met_op op = met_op_make(kind, layer);
    op.in = in;
    op.in2 = in2;
    op.out[0] = out;
    op.heads = heads;
    met_program_add_op(p, op);
}

static void make_activations(hand_made *m)
{
    met_program *p = &m->program;
    m->x = met_program_add_activation(p, "x", MET_ROWS_TOKENS, 8);
    m->h = met_program_add_activation(p, "h", MET_ROWS_TOKENS, 8);
    m->q = met_program_add_activation(p, "q", MET_ROWS_TOKENS, 8);
    m->k = met_program_add_activation(p, "k", MET_ROWS_TOKENS, 4);
    m->v = met_program_add_activation(p, "v", MET_ROWS_TOKENS, 4);
    m->attn = met_program_add_activation(p, "attn", MET_ROWS_TOKENS, 8);
    m->xl = met_program_add_activation(p, "x", MET_ROWS_LOGITS, 8);
    m->attnl = met_program_add_activation(p, "attn", MET_ROWS_LOGITS, 8);
    m->hl = met_program_add_activation(p, "h", MET_ROWS_LOGITS, 8);
    m->ffnl = met_program_add_activation(p, "ffn", MET_ROWS_LOGITS, 12);
    p->logits = met_program_add_activation(p, "logits", MET_ROWS_LOGITS, 16);
}

static void make(hand_made *m)
{
    met_program *p = &m->program;
    met_program_init(p);
    p->layers = 1;
    p->heads = 2;
    p->kv_heads = 1;
    p->head_dim = 4;
    p->vocab = 16;
    p->context_length = 64;
    p->rope_base = 1e4;
    make_activations(m);
    met_op embed = met_op_make(MET_OP_EMBED, -1);
    embed.out[0] = m->x;
    embed.weight[0] = weight(p, "embed", 16, 8);
    met_program_add_op(p, embed);
    add_norm(p, 0, m->x, m->h);
    add_matmul(p, 0, m->h, m->q, 8, 8, MET_NONE);
    add_matmul(p, 0, m->h, m->k, 4, 8, MET_NONE);
    add_matmul(p, 0, m->h, m->v, 4, 8, MET_NONE);
    add_simple(p, MET_OP_ROPE, 0, m->q, MET_NONE, m->q, 2);
    add_simple(p, MET_OP_ROPE, 0, m->k, MET_NONE, m->k, 1);
    add_simple(p, MET_OP_KV_APPEND, 0, m->k, m->v, MET_NONE, 0);
    add_simple(p, MET_OP_ATTENTION, 0, m->q, MET_NONE, m->attn, 2);
    add_simple(p, MET_OP_LAST_ROW, 0, m->x, MET_NONE, m->xl, 0);
    add_simple(p, MET_OP_LAST_ROW, 0, m->attn, MET_NONE, m->attnl, 0);
    add_matmul(p, 0, m->attnl, m->xl, 8, 8, m->xl);
    add_norm(p, -1, m->xl, m->hl);
    add_matmul(p, -1, m->hl, p->logits, 16, 8, MET_NONE);
}

/* Break one thing, then check that sealing says so. */
typedef void (*breaker)(hand_made *m);

static void expect_refused(breaker break_it, const char *words)
{
    hand_made m;
    met_error err = {0};
    make(&m);
    break_it(&m);
    assert_int_equal(met_program_seal(&m.program, &err), MET_E_FORMAT);
    if (strstr(err.text, words) == NULL) fail_msg("'%s' does not hold '%s'", err.text, words);
    met_program_free(&m.program);
}

static void break_heads(hand_made *m) { m->program.heads = 0; }
static void break_odd_dim(hand_made *m) { m->program.head_dim = 3; }
static void break_weight_rows(hand_made *m) { m->program.weights[2].rows = 7; }
static void break_norm_type(hand_made *m) { m->program.weights[1].type = MET_DTYPE_F16; }
static void break_weight_index(hand_made *m) { m->program.ops[2].weight[0] = 99; }
static void break_activation_index(hand_made *m) { m->program.ops[2].out[0] = -2; }
static void break_order(hand_made *m) { m->program.ops[1] = m->program.ops[12]; }
static void break_append(hand_made *m) { m->program.ops[7] = m->program.ops[6]; }
static void break_layer(hand_made *m) { m->program.ops[7].layer = 1; }
static void break_group(hand_made *m) { m->program.ops[8].heads = 0; }
static void break_rows(hand_made *m) { m->program.activations[m->xl].rows = MET_ROWS_TOKENS; }
static void break_logits(hand_made *m) { m->program.logits = m->hl; }
static void break_alias(hand_made *m) { m->program.ops[2].out[0] = m->h; }
static void break_q8(hand_made *m) { m->program.weights[2].type = MET_DTYPE_Q8_0; }
static void break_residual(hand_made *m) { m->program.ops[11].residual = m->ffnl; }

static void a_sound_program_is_sealed(void **state)
{
    (void)state;
    hand_made m;
    met_error err = {0};
    make(&m);
    assert_ok(met_program_seal(&m.program, &err));
    met_program_free(&m.program);
    assert_int_equal(m.program.op_count, 0);
}

static void an_unsound_program_is_refused_and_named(void **state)
{
    (void)state;
    expect_refused(break_heads, "heads 0");
    expect_refused(break_odd_dim, "head_dim is 3");
    expect_refused(break_weight_rows, "op 2 (matmul, layer 0): weight: rows is 7, expected 8");
    expect_refused(break_norm_type, "op 1 (rmsnorm, layer 0): weight: type");
    expect_refused(break_weight_index, "weight index is 99");
    expect_refused(break_activation_index, "op 2 (matmul, layer 0): out");
    expect_refused(break_order, "op 1 (rmsnorm, layer -1): in: written before it is read is 0");
    expect_refused(break_append, "appended before it is read");
    expect_refused(break_layer, "layer: index is 1, expected 0");
    expect_refused(break_group, "multiple of kv_heads");
    expect_refused(break_rows, "kind of rows");
    expect_refused(break_logits, "logits");
    expect_refused(break_alias, "out");
    expect_refused(break_q8, "cols modulo 32 is 8");
    expect_refused(break_residual, "residual");
}

/* The planner's promise, checked from the ops alone: whoever is alive at the same op is apart, and
 * what an op reads lives through the next op. */
static bool touches(const met_program *p, int32_t at, int32_t a)
{
    const met_op *op = &p->ops[at], *before = at > 0 ? &p->ops[at - 1] : op;
    bool hit = op->in == a || op->in2 == a || op->residual == a;
    hit = hit || before->in == a || before->in2 == a || before->residual == a;
    for (int32_t i = 0; i < MET_MATMUL_WEIGHTS_MAX; i++) hit = hit || op->out[i] == a;
    return hit;
}

static bool alive(const met_program *p, int32_t a, int32_t at)
{
    bool before = false, after = a == p->logits;
    for (int32_t i = 0; i <= at; i++) before = before || touches(p, i, a);
    for (int32_t i = at; i < p->op_count; i++) after = after || touches(p, i, a);
    return before && after;
}

static void activations_that_live_together_do_not_overlap(void **state)
{
    (void)state;
    hand_made m;
    met_error err = {0};
    make(&m);
    assert_ok(met_program_seal(&m.program, &err));
    const met_program *p = &m.program;
    int pairs = 0;
    for (int32_t at = 0; at < p->op_count; at++) {
        for (int32_t a = 0; a < p->activation_count; a++) {
            for (int32_t b = 0; b < a; b++) {
                const met_activation *x = &p->activations[a], *y = &p->activations[b];
                if (x->rows != y->rows || !alive(p, a, at) || !alive(p, b, at)) continue;
                pairs++;
                assert_true(x->offset_cols + x->cols <= y->offset_cols ||
                            y->offset_cols + y->cols <= x->offset_cols);
            }
        }
    }
    assert_true(pairs > 20);
    for (int32_t a = 0; a < p->activation_count; a++) {
        const met_activation *x = &p->activations[a];
        assert_true(x->offset_cols + x->cols <= p->scratch_cols[x->rows]);
    }
    /* h, k and v do not all live at once with attn: some room must have been shared. */
    assert_true(p->scratch_cols[MET_ROWS_TOKENS] < 6 * 16);
    met_program_free(&m.program);
}

static void the_listing_shows_every_op_once(void **state)
{
    (void)state;
    hand_made m;
    met_error err = {0};
    met_text text;
    make(&m);
    assert_ok(met_program_seal(&m.program, &err));
    assert_ok(met_program_print(&m.program, &text, &err));
    assert_non_null(strstr(text.data, "embed      tokens[n] -> x[n, 8]"));
    assert_non_null(strstr(text.data, "attn[rows, 8] -> x[rows, 8] :  in . w[8, 8] F32 + x[rows, 8]"));
    assert_non_null(strstr(text.data, "k[n, 4], v[n, 4] -> cache 0"));
    assert_non_null(strstr(text.data, "14 ops"));
    met_text_free(&text);
    met_program_free(&m.program);
}

static void tables_grow_beyond_their_first_size(void **state)
{
    (void)state;
    met_program p;
    met_program_init(&p);
    for (int32_t i = 0; i < 1000; i++) {
        assert_int_equal(met_program_add_activation(&p, "a", MET_ROWS_TOKENS, i + 1), i);
    }
    for (int32_t i = 0; i < 1000; i++) assert_int_equal(p.activations[i].cols, i + 1);
    met_program_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_program_is_sealed),
        cmocka_unit_test(an_unsound_program_is_refused_and_named),
        cmocka_unit_test(activations_that_live_together_do_not_overlap),
        cmocka_unit_test(the_listing_shows_every_op_once),
        cmocka_unit_test(tables_grow_beyond_their_first_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
