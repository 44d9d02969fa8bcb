// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool

// File is one page of this session. It appears on the disk with its first line.
type File struct {
	spool *Spool

	// Owned by the spool's goroutine.
	handle handle // nil: not open
	size   int64  // of what is whole: where the next line goes
	dirty  bool   // not all of it is on the disk
	listed bool   // its name is on the disk

	// Guarded by the spool's lock.
	session, name string // "" until it is made
	lines         int    // in the file
	gone          bool
}

// NewFile returns a page without lines.
func (s *Spool) NewFile() *File { return &File{spool: s} }

// Append writes a line, which it does not keep, and returns when it is in the file, or false
// when it is not: the disk has failed, or did not answer for too long. A page that has been
// removed takes a line and does nothing.
func (f *File) Append(line []byte) bool {
	s := f.spool
	w := s.waiters.Get().(*waiter)
	for {
		s.mu.Lock()
		if f.gone || !s.usableLocked() {
			gone := f.gone
			if !gone {
				s.missed++
			}
			s.mu.Unlock()
			s.waiters.Put(w)
			return gone
		}
		r := s.pending
		full := len(r.buf) > 0 && len(r.buf)+len(line)+len(ending) > maxPending
		if w.chunk = -1; !full {
			w.chunk = r.add(f, line)
		}
		r.waiters = append(r.waiters, w)
		s.mu.Unlock()
		signal(s.wake)
		if ok := <-w.ready; !full {
			s.waiters.Put(w)
			return ok
		}
	}
}

// add appends a line to the last chunk, or to a new one if that is of another file.
func (r *round) add(f *File, line []byte) (at int) {
	r.buf = append(append(r.buf, line...), ending...)
	n := len(r.chunks)
	if n == 0 || r.chunks[n-1].file != f {
		r.chunks = append(r.chunks, chunk{file: f})
		n++
	}
	r.chunks[n-1].end = len(r.buf)
	r.chunks[n-1].lines++
	return n - 1
}

// Lines returns how many lines can be read back from the file.
func (f *File) Lines() int {
	f.spool.mu.Lock()
	defer f.spool.mu.Unlock()
	if f.session != f.spool.session {
		return 0 // the folder has vanished meanwhile
	}
	return f.lines
}

// Page names the file, to be read back. It is the zero Page while there is none.
func (f *File) Page() Page {
	f.spool.mu.Lock()
	defer f.spool.mu.Unlock()
	return Page{Session: f.session, Name: f.name}
}

// Remove removes the file, now or soon.
func (f *File) Remove() {
	s := f.spool
	s.mu.Lock()
	f.gone = true
	s.pending.jobs = append(s.pending.jobs, func(k *keeper) { k.drop(f) })
	s.mu.Unlock()
	signal(s.wake)
}

// alive reports whether the file is still wanted.
func (f *File) alive() bool {
	f.spool.mu.Lock()
	defer f.spool.mu.Unlock()
	return !f.gone
}

// place sets where the file is.
func (f *File) place(session, name string) {
	f.spool.mu.Lock()
	defer f.spool.mu.Unlock()
	f.session, f.name, f.lines = session, name, 0
}
