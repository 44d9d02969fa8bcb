// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// maxOpen bounds the pages that are open at a time: one for each lane of a queue, and one.
const maxOpen = 4

// keeper is what the goroutine of a spool owns: the session, its open files, and the sessions
// that were taken over.
type keeper struct {
	disk      disk
	header    []byte
	maxPage   int64
	sync      bool
	syncEvery time.Duration

	session string // "": there is none, or it has vanished
	release func()
	number  int
	open    []*File // the one used last is the last
	synced  time.Time
	adopted map[string]*adoptedSession
}

type adoptedSession struct {
	release func()
	pages   int // left
}

// begin makes a session where there is none.
func (k *keeper) begin() error {
	if k.session != "" {
		return nil
	}
	session, release, err := k.disk.begin()
	if err != nil {
		return err
	}
	k.session, k.release, k.number = session, release, 0
	return nil
}

// vanished forgets the session, whose folder is not there any more.
func (k *keeper) vanished() {
	for _, f := range k.open {
		_ = f.handle.Close() // nobody can read it
		f.handle = nil
	}
	k.open = nil
	if k.release != nil {
		k.release()
	}
	k.session, k.release = "", nil
}

// write appends the chunks to their files, up to the first that fails, and syncs them where each line is to be.
func (k *keeper) write(r *round) error {
	err := k.writeChunks(r)
	if !k.sync || k.syncEvery > 0 {
		return err
	}
	if syncErr := k.syncAll(); syncErr != nil {
		for i := range r.chunks {
			r.chunks[i].ok = false
		}
		return errors.Join(err, syncErr)
	}
	return err
}

func (k *keeper) writeChunks(r *round) error {
	start := 0
	for i := range r.chunks {
		c := &r.chunks[i]
		if c.file.alive() {
			if err := k.append(c.file, r.buf[start:c.end]); err != nil {
				return err
			}
		}
		c.ok, start = true, c.end
	}
	return nil
}

func (k *keeper) append(f *File, lines []byte) error {
	if err := k.ensureOpen(f); err != nil {
		return err
	}
	if n, err := f.handle.WriteAt(lines, f.size); err != nil {
		if n > 0 {
			_ = f.handle.Truncate(f.size) // else it is cut when it is read
		}
		return err
	}
	f.size += int64(len(lines))
	f.dirty = k.sync
	return nil
}

// ensureOpen opens the file, and makes it if it has none.
func (k *keeper) ensureOpen(f *File) error {
	if f.handle != nil {
		if at := slices.Index(k.open, f); at < len(k.open)-1 {
			k.open = append(slices.Delete(k.open, at, at+1), f)
		}
		return nil
	}
	if len(k.open) == maxOpen {
		oldest := k.open[0]
		if err := k.syncFile(oldest); err != nil {
			return err
		}
		_ = oldest.handle.Close() // all of it is written
		oldest.handle = nil
		k.open = slices.Delete(k.open, 0, 1)
	}
	var err error
	if f.name == "" || f.session != k.session {
		err = k.create(f)
	} else {
		f.handle, err = k.disk.open(f.session, f.name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		k.vanished()
	}
	if err != nil {
		return err
	}
	k.open = append(k.open, f)
	return nil
}

func (k *keeper) create(f *File) error {
	if err := k.begin(); err != nil {
		return err
	}
	k.number++
	name := fmt.Sprintf("%08d", k.number)
	h, err := k.disk.create(k.session, name)
	if err != nil {
		return err
	}
	if _, err := h.WriteAt(k.header, 0); err != nil {
		_ = h.Close() // it is removed
		_ = k.disk.remove(k.session, name)
		return err
	}
	f.handle, f.size, f.dirty, f.listed = h, int64(len(k.header)), k.sync, false
	f.place(k.session, name)
	return nil
}

// drop removes a file that is not wanted any more.
func (k *keeper) drop(f *File) {
	if f.handle != nil {
		_ = f.handle.Close() // it is removed
		f.handle = nil
		k.open = slices.DeleteFunc(k.open, func(other *File) bool { return other == f })
	}
	if f.name != "" {
		k.removePage(f.session, f.name)
	}
}

// removePage removes a page. One that cannot be removed is looked for on the server by the next
// process, and not sent again.
func (k *keeper) removePage(session, name string) { _ = k.disk.remove(session, name) }

// nextSync is how long the goroutine may wait before it has to sync.
func (k *keeper) nextSync() time.Duration {
	if !k.sync || !slices.ContainsFunc(k.open, func(f *File) bool { return f.dirty }) {
		return time.Hour
	}
	if k.syncEvery == 0 { // it has failed
		return time.Second
	}
	return max(time.Until(k.synced.Add(k.syncEvery)), 0)
}

func (k *keeper) syncIfDue(now time.Time) error {
	if !k.sync || now.Sub(k.synced) < k.syncEvery {
		return nil
	}
	k.synced = now
	return k.syncAll()
}

func (k *keeper) syncAll() error {
	for _, f := range k.open {
		if err := k.syncFile(f); err != nil {
			return err
		}
	}
	return nil
}

func (k *keeper) syncFile(f *File) error {
	if !f.dirty {
		return nil
	}
	if err := f.handle.Sync(); err != nil {
		return err
	}
	f.dirty = false
	if f.listed {
		return nil
	}
	f.listed = true
	return k.disk.syncFolder(f.session)
}

// close gives everything back.
func (k *keeper) close() {
	_ = k.syncAll() // whoever waited for it has been told
	for _, f := range k.open {
		_ = f.handle.Close() // all of it is written
	}
	for session, a := range k.adopted {
		a.release()
		k.disk.end(session)
	}
	if k.release != nil {
		k.release()
		k.disk.end(k.session)
	}
}
