// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

func someLine(random *rand.Rand, i int) []byte {
	head := payload.AppendHead(nil, 20, 1_700_000_000_000_000+int64(i), []byte("11111111-2222-3333-4444-555555555555"), nil)
	return append(head, `n","message":"`+strings.Repeat("x", random.IntN(1500))+`"}`...)
}

// sayings are what a spool has said.
type sayings struct {
	mu  sync.Mutex // guards all
	all []string
}

func (s *sayings) add(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, err.Error())
}

// settled returns them once nobody is about to say more.
func (s *sayings) settled() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// openMemory opens a spool on a disk in memory.
func openMemory(t *testing.T, disk *memory, c Config) (s *Spool, said *sayings) {
	t.Helper()
	said = new(sayings)
	c.Dir, c.Target, c.MaxPage, c.Wait = "memory", "t", 1<<20, time.Second
	c.Say = said.add
	s, err := open(c, disk)
	if err != nil {
		t.Fatal(err)
	}
	return s, said
}

func closeIt(t *testing.T, s *Spool) {
	t.Helper()
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// readAll takes over what is on the disk.
func readAll(s *Spool) (lines []string, err error) {
	done := make(chan Loaded)
	s.Adopt(func(pages []Page) { s.Load(pages, func(l Loaded) { done <- l }) })
	loaded := <-done
	if loaded.Lines != nil {
		for line := range loaded.Lines.Lines().All() {
			lines = append(lines, string(line))
		}
	}
	return lines, loaded.Err
}

// TestALossOfPowerLosesOnlyWhatWasNotSynced plays random histories of lines, pauses and removals,
// and cuts the power: only what was synced is sure to be there, files are cut anywhere, blocks of
// them missing, and names come and go. What is read back are lines that were written, byte for byte,
// and none is missing that had to be on the disk.
func TestALossOfPowerLosesOnlyWhatWasNotSynced(t *testing.T) {
	for name, c := range map[string]Config{
		"never": {}, "within a second": {Sync: true, SyncEvery: time.Second}, "always": {Sync: true},
	} {
		for seed := range uint64(200) {
			t.Run(fmt.Sprint(name, ", seed ", seed), func(t *testing.T) {
				cutPower(t, rand.New(rand.NewPCG(seed, 1)), c)
			})
		}
	}
}

func cutPower(t *testing.T, random *rand.Rand, c Config) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		s, said := openMemory(t, disk, c)
		written, sure := map[string]bool{}, map[string]bool{}
		type page struct {
			file  *File
			lines []string
		}
		var pages []page
		i := 0
		for range 40 {
			switch random.IntN(8) {
			case 0:
				pages = append(pages, page{file: s.NewFile()})
			case 1:
				if len(pages) > 0 {
					at := random.IntN(len(pages))
					pages[at].file.Remove()
					for _, line := range pages[at].lines {
						delete(sure, line)
					}
					pages = slices.Delete(pages, at, at+1)
				}
			case 2:
				if time.Sleep(2 * time.Second); c.Sync {
					for _, p := range pages {
						for _, line := range p.lines {
							sure[line] = true
						}
					}
				}
			default:
				if len(pages) == 0 {
					continue
				}
				p := &pages[random.IntN(len(pages))]
				line := someLine(random, i)
				i++
				written[string(line)] = true
				if !p.file.Append(line) {
					t.Fatalf("line %d is in no file: %q", i, said.settled())
				}
				p.lines = append(p.lines, string(line))
				if c.Sync && c.SyncEvery == 0 {
					sure[string(line)] = true
				}
			}
		}
		after := disk.losePower(random)
		closeIt(t, s)

		again, _ := openMemory(t, after, c)
		lines, err := readAll(again)
		if err != nil && !strings.Contains(err.Error(), "does not begin with the header") { // its first block is gone
			t.Error(err)
		}
		for _, line := range lines {
			if !written[line] {
				t.Errorf("this was never written: %.200q", line)
			}
			delete(sure, line)
		}
		if len(sure) > 0 {
			t.Errorf("%d lines are gone that were on the disk", len(sure))
		}
		closeIt(t, again)
	})
}

var errFull = errors.New("no space left on device")

func TestAFullDiskIsSaidOnceAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		s, said := openMemory(t, disk, Config{})
		random := rand.New(rand.NewPCG(1, 1))
		file := s.NewFile()
		if !file.Append(someLine(random, 0)) {
			t.Fatal("the first line is in no file")
		}
		disk.setFail(func(_ string, n int) (int, error) { return n / 2, errFull }) // even what is left behind stays
		for i := range 10 {
			if file.Append(someLine(random, 1+i)) {
				t.Error("a line is in a file although the disk is full")
			}
		}
		if time.Sleep(pause); file.Append(someLine(random, 20)) {
			t.Error("a line is in a file although the disk is still full")
		}
		disk.setFail(nil)
		if file.Append(someLine(random, 21)) {
			t.Error("the disk is not left alone")
		}
		time.Sleep(pause)
		last := someLine(random, 22)
		if !file.Append(last) || file.Lines() != 2 || s.Missed() != 12 {
			t.Errorf("%d lines in the file, %d missed", file.Lines(), s.Missed())
		}
		if len(said.settled()) != 2 || !strings.Contains(said.all[0], errFull.Error()) || !strings.Contains(said.all[1], "used again") {
			t.Errorf("said %q", said.settled())
		}
		closeIt(t, s)
		again, _ := openMemory(t, disk, Config{})
		lines, err := readAll(again)
		if err != nil || len(lines) != 2 || lines[1] != string(last) {
			t.Errorf("read %d lines, %v", len(lines), err)
		}
		closeIt(t, again)
	})
}

// Of lines that are written at once, those before one that fails are as safe as they are said to be.
func TestLinesBeforeOneThatFailsAreSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		s, _ := openMemory(t, disk, Config{Sync: true})
		random := rand.New(rand.NewPCG(1, 1))
		a, b := s.NewFile(), s.NewFile()
		if !a.Append(someLine(random, 0)) {
			t.Fatal("the first line is in no file")
		}
		disk.setFail(func(what string, n int) (int, error) {
			if what == "create" {
				return 0, errFull
			}
			return n, nil
		})
		one, two := someLine(random, 1), someLine(random, 2)
		at := len(one) + len(two)
		r := &round{buf: slices.Concat(one, two), chunks: []chunk{{file: a, end: len(one)}, {file: b, end: at}}}
		done := make(chan error)
		s.do(func(k *keeper) { done <- k.write(r) })
		if err := <-done; !errors.Is(err, errFull) || !r.chunks[0].ok || r.chunks[1].ok {
			t.Errorf("%v, the lines are in files: %v", err, r.chunks)
		}
		page := disk.kept[s.session].pages["00000001"]
		if !bytes.Equal(page.data, page.synced) {
			t.Errorf("of %d bytes %d are synced", len(page.data), len(page.synced))
		}
		closeIt(t, s)
	})
}

func TestADiskThatHangsDelaysNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		s, said := openMemory(t, disk, Config{})
		random := rand.New(rand.NewPCG(1, 1))
		back := make(chan struct{})
		disk.setFail(func(_ string, n int) (int, error) {
			<-back
			return n, nil
		})
		file := s.NewFile()
		started := time.Now()
		returned := make(chan bool)
		for i := range 3 {
			go func() { returned <- file.Append(someLine(random, i)) }()
			synctest.Wait()
		}
		for range 3 {
			if <-returned {
				t.Error("a line is in a file although the disk hangs")
			}
		}
		if took := time.Since(started); took != time.Second {
			t.Errorf("it took %v", took)
		}
		for i := range 100 {
			if file.Append(someLine(random, 10+i)) {
				t.Error("a line is in a file although the disk hangs")
			}
		}
		file.Remove() // does not wait either
		if took := time.Since(started); took != time.Second {
			t.Errorf("all in all it took %v", took)
		}
		if err := s.Close(t.Context()); err == nil || time.Since(started) != 2*time.Second {
			t.Errorf("closing: %v after %v", err, time.Since(started))
		}
		if len(said.settled()) != 1 || !strings.Contains(said.all[0], "not answered for 1s") || s.Missed() != 103 {
			t.Errorf("said %q, %d missed", said.settled(), s.Missed())
		}
		close(back)
		<-s.done
	})
}

func TestADiskThatWasSlowIsUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		s, said := openMemory(t, disk, Config{})
		random := rand.New(rand.NewPCG(1, 1))
		disk.setFail(func(_ string, n int) (int, error) {
			time.Sleep(1500 * time.Millisecond)
			return n, nil
		})
		file := s.NewFile()
		if file.Append(someLine(random, 0)) {
			t.Error("the line is in the file before it was written")
		}
		time.Sleep(pause)
		disk.setFail(nil)
		if file.Append(someLine(random, 1)) {
			t.Error("the disk was not left alone for long enough")
		}
		time.Sleep(pause)
		if !file.Append(someLine(random, 2)) || file.Lines() != 2 { // the first one came late
			t.Errorf("%d lines in the file", file.Lines())
		}
		if len(said.settled()) != 2 || !strings.Contains(said.all[1], "used again") {
			t.Errorf("said %q", said.settled())
		}
		closeIt(t, s)
	})
}

func TestADiskThatFailsAtTheStartIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		disk.setFail(func(string, int) (int, error) { return 0, errFull })
		s, said := openMemory(t, disk, Config{})
		random := rand.New(rand.NewPCG(1, 1))
		if s.NewFile().Append(someLine(random, 0)) {
			t.Error("the line is in a file")
		}
		disk.setFail(nil)
		time.Sleep(pause)
		file := s.NewFile()
		if !file.Append(someLine(random, 1)) || file.Lines() != 1 {
			t.Error("the line is in no file")
		}
		closeIt(t, s)
		if len(said.settled()) != 2 {
			t.Errorf("said %q", said.settled())
		}
	})
}
