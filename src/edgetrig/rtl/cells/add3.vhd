-- The sum of three vectors, of which the last `subtracted` are subtracted, modulo 2**width.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity edgetrig_add3 is
  generic (
    width : positive := 8;
    subtracted : natural range 0 to 2 := 0  -- 0: a + b + c, 1: a + b - c, 2: a - b - c
  );
  port (
    a : in unsigned(width - 1 downto 0);
    b : in unsigned(width - 1 downto 0);
    c : in unsigned(width - 1 downto 0);
    sum : out unsigned(width - 1 downto 0) := (others => '0')
  );
end entity edgetrig_add3;

architecture rtl of edgetrig_add3 is
begin
  plain : if subtracted = 0 generate
    sum <= a + b + c;
  end generate;
  minus : if subtracted = 1 generate
    sum <= a + b - c;
  end generate;
  minus_both : if subtracted = 2 generate
    sum <= a - b - c;
  end generate;
end architecture rtl;
