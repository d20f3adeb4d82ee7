"""A module around a circuit that needs three pins at most, whatever ports the circuit has."""

from __future__ import annotations

from edgetrig.circuit import Circuit, Op
from edgetrig.errors import Error
from edgetrig.rtl import ports

HARNESS = "harness"
_TEXT = """\
// Inputs come from a shift register; outputs are registered and folded into a signature, so that
// nothing is optimised away and every path of the circuit runs between two registers.
module {name} ({clock_pin}input wire scan, output wire signature);
{clock}  reg [{last_in}:0] inputs;
  wire [{last_out}:0] outputs;
  reg [{last_out}:0] captured;
  reg [{last_out}:0] state;
  always @(posedge clk) begin
    inputs <= {{inputs, scan}};
    captured <= outputs;
    state <= {{state, state[{last_out}]}} ^ captured;
  end
  assign signature = state[{last_out}];
  {top} circuit ({connections});
endmodule
"""


def harness(circuit: Circuit, top: str, oscillator: str = "") -> tuple[str, int]:
    """Return the harness's Verilog and the number of its own registers.

    Parameters
    ----------
    circuit
        The circuit.
    top
        Name of its module.
    oscillator
        Verilog that drives ``clk`` from within the device; by default it comes from a pin.

    Raises
    ------
    Error
        If the circuit has no input or no output bits.
    """
    inputs, outputs = ports(circuit, top)
    connections = [".clk(clk)"] if circuit.count(Op.REG) else []
    sizes = []
    for side, vector in ((inputs, "inputs"), (outputs, "outputs")):
        lowest = 0
        for port in side:
            if port.bits:
                bits = f"{vector}[{lowest + port.bits - 1}:{lowest}]"
                connections.append(f".{port.identifier}({bits})")
            lowest += port.bits
        if not lowest:
            raise Error(f"a circuit without {vector} cannot be routed")
        sizes.append(lowest)
    text = _TEXT.format(
        name=HARNESS,
        clock_pin="" if oscillator else "input wire clk, ",
        clock=f"  wire clk;\n  {oscillator}\n" if oscillator else "",
        top=top,
        last_in=sizes[0] - 1,
        last_out=sizes[1] - 1,
        connections=", ".join(connections),
    )
    return text, sizes[0] + 2 * sizes[1]
