// Keeps one of every limit / 100 events that fire, evenly spread; limit 0 keeps none, and 1 to 99
// are not for use.
//
// Each event that fires adds 100 to a counter; when it reaches the limit the event is kept and the
// limit is taken off. `clear` belongs to an event and sets the counter to 0 before it counts.
module edgetrig_prescaler #(
  parameter BITS = 24
) (
  input wire clk,
  input wire reset,
  input wire clear,
  input wire fired,
  input wire [BITS-1:0] limit,
  output wire kept
);
  reg [BITS-1:0] count;
  wire [BITS:0] start = clear ? {(BITS + 1){1'b0}} : {1'b0, count};
  wire [BITS:0] total = start + 100;
  wire [BITS:0] rest = total - {1'b0, limit};
  wire on = limit != 0;
  wire reached = ~rest[BITS];
  assign kept = fired & on & reached;

  always @(posedge clk) begin
    if (reset) count <= {BITS{1'b0}};
    else if (kept) count <= rest[BITS-1:0];
    else if (fired & on) count <= total[BITS-1:0];
    else count <= start[BITS-1:0];
  end
endmodule
