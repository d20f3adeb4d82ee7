"""Sums written as bitwise rows are proved to be sums, and their intervals to hold."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetrig.circuit import Builder, Input, Op, Output
from edgetrig.errors import VerificationError
from edgetrig.optimize import delays_of, pipeline
from edgetrig.verify import evaluate
from edgetrig.verify.proof import prove
from edgetrig.verify.proof.memory import Memory
from edgetrig.verify.proof.ranges import prove_ranges
from edgetrig.verify.proof.rewrites import prove_rewrites
from edgetrig.verify.proof.words import Words

WORDS = 6
PORT = Input(
    "x",
    np.array([-128, 0, -31, -8, -5, 3]),
    np.array([127, 255, 31, 7, -1, 90]),
    np.zeros(WORDS, int),
)
CODES = np.random.default_rng(5).integers(PORT.lo, PORT.hi, (64, WORDS), endpoint=True).tolist()

OPERANDS = st.tuples(
    st.integers(0, WORDS - 1), st.sampled_from([-1, 1]), st.integers(0, 3), st.booleans()
)
"""A word: which input, its sign, its shift, and whether it is inverted."""
CONSTANTS = st.one_of(st.sampled_from([0, -1, 1]), st.integers(-300, 300))
FAST = settings(max_examples=40, deadline=None)


class Rows:
    """Appends rows; one bitwise row may be another, or one shift wrong."""

    def __init__(self, wrong=-1):
        self.builder = Builder()
        self.inputs = self.builder.input(0, PORT).tolist()
        self.wrong = wrong
        self.bitwise = 0

    def append(self, *row, **more):
        return int(self.builder.append(*row, **more))

    def constant(self, value):
        return int(self.builder.constant(value))

    def operand(self, index, sign, shift, inverted):
        row = self.inputs[index]
        row = self.append(Op.NEG, row) if sign < 0 else row
        row = self.append(Op.SHL, row, p=shift) if shift else row
        return self.append(Op.XOR, row, self.constant(-1)) if inverted else row

    def bits(self, op, a, b):
        if self.bitwise == self.wrong:
            op = {Op.AND: Op.OR, Op.OR: Op.AND, Op.XOR: Op.OR}[op]
        self.bitwise += 1
        return self.append(op, a, b)

    def full_adder(self, a, b, c):
        either = self.bits(Op.XOR, a, b)
        carry = self.bits(Op.OR, self.bits(Op.AND, a, b), self.bits(Op.AND, either, c))
        return self.bits(Op.XOR, either, c), carry

    def counter(self, words, constant, shifts=(1, 2)):
        s1, c1 = self.full_adder(*words[:3])
        s2, c2 = self.full_adder(*words[3:])
        s, h = self.full_adder(s1, s2, self.constant(constant))
        c, d = self.full_adder(c1, c2, h)
        high = [self.append(Op.SHL, row, p=p) for row, p in zip((c, d), shifts, strict=True)]
        return self.append(Op.ADD3, s, *high)

    def plain(self, words, constant):
        total = self.constant(constant)
        for word in words:
            total = self.append(Op.ADD, total, word)
        return total

    def finish(self, row):
        return self.builder.finish([PORT], [Output("y", np.array([row]), np.array([0]))])


def plain_circuit(operands, constant):
    rows = Rows()
    return rows.finish(rows.plain([rows.operand(*word) for word in operands], constant))


def counter_circuit(operands, constant, **wrong):
    """Return the counter; its sum claims the interval of the plain sum."""
    shifts = wrong.pop("shifts", (1, 2))
    rows = Rows(**wrong)
    circuit = rows.finish(
        rows.counter([rows.operand(*word) for word in operands], constant, shifts)
    )
    plain = plain_circuit(operands, constant)
    lo, hi = circuit.rows.lo.copy(), circuit.rows.hi.copy()
    row, other = int(circuit.output_rows[0]), int(plain.output_rows[0])
    lo[row], hi[row] = plain.rows.lo[other], plain.rows.hi[other]
    return circuit.replace(rows=replace(circuit.rows, lo=lo, hi=hi))


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    return Memory(tmp_path_factory.mktemp("answers"))


def rewritten(plain, counter, memory, seconds=5, codes=CODES):
    ranges = prove_ranges(plain, memory), prove_ranges(counter, memory)
    return ranges[1], prove_rewrites(plain, counter, ranges, codes, seconds).outputs


@FAST
@given(words=st.lists(OPERANDS, min_size=WORDS, max_size=WORDS), constant=CONSTANTS)
def test_a_counter_is_its_sum_by_forms_alone(memory, words, constant):
    counter = counter_circuit(words, constant)
    ranges, outputs = rewritten(plain_circuit(words, constant), counter, memory, seconds=0)
    assert outputs == ["form"]
    assert not ranges.open
    row = int(counter.output_rows[0])
    assert ranges.ends[row] == (counter.rows.lo[row], counter.rows.hi[row])


@FAST
@given(
    words=st.lists(OPERANDS, min_size=WORDS, max_size=WORDS),
    constant=CONSTANTS,
    wrong=st.one_of(
        st.integers(0, 19).map(lambda row: {"wrong": row}),
        st.sampled_from([{"shifts": (1, 1)}, {"shifts": (2, 2)}, {"shifts": (1, 3)}]),
        st.integers(0, WORDS - 1).map(lambda word: {"inverted": word}),
    ),
)
def test_a_wrong_counter_is_not_proved(memory, words, constant, wrong):
    plain = plain_circuit(words, constant)
    if "inverted" in wrong:
        k = wrong["inverted"]
        words = [*words[:k], (*words[k][:3], not words[k][3]), *words[k + 1 :]]
        counter = counter_circuit(words, constant)
    else:
        counter = counter_circuit(words, constant, **wrong)
    left, right = (evaluate(str(circuit), CODES) for circuit in (plain, counter))
    same = [code for code, x, y in zip(CODES, left, right, strict=True) if x == y]
    if len(same) == len(CODES):  # the change does not show on these words, or makes none
        return
    with pytest.raises(VerificationError, match=r"output y\[0\]: row \d+ of the compiled circuit"):
        rewritten(plain, counter, memory)
    if same:  # no vector shows it
        _, outputs = rewritten(plain, counter, memory, seconds=0.1, codes=same)
        assert outputs == ["tested"]


def test_a_wrong_interval_of_a_counter_is_open(memory):
    words = [(k, 1, 0, False) for k in range(WORDS)]
    counter = counter_circuit(words, 0)
    row = int(counter.output_rows[0])
    hi = counter.rows.hi.copy()
    hi[row] -= 1
    ranges = prove_ranges(counter.replace(rows=replace(counter.rows, hi=hi)), memory)
    assert ranges.open == [row]


@FAST
@given(data=st.data(), op=st.sampled_from([Op.AND, Op.OR, Op.XOR]))
def test_bitwise_rows_in_any_order_are_one_function(memory, data, op):
    def folded(order, turned):
        rows = Rows()
        ones = rows.constant(-1)
        words = [rows.inputs[k] for k in order]
        if turned:  # De Morgan; the XOR of six inverted words is that of the words
            words = [rows.append(Op.XOR, word, ones) for word in words]
        own = {Op.AND: Op.OR, Op.OR: Op.AND, Op.XOR: Op.XOR}[op] if turned else op
        total = words[0]
        for word in words[1:]:
            total = rows.append(own, total, word)
        return rows.finish(rows.append(Op.XOR, total, ones) if turned and op != Op.XOR else total)

    first, second = (data.draw(st.permutations(range(WORDS))) for _ in range(2))
    turned = data.draw(st.booleans())
    _, outputs = rewritten(folded(first, False), folded(second, turned), memory, seconds=0)
    assert outputs == ["form"]
    fewer = folded(second[:-1], False)
    left, right = (evaluate(str(circuit), CODES) for circuit in (folded(first, False), fewer))
    same = [code for code, x, y in zip(CODES, left, right, strict=True) if x == y]
    if 0 < len(same) < len(CODES):
        _, outputs = rewritten(folded(first, False), fewer, memory, seconds=0.1, codes=same)
        assert outputs == ["tested"]


@FAST
@given(table=st.integers(0, 255), values=st.tuples(*[st.integers(-40, 40)] * 3))
def test_the_solver_knows_a_truth_table(table, values):
    words = Words()
    got = words.bitwise(table, [words.constant(value) for value in values])
    places = (sum((v >> bit & 1) << k for k, v in enumerate(values)) for bit in range(8))
    bits = [table >> place & 1 for place in places]
    meant = sum(bit << k for k, bit in enumerate(bits)) - (bits[-1] << 8)
    assert words.holds(words.compare("EQUAL", got, words.constant(meant)), [], 1.0)


def test_counters_in_a_pipeline_are_proved_whole(tmp_path):
    words = [(0, 1, 1, True), (1, 1, 0, False), (2, -1, 0, False)] + [
        (k, 1, 0, k % 2 == 1) for k in range(3, WORDS)
    ]
    plain, counter = plain_circuit(words, 21), counter_circuit(words, 21)
    staged = pipeline(counter, delays_of("UltraScale+"), latency=2)
    assert staged.count(Op.REG)
    proof = prove(staged, plain, folder=tmp_path)
    assert proof.complete, str(proof)
    assert proof.outputs == ("form",)
