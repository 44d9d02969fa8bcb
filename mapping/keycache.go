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
	if free < 0 && c.misses.Add(1)%replaceEvery == 0 {
		free = int(first % uint(len(c.slots)))
	}
	if free >= 0 && n <= maxCachedKey {
		c.slots[free].Store(&cachedKey{strings.Clone(key), m})
	}
	return m
}
