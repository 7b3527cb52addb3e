# SPDX-License-Identifier: Apache-2.0
"""Ratios of measured times: as a table, as JSON, as a plot."""

import json
import math
import pathlib
import platform
import shlex
import statistics

from engines import Failure

COLOURS = ["#d62728", "#ff9896", "#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17becf"]


def figure(entry, options):
    samples = entry.get("cpu_seconds")
    if not samples or "error" in entry:
        return None
    value = statistics.median(samples) if options.median else min(samples)
    return max(value, 1e-6)


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values)) if values else None


def ratios_of(results, engines, reference, options):
    """{engine: {program: time / reference's time}} for what both ran rightly."""
    ratios = {}
    for engine in engines:
        ratios[engine.name] = {}
        for program, entries in results.items():
            base = figure(entries.get(reference, {}), options)
            value = figure(entries.get(engine.name, {}), options)
            if base is not None and value is not None:
                ratios[engine.name][program] = value / base
    return ratios


def print_table(results, engines, ratios, reference, options):
    names = [engine.name for engine in engines]
    width = max([len(program) for program in results] + [14])
    kind = "median" if options.median else "minimum"
    print(f"CPU time, {kind} of {options.rounds} rounds; ratios to {reference}\n")
    print(" " * width + f"{reference + ' ms':>14}" + "".join(f"{name:>13}" for name in names))
    for program, entries in results.items():
        base = figure(entries.get(reference, {}), options)
        row = f"{program:<{width}}" + (f"{base * 1000:>14.1f}" if base else f"{'-':>14}")
        for name in names:
            ratio = ratios[name].get(program)
            problem = entries.get(name, {}).get("error", "-")
            row += f"{ratio:>13.2f}" if ratio is not None else f"{problem:>13}"
        print(row)
    shared = shared_programs(results, ratios)
    row = f"{'geometric mean':<{width}}{'':>14}"
    for name in names:
        mean = mean_over(ratios[name], shared)
        row += f"{mean:>13.2f}" if mean else f"{'-':>13}"
    print(row)
    if len(shared) < len(results):
        without = ", ".join(program for program in results if program not in shared)
        print(f"\nNot run by all engines, and so not in the means: {without}")
    print_pairs(ratios)
    print_metering(results, options)


def shared_programs(results, ratios):
    """Programs that every engine ran which ran any: means over other sets could not be compared."""
    ran = [by_program for by_program in ratios.values() if by_program]
    return [program for program in results if all(program in by_program for by_program in ran)]


def mean_over(by_program, programs):
    return geometric_mean([by_program[program] for program in programs if program in by_program])


def print_pairs(ratios):
    """Ours against each other engine, over what these two ran."""
    ours = ratios.get("ours", {})
    for name, theirs in ratios.items():
        both = [ours[program] / theirs[program] for program in ours if program in theirs]
        if both and not name.startswith("ours"):
            print(
                f"ours takes {geometric_mean(both):.2f} of the time of {name}"
                f" ({min(both):.2f} to {max(both):.2f}; programs that both ran: {len(both)})"
            )


def print_metering(results, options):
    """What --fuel changes: ours+fuel against ours. Not the cost of counting if both count."""
    costs = []
    for entries in results.values():
        without, with_fuel = (figure(entries.get(n, {}), options) for n in ("ours", "ours+fuel"))
        if without and with_fuel:
            costs.append(with_fuel / without)
    if costs:
        change = 100 * (geometric_mean(costs) - 1)
        print(f"\n--fuel changes the time by {change:+.1f} % (geometric mean; noise included)")


def write_json(path, results, engines, ratios, reference, options):
    shared = shared_programs(results, ratios)
    document = {
        "machine": platform.processor() or platform.machine(),
        "system": platform.platform(),
        "rounds": options.rounds,
        "figure": "median" if options.median else "minimum",
        "reference": reference,
        "engines": {e.name: shlex.join(e.command)[:200] for e in engines},
        "programs": {
            program: {
                name: {
                    "cpu_seconds": entry["cpu_seconds"],
                    "ratio": ratios.get(name, {}).get(program),
                    **({"error": entry["error"]} if "error" in entry else {}),
                }
                for name, entry in entries.items()
            }
            for program, entries in results.items()
        },
        "mean_over": shared,
        "geometric_mean": {name: mean_over(row, shared) for name, row in ratios.items()},
    }
    pathlib.Path(path).write_text(json.dumps(document, indent=1) + "\n")


def write_plot(path, programs, names, ratios, reference):
    """A dot for each program and engine on a logarithmic axis; the last row is the mean."""
    rows = list(programs) + ["geometric mean"]
    points = {}
    shared = shared_programs(programs, ratios)
    for name in names:
        mean = mean_over(ratios[name], shared)
        if mean is not None:
            points[name] = {**ratios[name], "geometric mean": mean}
    values = [value for row in points.values() for value in row.values()]
    if not values:
        raise Failure("nothing to plot")
    low = math.floor(math.log2(min(values + [1])))
    high = max(math.ceil(math.log2(max(values))), low + 1)
    left, width, row_height, top = 130, 640, 26, 70
    bottom = top + row_height * len(rows)

    def x_of(value):
        return left + width * (math.log2(value) - low) / (high - low)

    def text(x, y, content, anchor="start", weight="normal"):
        content = content.replace("&", "&amp;").replace("<", "&lt;")
        return (
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">'
            f"{content}</text>"
        )

    size = f'width="{left + width + 40}" height="{bottom + 50}"'
    title = f"CPU time relative to {reference} (logarithmic; left is faster)"
    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}'
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        text(left, 20, title, weight="bold"),
    ]
    for power in range(low, high + 1):
        x = x_of(2.0**power)
        svg.append(f'<path d="M{x:.1f} {top - 8}V{bottom}" stroke="#dddddd"/>')
        svg.append(text(x, bottom + 18, f"{2.0**power:g}×", "middle"))
    for index, row in enumerate(rows):
        y = top + row_height * (index + 0.5)
        bold = "bold" if index == len(rows) - 1 else "normal"
        svg.append(text(left - 10, y + 4, row, "end", bold))
        svg.append(f'<path d="M{left} {y:.1f}H{left + width}" stroke="#eeeeee"/>')
    x = left
    for index, (name, by_row) in enumerate(points.items()):
        colour = COLOURS[index % len(COLOURS)]
        svg.append(f'<circle cx="{x + 6}" cy="41" r="5" fill="{colour}"/>')
        svg.append(text(x + 15, 45, name))
        x += 30 + 7 * len(name)
        for row, value in by_row.items():
            y = top + row_height * (rows.index(row) + 0.5)
            svg.append(
                f'<circle cx="{x_of(value):.1f}" cy="{y:.1f}" r="5" fill="{colour}"'
                f' fill-opacity="0.85"><title>{name}, {row}: {value:.2f}</title></circle>'
            )
    svg.append("</svg>")
    pathlib.Path(path).write_text("\n".join(svg) + "\n")
