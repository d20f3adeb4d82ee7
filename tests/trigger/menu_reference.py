"""What seeds mean, event by event in plain Python: nothing of the menu's own decisions is used."""

from fractions import Fraction
from itertools import permutations
from math import cos, cosh

from edgetrig.trigger.menu.tree import (
    All,
    Combination,
    Count,
    Cut,
    Flag,
    Not,
    Reference,
    ScoreCut,
    Selection,
    Some,
    SumCut,
)

RELATIONS = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
}


def passes(condition, event, seeds=None):
    """Return whether an event, ``{type: [{field: code}]}``, passes a seed."""
    match condition:
        case All(terms):
            return all(passes(term, event, seeds) for term in terms)
        case Some(terms):
            return any(passes(term, event, seeds) for term in terms)
        case Not(term):
            return not passes(term, event, seeds)
        case Reference(name):
            return passes(seeds[name], event, seeds)
        case Selection():
            return bool(selected(condition, event))
        case Count(selection, cut):
            return RELATIONS[cut.relation](len(selected(selection, event)), cut.value)
        case SumCut(kind, cut):
            return field_cut(cut, kind, event[kind.name][0])
        case ScoreCut(cut):
            return RELATIONS[cut.relation](event["scores"][cut.subject], cut.value)
        case Combination(selections, conditions):
            return combined(selections, conditions, event)
    raise AssertionError(condition)


def selected(selection, event):
    """Return the numbers of the objects that pass a selection."""
    kind = selection.type

    def inner(condition, thing):
        match condition:
            case None:
                return True
            case All(terms):
                return all(inner(term, thing) for term in terms)
            case Some(terms):
                return any(inner(term, thing) for term in terms)
            case Not(term):
                return not inner(term, thing)
        return field_cut(condition, kind, thing)

    return [
        number
        for number, thing in enumerate(event[kind.name])
        if thing[kind.energy.name] > 0 and inner(selection.condition, thing)
    ]


def field_cut(cut, kind, thing):
    value = kind.fields[cut.subject].value(thing[cut.subject])
    return RELATIONS[cut.relation](abs(value) if cut.absolute else value, cut.value)


def combined(selections, conditions, event):
    """Try every choice of objects, the same object never twice."""
    pools = [[(s.type, n) for n in selected(s, event)] for s in selections]
    every = {thing for pool in pools for thing in pool}
    for choice in permutations(sorted(every, key=lambda t: (t[0].name, t[1])), len(pools)):
        if all(thing in pool for thing, pool in zip(choice, pools, strict=True)):
            things = [(kind, event[kind.name][number]) for kind, number in choice]
            if all(shared(condition, things) for condition in conditions):
                return True
    return False


def shared(condition, things):
    match condition:
        case All(terms):
            return all(shared(term, things) for term in terms)
        case Some(terms):
            return any(shared(term, things) for term in terms)
        case Not(term):
            return not shared(term, things)
        case Flag(name):
            differ = things[0][1]["charge"] != things[1][1]["charge"]
            return differ == (name == "opposite_charge")
        case Cut(subject, relation, value):
            if subject in ("delta_eta", "delta_phi"):
                return RELATIONS[relation](angle(subject.removeprefix("delta_"), *things), value)
            return RELATIONS[relation](squared(subject, things), value**2)
    raise AssertionError(condition)


def angle(field, first, second):
    """Return the difference of two azimuths or pseudorapidities, exactly."""
    (one, a), (two, b) = first, second
    distance = abs(one.fields[field].value(a[field]) - two.fields[field].value(b[field]))
    if field == "phi":
        q = one.fields[field]
        distance = min(distance, q.circle * q.lsb - distance)
    return distance


def thousandths(x):
    return Fraction(round(x * 1000), 1000)


def squared(subject, things):
    if subject == "delta_r":
        return sum(thousandths(float(angle(field, *things))) ** 2 for field in ("eta", "phi"))
    pairs = [(a, b) for n, a in enumerate(things) for b in things[n + 1 :]]
    if subject == "mass":
        return sum(2 * energies(a, b) * (hyperbolic(a, b) - cosine(a, b)) for a, b in pairs)
    return 2 * energies(*things) * (1 - cosine(*things))


def energies(first, second):
    product = Fraction(1)
    for kind, thing in (first, second):
        product *= kind.energy.value(thing[kind.energy.name])
    return product


def hyperbolic(first, second):
    return thousandths(cosh(float(angle("eta", first, second))))


def cosine(first, second):
    return thousandths(cos(float(angle("phi", first, second))))
