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

-- In halves: GHDL 2.0 synthesizes a constant of more than 32 bits wrongly if its low 32 are 0.
architecture rtl of edgetrig_lut6 is
  constant LOW : std_logic_vector(31 downto 0) := init(31 downto 0);
  constant HIGH : std_logic_vector(31 downto 0) := init(63 downto 32);
  signal place : natural;
begin
  place <= to_integer(index(4 downto 0));
  value <= HIGH(place) when index(5) = '1' else LOW(place);
end architecture rtl;
