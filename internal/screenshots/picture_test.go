// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// paint makes a picture of one colour with rectangles in it.
func paint(size image.Point, background color.Color, rectangles map[image.Rectangle]color.Color) *image.RGBA {
	picture := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(picture, picture.Bounds(), image.NewUniform(background), image.Point{}, draw.Src)
	for r, c := range rectangles {
		draw.Draw(picture, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	return picture
}

func TestAPictureEndsWhereTheLogsDo(t *testing.T) {
	grey, black := color.Gray{40}, color.Gray{10}
	const bottom = top*scale + 300
	logs := image.Rect(left*scale+20, top*scale+100, width*scale-20, bottom)
	pattern := image.Rect(0, 0, left*scale+60, height*scale)
	page := paint(image.Pt(width*scale, height*scale), grey, map[image.Rectangle]color.Color{logs: black})
	draw.Draw(page, image.Rect(left*scale+10, bottom+200, pattern.Max.X, bottom+220), image.NewUniform(black), image.Point{}, draw.Src)
	got := crop(page).Bounds()
	if want := image.Rect(0, 0, (width-left)*scale, 300-1+12*scale); got != want {
		t.Errorf("the picture is %v, want %v", got, want)
	}
}

func TestCompressionKeepsTheColoursThatAreUsedMost(t *testing.T) {
	// A thousand colours that can be told apart, and one of a large area.
	red := color.RGBA{217, 45, 32, 255}
	picture := paint(image.Pt(100, 100), red, nil)
	for i := range 1000 {
		picture.Set(i%100, i/100, color.RGBA{uint8(i % 10 * 25), uint8(i / 10 % 10 * 25), uint8(i / 100 * 25), 255})
	}
	compressed, err := compress(picture)
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	if paletted, ok := got.(*image.Paletted); !ok || len(paletted.Palette) != 256 {
		t.Errorf("the picture is a %T, want one of 256 colours", got)
	}
	if c := rgba(got.At(50, 50)); got.Bounds() != picture.Bounds() || c != red {
		t.Errorf("the picture is %v and %v in the middle, want %v and %v", got.Bounds(), c, picture.Bounds(), red)
	}
}

func TestAPictureThatLacksALevelIsNotWanted(t *testing.T) {
	all := map[image.Rectangle]color.Color{}
	for _, c := range painted {
		all[image.Rect(len(all), 0, len(all)+1, 1)] = c
	}
	if err := showsAll(paint(image.Pt(10, 1), color.Black, all)); err != nil {
		t.Error(err)
	}
	for r, c := range all {
		all[r] = color.White
		if err := showsAll(paint(image.Pt(10, 1), color.Black, all)); err == nil {
			t.Errorf("a picture without %v is wanted", c)
		}
		all[r] = c
	}
}

func TestAPageGetsMoreTimeUntilItIsWhatIsWanted(t *testing.T) {
	var given []time.Duration
	look := func(budget time.Duration) (time.Duration, error) {
		given = append(given, budget)
		return budget, nil
	}
	atLeast := func(most time.Duration) func(time.Duration) error {
		return func(seen time.Duration) error {
			if seen < most {
				return errors.New("too early")
			}
			return nil
		}
	}
	if _, err := settle(look, atLeast(30*time.Second)); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]time.Duration{8 * time.Second, 16 * time.Second, 32 * time.Second}, given); diff != "" {
		t.Errorf("looks (-want +got):\n%s", diff)
	}
	if _, err := settle(look, atLeast(time.Hour)); err == nil || !strings.Contains(err.Error(), "2m8s of its time: too early") {
		t.Errorf("got %v", err)
	}
	if _, err := settle(func(time.Duration) (int, error) { return 0, errNoChromium }, func(int) error { return nil }); !errors.Is(err, errNoChromium) {
		t.Errorf("got %v, want that there is no browser", err)
	}
}
