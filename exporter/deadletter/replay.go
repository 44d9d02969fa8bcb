// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package deadletter

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/internal/filelock"
)

// Server is where records are replayed to.
type Server struct {
	// Target is its address, as [Open] got it. Records for others stay.
	Target string
	Limits payload.Limits
	// Resume delivers what is not stored yet of a request that may have been sent before since.
	Resume func(ctx context.Context, request payload.Request, since time.Time) payload.Outcome
}

// Result is what became of the records of a dead letter.
type Result struct {
	Stored  int // by the server, or found there
	Refused int // again; they are in the dead letter again
	Other   int // for another target; they stay
	Unread  int // lines that are no entry of a dead letter; they stay
	Unsent  int // when the replay ended before; they stay
}

// Replay sends what is in the dead letter at path once more. What stands on the server is not sent again, so
// it may be called again, whatever became of the call before. An error says why not all records were sent, or that
// there has never been a dead letter at path.
func Replay(ctx context.Context, path string, server Server) (result Result, err error) {
	if err := wasUsed(path); err != nil {
		return result, fmt.Errorf("deadletter: %w", err)
	}
	alone, err := filelock.Try(path + ".replay")
	if err != nil {
		if errors.Is(err, filelock.ErrHeld) {
			return result, fmt.Errorf("deadletter: another replay of %s is running; wait for its end: %w", path, err)
		}
		return result, fmt.Errorf("deadletter: %w", err)
	}
	defer alone.Close()
	taken, err := take(path)
	if err != nil {
		return result, fmt.Errorf("deadletter: %w", err)
	}
	for _, file := range taken {
		err = errors.Join(err, replayFile(ctx, path, file, server, &result))
	}
	return result, err
}

// wasUsed returns an error if there is no trace of a dead letter at path: it is likely another name. One that
// was replayed to its end has left its locks.
func wasUsed(path string) error {
	for _, trace := range []string{path, path + ".1", path + ".replay", path + ".lock"} {
		if _, err := os.Lstat(trace); !errors.Is(err, fs.ErrNotExist) {
			return err // nil, or why it cannot be known
		}
	}
	left, err := leftBehind(path)
	if len(left) == 0 && (err == nil || errors.Is(err, fs.ErrNotExist)) {
		err = fmt.Errorf("there is no dead letter at %s, and nothing to send; see whether the path is right: %w", path, fs.ErrNotExist)
	}
	return err
}

// leftBehind returns the numbers of the files that earlier replays have left, the oldest first. It compares names within
// the folder: a path can be written in many ways.
func leftBehind(path string) (numbers []int, err error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		text, ours := strings.CutPrefix(entry.Name(), filepath.Base(path)+".replay.")
		if n, err := strconv.Atoi(text); ours && err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// take renames the files of a dead letter, so that nobody writes to them, and returns all that were taken, the
// oldest first.
func take(path string) (taken []string, err error) {
	lock, err := filelock.Wait(path+".lock", 10*time.Second)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	numbers, err := leftBehind(path)
	if err != nil {
		return nil, err
	}
	last := 0
	for _, last = range numbers {
		taken = append(taken, fmt.Sprintf("%s.replay.%d", path, last))
	}
	for _, file := range []string{path + ".1", path} {
		last++
		name := fmt.Sprintf("%s.replay.%d", path, last)
		if err := os.Rename(file, name); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		taken = append(taken, name)
	}
	return taken, nil
}

// replayer replays one file.
type replayer struct {
	server  Server
	log     *Log
	result  *Result
	rest    *bufio.Writer // what stays
	entries []Entry       // of the next request
	raw     [][]byte      // their lines
	err     error         // from then on everything stays
}

// replayFile sends what is in a file. What is not settled is in the file then, which is removed if that is
// nothing.
func replayFile(ctx context.Context, path, name string, server Server, result *Result) error {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("deadletter: %w", err)
	}
	defer file.Close()
	left, err := os.OpenFile(name+".left", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("deadletter: %w", err)
	}
	r := &replayer{server: server, log: newLog(path, 1<<62, server.Target), result: result, rest: bufio.NewWriter(left)}
	lines := bufio.NewReader(file)
	for err == nil {
		var raw []byte
		if raw, err = lines.ReadBytes('\n'); len(raw) > 0 {
			r.add(ctx, raw)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	r.send(ctx)
	err = errors.Join(err, r.rest.Flush(), left.Close())
	if err != nil {
		return fmt.Errorf("deadletter: %w", err) // the file is as it was; what was stored will be found
	}
	if info, err := os.Stat(name + ".left"); err == nil && info.Size() == 0 {
		err = errors.Join(os.Remove(name+".left"), os.Remove(name))
		return errors.Join(r.err, err)
	}
	return errors.Join(r.err, os.Rename(name+".left", name))
}

// add takes a line of the file.
func (r *replayer) add(ctx context.Context, raw []byte) {
	var e Entry
	switch {
	case json.Unmarshal(raw, &e) != nil || !payload.Valid(e.Record):
		r.result.Unread++
		r.stays(raw)
	case e.Target != r.server.Target:
		r.result.Other++
		r.stays(raw)
	case r.err != nil:
		r.result.Unsent++
		r.stays(raw)
	case r.waits(e.Record):
		// It is there twice, refused by two processes of which the one had left it in its spool: its fate is that of the other.
	default:
		r.entries, r.raw = append(r.entries, e), append(r.raw, raw)
		if len(r.entries) == min(r.server.Limits.Records, 200) {
			r.send(ctx)
		}
	}
}

// waits reports whether a record is in the next request already.
func (r *replayer) waits(record []byte) bool {
	return slices.ContainsFunc(r.entries, func(e Entry) bool { return bytes.Equal(e.Record, record) })
}

// stays keeps a line. bufio.Writer remembers an error until Flush.
func (r *replayer) stays(raw []byte) {
	_, _ = r.rest.Write(bytes.TrimSuffix(raw, []byte("\n")))
	_ = r.rest.WriteByte('\n')
}

// send delivers the entries, in as many requests as the limits want.
func (r *replayer) send(ctx context.Context) {
	raws := map[*byte][]byte{}
	for len(r.entries) > 0 {
		size := 0
		var since time.Time
		for _, e := range r.entries {
			size += len(e.Record) + 2
			if e.Time.After(since) {
				since = e.Time
			}
		}
		page := payload.NewPage(size)
		for i, e := range r.entries {
			raws[&page.Append(e.Record)[0]] = r.raw[i]
		}
		var request payload.Request
		rest := request.Add(page.Lines(), r.server.Limits)
		if request.Records() == 0 { // longer than a request may be
			r.stays(r.raw[0])
			r.result.Unread++
			r.entries, r.raw = r.entries[1:], r.raw[1:]
			continue
		}
		n := len(r.entries) - rest.Records()
		r.settle(r.server.Resume(ctx, request, since), raws)
		r.entries, r.raw = r.entries[n:], r.raw[n:]
		if r.err != nil {
			for _, raw := range r.raw {
				r.stays(raw)
			}
			r.result.Unsent += len(r.entries)
			r.entries, r.raw = nil, nil
		}
	}
	r.entries, r.raw = r.entries[:0], r.raw[:0]
}

// settle notes what became of a request.
func (r *replayer) settle(outcome payload.Outcome, raws map[*byte][]byte) {
	r.result.Stored += outcome.Stored
	r.err = outcome.Err
	if len(outcome.Refused) > 0 {
		if err := r.log.Add(outcome.Refused); err != nil {
			r.err = errors.Join(r.err, err)
			for _, refusal := range outcome.Refused {
				r.stays(raws[&refusal.Line[0]])
			}
			r.result.Unsent += len(outcome.Refused)
		} else {
			r.result.Refused += len(outcome.Refused)
		}
	}
	for _, line := range outcome.Unsent.All() {
		r.stays(raws[&line[0]])
		r.result.Unsent++
	}
}
