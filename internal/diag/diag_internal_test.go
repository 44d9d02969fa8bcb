// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// collected returns a reporter and what it has said.
func collected() (*Reporter, *[]string) {
	said := new([]string)
	return New(func(err error) { *said = append(*said, err.Error()) }), said
}

func TestAReporterSaysThingsOnce(t *testing.T) {
	r, said := collected()
	for range 3 {
		r.Once("a", errors.New("first"))
		r.Once("b", errors.New("second"))
		r.Tell(errors.New("always"))
	}
	if want := []string{"first", "second", "always", "always", "always"}; !slices.Equal(*said, want) {
		t.Errorf("said %q, want %q", *said, want)
	}
}

func TestAFailureIsSaidUntilItChangesAndItsEndOnce(t *testing.T) {
	r, said := collected()
	again := errors.New("logs are delivered again")
	r.Working(again, "sending", "exporting")
	r.Failing("sending", errors.New("503"))
	r.Failing("sending", errors.New("503"))
	r.Failing("exporting", errors.New("3 lost"))
	r.Failing("sending", errors.New("503"))
	r.Failing("sending", errors.New("401"))
	r.Failing("dead letter", errors.New("no disk"))
	r.Working(again, "sending", "exporting")
	r.Working(again, "sending", "exporting")
	r.Failing("sending", errors.New("503"))
	r.Failing("dead letter", errors.New("no disk"))
	if want := []string{"503", "3 lost", "401", "no disk", "logs are delivered again", "503"}; !slices.Equal(*said, want) {
		t.Errorf("said %q, want %q", *said, want)
	}
}

func TestRecordsWithoutARunAreSaidOnceForEachLoggerAndCounted(t *testing.T) {
	r, said := collected()
	nowhere := func() string { return "" }
	for range 3 {
		r.MissingRun("a", func() string { return "main.work (main.go:12)" })
	}
	r.MissingRun("b", nowhere)
	if len(*said) != 2 || !strings.Contains((*said)[0], `logger "a"`) || !strings.Contains((*said)[0], "main.go:12") || !strings.Contains((*said)[1], `logger "b"`) {
		t.Errorf("said %q", *said)
	}
	r.Close()
	r.Close()
	if len(*said) != 3 || !strings.Contains((*said)[2], `3 records of logger "a"`) {
		t.Errorf("said at the end %q", *said)
	}
}

func TestAReporterRemembersABoundedNumberOfThings(t *testing.T) {
	r, said := collected()
	for i := range 3 * maxKeys {
		r.Once(strings.Repeat("k", i%2000), errors.New("once"))
		r.MissingRun(strings.Repeat("l", i%2000), func() string { return "" })
	}
	if len(*said) != 2*maxKeys {
		t.Errorf("said %d things, want %d", len(*said), 2*maxKeys)
	}
}

func TestStandardErrorIsWrittenAtABoundedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		w := &limitedWriter{out: &out, tokens: burst, since: time.Now()}
		lines := func() int { return strings.Count(out.String(), "\n") }
		for range 100 {
			w.write(errors.New("x"))
		}
		if got := lines(); got != burst {
			t.Errorf("%d lines of a hundred at once", got)
		}
		time.Sleep(interval)
		w.write(errors.New("y"))
		if got := out.String(); lines() != burst+2 || !strings.HasSuffix(got, "prefectlogs: y\nprefectlogs: 90 messages before this one were left out\n") {
			t.Errorf("%d lines, the end is %q", lines(), got[len(got)-80:])
		}
		time.Sleep(time.Hour)
		for range 100 {
			w.write(errors.New("z"))
		}
		if got := lines(); got != 2*burst+2 {
			t.Errorf("%d lines after an hour", got)
		}
	})
}
