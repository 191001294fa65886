"""The colours of the report: the palette of Okabe and Ito, greys, and blues for amounts.

What a colour stands for does not belong here.
"""

from __future__ import annotations

#: Of Okabe and Ito, whom people with any colour vision tell apart.
BLUE, SKY, ORANGE, VERMILION = "#0072b2", "#56b4e9", "#e69f00", "#d55e00"
PALE_VERMILION = "#f6c3a0"
#: For what comes to nothing, is not known, or is not there.
GREY, DARK_GREY, PALE, TRACK = "#a6adb8", "#5c6470", "#dfe3e8", "#f1f3f5"
#: Of texts and lines.
INK, FAINT = "#1b2330", "#566070"
#: Amounts, from few to many: one hue, ever darker, so that it reads without colour, too; and land without any.
AMOUNTS = ("#d6e6f4", "#a6cde7", "#62a8d3", "#2677b4", "#083a6b")
LAND = "#e9ebee"
