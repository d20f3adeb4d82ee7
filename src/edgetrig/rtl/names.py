"""Names from models, turned into identifiers every hardware tool accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_VERILOG = """
always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign
default defparam design disable edge else end endcase endconfig endfunction endgenerate endmodule
endprimitive endspecify endtable endtask event for force forever fork function generate genvar
highz0 highz1 if ifnone incdir include initial inout input instance integer join large liblist
library localparam macromodule medium module nand negedge nmos nor noshowcancelled not notif0 notif1
or output parameter pmos posedge primitive pull0 pull1 pulldown pullup pulsestyle_ondetect
pulsestyle_onevent rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1
scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table task
time tran tranif0 tranif1 tri tri0 tri1 triand trior trireg unsigned use uwire vectored wait wand
weak0 weak1 while wire wor xnor xor
"""

_SYSTEMVERILOG = """
accept_on alias always_comb always_ff always_latch assert assume before bind bins binsof bit break
byte chandle checker class clocking const constraint context continue cover covergroup coverpoint
cross dist do endchecker endclass endclocking endgroup endinterface endpackage endprogram
endproperty endsequence enum eventually expect export extends extern final first_match foreach
forkjoin global iff ignore_bins illegal_bins implements implies import inside int interconnect
interface intersect join_any join_none let local logic longint matches modport nettype new nexttime
null package packed priority program property protected pure rand randc randcase randsequence ref
reject_on restrict return s_always s_eventually s_nexttime s_until s_until_with sequence shortint
shortreal soft solve static string strong struct super sync_accept_on sync_reject_on tagged this
throughout timeprecision timeunit type typedef union unique unique0 until until_with untyped var
virtual void wait_order weak wildcard with within
"""

_VHDL = """
abs access after all architecture array attribute block body buffer bus component configuration
constant disconnect downto elsif entity exit file generic group guarded impure in inertial is label
linkage literal loop map mod new next nor of on open others out package port postponed procedure
process protected range record register reject rem report return rol ror select severity shared
signal sla sll sra srl subtype then to transport type unaffected units until variable when xnor
assume_guarantee default fairness force parameter private property release restrict
restrict_guarantee sequence strong view vmode vpkg vprop vunit
"""

# What VHDL text calls by its name: a port of that name would hide it.
_VHDL_CALLED = """
boolean falling_edge ieee natural numeric_std positive resize rising_edge signed std std_logic
std_logic_1164 std_logic_vector std_ulogic std_ulogic_vector to_integer to_signed to_unsigned
unisim unsigned work
"""

# Words of C++ and names in a simulator's model class: a port of that name would clash there.
_SIMULATION = """
alignas alignof asm auto bool bitand bitor catch char char8_t char16_t char32_t co_await co_return
co_yield compl concept const_cast consteval constexpr constinit decltype delete double dynamic_cast
explicit false float friend goto inline long main mutable namespace noexcept not_eq nullptr operator
or_eq private public register reinterpret_cast requires short sizeof static_assert static_cast
switch template thread_local throw true try typeid typename using volatile wchar_t xor_eq and_eq
eval eval_step eval_end_step final trace name contextp hiername modelname modelversion threads
prepareclone atclone rootp vlsymsp eventspending nexttimeslot tracebasemodel std signed unsigned
null
"""

KEYWORDS: Final = frozenset(
    f"{_VERILOG} {_SYSTEMVERILOG} {_VHDL} {_VHDL_CALLED} {_SIMULATION}".split()
)
"""Words that are no identifier in Verilog, SystemVerilog, VHDL or C++, in lower case."""

# Signals that the text makes itself, and what GHDL calls nets and outputs of instances.
_OWN = re.compile(r"(clk|[vrt]\d+|stage\d+(_v\d+)?|table\d+(_\d+)?|tb|i|[tv]\d+_\w+|n\d+_[oq])$")
_LONGEST = 60


def identifiers(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Return one safe identifier a name: letters, digits, single underscores.

    They are distinct from each other, also where a tool ignores case, from `taken`, from keywords
    of Verilog, SystemVerilog, VHDL and C++, and from the signals the RTL makes itself (``clk``,
    ``v12``, ``r12``, ``stage1``, ...) and those of GHDL's netlists (``n12_o``). A name that is such
    an identifier already stays as it is, unless an earlier one took it.

    Parameters
    ----------
    names
        Any text, in order; repeated names get a number.
    taken
        Identifiers that are in use.
    """
    used = {name.lower() for name in taken}
    result = []
    for name in names:
        plain = _plain(name)
        chosen, count = plain, 2
        while chosen.lower() in used:
            chosen = f"{plain}_{count}"
            count += 1
        used.add(chosen.lower())
        result.append(chosen)
    return result


def comment(text: str) -> str:
    """Return `text` fit for one comment line: printable ASCII, at most 100 characters."""
    shown = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
    # A tool could take a trailing backslash for a continued line, and "*/" for an end.
    shown = shown.replace("*/", "* /").replace("/*", "/ *").rstrip("\\ ")
    return shown if len(shown) <= 100 else shown[:97] + "..."


def _plain(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:_LONGEST].rstrip("_")
    if not plain:
        return "unnamed"
    if plain[0].isdigit() or plain.lower() in KEYWORDS or _OWN.match(plain.lower()):
        return f"p_{plain}"
    return plain
