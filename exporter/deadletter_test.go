// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/exporter/deadletter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

func TestRefusedRecordsAreKeptAndReplayedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		path := filepath.Join(t.TempDir(), "dead")
		withSecrets, err := url.Parse(server.URL())
		if err != nil {
			t.Fatal(err)
		}
		withSecrets.User = url.UserPassword("user", "hunter2")
		exp, told := newExporter(t, server, exporter.WithDeadLetter(path), exporter.WithEndpoint(withSecrets.String()), exporter.WithAPIKey("pnu_secret"))
		server.Fault(prefecttest.Refuse(1, 3))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := exp.Export(ctx, records(5)); err == nil {
			t.Error("that records are refused is no error")
		}
		if all := strings.Join(told.all(), "\n"); !strings.Contains(all, "2 log records were refused by "+server.URL()+" (invalid) and are kept in "+path) {
			t.Errorf("said %q", all)
		}
		text, err := os.ReadFile(path)
		if err != nil || strings.Count(string(text), "\n") != 2 || !strings.Contains(string(text), `"reason":"invalid","target":"`+server.URL()) {
			t.Errorf("%v: %s", err, text)
		}
		if strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "pnu_secret") {
			t.Errorf("it tells a secret: %s", text)
		}
		for i, want := range []deadletter.Result{{Stored: 2}, {}, {Stored: 2}} {
			if i == 2 { // as after a replay that was killed before it noted what it had done
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := exp.Replay(ctx, path)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("replay %d: %v %s", i, err, diff)
			}
		}
		if n := len(server.Logs()); n != 5 {
			t.Errorf("%d records are stored, want 5", n)
		}
	})
}

func TestARecordThatTwoProcessesWereRefusedIsReplayedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		path := filepath.Join(t.TempDir(), "dead")
		exp, _ := newExporter(t, server, exporter.WithDeadLetter(path))
		server.Fault(prefecttest.Refuse(1))
		if err := exp.Export(context.Background(), records(2)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// The other one took it over from the spool of the first, whose page was not settled as a whole.
		if err := os.WriteFile(path, append(text, text...), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := exp.Replay(t.Context(), path)
		if diff := cmp.Diff(deadletter.Result{Stored: 1}, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
		if n := len(server.Logs()); n != 2 {
			t.Errorf("%d records are stored, want 2", n)
		}
	})
}

func TestADeadLetterThatCannotBeWrittenIsNoFailureOfDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		path := filepath.Join(t.TempDir(), "dead")
		exp, told := newExporter(t, server, exporter.WithDeadLetter(path))
		if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil { // where a file is to be
			t.Fatal(err)
		}
		for i := range 4 {
			if i == 3 {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			server.Fault(prefecttest.Refuse(0))
			if err := exp.Export(context.Background(), records(2)); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, text := range told.all() {
			for _, kind := range []string{"may be lost", "delivered again", "are kept in " + path, "kept in the dead letter again", path + ": "} {
				if strings.Contains(text, kind) {
					got = append(got, kind)
				}
			}
		}
		if diff := cmp.Diff([]string{path + ": ", "may be lost", "may be lost", "may be lost", "kept in the dead letter again", "are kept in " + path}, got); diff != "" {
			t.Errorf("%s\ntold %q", diff, told.all())
		}
	})
}

func TestRefusedRecordsWithoutADeadLetterAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		exp, told := newExporter(t, server)
		server.Fault(prefecttest.Refuse(0))
		if err := exp.Export(t.Context(), records(1)); err != nil {
			t.Error(err)
		}
		if all := strings.Join(told.all(), "\n"); !strings.Contains(all, "are lost") {
			t.Errorf("said %q", all)
		}
	})
}

func TestOptionsOfTheDeadLetterAreChecked(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct {
		opts []exporter.Option
		want string
	}{
		"an empty path":      {[]exporter.Option{exporter.WithDeadLetter("")}, "path of the dead letter is empty"},
		"no size":            {[]exporter.Option{exporter.WithDeadLetterSize(0)}, "must be positive"},
		"a size too small":   {[]exporter.Option{exporter.WithDeadLetterSize(1 << 20)}, "four times the max log size"},
		"a folder as a file": {[]exporter.Option{exporter.WithDeadLetter(dir)}, "no regular file"},
	} {
		opts := append([]exporter.Option{exporter.WithSettings(isolated(t)), exporter.WithEndpoint("http://127.0.0.1:1/api")}, test.opts...)
		if _, err := exporter.New(t.Context(), opts...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}
