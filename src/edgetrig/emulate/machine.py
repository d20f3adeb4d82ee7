"""The processor that code is made for, and LLVM: from intermediate code in text to machine code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite
from llvmlite import binding as llvm

_OPTIMIZATION = 2


@dataclass(frozen=True)
class Machine:
    """A processor as LLVM names it.

    Parameters
    ----------
    triple
        Architecture and system, for instance ``"x86_64-unknown-linux-gnu"``.
    cpu
        LLVM's name of the processor, for instance ``"znver4"`` or ``"x86-64-v3"``.
    features
        LLVM's list of what it can do on top, for instance ``"+avx2,-avx512f"``.
    """

    triple: str
    cpu: str
    features: str = ""

    @property
    def vector(self) -> int:
        """Bytes of the widest vectors worth using."""
        has = set(self.features.split(","))
        if "+avx512bw" in has or self.cpu == "x86-64-v4":
            return 64
        return 32 if "+avx2" in has or self.cpu == "x86-64-v3" else 16

    @property
    def permutes_words(self) -> bool:
        """Whether one instruction looks 16-bit words up in two registers (AVX-512 BW)."""
        return self.vector == 64 and self.triple.startswith("x86_64")

    @property
    def multiplies_bytes(self) -> bool:
        """Whether one instruction adds products of bytes in pairs (PMADDUBSW)."""
        has = "+ssse3" in self.features.split(",")
        return self.triple.startswith("x86_64") and (has or self.cpu[:8] == "x86-64-v")

    @property
    def multiplies_words(self) -> bool:
        """Whether one instruction adds products of 16-bit words in pairs (PMADDWD)."""
        return self.triple.startswith("x86_64")

    @property
    def multiplies_four_bytes(self) -> bool:
        """Whether one instruction adds products of bytes in fours to 32 bits (VPDPBUSD)."""
        return self.permutes_words and "+avx512vnni" in self.features.split(",")

    @property
    def identity(self) -> str:
        """What machine code depends on: this processor and the version of LLVM."""
        version = ".".join(map(str, llvm.llvm_version_info))
        return f"{self.triple} {self.cpu} {self.features} {llvmlite.__version__} {version}"


@cache
def host() -> Machine:
    """Return the processor of this computer."""
    return Machine(
        llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    )


def assemble(text: str, machine: Machine) -> bytes:
    """Return the object code of a module of LLVM's intermediate code."""
    module = llvm.parse_assembly(text)
    return bytes(_target(machine).emit_object(module))


class Loaded:
    """Object code in executable memory; it is freed when this object is.

    Parameters
    ----------
    code
        From `assemble`.
    machine
        What it was made for.
    """

    def __init__(self, code: bytes, machine: Machine) -> None:
        empty = llvm.parse_assembly(f'target triple = "{machine.triple}"')
        self._engine = llvm.create_mcjit_compiler(empty, _target(machine))
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Return where a function begins."""
        return int(self._engine.get_function_address(name))


def _target(machine: Machine) -> Any:
    _initialize()
    return llvm.Target.from_triple(machine.triple).create_target_machine(
        cpu=machine.cpu, features=machine.features, opt=_OPTIMIZATION, reloc="pic", jit=True
    )


@cache
def _initialize() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
