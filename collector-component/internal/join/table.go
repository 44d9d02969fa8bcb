// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package join

import (
	"hash/maphash"
	"unsafe"
)

// at is the position of an entry in a table; 0 is none. A position stays until its entry is removed.
type at = uint32

// pageSize is the number of entries that a table allocates at once.
const pageSize = 256

// table holds entries in pages and finds them by a hash index with linear probing. As long as E holds no pointers, the
// garbage collector has nothing to do here. It gives no memory back, but uses what was removed again.
type table[K comparable, E any] struct {
	key   func(*E) K
	seed  maphash.Seed
	pages []*page[E]
	used  at     // positions ever used
	free  at     // the first position to use again; the others follow by next
	slots []slot // the index; its length is a power of two
	count int
}

// slot is a place of the index. It keeps the hash, so that probing, growing and removing look at few entries: each look is
// likely a miss of the processor's caches.
type slot struct {
	entry at // 0: free
	hash  uint32
}

type page[E any] struct {
	entries [pageSize]E
	next    [pageSize]at // of a position that is free: the next one
}

func newTable[K comparable, E any](key func(*E) K) table[K, E] {
	return table[K, E]{key: key, seed: maphash.MakeSeed(), slots: make([]slot, 64)}
}

// entry returns the entry at a position.
func (t *table[K, E]) entry(i at) *E { return &t.pages[(i-1)/pageSize].entries[(i-1)%pageSize] }

func (t *table[K, E]) next(i at) *at { return &t.pages[(i-1)/pageSize].next[(i-1)%pageSize] }

func (t *table[K, E]) hash(k K) uint32 { return uint32(maphash.Comparable(t.seed, k)) }

// find returns the position of the entry with the key, or 0.
func (t *table[K, E]) find(k K) at {
	hash, mask := t.hash(k), uint32(len(t.slots)-1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if s := t.slots[i]; s.entry == 0 || s.hash == hash && t.key(t.entry(s.entry)) == k {
			return s.entry
		}
	}
}

// add adds an entry whose key is in no other.
func (t *table[K, E]) add(e E) at {
	if t.full() {
		t.grow()
	}
	i := t.free
	if i != 0 {
		t.free = *t.next(i)
	} else {
		t.used++
		i = t.used
		if int(i) > len(t.pages)*pageSize {
			t.pages = append(t.pages, new(page[E]))
		}
	}
	*t.entry(i) = e
	t.index(slot{i, t.hash(t.key(&e))})
	t.count++
	return i
}

func (t *table[K, E]) index(s slot) {
	mask := uint32(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].entry != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

// full reports whether the index has to grow before the next entry.
func (t *table[K, E]) full() bool { return (t.count+1)*4 > len(t.slots)*3 }

func (t *table[K, E]) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	for _, s := range old {
		if s.entry != 0 {
			t.index(s)
		}
	}
}

// remove removes the entry at a position.
func (t *table[K, E]) remove(i at) {
	mask := uint32(len(t.slots) - 1)
	gap := t.hash(t.key(t.entry(i))) & mask
	for t.slots[gap].entry != i {
		gap = (gap + 1) & mask
	}
	// What stands behind moves up, so that nothing is cut off from the slot where a search for it begins.
	for next := (gap + 1) & mask; t.slots[next].entry != 0; next = (next + 1) & mask {
		if (next-t.slots[next].hash)&mask >= (next-gap)&mask {
			t.slots[gap], gap = t.slots[next], next
		}
	}
	t.slots[gap] = slot{}
	var none E
	*t.entry(i) = none
	*t.next(i), t.free = t.free, i
	t.count--
}

// bytes is the memory that the table holds.
func (t *table[K, E]) bytes() int { return len(t.pages)*pageBytes[E]() + slotBytes*len(t.slots) }

const slotBytes = int(unsafe.Sizeof(slot{}))

func pageBytes[E any]() int {
	var p page[E]
	return int(unsafe.Sizeof(p) + unsafe.Sizeof(&p))
}

// needs is the memory by which the next entry would make the table larger.
func (t *table[K, E]) needs() int {
	n := 0
	if t.full() {
		n += slotBytes * len(t.slots)
	}
	if t.free == 0 && int(t.used) == len(t.pages)*pageSize {
		n += pageBytes[E]()
	}
	return n
}
