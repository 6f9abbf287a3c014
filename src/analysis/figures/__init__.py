"""The figures: matplotlib drawings with one message each, as inline SVG.

What only needs the colours, as pages do, imports no matplotlib.
"""

#: Colour by role: on a light page, on a dark page. Blue and orange stay apart for every kind of
#: colour blindness, and each passes 4.5:1 as text on its page.
PALETTE = {
    "paper": ("#ffffff", "#14171b"),
    "tint": ("#f3f5f8", "#1e2329"),
    "ink": ("#1a1c1f", "#e9ebee"),
    "muted": ("#555b63", "#aab1ba"),
    "line": ("#c8cdd5", "#464d57"),
    "band": ("#d5dbe3", "#3a434f"),
    "link": ("#004f9e", "#8cc4ff"),
    "met": ("#00589c", "#79bcf5"),
    "not_met": ("#a83f00", "#ffa267"),
    "undetermined": ("#5d5868", "#c3bccf"),
    "no_target": ("#3f464e", "#bcc3cb"),
    "notice": ("#fff4d6", "#3a3110"),
}
