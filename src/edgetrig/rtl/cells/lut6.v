// One bit of a look-up table of six bits; bit k of INIT is the value for index k.
//
// It is plain logic, unless the define EDGETRIG_LUT6 says that the device is AMD's and has this
// table as a primitive: then a mapper leaves it as it is and arranges the logic around it.
module edgetrig_lut6 #(
  parameter [63:0] INIT = 64'h0
) (
  input wire [5:0] index,
  output wire value
);
`ifdef EDGETRIG_LUT6
  LUT6 #(.INIT(INIT)) lut (
    .I0(index[0]), .I1(index[1]), .I2(index[2]), .I3(index[3]), .I4(index[4]), .I5(index[5]),
    .O(value)
  );
`else
  assign value = INIT[index];
`endif
endmodule
