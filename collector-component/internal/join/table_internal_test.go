// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package join

import (
	"math/rand/v2"
	"testing"
)

func TestATableFindsWhatAMapFinds(t *testing.T) {
	type entry struct{ key, value uint32 }
	table := newTable(func(e *entry) uint32 { return e.key })
	want := map[uint32]uint32{}
	r := rand.New(rand.NewPCG(1, 2))
	most := 0
	for step := range 200_000 {
		key := r.Uint32N(3000)
		i := table.find(key)
		value, known := want[key]
		if (i != 0) != known || known && table.entry(i).value != value {
			t.Fatalf("step %d: key %d is at %d, want it known: %v", step, key, i, known)
		}
		switch adding := r.IntN(100) < 50+40*(1-2*(step/50_000%2)); {
		case i == 0 && adding:
			needs, before := table.needs(), table.bytes()
			table.add(entry{key, uint32(step)})
			want[key] = uint32(step)
			if grown := table.bytes() - before; grown != needs {
				t.Fatalf("step %d: grew by %d bytes and had said %d", step, grown, needs)
			}
		case i != 0 && !adding:
			table.remove(i)
			delete(want, key)
		}
		if most = max(most, len(want)); table.count != len(want) {
			t.Fatalf("step %d: %d entries, want %d", step, table.count, len(want))
		}
	}
	if pages := (most + pageSize - 1) / pageSize; len(table.pages) != pages {
		t.Errorf("%d pages for at most %d entries at a time", len(table.pages), most)
	}
}
