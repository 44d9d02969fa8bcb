// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package payload_test

import (
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

func FuzzAClockTellsTheTime(f *testing.F) {
	for _, micros := range []int64{0, -1, 1, 999_999, 1_000_000, -1_000_000, 1_700_000_000_000_006, 253_370_764_799_999_999} {
		f.Add(micros, micros+1)
		f.Add(micros, micros+1_000_000)
	}
	f.Fuzz(func(t *testing.T, first, second int64) {
		var clock payload.Clock
		line := payload.AppendHead(nil, 20, 0, []byte(flowID), nil)
		for _, micros := range []int64{first, second, first} {
			clock.SetStamp(line, micros)
			at := time.UnixMicro(micros).UTC()
			if year := at.Year(); year < 1 || year > 9998 {
				continue // clamped
			}
			if got, want := string(payload.Stamp(line)), at.Format("2006-01-02T15:04:05.000000Z"); got != want {
				t.Errorf("%d: %s, want %s", micros, got, want)
			}
		}
	})
}
