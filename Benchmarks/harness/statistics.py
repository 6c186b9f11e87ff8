"""Medians, spreads, and ratios made round by round: what slows a whole round down slows both sides of a ratio."""
import statistics


def summary(values):
    values = [value for value in values if value is not None]
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)}


def ratio(first, second):
    """The summary of first[i] / second[i]."""
    return summary([a / b for a, b in zip(first, second) if a is not None and b])


def percentile(values, fraction):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))]
