// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"encoding/binary"
	"testing"

	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

func TestStampsOfARunNeverRepeatOrGoBack(t *testing.T) {
	a, b := run.ID{1}, run.ID{2}
	var s mapping.Sequencer
	for i, step := range []struct {
		run      run.ID
		in, want int64
	}{
		{a, 5000, 5000},
		{a, 5000, 5001},   // equal
		{a, 4999, 5002},   // a little behind
		{b, 5000, 5000},   // another run
		{a, 5002, 5003},   // still remembered
		{a, 4003, 5004},   // exactly a millisecond behind
		{a, 4003, 4003},   // further back: its own time
		{a, 5004, 5005},   // and the run goes on
		{a, 9000, 9000},   // later
		{b, -5000, -5000}, // before 1970
	} {
		if got := s.Next(step.run, step.in); got != step.want {
			t.Errorf("step %d: %d became %d, want %d", i, step.in, got, step.want)
		}
	}
}

func TestRecordsOfOneTimeNeverShareAStamp(t *testing.T) {
	var s mapping.Sequencer
	last := s.Next(run.ID{1}, 7000)
	for i := range 5000 {
		given := 7000 + int64(i/2000) // while its clock goes on slower than the records come
		got := s.Next(run.ID{1}, given)
		if got != last+1 {
			t.Fatalf("record %d of %d became %d, behind %d", i, given, got, last)
		}
		last = got
	}
	if got := s.Next(run.ID{1}, 7001); got != 7001 {
		t.Errorf("a record earlier than others, and far behind, became %d", got)
	}
}

func TestAClockThatWasAheadIsForgotten(t *testing.T) {
	var s mapping.Sequencer
	const hour = 3_600_000_000
	s.Next(run.ID{1}, 9000+hour)
	for i, step := range []struct{ in, want int64 }{
		{9000, 9000},
		{9000, 9001},
		{8999, 9002},                   // a little behind
		{3000, 3000},                   // further back
		{3000, 3001},                   //
		{9000, 9000},                   // and the clock goes on
		{9000, 9001},                   //
		{9000 + hour, 9001 + hour},     // up to where it was ahead
		{9000 + 2*hour, 9000 + 2*hour}, // and on
	} {
		if got := s.Next(run.ID{1}, step.in); got != step.want {
			t.Errorf("step %d: %d became %d, want %d", i, step.in, got, step.want)
		}
	}
}

func TestSequencerRemembersManyRunsInBoundedMemory(t *testing.T) {
	var s mapping.Sequencer
	id := func(i int) (id run.ID) {
		binary.BigEndian.PutUint64(id[:], uint64(i))
		return id
	}
	const runs = 4000
	for round := range int64(3) {
		for i := range runs {
			if got := s.Next(id(i), 7); got != 7+round {
				t.Fatalf("run %d, round %d: stamp %d", i, round, got)
			}
		}
	}
	for i := range 100_000 {
		s.Next(id(i), 7)
	}
	if n := testing.AllocsPerRun(20_000, func() { s.Next(id(int(s.Next(run.ID{9}, 7))), 7) }); n > 0.5 {
		t.Errorf("%v allocations per record over many runs", n)
	}
}
