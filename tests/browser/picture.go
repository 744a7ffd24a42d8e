package browser

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
)

// maxPicture keeps the repository small.
const maxPicture = 150 << 10

func quote(s string) string { return strconv.Quote(s) }

// Picture writes what the page shows, or with whole all of it, as name.png into $TRUC_PAGES.
func (p *Page) Picture(tb testing.TB, name string, whole bool) {
	tb.Helper()
	dir := os.Getenv("TRUC_PAGES")
	if dir == "" {
		return
	}
	action := chromedp.CaptureScreenshot()
	if whole {
		action = chromedp.FullScreenshot(100)
	}
	shot, err := png.Decode(bytes.NewReader(evaluate[[]byte](p, tb, action, "picture")))
	if err != nil {
		tb.Fatal(err)
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, fewColours(shot)); err != nil {
		tb.Fatal(err)
	}
	if b.Len() > maxPicture {
		tb.Errorf("%s.png has %d KiB, at most %d are kept in the repository", name, b.Len()>>10, maxPicture>>10)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), b.Bytes(), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// fewColours draws a picture with the 256 colours it uses most, which is all that a page of plain surfaces and text needs.
func fewColours(in image.Image) image.Image {
	counts := map[color.RGBA]int{}
	bounds := in.Bounds()
	at := image.NewRGBA(bounds)
	draw.Draw(at, bounds, in, bounds.Min, draw.Src)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[at.RGBAAt(x, y)]++
		}
	}
	used := make([]color.RGBA, 0, len(counts))
	for c := range counts {
		used = append(used, c)
	}
	slices.SortFunc(used, func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	// What is nearly there already is left out, so that a rare colour that is like no other finds room.
	var palette color.Palette
	for _, near := range []int{600, 0} {
		for _, c := range used[:min(len(used), 3000)] {
			if len(palette) < 256 && (len(palette) == 0 || apart(palette[palette.Index(c)], c) > near) {
				palette = append(palette, c)
			}
		}
	}
	index := make(map[color.RGBA]uint8, len(used))
	for _, c := range used {
		index[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			out.SetColorIndex(x, y, index[at.RGBAAt(x, y)])
		}
	}
	return out
}

// apart is the square of the distance of two colours.
func apart(a, b color.Color) int {
	p, q := color.RGBAModel.Convert(a).(color.RGBA), color.RGBAModel.Convert(b).(color.RGBA)
	r, g, blue := int(p.R)-int(q.R), int(p.G)-int(q.G), int(p.B)-int(q.B)
	return r*r + g*g + blue*blue
}
