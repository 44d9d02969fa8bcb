// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/prefectlogs/prefectlogs/internal/filelock"
)

// block is what a disk writes at once, or not.
const block = 512

// memory is a disk that can fail, and lose power: then only what was synced is sure to be there.
type memory struct {
	mu    sync.Mutex // guards what follows
	kept  map[string]*memorySession
	begun int

	// fail is asked before each change, with what it is; it may also wait.
	fail func(what string, n int) (written int, err error)
}

type memorySession struct {
	held  bool
	pages map[string]*memoryFile
	ghost map[string]*memoryFile // removed, which a loss of power may undo
}

type memoryFile struct {
	disk   *memory
	data   []byte
	synced []byte
	listed bool // the folder was synced with it
}

func newMemory() *memory { return &memory{kept: map[string]*memorySession{}} }

func (m *memory) asks(what string, n int) (int, error) {
	m.mu.Lock()
	fail := m.fail
	m.mu.Unlock()
	if fail == nil {
		return n, nil
	}
	return fail(what, n)
}

func (m *memory) setFail(fail func(what string, n int) (int, error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func (m *memory) begin() (string, func(), error) {
	if _, err := m.asks("begin", 0); err != nil {
		return "", nil, err
	}
	m.mu.Lock()
	m.begun++
	session := fmt.Sprintf("20000101T000000.%06d-A", m.begun)
	m.kept[session] = &memorySession{pages: map[string]*memoryFile{}, ghost: map[string]*memoryFile{}}
	m.mu.Unlock()
	release, err := m.take(session)
	return session, release, err
}

func (m *memory) sessions() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.kept)), nil
}

func (m *memory) take(session string) (func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.kept[session]
	if s == nil {
		return nil, fs.ErrNotExist
	}
	if s.held {
		return nil, filelock.ErrHeld
	}
	s.held = true
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		s.held = false
	}, nil
}

func (m *memory) pages(session string) (pages []Page, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.kept[session]
	for _, name := range slices.Sorted(maps.Keys(s.pages)) {
		pages = append(pages, Page{Session: session, Name: name, Size: int64(len(s.pages[name].data))})
	}
	return pages, nil
}

func (m *memory) end(session string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.kept[session]; s != nil && len(s.pages) == 0 {
		delete(m.kept, session)
	}
}

func (m *memory) create(session, name string) (handle, error) {
	if _, err := m.asks("create", 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f := &memoryFile{disk: m}
	m.kept[session].pages[name] = f
	return f, nil
}

func (m *memory) open(session, name string) (handle, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.kept[session].pages[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return f, nil
}

func (m *memory) read(session, name string, most int64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.kept[session].pages[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(f.data[:min(int64(len(f.data)), most)]), nil
}

func (m *memory) remove(session, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.kept[session]
	if f := s.pages[name]; f != nil {
		delete(s.pages, name)
		s.ghost[name] = f
	}
	return nil
}

func (m *memory) syncFolder(session string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.kept[session]
	clear(s.ghost)
	for _, f := range s.pages {
		f.listed = true
	}
	return nil
}

func (f *memoryFile) WriteAt(data []byte, at int64) (int, error) {
	n, err := f.disk.asks("write", len(data))
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if end := int(at) + n; end > len(f.data) {
		f.data = append(f.data, make([]byte, end-len(f.data))...)
	}
	return copy(f.data[at:], data[:n]), err
}

func (f *memoryFile) Truncate(size int64) error {
	if _, err := f.disk.asks("truncate", 0); err != nil {
		return err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.data = f.data[:size]
	return nil
}

func (f *memoryFile) Sync() error {
	if _, err := f.disk.asks("sync", 0); err != nil {
		return err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.synced = slices.Clone(f.data)
	return nil
}

func (f *memoryFile) Close() error { return nil }

// losePower returns what the disk has when the power comes back.
func (m *memory) losePower(random *rand.Rand) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := newMemory()
	after.begun = m.begun
	for session, s := range m.kept {
		left := &memorySession{pages: map[string]*memoryFile{}, ghost: map[string]*memoryFile{}}
		after.kept[session] = left
		for name, f := range s.pages {
			if f.listed || random.IntN(2) == 0 {
				left.pages[name] = &memoryFile{disk: after, data: f.survives(random)}
			}
		}
		for name, f := range s.ghost {
			if random.IntN(2) == 0 {
				left.pages[name] = &memoryFile{disk: after, data: f.survives(random)}
			}
		}
	}
	return after
}

// survives returns what is left of a file: what was synced, and of what was written since
// any blocks, up to any length.
func (f *memoryFile) survives(random *rand.Rand) []byte {
	sure := 0
	for sure < min(len(f.synced), len(f.data)) && f.synced[sure] == f.data[sure] {
		sure++
	}
	data := slices.Clone(f.data[:sure+random.IntN(len(f.data)-sure+1)])
	for at := sure / block * block; at < len(data); at += block {
		if random.IntN(3) == 0 {
			clear(data[max(at, sure):min(at+block, len(data))])
		}
	}
	return data
}
