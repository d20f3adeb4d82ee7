-- One bit of a look-up table of six bits; bit k of `init` is the value for index k.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity edgetrig_lut6 is
  generic (init : std_logic_vector(63 downto 0));
  port (
    index : in unsigned(5 downto 0);
    value : out std_logic := '0'
  );
end entity edgetrig_lut6;

architecture rtl of edgetrig_lut6 is
begin
  value <= init(to_integer(index));
end architecture rtl;
