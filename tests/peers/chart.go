package main

import (
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Bar is one line of a chart: the values of its rounds.
type Bar struct {
	Label  string
	Ours   bool // drawn in the colour of truc
	Values []float64
}

// Chart is a picture of horizontal bars: the median of each, a line from the lowest to the highest.
type Chart struct {
	Title string
	Unit  string
	// Better says which end is good: "more is better".
	Better string
	Bars   []Bar
	Format func(float64) string
}

const (
	chartWidth = 760
	labelWidth = 220
	valueWidth = 130
	rowHeight  = 30
	headHeight = 58
)

// SVG draws the chart. It has a title and a description for those who do not see it, and the colours of the reader's theme.
func (c *Chart) SVG() string {
	longest := 0.0
	for _, b := range c.Bars {
		longest = math.Max(longest, slices.Max(b.Values))
	}
	if longest == 0 {
		longest = 1
	}
	x := func(v float64) float64 { return labelWidth + v/longest*(chartWidth-labelWidth-valueWidth) }
	var said, drawn strings.Builder
	for i, b := range c.Bars {
		median, low, high := Median(b.Values), slices.Min(b.Values), slices.Max(b.Values)
		y := headHeight + i*rowHeight
		class := "peer"
		if b.Ours {
			class = "truc"
		}
		fmt.Fprintf(&drawn, "<text class=\"label\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", labelWidth-8, y+15, escape(b.Label))
		fmt.Fprintf(&drawn, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"18\"/>\n", class, labelWidth, y+1, math.Max(x(median)-labelWidth, 1))
		end := x(median)
		if high > low {
			fmt.Fprintf(&drawn, "<path class=\"spread\" d=\"M%.1f %dH%.1fM%.1f %dv8M%.1f %dv8\"/>\n", x(low), y+10, x(high), x(low), y+6, x(high), y+6)
			end = x(high)
		}
		fmt.Fprintf(&drawn, "<text class=\"value\" x=\"%.1f\" y=\"%d\">%s</text>\n", end+8, y+15, escape(c.Format(median)))
		fmt.Fprintf(&said, "%s: %s", b.Label, c.Format(median))
		if high > low {
			fmt.Fprintf(&said, " (%s to %s)", c.Format(low), c.Format(high))
		}
		said.WriteString("; ")
	}
	height := headHeight + len(c.Bars)*rowHeight + 8
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d">
<title id="t">%s</title>
<desc id="d">%s, %s. %s</desc>
<style>
text{font:14px system-ui,sans-serif;fill:#1f2328}.head{font-weight:600;font-size:16px}.unit{fill:#59636e;font-size:13px}
.ground{fill:#fff}.truc{fill:#0b6bcb}.peer{fill:#8c959f}.spread{stroke:#1f2328;stroke-width:1.5;fill:none}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.unit{fill:#9198a1}.ground{fill:#0d1117}.truc{fill:#4493f8}.peer{fill:#6e7681}.spread{stroke:#f0f6fc}}
</style>
<rect class="ground" width="%d" height="%d"/>
<text class="head" x="12" y="22">%s</text>
<text class="unit" x="12" y="42">%s; %s; line: lowest to highest round</text>
%s</svg>
`, chartWidth, height, chartWidth, height, escape(c.Title), escape(c.Unit), escape(c.Better), escape(strings.TrimSuffix(said.String(), "; ")),
		chartWidth, height, escape(c.Title), escape(c.Unit), escape(c.Better), drawn.String())
}

func escape(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return ""
	}
	return b.String()
}
