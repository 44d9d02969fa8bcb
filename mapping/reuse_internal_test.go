// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/run"
)

// What an entry remembers of the records before never shows.
func TestAnEntryUsedAgainWritesWhatANewOneWrites(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var encoders []*Encoder
	for _, config := range []Config{{}, {KeepANSI: true, Format: FormatPretty}, {Secrets: []string{"scope 1"}, Oversize: SplitOversize}} {
		enc, err := NewEncoder(config)
		if err != nil {
			t.Fatal(err)
		}
		encoders = append(encoders, enc)
	}
	names := []string{"", "scope 1", "scope 2", `quote"`, "\x1b[1mbold", strings.Repeat("n", 64), strings.Repeat("n", 65), strings.Repeat("ü", 400)}
	keys := []string{"a", "b", "flow_run_id", "logger.name", "password", "levelno", "", "x y"}
	for i := range 70 { // more than have a bit of their own
		keys = append(keys, fmt.Sprint("key ", i))
	}
	ids := []string{
		"11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-55555555555A", "11111111222233334444555555555555",
		"", "None", "11111111-2222-3333-4444-55555555555x", strings.Repeat("\x00", 36), strings.Repeat("0", 32),
	}
	var used Entry
	for range 20_000 {
		var attributes []attribute.KeyValue
		for _, key := range []string{"flow_run_id", "prefect.task_run.id", "prefect.run.id"} {
			if random.IntN(3) == 0 {
				attributes = append(attributes, attribute.String(key, ids[random.IntN(len(ids))]))
			}
		}
		for range random.IntN(6) {
			attributes = append(attributes, attribute.Int(keys[random.IntN(len(keys))], random.IntN(5)))
		}
		seed := random.Uint64()
		fill := func(e *Entry) {
			random := rand.New(rand.NewPCG(seed, 0))
			e.Timestamp = time.Unix(1_700_000_000+int64(random.IntN(3)), int64(random.IntN(1e9)))
			e.Context = run.IDs{Flow: run.ID{byte(1 + random.IntN(2))}, Task: run.ID{byte(random.IntN(2))}}
			e.ScopeName = names[random.IntN(len(names))]
			e.Body = attribute.StringValue(strings.Repeat("body ", random.IntN(300)))
			for _, kv := range attributes {
				e.Add(encoders[0], kv)
			}
		}
		enc, limit := encoders[random.IntN(len(encoders))], 512+random.IntN(1500)
		var fresh Entry
		fill(&fresh)
		want, wantMeta, _ := enc.Append(nil, &fresh, limit)
		used.Reset()
		fill(&used)
		got, gotMeta, _ := enc.Append(nil, &used, limit)
		if string(got) != string(want) || gotMeta != wantMeta {
			t.Fatalf("%s\nwant\n%s", got, want)
		}
	}
}

func TestABitIsOfOneKeyAlone(t *testing.T) {
	tab, err := newTable(Config{})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // guards bits
	bits := map[string]uint64{}
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 0))
			for range 20_000 {
				key := fmt.Sprint(random.IntN(3000))
				m := tab.lookup(key)
				mu.Lock()
				if old := bits[key]; m.bit != 0 && old != 0 && old != m.bit {
					t.Errorf("key %s has bits %x and %x", key, old, m.bit)
				}
				bits[key] |= m.bit
				mu.Unlock()
			}
		})
	}
	group.Wait()
	var seen uint64
	for key, bit := range bits {
		if seen&bit != 0 {
			t.Errorf("key %s shares bit %x", key, bit)
		}
		seen |= bit
	}
	if seen == 0 {
		t.Error("no key has a bit")
	}
}
