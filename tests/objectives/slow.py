"""An independent slow implementation: Python loops over float64 numbers, nothing shared with the package."""

import math


def softmax(logits):
    top = max(logits)
    powers = [math.exp(x - top) for x in logits]
    return [x / sum(powers) for x in powers]


def masked_kl(student, reference, banned, renormalise=False):
    p, q = softmax(reference), softmax(student)
    allowed = [v for v in range(len(p)) if v not in banned]
    if renormalise:
        total_p, total_q = sum(p[v] for v in allowed), sum(q[v] for v in allowed)
        p, q = [x / total_p for x in p], [x / total_q for x in q]
    return sum(p[v] * math.log(p[v] / q[v]) for v in allowed)


def released_kl(student, reference, banned):
    p, q = softmax(reference), softmax(student)
    total = 0.0
    for v in range(len(p)):
        k = 0.0 if v in banned else 1.0
        total -= p[v] * k * math.log(q[v] * k + 1e-12)
    return total


def nll(logits, label):
    return -math.log(softmax(logits)[label])
