// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"slices"
)

// Where the tabs and the logs are on the page of a window of this width, in the pixels of style sheets: right of the
// menu, below the graph of the run.
const (
	left = 260
	top  = 504
)

// crop leaves the tabs and the logs. The page ends where there is nothing but its background, which has a pattern on its
// left half.
func crop(page image.Image) image.Image {
	r := page.Bounds()
	r.Min = r.Min.Add(image.Pt(left*scale, top*scale))
	if r.Empty() {
		return page
	}
	background := page.At(r.Min.X, r.Min.Y)
	const margin = 12 * scale
	for y := r.Max.Y - 1; y > r.Min.Y; y-- {
		for x := r.Min.X + r.Dx()*3/4; x < r.Max.X; x++ {
			if page.At(x, y) != background {
				r.Max.Y = min(y+margin, r.Max.Y)
				return part(page, r)
			}
		}
	}
	return part(page, r)
}

// painted are the colours in which the page paints levels and the text that the program has coloured.
var painted = map[string]color.RGBA{
	"INFO":              {48, 74, 118, 255},
	"WARNING":           {247, 144, 8, 255},
	"ERROR or CRITICAL": {217, 45, 32, 255},
	"green text":        {34, 197, 94, 255},
	"yellow text":       {234, 179, 8, 255},
	"red text":          {239, 68, 68, 255},
}

// showsAll finds what a picture of the page lacks: where logs are not there yet, or only fade in.
func showsAll(page image.Image) error {
	missing := maps.Clone(painted)
	r := page.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c := rgba(page.At(x, y))
			maps.DeleteFunc(missing, func(_ string, wanted color.RGBA) bool { return c == wanted })
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("nothing has the colour of %q", slices.Sorted(maps.Keys(missing)))
	}
	return nil
}

func part(page image.Image, r image.Rectangle) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(out, out.Bounds(), page, r.Min, draw.Src)
	return out
}

// compress makes a PNG of at most 256 colours.
func compress(picture image.Image) ([]byte, error) {
	used := map[color.RGBA]int{}
	r := picture.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			used[rgba(picture.At(x, y))]++
		}
	}
	palette := choose(used)
	nearest := make(map[color.RGBA]uint8, len(used))
	for c := range used {
		nearest[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(r, palette)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			out.SetColorIndex(x, y, nearest[rgba(picture.At(x, y))])
		}
	}
	var buffer bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&buffer, out)
	return buffer.Bytes(), err
}

// choose gives the colours used most that can be told apart: of those that cannot, the one used most.
func choose(used map[color.RGBA]int) color.Palette {
	byUse := slices.SortedFunc(maps.Keys(used), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(used[b], used[a]), cmp.Compare(number(a), number(b)))
	})
	const alike = 7 * 7 // squared distance
	var palette color.Palette
	for _, c := range byUse {
		if len(palette) == 256 {
			break
		}
		if !slices.ContainsFunc(palette, func(taken color.Color) bool { return distance(c, rgba(taken)) < alike }) {
			palette = append(palette, c)
		}
	}
	return palette
}

func rgba(c color.Color) color.RGBA { return color.RGBAModel.Convert(c).(color.RGBA) }

func number(c color.RGBA) int { return int(c.R)<<16 | int(c.G)<<8 | int(c.B) }

func distance(a, b color.RGBA) int {
	r, g, bl := int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B)
	return r*r + g*g + bl*bl
}
