// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// browser is the path of a Chromium.
type browser string

// errNoChromium: there is none on this machine.
var errNoChromium = errors.New("no chromium on PATH: install it (Debian's package is chromium)")

func findChromium() (browser, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return browser(path), nil
		}
	}
	return "", errNoChromium
}

// The window, in the pixels of style sheets: so high that the page need not be scrolled. The picture has scale times as
// many, for screens that do.
const (
	width  = 1120
	height = 1600
	scale  = 2
)

// shoot gives a picture of a page, once it is what is wanted of it.
func (b browser) shoot(ctx context.Context, url string, wanted func(image.Image) error) (image.Image, error) {
	folder, err := os.MkdirTemp("", "prefectlogs-screenshots-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "page.png")
	return settle(func(time time.Duration) (image.Image, error) {
		if _, err := b.open(ctx, url, time, "--run-all-compositor-stages-before-draw", "--screenshot="+file); err != nil {
			return nil, err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return png.Decode(bytes.NewReader(text))
	}, wanted)
}

// document gives the elements of a page, as HTML, once they are what is wanted of them.
func (b browser) document(ctx context.Context, url string, wanted func(html string) error) (string, error) {
	return settle(func(time time.Duration) (string, error) {
		// Nobody sees the graph of the run, which takes the machine's time to draw.
		html, err := b.open(ctx, url, time, "--disable-3d-apis", "--dump-dom")
		return string(html), err
	}, wanted)
}

// settle looks at a page again, and gives it more time, until it is what is wanted. The time is what the page believes to
// have had: the browser's clock stands still while it knows of something that is being loaded, and runs fast else.
func settle[T any](look func(time.Duration) (T, error), wanted func(T) error) (T, error) {
	const most = 2 * time.Minute
	for budget := 8 * time.Second; ; budget *= 2 {
		seen, err := look(budget)
		if err != nil {
			return seen, err
		}
		if err = wanted(seen); err == nil {
			return seen, nil
		}
		if budget >= most {
			return seen, fmt.Errorf("the page is not as it should be after %v of its time: %w", budget, err)
		}
	}
}

// patience is how long a page may take by our clock.
const patience = 10 * time.Minute

// open opens a page in a browser that knows nothing and asks nobody else, and gives what it prints.
func (b browser) open(ctx context.Context, url string, budget time.Duration, what ...string) ([]byte, error) {
	profile, err := os.MkdirTemp("", "prefectlogs-chromium-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(profile)
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not ready after %v", patience))
	defer cancel()
	args := append([]string{
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-extensions", "--disable-default-apps", "--disable-quic", "--no-proxy-server",
		"--user-data-dir=" + profile, "--lang=en-GB",
		fmt.Sprintf("--window-size=%d,%d", width, height), fmt.Sprint("--force-device-scale-factor=", scale),
		fmt.Sprint("--virtual-time-budget=", budget.Milliseconds()),
	}, what...)
	cmd := exec.CommandContext(ctx, string(b), append(args, url)...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "HOME="+profile)
	cmd.WaitDelay = time.Minute // for its children, which hold its output
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) { // which says that all went well, but for a child that stays
		return nil, fmt.Errorf("%s: %w: %w\n%s", b, err, context.Cause(ctx), said.Bytes())
	}
	return out, nil
}
