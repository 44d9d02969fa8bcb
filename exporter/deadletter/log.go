// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package deadletter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/internal/filelock"
)

// wait is how long Add waits for the disk.
const wait = 250 * time.Millisecond

// Entry is a record that was refused.
type Entry struct {
	Time   time.Time       `json:"time"`
	Reason payload.Reason  `json:"reason"`
	Target string          `json:"target"`
	Record json.RawMessage `json:"record"` // a line
}

func (e Entry) append(dst []byte) []byte {
	record := e.Record
	e.Record = json.RawMessage("0")
	text, err := json.Marshal(e)
	if err != nil {
		text = []byte("{0}") // strings, a time of our clock and a number always have a form
	}
	// The record goes in byte for byte: json.Marshal would escape it once more.
	dst = append(append(dst, text[:len(text)-len("0}")]...), record...)
	return append(dst, "}\n"...)
}

// Log writes a dead letter. It is safe for concurrent use.
type Log struct {
	path   string
	half   int64 // bytes of a file at most
	target string

	writing chan struct{} // has room for one: the goroutine that writes
}

// Open returns a log that keeps up to size bytes at path, in a folder that is there. An error says that
// nothing can be written there.
func Open(path string, size int64, target string) (*Log, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("deadletter: refused records cannot be kept there: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("deadletter: %s is no regular file; name one, or a name that is not there yet", path)
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return nil, fmt.Errorf("deadletter: %s is open to other users (%v); make it chmod 600", path, info.Mode().Perm())
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("deadletter: refused records cannot be kept there: %w", err)
	}
	return newLog(path, size/2, target), nil
}

func newLog(path string, half int64, target string) *Log {
	return &Log{path: path, half: half, target: target, writing: make(chan struct{}, 1)}
}

// Path returns where the log is.
func (l *Log) Path() string { return l.path }

// errSlow: the disk does not answer.
var errSlow = fmt.Errorf("the disk has not answered for %v", wait)

// Add keeps records that were refused. An error says that they, or some older ones, are lost. It waits for
// the disk for a quarter of a second at most.
func (l *Log) Add(refused []payload.Refusal) error {
	now := time.Now().UTC()
	var text []byte
	for _, r := range refused {
		text = Entry{Time: now, Reason: r.Reason, Target: l.target, Record: r.Line}.append(text)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case l.writing <- struct{}{}:
	case <-timer.C: // a write hangs, or as many wait as the disk cannot serve
		return fmt.Errorf("deadletter: %s: %w", l.path, errSlow)
	}
	done := make(chan error, 1)
	go func() {
		err := l.write(text)
		<-l.writing
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("deadletter: %w", err)
		}
		return nil
	case <-timer.C:
		return fmt.Errorf("deadletter: %s: %w", l.path, errSlow)
	}
}

// write appends lines, as many at a time as a file may have.
func (l *Log) write(text []byte) (err error) {
	lock, err := filelock.Wait(l.path+".lock", wait)
	if err != nil {
		return err
	}
	defer lock.Close()
	lost := 0
	for len(text) > 0 && err == nil {
		n := bytes.IndexByte(text, '\n') + 1
		for next := n; next > 0 && int64(n+next) <= l.half; n += next {
			next = bytes.IndexByte(text[n:], '\n') + 1
		}
		if int64(n) > l.half {
			lost++
		} else {
			var rotated int
			rotated, err = l.append(text[:n])
			lost += rotated
		}
		text = text[n:]
	}
	if err == nil && lost > 0 {
		err = fmt.Errorf("%s has no room for more, and %d records are lost; replay it, or raise WithDeadLetterSize", l.path, lost)
	}
	return err
}

// append writes lines behind those that are there, or in their place where they leave no room. It returns
// how many older ones are lost.
func (l *Log) append(text []byte) (lost int, err error) {
	info, err := os.Lstat(l.path)
	if err == nil && info.Size()+int64(len(text)) > l.half {
		if older, err := os.ReadFile(l.path + ".1"); err == nil {
			lost = bytes.Count(older, []byte("\n"))
		}
		if err := os.Rename(l.path, l.path+".1"); err != nil {
			return 0, err
		}
	}
	file, err := os.OpenFile(l.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return lost, err
	}
	if info, err := file.Stat(); err == nil && info.Size() > 0 {
		last := make([]byte, 1)
		if _, err := file.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			text = append([]byte("\n"), text...) // behind a write that was interrupted
		}
	}
	_, err = file.Write(text)
	return lost, errors.Join(err, file.Close())
}
