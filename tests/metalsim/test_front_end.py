"""mslc itself: every rewriting rule on a small case, messages with the lines of the source, the ban
list, and the cache's names."""
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE), str(HERE / "mslc")]
import check  # noqa: E402
import lexer  # noqa: E402
import reader  # noqa: E402
import rewriter  # noqa: E402
import runner  # noqa: E402
import writer  # noqa: E402
from support import tap  # noqa: E402

HEADER = "#include <metal_stdlib>\nusing namespace metal;\n"


def rewritten(text, pass_=None, **keywords):
    tokens = lexer.lex(text, "x.metal")
    tokens = pass_(tokens, **keywords) if pass_ else rewriter.rewrite(tokens, check=False)
    return lexer.text_of(tokens)


class Lexer(unittest.TestCase):
    def test_all_tokens_together_are_the_source(self):
        text = 'a[b[0]] += 1.0e-3f >> 2; // c\n# 7 "y.metal"\n[[buffer(0)]] \'x\' "a\\"b"\n'
        self.assertEqual(lexer.text_of(lexer.lex(text)), text)

    def test_two_brackets_close_an_attribute_only_where_one_is_open(self):
        texts = [token.text for token in lexer.lex("a[b[0]] [[x(c[1])]] d[e[f[2]]]")
                 if token.text in ("]]", "[[")]
        self.assertEqual(texts, ["[[", "]]"])

    def test_line_markers_name_the_line(self):
        tokens = lexer.lex('a\n# 41 "y.metal"\nb\nc\n', "x.metal")
        places = {t.text: (t.file, t.line) for t in tokens if t.kind == "name"}
        self.assertEqual(places, {"a": ("x.metal", 1), "b": ("y.metal", 41), "c": ("y.metal", 42)})

    def test_commas_within_brackets_and_template_arguments_do_not_split(self):
        parts = lexer.split_at_commas(lexer.lex("vec<float, 4> a, b[2], f(c, d), g<h<int, 2>>()"))
        self.assertEqual([lexer.words_of(part).replace(" ", "") for part in parts],
                         ["vec<float,4>a", "b[2]", "f(c,d)", "g<h<int,2>>()"])

    def test_unbalanced_brackets_are_an_error_with_a_line(self):
        for text in ("void f(\n{ )", "void f()\n{ {", "a\n]"):
            with self.assertRaisesRegex(lexer.SourceError, r"x.metal:[12]:1: error: .* clos"):
                lexer.partners(lexer.lex(text, "x.metal"))


class Rules(unittest.TestCase):
    """What goes in, what comes out."""

    def rule(self, pass_, cases, **keywords):
        for text, expected in cases.items():
            with self.subTest(text):
                self.assertEqual(rewritten(text, pass_, **keywords), expected)

    def test_a_literal_is_single_precision(self):
        self.rule(rewriter.single_precision, {
            "1.0 + .5 - 1e-6 * 2.": "1.0f + .5f - 1e-6f * 2.f",
            "1.0f 2.5h 3 0x1e5 7u 1e5f": "1.0f 2.5h 3 0x1e5 7u 1e5f"})

    def test_constructors(self):
        self.rule(rewriter.constructors, {
            "x = float4(a, b);": "x = sim_make<float4>(a, b);",
            "vec<half, 4>(0)": "sim_make<vec<half, 4>>(0)",
            "template <typename T> T f(T x) { return T(x); }":
                "template <typename T> T f(T x) { return sim_make<T>(x); }",
            "using v = float4; v(1)": "using v = float4; sim_make<v>(1)",
            "typedef half2 h; h(1)": "typedef half2 h; sim_make<h>(1)",
            "void f() { float3 a(1, 2, 3); }": "void f() { float3 a = sim_make<float3>(1, 2, 3); }",
            "static float4 f(int x);": "static float4 f(int x);",
            "static_cast<int2>(x)": "sim_make<int2>(x)",
            "static_cast<int>(x)": "static_cast<int>(x)",
            "float4 (*rows)[2];": "float4 (*rows)[2];",
            "float4(float2(a), b)": "sim_make<float4>(sim_make<float2>(a), b)"})

    def test_casts_take_their_operand_and_no_more(self):
        self.rule(rewriter.casts, {
            "y = (float4)x * z;": "y = sim_make<float4>(x) * z;",
            "-(float4)x[1].yxzw + z": "-sim_make<float4>(x[1].yxzw) + z",
            "(half4)f(a, b)(c)": "sim_make<half4>(f(a, b)(c))",
            "(float4)(int4)x": "sim_make<float4>(sim_make<int4>(x))",
            "(float4)-x": "sim_make<float4>(-x)",
            "(float4)*(device const char4 *)p": "sim_make<float4>(*(device const char4 *)p)",
            "(vec<float, 2>)x": "sim_make<vec < float , 2 >>(x)",
            "(float4)as_type<float4>(x)": "sim_make<float4>(as_type<float4>(x))",
            "(float)x": "(float)x",
            "sizeof(float4) * 2": "sizeof(float4) * 2",
            "f(float4)": "f(float4)"})

    def test_pointer_casts_of_the_check_pass(self):
        self.rule(rewriter.pointer_casts, {
            "*(device float4 *)p": "*sim_pointer_cast<device float4 *>(p)",
            "(device const block *)(p + 1)[2]": "sim_pointer_cast<device const block *>((p + 1)[2])",
            "f(x) * (a * b)": "f(x) * (a * b)",
            "(a) * b": "(a) * b"})

    def test_kernels_lose_their_attributes(self):
        self.rule(rewriter.kernels, {
            "kernel void k(device float *o [[buffer(0)]],\n uint i [[thread_position_in_grid]]) {}":
                "static void k(device float *o ,\n uint i ) {}",
            "[[kernel]] void k(constant int &n [[buffer(1)]]) {}":
                " void k(constant int &n ) {}",
            "template <int N> kernel void k(device int *o [[buffer(0)]]) {}":
                "template <int N> static void k(device int *o ) {}",
            "void f(int a) {}": "void f(int a) {}"})

    def test_instantiations_go_and_their_line_breaks_stay(self):
        self.rule(rewriter.instantiations, {
            'template [[host_name("x")]]\nkernel k_type\nk<float, 2>;\nint a;': "\n\n\nint a;",
            "template <int N> void f();": "template <int N> void f();"})

    def test_constants_that_are_set_later(self):
        self.rule(rewriter.constants, {
            "constant int n [[function_constant(3)]];":
                "static int sim_value_n; static bool sim_defined_n; "
                "static const int &n = sim_value_n;",
            "constant int t[2] = {1, 2};": "constant int t[2] = {1, 2};"}, check=False)
        text = rewritten("constant int n [[function_constant(3)]];\nconstant bool big = n > 4;\n"
                         "constant bool there = is_function_constant_defined(n);",
                         rewriter.constants, check=False)
        self.assertIn("static const bool &big = sim_value_big;", text)
        self.assertIn("static const bool &there = sim_value_there;", text)
        self.assertEqual(text.count("\n"), 2)

    def test_threadgroup_variables(self):
        head, tail = "kernel void k(device int *o [[buffer(0)]]) {", "}"
        text = rewritten(head + "threadgroup float a[2 * 4][3], b;" + tail, rewriter.group_variables,
                         check=False)
        self.assertEqual(text, head +
                         "typedef float sim_group_type_0 [ 2 * 4 ] [ 3 ]; sim_group_type_0 &a = "
                         "*(sim_group_type_0 *)sim_group_variable(0, sizeof(sim_group_type_0), 1); "
                         "typedef float sim_group_type_1 ; sim_group_type_1 &b = "
                         "*(sim_group_type_1 *)sim_group_variable(1, sizeof(sim_group_type_1), 1); " +
                         tail)
        pointer = head + "threadgroup float *p = q;" + tail
        self.assertEqual(rewritten(pointer, rewriter.group_variables, check=False), pointer)

    def test_other_attributes_go(self):
        self.rule(rewriter.other_attributes, {
            "[[unroll]] for (;;) {}": " for (;;) {}", "a[b[0]] = 1;": "a[b[0]] = 1;",
            "[[unlikely]] x": "[[unlikely]] x"})

    def test_loops_that_may_wait_tell_of_their_turns(self):
        self.rule(rewriter.loops, {
            "while (a(b)) c();": "while (sim_turn(1), (a(b))) c();",
            "do { c(); } while (a);": "do { c(); } while (sim_turn(1), (a));",
            "x;\nwhile (a)\n    ;": "x;\nwhile (sim_turn(2), (a))\n    ;",
            "while (int a = b()) c();": "while (int a = b()) c();",
            "while ((a = b) != 0) ;": "while (sim_turn(1), ((a = b) != 0)) ;",
            "for (;;) c();": "for (;sim_turn(1), true;) c();",
            "for (int i = 0; i < f(j); ) c();": "for (int i = 0;sim_turn(1), ( i < f(j)); ) c();",
            "for (int i = 0;; i++) c();": "for (int i = 0;sim_turn(1), true; i++) c();",
            "for (int i = 0; i < n; i++) c();": "for (int i = 0; i < n; i++) c();",
            "o.while_x = 1;": "o.while_x = 1;",
        })

    def test_lines_stay_where_they_were(self):
        text = ("kernel void\nk(device float4 *o\n [[buffer(0)]],\n uint i\n"
                " [[thread_position_in_grid]])\n{\n threadgroup float\n a[4];\n o[i] =\n float4(\n"
                " 1.0);\n}\nint last;\n")
        for checked in (False, True):
            out = lexer.text_of(rewriter.rewrite(lexer.lex(text), check=checked))
            self.assertEqual(out.count("\n"), text.count("\n"))
            self.assertEqual(out.rstrip().split("\n")[-1], "int last;")


class Reader(unittest.TestCase):
    def read(self, text):
        return reader.read(lexer.lex(text, "x.metal"))

    def test_where_parameters_come_from(self):
        kernel, = self.read(
            "constant bool c [[function_constant(0)]];\n"
            "kernel void k(device const float *a [[buffer(N + 1)]], device float *b [[buffer(2)]],"
            " constant s &d [[buffer(3), function_constant(c)]], threadgroup half *e [[threadgroup(4)]],"
            " ushort2 f [[thread_position_in_threadgroup]]) {}").kernels
        self.assertEqual([(p.name, p.source, p.index, p.writable, p.condition)
                          for p in kernel.parameters],
                         [("a", "SIM_BUFFER", "N + 1", False, ""), ("b", "SIM_BUFFER", "2", True, ""),
                          ("d", "SIM_BUFFER", "3", False, "c"),
                          ("e", "SIM_GROUP_MEMORY", "4", False, ""),
                          ("f", "SIM_THREAD_IN_GROUP", "0", False, "")])
        self.assertEqual(kernel.line, 2)

    def test_constants_that_a_kernel_reaches_through_functions_and_other_constants(self):
        program = self.read(
            "constant int a [[function_constant(0)]];\nconstant int b [[function_constant(1)]];\n"
            "constant int twice = 2 * a;\nstatic int f() { return twice; }\n"
            "kernel void k(device int *o [[buffer(0)]]) { o[0] = f(); }\n"
            "kernel void m(device int *o [[buffer(0)]]) { o[0] = b; }\n")
        names = {"a", "b"}
        self.assertEqual(reader.reachable(program, {"k"}) & names, {"a"})
        self.assertEqual(reader.reachable(program, {"m"}) & names, {"b"})
        text = writer.tables(program)
        self.assertIn("sim_uses_0[] = {0, -1}", text)
        self.assertIn("sim_uses_1[] = {1, -1}", text)

    def test_signatures_that_metal_refuses(self):
        for parameter, message in (
                ("device float *a", "parameter a has 0 attributes"),
                ("float *a [[buffer(0)]]", "buffer a must be a pointer or reference into device"),
                ("device float a [[buffer(0)]]", "buffer a must be a pointer or reference"),
                ("device float *a [[threadgroup(0)]]", "a must be a pointer into threadgroup memory"),
                ("device uint *a [[thread_position_in_grid]]", "is a value, a is not"),
                ("device float * [[buffer(0)]], [[buffer(1)]]", "a parameter without a name"),
                ("device float *a [[buffer(0)]],", "a parameter without a name"),
                ("uint [[thread_position_in_grid]]", "a parameter without a type"),
                ("float4 a [[stage_in]]", r"does not know \[\[stage_in\]\]")):
            with self.assertRaisesRegex(lexer.SourceError, "x.metal:2:1: error: kernel k: .*" + message):
                self.read(f"\nkernel void k({parameter}) {{}}")
        with self.assertRaisesRegex(lexer.SourceError, "kernel k must return void"):
            self.read("kernel int k(device float *a [[buffer(0)]]) {}")
        with self.assertRaisesRegex(lexer.SourceError, "'kernel' is not followed by a function"):
            rewritten("kernel int k;", rewriter.kernels)
        with self.assertRaisesRegex(lexer.SourceError, "instantiation of g, which is not a kernel"):
            self.read('template [[host_name("x")]] kernel void g<2>(device int *);')


class Checks(unittest.TestCase):
    """Words and declarations that Metal refuses although clang's C++ does not."""

    BAD = {
        "static float f(float x) {\nreturn (double)x;\n}": "'double' is not in the Metal language",
        "static int f(int x) {\nreturn *new int(x);\n}": "'new' is not in the Metal language",
        "static int f(int x) {\nlong long y = x; return y;\n}": "'long long' is not in",
        "static int f(int x) {\ngoto a; a: return x;\n}": "'goto' is not in the Metal language",
        "static int f(int x) {\nauto g = [&](int y) { return x + y; }; return g(1);\n}":
            "lambda expressions are not in",
        "static int f(int x)\n{ return std::max(x, 1); }": "'std' is not in the Metal language",
        "struct a {\nvirtual int f();\n};": "'virtual' is not in the Metal language",
        "\nstatic int f(int x, ...) { return x; }": "variable number of arguments",
        "\nstatic float f(const float *p) { return p[0]; }": "explicit address space",
        "\nstatic float f(float &p) { return p; }":
            "reference type must have explicit address space qualifier",
        "static float f(device float *p) {\nconst float *q = p; return q[0];\n}":
            "pointer type must have explicit address space qualifier",
        "static float f(device float *p) {\ndevice float *q = (float *)p; return q[0];\n}":
            "pointer type must have explicit address space qualifier",
        "struct s { int a; };\nstatic int f(thread s &x) {s *p = &x; return p->a; }":
            "explicit address space",
        "\nstatic const int table[2] = {1, 2};": "program scope variable must reside in constant address space",
        "\nint counter;": "program scope variable must reside in constant address space",
        "static int f(int x) {\nthreadgroup int y[4]; y[0] = x; return y[0];\n}":
            "can only be declared in a kernel",
        "\nkernel void k(device int *o [[buffer(0)]], uint2 a [[thread_position_in_grid]], "
        "uint b [[threads_per_threadgroup]], uint c [[thread_index_in_simdgroup]]) {}":
            "either all scalar types or all vector types",
        "static int f(int x) {\nstatic int calls = 0; return calls + x;\n}":
            "static variable must reside in constant address space",
        "static int g(int x);\nstatic int f(int x) { return x > 1 ? g(x - 1) : x; }\n"
        "static int g(int x) { return f(x); }": "f calls itself",
    }
    GOOD = """
        constant int table[2] = {1, 2};
        constexpr constant float half_pi = 1.5f;
        struct s { int a; float4 b; };
        typedef struct { half d; int8_t q[32]; } block;
        enum { COUNT = 3 };
        template <typename T> static T f(T x, device const T *p, thread T &r) { r = p[0]; return x * 2; }
        static int g(int a, int b) { int c = a * b; c &= a; return a * b & c; }
        static float twice(float x) { return x + x; }
        static float twice(half x) { return twice(float(x)); }
        static int lookup(int i) { static constant int table[2] = {3, 4}; return table[i]; }
        static float h(thread const float *p) { thread const float *q = p; return q[0] * p[1]; }
        kernel void k(device float *o [[buffer(0)]], device const block *w [[buffer(1)]]) {
            threadgroup float shared[4];
            device const int8_t *q = w->q;
            float x = 0; shared[0] = x;
            o[0] = f(x, o, x) + g(q[0], COUNT) + shared[table[0] - 1] + (half_pi);
        }"""

    def test_each_is_found_on_its_line(self):
        for text, message in self.BAD.items():
            with self.subTest(text):
                with self.assertRaisesRegex(lexer.SourceError, f"x.metal:2:1: error: .*{message}"):
                    check.check(lexer.lex(text, "x.metal"))

    def test_ordinary_code_is_not(self):
        check.check(lexer.lex(self.GOOD))


class Command(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if reason := runner.reason_to_skip():
            raise unittest.SkipTest(reason)

    def mslc(self, text, *options):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder, "a.metal")
            source.write_text(HEADER + text)
            return subprocess.run([sys.executable, runner.COMPILER, source, *options], check=False,
                                  capture_output=True, text=True)

    def test_ordinary_code_passes_the_check_pass(self):
        done = self.mslc(Checks.GOOD)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_errors_of_both_stages_have_the_lines_of_the_source(self):
        for text, expected in (
                ("kernel void k(device float *o [[buffer(0)]]) {\n    o[0] = nothing;\n}",
                 "program_source:4:12: error: use of undeclared identifier 'nothing'"),
                ("#define M(x) \\\n  ((x) + \\\n   1)\n\n#error stop\n",
                 "program_source:7:2: error: stop"),
                ("#include <no_such_header>\n", "program_source:3:10: fatal error:"),
                ("kernel void k(device float *o [[buffer(0)]]) {\n\n    float4 v = float4(1, 2);\n"
                 "    o[0] = v.x;\n}", "program_source:5:"),
                ("kernel void k(device float *o [[buffer(31)]]) { o[0] = 1; }",
                 "kernel k: an index beyond the slots, or one that two parameters have"),
                ("kernel void k(device float *o [[buffer(1)]], device float *p [[buffer(1)]]) {}",
                 "kernel k: an index beyond the slots, or one that two parameters have"),
                ("static int f(int x) { }", "program_source:3:"),
                ("static int f(int x) {\n int y;\n return x + y;\n}", "program_source:5:13: error:")):
            with self.subTest(text):
                done = self.mslc(text, "-o", "/dev/null")
                self.assertEqual(done.returncode, 1)
                self.assertIn(expected, done.stderr)
                self.assertNotIn("Traceback", done.stderr)

    def test_a_function_constant_is_no_constant_expression(self):
        done = self.mslc("constant int n [[function_constant(0)]];\n"
                         "kernel void k(device float *o [[buffer(0)]]) {\n"
                         "    float a[n];\n    static_assert(n > 1, \"\");\n    o[0] = a[0];\n}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("program_source:6:", done.stderr)

    def test_the_source_can_be_empty_or_not_text(self):
        self.assertEqual(self.mslc("").returncode, 0)
        done = self.mslc("kernel void k(\0) \x7f {{{")
        self.assertEqual(done.returncode, 1)
        self.assertIn("error:", done.stderr)


class Cache(unittest.TestCase):
    """Compiled sources by content; several processes at once."""

    TEXT = HEADER + "kernel void k(device float *o [[buffer(0)]]) { o[0] = VALUE; }\n"

    def setUp(self):
        if reason := runner.reason_to_skip():
            self.skipTest(reason)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.cache = self.folder / "cache"
        self.source = self.folder / "a.metal"
        self.source.write_text(self.TEXT)

    def run_source(self, value="1.0f", cache=None):
        arrays = {"o": np.zeros(1, np.float32)}
        return runner.run(self.source, [runner.dispatch("k", 1, 1, {0: "o"})], arrays,
                          options=[f"-DVALUE={value}"], cache=cache or self.cache)

    def files(self):
        return sorted(path.name for path in self.cache.iterdir() if path.name != "python")

    def test_every_source_and_flag_has_a_file_of_its_own(self):
        for value in ("1.0f", "2.0f", "1.0f"):
            self.assertEqual(self.run_source(value).arrays["o"][0], float(value[:-1]))
        self.assertEqual(len(self.files()), 2)
        self.source.write_text(self.TEXT + "\n// changed\n")
        self.run_source()
        self.assertEqual(len(self.files()), 3)
        self.assertTrue(all(name.endswith(".so") for name in self.files()))

    def test_processes_that_compile_the_same_do_not_disturb_each_other(self):
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            results = list(pool.map(lambda _: self.run_source(), range(3)))
        self.assertTrue(all(result.ok for result in results), results)
        self.assertEqual(len(self.files()), 1)

    def test_a_damaged_file_is_made_again(self):
        self.run_source()
        file = self.cache / self.files()[0]
        for content in (b"", b"\x7fELF", b"not a library"):
            file.write_bytes(content)
            result = self.run_source()
            self.assertTrue(result.ok, result)

    def test_a_source_that_does_not_compile_leaves_nothing(self):
        result = self.run_source("nothing")
        self.assertEqual(result.status, 2)
        self.assertIn("program_source:3:", result.output)
        self.assertEqual(self.files(), [])

    def test_a_folder_that_cannot_be_made_is_named(self):
        result = self.run_source(cache=self.source / "cache")
        self.assertEqual(result.status, 2)
        self.assertIn(f"{self.source}/cache: Not a directory", result.output)


if __name__ == "__main__":
    tap.main()
