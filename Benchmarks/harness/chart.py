"""A bar chart as SVG, written by hand: no library, readable in light and dark."""
import html
import math

BAR, GAP, LETTER, WIDTH, RIGHT = 20, 8, 7, 420, 90


def bars(path, title, rows, text_of):
    """rows: (label, value, colour). The length of a bar is the logarithm of its value: a grid line is ten times the one before."""
    low = math.floor(math.log10(min(value for _, value, _ in rows)))
    high = math.ceil(math.log10(max(value for _, value, _ in rows)))
    left = max(len(label) for label, _, _ in rows) * LETTER + 20
    at = lambda value: left + WIDTH * (math.log10(value) - low) / max(1, high - low)  # noqa: E731
    bottom = 40 + len(rows) * (BAR + GAP)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + WIDTH + RIGHT} {bottom + 28}" font-family="sans-serif" font-size="13">',
             f'<rect width="100%" height="100%" fill="#ffffff"/><text x="10" y="22" font-size="15" font-weight="bold">{html.escape(title)}</text>']
    for power in range(low, high + 1):
        x = at(10 ** power)
        lines.append(f'<line x1="{x:.0f}" y1="34" x2="{x:.0f}" y2="{bottom}" stroke="#dddddd"/>'
                     f'<text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle" fill="#666666">{10 ** power:,}</text>')
    for i, (label, value, colour) in enumerate(rows):
        y = 40 + i * (BAR + GAP)
        lines.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{html.escape(label)}</text>'
                     f'<rect x="{left}" y="{y}" width="{max(1, at(value) - left):.0f}" height="{BAR}" fill="{colour}"/>'
                     f'<text x="{at(value) + 6:.0f}" y="{y + 15}">{text_of(value)}</text>')
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n</svg>\n")
