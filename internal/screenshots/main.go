// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Command screenshots answers how logs of a Go program look on the page of a run: it makes the picture of the README.
//
//	stage.go     a real flow runs a real Go program in its tasks
//	flow.py      the flow
//	shop         the program
//	browser.go   a headless Chromium opens the page of the run
//	picture.go   what it shows is cropped and compressed
//
// It starts a Prefect server of its own ([servers.Prefect38UI]) and needs a Chromium on PATH. Run it from the root of the
// repository, as make screenshots does, and look at what it made: a picture is judged by people.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/servers"
)

func main() {
	output := flag.String("o", "docs/images/run-page.png", "the file to write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := makePicture(ctx, *output); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
	fmt.Println("look at", *output)
}

func makePicture(ctx context.Context, output string) (err error) {
	chromium, err := findChromium()
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, servers.Close(ctx))
	}()
	s, err := servers.Start(ctx, servers.Prefect38UI)
	if err != nil {
		return err
	}
	flowRun, err := stage(ctx, s)
	if err != nil {
		return err
	}
	page, err := chromium.shoot(ctx, pageOf(s, flowRun), showsAll)
	if err != nil {
		return err
	}
	compressed, err := compress(crop(page))
	if err != nil {
		return err
	}
	return os.WriteFile(output, compressed, 0o644)
}

// pageOf is the page that Prefect prints the address of when a run begins.
func pageOf(s *servers.Server, flowRun string) string { return s.UIURL() + "/runs/flow-run/" + flowRun }
