// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/spool"
)

// BenchmarkAppend tells what a line costs until it is in its file, from one goroutine
// and from several.
func BenchmarkAppend(b *testing.B) {
	for _, bench := range []struct {
		name   string
		config spool.Config
	}{
		{"sync=never", spool.Config{}},
		{"sync=1s", spool.Config{Sync: true, SyncEvery: time.Second}},
		{"sync=always", spool.Config{Sync: true}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s := openSpool(b, b.TempDir(), bench.config)
			line := line(1, 200)
			file := s.NewFile()
			written := 0
			b.ReportAllocs()
			for b.Loop() {
				if !file.Append(line) {
					b.Fatal("not in the file")
				}
				if written += len(line); written > 64<<10 {
					written = 0
					file.Remove()
					file = s.NewFile()
				}
			}
		})
	}
	b.Run("write(2) alone", func(b *testing.B) {
		file, err := os.Create(filepath.Join(b.TempDir(), "page"))
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		line, at := line(1, 200), int64(0)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := file.WriteAt(line, at); err != nil {
				b.Fatal(err)
			}
			if at += int64(len(line)); at > 64<<10 {
				at = 0
			}
		}
	})
	b.Run("sync=never/goroutines", func(b *testing.B) {
		s := openSpool(b, b.TempDir(), spool.Config{})
		file := s.NewFile()
		line := line(1, 200)
		b.ReportAllocs()
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if !file.Append(line) {
					b.Error("not in the file")
				}
			}
		})
	})
}
