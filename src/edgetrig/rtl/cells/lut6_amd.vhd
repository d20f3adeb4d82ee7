-- One bit of a look-up table of six bits, as the primitive of AMD devices; bit k of `init` is the
-- value for index k.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
library unisim;
use unisim.vcomponents.all;

entity edgetrig_lut6 is
  generic (init : std_logic_vector(63 downto 0));
  port (
    index : in unsigned(5 downto 0);
    value : out std_logic := '0'
  );
end entity edgetrig_lut6;

architecture rtl of edgetrig_lut6 is
begin
  lut : LUT6
    generic map (INIT => to_bitvector(init))
    port map (
      I0 => index(0), I1 => index(1), I2 => index(2), I3 => index(3), I4 => index(4),
      I5 => index(5), O => value
    );
end architecture rtl;
