// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool_test

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/internal/spool"
)

const (
	target  = "http://127.0.0.1:4200/api"
	flowRun = "11111111-2222-3333-4444-555555555555"
)

// patience is for a disk that other programs have busy, too: it only ends a test that hangs.
const patience = 5 * time.Minute

// line is the i-th one, with a text of n bytes.
func line(i, n int) []byte {
	head := payload.AppendHead(nil, 20, 1_700_000_000_000_000+int64(i), []byte(flowRun), nil)
	return append(head, `n","message":"`+strings.Repeat("x", n)+`"}`...)
}

// said collects what a spool says.
type said struct {
	mu  sync.Mutex // guards all
	all []string
}

func (s *said) say(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, err.Error())
}

func (s *said) soFar() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.all...)
}

// openSpool opens a spool that ends with the test, and that says nothing unless the config
// takes it.
func openSpool(t testing.TB, dir string, c spool.Config) *spool.Spool {
	t.Helper()
	c.Dir, c.Target, c.MaxPage = dir, cmp.Or(c.Target, target), cmp.Or(c.MaxPage, 8<<20)
	c.Wait = cmp.Or(c.Wait, patience)
	if c.Say == nil {
		c.Say = func(err error) { t.Errorf("the spool says: %v", err) }
	}
	s, err := spool.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSpool(t, s) })
	return s
}

func closeSpool(t testing.TB, s *spool.Spool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// adopt takes over what is there.
func adopt(s *spool.Spool) []spool.Page {
	pages := make(chan []spool.Page)
	s.Adopt(func(p []spool.Page) { pages <- p })
	return <-pages
}

// load reads pages back.
func load(s *spool.Spool, pages ...spool.Page) (lines []string, loaded spool.Loaded) {
	done := make(chan spool.Loaded)
	s.Load(pages, func(l spool.Loaded) { done <- l })
	loaded = <-done
	if loaded.Lines != nil {
		for line := range loaded.Lines.Lines().All() {
			lines = append(lines, string(line))
		}
	}
	return lines, loaded
}

// appendAll puts lines into a file of their own.
func appendAll(t testing.TB, s *spool.Spool, lines ...[]byte) *spool.File {
	t.Helper()
	file := s.NewFile()
	for i, line := range lines {
		if !file.Append(line) {
			t.Fatal(fmt.Sprint("line ", i, " is not in the file"))
		}
	}
	return file
}
