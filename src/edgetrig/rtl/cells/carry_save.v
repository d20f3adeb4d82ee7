// Three vectors, of which the last SUBTRACTED are subtracted, as two, modulo 2**WIDTH:
// a + b + c = parity + carry; a + b - c and a - b - c = parity - carry.
module edgetrig_carry_save #(
  parameter WIDTH = 8,
  parameter SUBTRACTED = 0
) (
  input wire [WIDTH-1:0] a,
  input wire [WIDTH-1:0] b,
  input wire [WIDTH-1:0] c,
  output wire [WIDTH-1:0] parity,
  output wire [WIDTH-1:0] carry
);
  // Subtracted operands are inverted. Each then lacks 1: one is the bit below the majorities, the
  // other comes with taking the inverted carry away in place of adding it.
  wire [WIDTH-1:0] y = (SUBTRACTED > 1) ? ~b : b;
  wire [WIDTH-1:0] z = (SUBTRACTED > 0) ? ~c : c;
  wire [WIDTH-1:0] doubled;  // the majorities of all bits but the highest, one place higher

  assign parity = a ^ y ^ z;
  assign doubled[0] = (SUBTRACTED > 1);
  generate
    if (WIDTH > 1) begin : g_above
      assign doubled[WIDTH-1:1] = (a[WIDTH-2:0] & y[WIDTH-2:0]) | (a[WIDTH-2:0] & z[WIDTH-2:0])
                                | (y[WIDTH-2:0] & z[WIDTH-2:0]);
    end
  endgenerate
  assign carry = (SUBTRACTED > 0) ? ~doubled : doubled;
endmodule
