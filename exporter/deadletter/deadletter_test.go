// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package deadletter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter/deadletter"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/internal/filelock"
)

// The tests that write do so in a bubble, where a disk that is slow takes no time: Add waits for it for a quarter of a second.

const target = "http://127.0.0.1:4200/api"

// refusal is the i-th record, with a text that JSON escapes.
func refusal(i int) payload.Refusal {
	line := payload.AppendHead(nil, 20, 1_700_000_000_000_000+int64(i), []byte("11111111-2222-3333-4444-555555555555"), nil)
	return payload.Refusal{Line: fmt.Appendf(line, `n","message":"<&> %d %s"}`, i, strings.Repeat("x", 100)), Reason: payload.ReasonInvalid}
}

func open(t testing.TB, path string, size int64) *deadletter.Log {
	t.Helper()
	log, err := deadletter.Open(path, size, target)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func add(t testing.TB, log *deadletter.Log, refused ...payload.Refusal) {
	t.Helper()
	if err := log.Add(refused); err != nil {
		t.Fatal(err)
	}
}

func TestManyThatAreRefusedAtOnceAreAllKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const exports = 64
		path := filepath.Join(t.TempDir(), "dead")
		log := open(t, path, 1<<20)
		var adding sync.WaitGroup
		for i := range exports {
			adding.Go(func() {
				if err := log.Add([]payload.Refusal{refusal(i)}); err != nil {
					t.Error(err)
				}
			})
		}
		adding.Wait()
		text, err := os.ReadFile(path)
		if n := bytes.Count(text, []byte("\n")); err != nil || n != exports {
			t.Errorf("%d of %d are kept, %v", n, exports, err)
		}
	})
}

func TestAnEntryHasTimeReasonTargetAndTheRecordByteForByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "dead")
		add(t, open(t, path, 1<<20), refusal(1), refusal(2))
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		if len(lines) != 2 {
			t.Fatalf("%d lines: %s", len(lines), text)
		}
		for i, line := range lines {
			var keys map[string]json.RawMessage
			var e deadletter.Entry
			if err := errors.Join(json.Unmarshal(line, &keys), json.Unmarshal(line, &e)); err != nil {
				t.Fatal(err)
			}
			if len(keys) != 4 || e.Reason != payload.ReasonInvalid || e.Target != target || !e.Time.Equal(time.Now()) {
				t.Errorf("entry %d is %s", i, line)
			}
			if want := refusal(i + 1).Line; !bytes.Equal(e.Record, want) {
				t.Errorf("record %s, want %s", e.Record, want)
			}
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	})
}

func TestADeadLetterIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "dead")
		const size = 20_000
		log := open(t, path, size)
		lost := 0
		for i := range 300 {
			if err := log.Add([]payload.Refusal{refusal(i)}); err != nil {
				var n int
				if _, scanErr := fmt.Sscanf(err.Error()[strings.Index(err.Error(), "more, and ")+len("more, and "):], "%d records", &n); scanErr != nil {
					t.Fatal(err)
				}
				lost += n
			}
		}
		var all []byte
		for _, name := range []string{path + ".1", path} {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > size/2 {
				t.Errorf("%s has %d bytes", name, len(text))
			}
			all = append(all, text...)
		}
		kept := bytes.Count(all, []byte("\n"))
		if kept+lost != 300 || !bytes.Contains(all, refusal(299).Line) || bytes.Contains(all, refusal(0).Line) {
			t.Errorf("%d are kept and %d said to be lost of 300", kept, lost)
		}
		huge := refusal(0)
		huge.Line = append(huge.Line[:len(huge.Line)-2], strings.Repeat("y", size)+`"}`...)
		if err := log.Add([]payload.Refusal{huge}); err == nil || !strings.Contains(err.Error(), "1 records are lost") {
			t.Errorf("a record longer than the file: %v", err)
		}
	})
}

func TestAPlaceThatIsNotFitIsRefused(t *testing.T) {
	dir := t.TempDir()
	link, open := filepath.Join(dir, "link"), filepath.Join(dir, "open")
	if err := errors.Join(os.Symlink(filepath.Join(dir, "x"), link), os.WriteFile(open, nil, 0o600), os.Chmod(open, 0o644)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		link: "no regular file", dir: "no regular file", open: "chmod 600", filepath.Join(dir, "no", "dead"): "no such file",
	} {
		if _, err := deadletter.Open(path, 1<<20, target); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", path, err, want)
		}
	}
}

func TestADeadLetterThatSomebodyHoldsDelaysNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "dead")
		log := open(t, path, 1<<20)
		lock, err := filelock.Try(path + ".lock")
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		began := time.Now()
		if err := log.Add([]payload.Refusal{refusal(1)}); err == nil {
			t.Error("a record is kept although another process holds the lock")
		}
		if took := time.Since(began); took != 250*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Second) // until the goroutine that writes has given up, too
	})
}

// server stores what it gets, once.
type server struct {
	stored  map[string]int
	refuses string // what it does not take
	fails   bool   // it stores the first record of a request and fails
}

func (s *server) resume(_ context.Context, request payload.Request, since time.Time) (outcome payload.Outcome) {
	var unsent []int
	for i, line := range request.All() {
		switch {
		case s.stored[string(line)] > 0:
			outcome.Resolved++
			outcome.Stored++
		case s.refuses != "" && bytes.Contains(line, []byte(s.refuses)):
			outcome.Refused = append(outcome.Refused, payload.Refusal{Line: line, Reason: payload.ReasonConflict})
		case s.fails && i > 0:
			unsent = append(unsent, i)
			outcome.Err = errors.New("it fails")
		default:
			s.stored[string(line)]++
			outcome.Stored++
		}
	}
	_, outcome.Unsent = request.Without(unsent)
	return outcome
}

func replay(t testing.TB, path string, s *server) (deadletter.Result, error) {
	t.Helper()
	return deadletter.Replay(t.Context(), path, deadletter.Server{
		Target: target, Limits: payload.Limits{LogBytes: 10_000, Bytes: 20_000, Records: 200}, Resume: s.resume,
	})
}

func TestReplayOfAnotherPathIsAnErrorAndLeavesNothingThere(t *testing.T) {
	dir := t.TempDir()
	typo := filepath.Join(dir, "typo")
	for _, path := range []string{typo, filepath.Join(dir, "nowhere", "dead")} {
		if _, err := replay(t, path, new(server)); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v", err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}

	used := filepath.Join(dir, "used")
	open(t, used, 1<<20)
	for range 2 { // of one that is empty, and of one that has been replayed
		if result, err := replay(t, used, new(server)); err != nil || result != (deadletter.Result{}) {
			t.Errorf("%+v, %v", result, err)
		}
	}
	if err := os.WriteFile(typo+".replay.1", nil, 0o600); err != nil { // of a replay that was killed, whose locks are gone
		t.Fatal(err)
	}
	if _, err := replay(t, typo, new(server)); err != nil {
		t.Error(err)
	}
}

func TestReplayStoresEachRecordOnceHoweverOftenItIsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "dead[1]*")
		log := open(t, path, 160_000)
		for i := range 150 {
			add(t, log, refusal(2*i), refusal(2*i+1))
		}
		if _, err := os.Stat(path + ".1"); err != nil {
			t.Fatalf("it should have gone over: %v", err)
		}
		other, err := deadletter.Open(path, 160_000, "http://other/api")
		if err != nil {
			t.Fatal(err)
		}
		copyOf := func() []byte {
			var all []byte
			for _, name := range []string{path + ".1", path} {
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, text...)
			}
			return all
		}
		before := copyOf()
		kept := bytes.Count(before, []byte("\n"))
		add(t, other, refusal(1000))
		s := &server{stored: map[string]int{}, fails: true}

		want := func(step string, want deadletter.Result, wantErr bool) {
			t.Helper()
			got, err := replay(t, path, s)
			if diff := cmp.Diff(want, got); diff != "" || (err != nil) != wantErr {
				t.Errorf("%s: %v, %s", step, err, diff)
			}
		}
		// The first request of each of the two files fails behind its first record.
		want("a server that fails", deadletter.Result{Stored: 2, Unsent: kept - 2, Other: 1}, true)
		s.fails, s.refuses = false, " 277 "
		want("a server that refuses one", deadletter.Result{Stored: kept - 3, Refused: 1, Other: 1}, false)
		want("the same again", deadletter.Result{Refused: 1, Other: 1}, false)
		s.refuses = ""
		want("a server that is mended", deadletter.Result{Stored: 1, Other: 1}, false)
		want("the same again", deadletter.Result{Other: 1}, false)
		// The program was killed before it could note what it had done.
		if err := os.WriteFile(path, append(before, "no entry\n"...), 0o600); err != nil {
			t.Fatal(err)
		}
		want("everything again", deadletter.Result{Stored: kept, Other: 1, Unread: 1}, false)
		if len(s.stored) != kept {
			t.Errorf("%d records stored of %d", len(s.stored), kept)
		}
		for line, n := range s.stored {
			if n != 1 {
				t.Errorf("stored %d times: %s", n, line)
			}
		}
	})
}

func TestAnInterruptedWriteCostsNoOtherRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "dead")
		log := open(t, path, 1<<20)
		add(t, log, refusal(1), refusal(2))
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()-20); err != nil {
			t.Fatal(err)
		}
		add(t, log, refusal(3))
		s := &server{stored: map[string]int{}}
		if got, err := replay(t, path, s); err != nil || got != (deadletter.Result{Stored: 2, Unread: 1}) {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestTwoReplaysDoNotRunAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "dead")
		add(t, open(t, path, 1<<20), refusal(1))
		s := &server{stored: map[string]int{}}
		_, err := deadletter.Replay(t.Context(), path, deadletter.Server{
			Target: target, Limits: payload.Limits{LogBytes: 10_000, Bytes: 20_000, Records: 200},
			Resume: func(ctx context.Context, r payload.Request, since time.Time) payload.Outcome {
				if _, err := replay(t, path, s); err == nil || !strings.Contains(err.Error(), "another replay") {
					t.Errorf("the second one: %v", err)
				}
				return s.resume(ctx, r, since)
			},
		})
		if err != nil || len(s.stored) != 1 {
			t.Errorf("%d stored, %v", len(s.stored), err)
		}
	})
}

func TestWhatAReplayLeavesIsFoundAgainHoweverThePathIsWritten(t *testing.T) {
	for _, path := range []string{"dead", "./dead", "sub//dead", "sub/../dead", "back\\slash"} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				t.Chdir(t.TempDir())
				mkdir(t, "sub")
				log := open(t, path, 1<<20)
				add(t, log, refusal(1), refusal(2), refusal(3))
				s := &server{stored: map[string]int{}, fails: true}
				want := func(want deadletter.Result) {
					t.Helper()
					got, _ := replay(t, path, s)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Error(diff)
					}
				}
				want(deadletter.Result{Stored: 1, Unsent: 2}) // an outage
				add(t, log, refusal(4))                       // the program goes on
				s.fails = false
				want(deadletter.Result{Stored: 3})
				if len(s.stored) != 4 {
					t.Errorf("%d records are stored, want 4", len(s.stored))
				}
			})
		})
	}
}

func mkdir(t testing.TB, name string) {
	t.Helper()
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
}
