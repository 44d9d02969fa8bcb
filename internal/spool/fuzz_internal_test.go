// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

func FuzzReadPage(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 1))
	whole := header{Version: version, Target: "t"}.append(nil)
	for i := range 3 {
		whole = append(append(whole, someLine(random, i)...), ending...)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-40])
	f.Add(bytes.Replace(whole, []byte("xxxxx"), []byte("xx\x00\x00x"), 1))
	f.Fuzz(func(t *testing.T, page []byte) {
		_, body, err := readHeader(page)
		if err != nil {
			return
		}
		read := 0
		cut := readBody(body, func(line []byte) {
			read += len(line) + len(ending)
			if !payload.Valid(line) || !bytes.Contains(body, append(bytes.Clone(line), ending...)) {
				t.Errorf("this is no line of the page: %q", line)
			}
		})
		if read+cut != len(body) {
			t.Errorf("%d bytes are lines and %d are cut of %d", read, cut, len(body))
		}
	})
}
