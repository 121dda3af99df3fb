"""The tables that a compiled library exports (kernel_abi.h), as C++ behind the rewritten source.

Owns: how a kernel is entered, described and specialised. Reads nothing but what the reader found.
"""
import re

import reader

_HEADER = '\n# 1 "mslc tables" 1\n'


def _parameter(parameter, constants):
    condition = next((c.index for c in constants if c.name == parameter.condition and c.index), "-1")
    return (f'{{"{parameter.name}", {parameter.source}, {parameter.index}, '
            f'{int(parameter.writable)}, {condition}}}')


def _specialise(constants):
    """Set what was given, then compute what depends on it, in the order of the source."""
    lines = ["static void sim_specialise(const sim_constant *values, int32_t count)", "{",
             "(void)values; (void)count;"]
    for c in constants:
        if c.index:
            lines.append(f"sim_defined_{c.name} = "
                         f"::sim::take(values, count, {c.index}, sim_value_{c.name});")
        else:
            value = re.sub(r"is_function_constant_defined \( (\w+) \)", r"sim_defined_\1",
                           c.initialiser)
            lines.append(f"sim_value_{c.name} = ({c.type})({value});")
    return lines + ["}"]


def _entry(number, host_name, expression, kernel, program):
    """One kernel: its parameters, the constants it reaches, its entry, its row in the table."""
    rows = [_parameter(p, program.constants) for p in kernel.parameters]
    names = reader.reachable(program, set(re.findall(r"[A-Za-z_]\w*", expression)))
    used = [c.index for c in program.constants if c.index and c.name in names]
    lines = [
        f"static constexpr sim_parameter sim_parameters_{number}[] = "
        f"{{{', '.join(rows + ['{0, 0, 0, 0, -1}'])}}};",
        f'static_assert(::sim::fit(sim_parameters_{number}, {len(rows)}), "kernel {host_name}: an index '
        'beyond the slots, or one that two parameters have");',
        f"static const int32_t sim_uses_{number}[] = {{{', '.join(used + ['-1'])}}};",
        f"static void sim_entry_{number}(const sim_thread *t) "
        f"{{ ::sim::enter(&{expression}, t, sim_parameters_{number}); }}",
    ]
    row = (f'{{"{host_name}", sim_entry_{number}, sim_parameters_{number}, {len(rows)}, '
           f"{kernel.max_threads}, sim_uses_{number}, {len(used)}, {kernel.line}}}")
    return lines, row


def tables(program):
    """The text to append."""
    named = {kernel.name: kernel for kernel in program.kernels}
    entries = [(kernel.host_name or kernel.name, kernel.qualified, kernel)
               for kernel in program.kernels if not kernel.template]
    entries += [(item.host_name, item.expression, named[item.kernel])
                for item in program.instantiations]
    lines, rows = [_HEADER], []
    for number, (host_name, expression, kernel) in enumerate(entries):
        text, row = _entry(number, host_name, expression, kernel, program)
        lines += text
        rows.append(row)
    slots = [f'{{"{c.name}", {c.index}, ::sim::shape<{c.type}>::type, {int(c.optional)}}}'
             for c in program.constants if c.index]
    lines += _specialise(program.constants)
    empty = "{0, 0, 0, 0, 0, 0, 0, 0}"
    lines += [
        f"static const sim_kernel sim_kernels[] = {{{', '.join(rows + [empty])}}};",
        f"static const sim_constant_slot sim_slots[] = {{{', '.join(slots + ['{0, 0, 0, 0}'])}}};",
        'extern "C" __attribute__((visibility("default"))) const sim_description sim_description_of;',
        f"const sim_description sim_description_of = {{SIM_ABI, {len(rows)}, sim_kernels, "
        f"{len(slots)}, sim_slots, sim_specialise}};",
    ]
    return "\n".join(lines) + "\n"
