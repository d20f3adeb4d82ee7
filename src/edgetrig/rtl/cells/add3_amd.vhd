-- The sum of three vectors, of which the last `subtracted` are subtracted, modulo 2**width, in the
-- primitives of AMD devices: a LUT6_2 a bit reduces three bits to their parity, added on the carry
-- chain, and their majority, which enters the next bit. A slice brings out either that majority or
-- the sum of a bit, so that registers alone may read the sum.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
library unisim;
use unisim.vcomponents.all;

entity edgetrig_add3 is
  generic (
    width : positive := 8;
    subtracted : natural := 0;  -- 0: a + b + c, 1: a + b - c, 2: a - b - c
    chain : positive := 8  -- bits of a carry cell: 4 in 7 series, 8 in UltraScale and UltraScale+
  );
  port (
    a : in unsigned(width - 1 downto 0);
    b : in unsigned(width - 1 downto 0);
    c : in unsigned(width - 1 downto 0);
    sum : out unsigned(width - 1 downto 0)
  );
end entity edgetrig_add3;

architecture rtl of edgetrig_add3 is
  constant CELLS : positive := (width + chain - 1) / chain;
  constant BITS : positive := CELLS * chain;
  -- O6 is the parity of I0 .. I3, O5 the majority of I0 .. I2; subtracted operands are inverted.
  type tables is array (0 to 2) of bit_vector(63 downto 0);
  constant INIT : tables := (
    X"69966996e8e8e8e8", X"966996698e8e8e8e", X"699669962b2b2b2b"
  );

  -- An inverted operand lacks 1: one comes in by the chain, a second as a majority below bit 0.
  function one_if(condition : boolean) return std_logic is
  begin
    if condition then
      return '1';
    end if;
    return '0';
  end function;

  signal majority : std_logic_vector(width downto 0);
  signal propagate, generated, total : std_logic_vector(BITS - 1 downto 0);
  signal carry : std_logic_vector(BITS downto 0);
begin
  majority(0) <= one_if(subtracted > 1);
  carry(0) <= one_if(subtracted > 0);
  sum <= unsigned(total(width - 1 downto 0));

  each_bit : for k in 0 to BITS - 1 generate
    used : if k < width generate
      lut : LUT6_2
        generic map (INIT => INIT(subtracted))
        port map (
          I0 => a(k), I1 => b(k), I2 => c(k), I3 => majority(k), I4 => '0', I5 => '1',
          O6 => propagate(k), O5 => majority(k + 1)
        );
      generated(k) <= majority(k);
    else generate
      propagate(k) <= '0';
      generated(k) <= '0';
    end generate;
  end generate;

  each_cell : for k in 0 to CELLS - 1 generate
    eight : if chain = 8 generate
      chain_of_eight : CARRY8
        port map (
          CI => carry(8 * k), CI_TOP => '0',
          DI => generated(8 * k + 7 downto 8 * k), S => propagate(8 * k + 7 downto 8 * k),
          O => total(8 * k + 7 downto 8 * k), CO => carry(8 * k + 8 downto 8 * k + 1)
        );
    elsif k = 0 generate
      first : CARRY4
        port map (
          CI => '0', CYINIT => carry(0),
          DI => generated(3 downto 0), S => propagate(3 downto 0),
          O => total(3 downto 0), CO => carry(4 downto 1)
        );
    else generate
      further : CARRY4
        port map (
          CI => carry(4 * k), CYINIT => '0',
          DI => generated(4 * k + 3 downto 4 * k), S => propagate(4 * k + 3 downto 4 * k),
          O => total(4 * k + 3 downto 4 * k), CO => carry(4 * k + 4 downto 4 * k + 1)
        );
    end generate;
  end generate;
end architecture rtl;
