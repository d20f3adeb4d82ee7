"""The plain-Python reference: the printed circuit means what the operations' page says."""

import pytest

from edgetrig.errors import CircuitError
from edgetrig.verify import evaluate

HEAD = "input x[2]\n%0 = input 0   [-100, 100]\n%1 = input 1   [-100, 100]\n"


def value(operation, *inputs, head=HEAD):
    [[result]] = evaluate(f"{head}%2 = {operation}   [0, 1]\noutput y[] = %2\n", [inputs])
    return result


@pytest.mark.parametrize(
    ("operation", "inputs", "expected"),
    [
        ("const -7", (0, 0), -7),
        ("add %0, %1", (3, -5), -2),
        ("add %0, %1 << 3", (3, -5), -37),
        ("add %0, %1 << -3", (3, -5), 19),
        ("sub %0, %1", (3, -5), 8),
        ("sub %0, %1 << 2", (3, -5), 23),
        ("sub %0, %1 << -2", (3, -5), 17),
        ("sub %0, %0", (3, -5), 0),
        ("neg %1", (3, -5), 5),
        ("mul %0, %1", (3, -5), -15),
        ("shl %1, 4", (3, -5), -80),
        ("shr %1, 1", (3, -5), -3),
        ("low %1, 3", (3, -5), 3),
        ("lows %1, 3", (3, -5), 3),
        ("lows %0, 2", (3, -5), -1),
        ("lt %1, %0", (3, -5), 1),
        ("lt %0, %0", (3, -5), 0),
        ("eq %0, %0", (3, -5), 1),
        ("eq %0, %1", (3, -5), 0),
        ("select %0, %1, %0", (1, -5), -5),
        ("select %0, %1, %0", (0, -5), 0),
        ("and %0, %1", (6, -4), 4),
        ("or %0, %1", (1, -4), -3),
        ("xor %0, %1", (6, -1), -7),
        ("reg %1", (3, -5), -5),
    ],
)
def test_each_operation_has_its_stated_meaning(operation, inputs, expected):
    assert value(operation, *inputs) == expected


def test_values_are_unbounded():
    assert value("shl %0, 200", 3, 0) == 3 * 2**200


def test_a_table_starts_where_it_says():
    head = "table 0 from -2: 30 10 40 -10\n" + HEAD
    assert [value("table %0, 0", x, 0, head=head) for x in (-2, 1)] == [30, -10]


def test_a_table_has_no_entry_outside():
    with pytest.raises(CircuitError, match=r"row %2 reads table 0 at 2: no entry"):
        value("table %0, 0", 2, 0, head="table 0 from -2: 30 10 40 -10\n" + HEAD)


def test_several_ports_and_scales_are_read():
    text = HEAD + "output a = b[1][2] = %1 /8, %0 *4\noutput c[] = %0\n"
    assert evaluate(text, [(5, 6), (7, 8)]) == [[6, 5, 5], [8, 7, 7]]


def test_many_events_go_block_by_block(monkeypatch):
    monkeypatch.setattr("edgetrig.verify.reference._BLOCK", 7)
    text = HEAD + "%2 = sub %0, %1  [0, 1]\noutput y[] = %2\n"
    assert evaluate(text, [(k, 1) for k in range(50)]) == [[k - 1] for k in range(50)]


@pytest.mark.parametrize(
    "line", ["%2 = add %0, %7  [0, 1]", "%5 = add %0, %1  [0, 1]", "%2 = add", "nonsense"]
)
def test_a_line_that_makes_no_sense_is_refused(line):
    with pytest.raises(CircuitError, match="cannot read the line"):
        evaluate(HEAD + line + "\n", [(0, 0)])


def test_an_unknown_operation_is_refused():
    with pytest.raises(CircuitError, match="row %2 has the unknown operation 'pow'"):
        value("pow %0, %1", 1, 1)


def test_an_event_that_is_too_short_is_refused():
    with pytest.raises(CircuitError, match="an event has 1 values, input 1 is read"):
        evaluate(HEAD, [(1,)])


def test_a_printed_interval_can_be_checked():
    text = HEAD + "%2 = add %0, %1  [0, 9] /4  dense\noutput y[] = %2\n"
    assert evaluate(text, [(10, 1)]) == [[11]]
    with pytest.raises(
        CircuitError, match=r"row %2 \(add\) takes the value 11, outside .*\[0, 9\]"
    ):
        evaluate(text, [(4, 1), (10, 1)], check_intervals=True)
