// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"os"
	"testing"
	"time"
)

func TestOnATerminalTheNameOfALevelIsPainted(t *testing.T) {
	for noColor, want := range map[string]bool{"": true, "1": false} {
		t.Setenv("NO_COLOR", noColor)
		device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as a terminal is
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = device.Close() }()
		e, err := New(WithWriter(device), WithColors(true))
		if err != nil {
			t.Fatal(err)
		}
		if got := e.layout.(*textLayout).colors; got != want {
			t.Errorf("NO_COLOR=%q: painted %v", noColor, got)
		}
	}
	l, err := newLayout(Format{Text: "%(levelname)-8s|%(message)s"})
	if err != nil {
		t.Fatal(err)
	}
	l.(*textLayout).colors = true
	for level, want := range map[int]string{
		10: "DEBUG   |x", 20: "\x1b[36mINFO    \x1b[0m|x", 30: "\x1b[33mWARNING \x1b[0m|x", 40: "\x1b[31mERROR   \x1b[0m|x", 50: "\x1b[91mCRITICAL\x1b[0m|x",
	} {
		if got := string(l.append(nil, &record{message: "x", level: level, time: time.Unix(0, 0)})); got != want {
			t.Errorf("level %d: %q, want %q", level, got, want)
		}
	}
}
