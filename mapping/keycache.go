// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"strings"
	"sync/atomic"
)

// keyCache remembers what keys mean. Programs use few distinct keys, and a
// comparison with a remembered one is cheaper than any lookup. Its size is fixed.
// Safe for concurrent use.
type keyCache struct {
	slots  [1024]atomic.Pointer[cachedKey]
	misses atomic.Uint32
	bits   atomic.Uint32 // given to keys
}

type cachedKey struct {
	key     string
	meaning meaning
}

const (
	cacheProbes  = 4   // slots in which a key may stand
	maxCachedKey = 256 // bytes, which bounds what the cache holds on to
	replaceEvery = 64  // misses for one replacement: a program that invents keys does not allocate for each
)

func (c *keyCache) lookup(key string, t *table) meaning {
	if key == "" {
		return meaning{}
	}
	n := len(key)
	first := uint(n)*31 + uint(key[0])*7 + uint(key[n-1])*131 + uint(key[n/2])*17
	free := -1
	for i := range uint(cacheProbes) {
		at := int((first + i) % uint(len(c.slots)))
		cached := c.slots[at].Load()
		if cached == nil {
			free = at
			break
		}
		if cached.key == key {
			return cached.meaning
		}
	}
	m := t.classify(key)
	if n > maxCachedKey {
		return m
	}
	if free >= 0 {
		m.bit = c.newBit()
		if !c.slots[free].CompareAndSwap(nil, &cachedKey{strings.Clone(key), m}) {
			m.bit = 0 // another goroutine was first
		}
		return m
	}
	at := int(first % uint(len(c.slots)))
	if old := c.slots[at].Load(); old.meaning.bit == 0 && c.misses.Add(1)%replaceEvery == 0 {
		c.slots[at].Store(&cachedKey{strings.Clone(key), m})
	}
	return m
}

// newBit returns a bit that no key has; 0 where there is none left. A key that has one is
// never replaced, so that it stays the key's.
func (c *keyCache) newBit() uint64 {
	if c.bits.Load() >= 64 {
		return 0
	}
	return 1 << (c.bits.Add(1) - 1)
}
