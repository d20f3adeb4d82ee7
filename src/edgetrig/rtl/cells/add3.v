// The sum of three vectors, of which the last SUBTRACTED are subtracted, modulo 2**WIDTH.
//
// It is a plain sum, unless a define names the carry chain of an AMD device: EDGETRIG_CARRY4 for
// 7 series, EDGETRIG_CARRY8 for UltraScale and UltraScale+. Then each bit is one LUT6_2, which
// reduces three bits to their parity, added on the carry chain, and their majority, which enters
// the next bit. A slice brings out either that majority or the sum of a bit; the other must be
// taken by the flip-flop beside it. So the sum has to be read by registers alone.
module edgetrig_add3 #(
  parameter WIDTH = 8,
  parameter SUBTRACTED = 0  // 0: a + b + c, 1: a + b - c, 2: a - b - c
) (
  input wire [WIDTH-1:0] a,
  input wire [WIDTH-1:0] b,
  input wire [WIDTH-1:0] c,
  output wire [WIDTH-1:0] sum
);
`ifdef EDGETRIG_CARRY4
`define EDGETRIG_CARRY
`endif
`ifdef EDGETRIG_CARRY8
`define EDGETRIG_CARRY
`endif
`ifdef EDGETRIG_CARRY
  localparam BITS = (WIDTH + 7) / 8 * 8;
  // O6 is the parity of I0 .. I3, O5 the majority of I0 .. I2; subtracted operands are inverted.
  localparam [63:0] INIT = (SUBTRACTED == 0) ? 64'h69966996_e8e8e8e8
                         : (SUBTRACTED == 1) ? 64'h96699669_8e8e8e8e : 64'h69966996_2b2b2b2b;
  // An inverted operand lacks 1: one comes in by the chain, a second as a majority below bit 0.
  wire one = (SUBTRACTED > 0);
  wire two = (SUBTRACTED > 1);

  wire [WIDTH:0] majority;
  wire [BITS-1:0] propagate, generated, total, carry;
  assign majority[0] = two;
  assign generated = {{(BITS - WIDTH){1'b0}}, majority[WIDTH-1:0]};
  assign sum = total[WIDTH-1:0];

  genvar k;
  generate
    for (k = 0; k < BITS; k = k + 1) begin : g_bit
      if (k < WIDTH) begin : g_used
        LUT6_2 #(.INIT(INIT)) lut (
          .I0(a[k]), .I1(b[k]), .I2(c[k]), .I3(majority[k]), .I4(1'b0), .I5(1'b1),
          .O6(propagate[k]), .O5(majority[k+1])
        );
      end else begin : g_unused
        assign propagate[k] = 1'b0;
      end
    end
`ifdef EDGETRIG_CARRY8
    for (k = 0; k < BITS; k = k + 8) begin : g_chain
      CARRY8 chain (
        .CI(k == 0 ? one : carry[(k+BITS-1)%BITS]), .CI_TOP(1'b0), .DI(generated[k+7:k]),
        .S(propagate[k+7:k]), .O(total[k+7:k]), .CO(carry[k+7:k])
      );
    end
`else
    for (k = 0; k < BITS; k = k + 4) begin : g_chain
      CARRY4 chain (
        .CI(k == 0 ? 1'b0 : carry[(k+BITS-1)%BITS]), .CYINIT(k == 0 ? one : 1'b0),
        .DI(generated[k+3:k]), .S(propagate[k+3:k]), .O(total[k+3:k]), .CO(carry[k+3:k])
      );
    end
`endif
  endgenerate
`else
  generate
    if (SUBTRACTED == 0) begin : g_plain
      assign sum = a + b + c;
    end else if (SUBTRACTED == 1) begin : g_minus
      assign sum = a + b - c;
    end else begin : g_minus_both
      assign sum = a - b - c;
    end
  endgenerate
`endif
endmodule
