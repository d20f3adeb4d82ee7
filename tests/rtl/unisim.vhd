-- Models of the primitives that the cells are made of, for the tests.
library ieee;
use ieee.std_logic_1164.all;

package vcomponents is
  component LUT6 is
    generic (INIT : bit_vector(63 downto 0));
    port (O : out std_logic; I0, I1, I2, I3, I4, I5 : in std_logic);
  end component;
  component LUT6_2 is
    generic (INIT : bit_vector(63 downto 0));
    port (O6, O5 : out std_logic; I0, I1, I2, I3, I4, I5 : in std_logic);
  end component;
  component CARRY4 is
    port (
      CO, O : out std_logic_vector(3 downto 0);
      CI, CYINIT : in std_logic;
      DI, S : in std_logic_vector(3 downto 0)
    );
  end component;
  component CARRY8 is
    port (
      CO, O : out std_logic_vector(7 downto 0);
      CI, CI_TOP : in std_logic;
      DI, S : in std_logic_vector(7 downto 0)
    );
  end component;
end package vcomponents;

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity LUT6 is
  generic (INIT : bit_vector(63 downto 0));
  port (O : out std_logic; I0, I1, I2, I3, I4, I5 : in std_logic);
end entity LUT6;

architecture model of LUT6 is
begin
  process (all)
    variable place : unsigned(5 downto 0);
  begin
    place := to_01(I5 & I4 & I3 & I2 & I1 & I0);
    O <= to_stdulogic(INIT(to_integer(place)));
  end process;
end architecture model;

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity LUT6_2 is
  generic (INIT : bit_vector(63 downto 0));
  port (O6, O5 : out std_logic; I0, I1, I2, I3, I4, I5 : in std_logic);
end entity LUT6_2;

architecture model of LUT6_2 is
begin
  process (all)
    variable place : unsigned(5 downto 0);
  begin
    place := to_01(I5 & I4 & I3 & I2 & I1 & I0);
    O6 <= to_stdulogic(INIT(to_integer(place)));
    O5 <= to_stdulogic(INIT(to_integer(place(4 downto 0))));
  end process;
end architecture model;

library ieee;
use ieee.std_logic_1164.all;

entity chain is
  generic (bits : positive);
  port (
    CO, O : out std_logic_vector(bits - 1 downto 0);
    CI : in std_logic;
    DI, S : in std_logic_vector(bits - 1 downto 0)
  );
end entity chain;

architecture model of chain is
begin
  process (all)
    variable carry : std_logic;
  begin
    carry := CI;
    for k in 0 to bits - 1 loop
      O(k) <= S(k) xor carry;
      if S(k) = '0' then
        carry := DI(k);
      end if;
      CO(k) <= carry;
    end loop;
  end process;
end architecture model;

library ieee;
use ieee.std_logic_1164.all;

entity CARRY4 is
  port (
    CO, O : out std_logic_vector(3 downto 0);
    CI, CYINIT : in std_logic;
    DI, S : in std_logic_vector(3 downto 0)
  );
end entity CARRY4;

architecture model of CARRY4 is
  signal first : std_logic;
begin
  first <= CI or CYINIT;
  cell : entity work.chain generic map (4) port map (CO => CO, O => O, CI => first, DI => DI, S => S);
end architecture model;

library ieee;
use ieee.std_logic_1164.all;

entity CARRY8 is
  port (
    CO, O : out std_logic_vector(7 downto 0);
    CI, CI_TOP : in std_logic;
    DI, S : in std_logic_vector(7 downto 0)
  );
end entity CARRY8;

architecture model of CARRY8 is
begin
  cell : entity work.chain generic map (8) port map (CO => CO, O => O, CI => CI, DI => DI, S => S);
end architecture model;
