// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/spool"
)

// filesIn lists the files of the spool's sessions, but for locks.
func filesIn(t testing.TB, dir string) (files []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*", "0*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestALineIsInItsFileWhenAppendReturns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "spool")
	s := openSpool(t, dir, spool.Config{})
	file := s.NewFile()
	if n := len(filesIn(t, dir)); n != 0 {
		t.Errorf("%d files before the first line", n)
	}
	var want strings.Builder
	want.WriteString(`{"prefectlogs_spool":1,"target":"` + target + "\"}\n")
	for i := range 3 {
		if !file.Append(line(i, 10)) {
			t.Fatal("not in the file")
		}
		want.WriteString(string(line(i, 10)) + ",\n")
		files := filesIn(t, dir)
		if len(files) != 1 {
			t.Fatalf("%d files", len(files))
		}
		got, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want.String() {
			t.Errorf("the file has\n%s\nwant\n%s", got, want.String())
		}
	}
	if file.Lines() != 3 || s.Missed() != 0 {
		t.Errorf("%d lines, %d missed", file.Lines(), s.Missed())
	}
	lines, _ := load(s, file.Page())
	if len(lines) != 3 || lines[2] != string(line(2, 10)) {
		t.Errorf("read back: %q", lines)
	}
	file.Remove()
	if !file.Append(line(4, 10)) {
		t.Error("a line of a removed page is missed")
	}
	closeSpool(t, s)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("after all pages are removed there is still %v, %v", entries, err)
	}
}

func TestManyGoroutinesAppendToManyPages(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir, spool.Config{})
	const files, goroutines, each = 10, 8, 100 // more files than are open at a time
	pages := make([]*spool.File, files)
	for i := range pages {
		pages[i] = s.NewFile()
	}
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for i := range each {
				if !pages[(g+i)%files].Append(line(g*each+i, i)) {
					t.Error("not in the file")
				}
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, page := range pages {
		lines, loaded := load(s, page.Page())
		if page.Lines() != len(lines) || loaded.Err != nil {
			t.Errorf("%d lines read back of %d, %v", len(lines), page.Lines(), loaded.Err)
		}
		for _, line := range lines {
			seen[line] = true
		}
	}
	if len(seen) != goroutines*each {
		t.Errorf("%d different lines, want %d", len(seen), goroutines*each)
	}
}

func TestTheFolderIsOursAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := openSpool(t, dir, spool.Config{})
	appendAll(t, s, line(0, 1))
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		want := os.FileMode(0o600)
		if info.IsDir() {
			want = 0o700
		}
		if err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has %v, want %v", path, info.Mode().Perm(), want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAFolderThatIsNotFitIsRefused(t *testing.T) {
	root := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	path := func(name string) string { return filepath.Join(root, name) }
	must(os.Mkdir(path("ours"), 0o700))
	must(os.Symlink(path("ours"), path("link")))
	must(os.Symlink(path("nowhere"), path("dangling")))
	must(os.WriteFile(path("file"), nil, 0o600))
	must(os.Mkdir(path("open"), 0o700))
	must(os.Chmod(path("open"), 0o777))
	for name, want := range map[string]string{
		"link": "symbolic link", "dangling": "symbolic link", "file": "no folder", "open": "chmod 700",
	} {
		_, err := spool.Open(spool.Config{Dir: path(name), Wait: time.Second, Say: func(error) {}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path(name)) {
			t.Errorf("%s: %v, want an error with %q", name, err, want)
		}
	}
	if os.Geteuid() == 0 {
		must(os.Mkdir(path("theirs"), 0o700))
		must(os.Chown(path("theirs"), 12345, -1))
		_, err := spool.Open(spool.Config{Dir: path("theirs"), Wait: time.Second, Say: func(error) {}})
		if err == nil || !strings.Contains(err.Error(), "another user") {
			t.Errorf("another user's: %v", err)
		}
	}
}

// leave makes a session as one is left by a process that was killed: its pages stay. Its name is not that of the machine's
// clock, which may step back, but says that it is behind those that were left before, and older than what lives.
func leave(t testing.TB, dir string, c spool.Config, pages ...[][]byte) {
	t.Helper()
	s := openSpool(t, dir, c)
	for _, lines := range pages {
		appendAll(t, s, lines...)
	}
	closeSpool(t, s)
	sessions, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, session := range sessions {
		if strings.HasPrefix(session.Name(), "2000") {
			continue
		}
		name := fmt.Sprintf("20000101T000000.%06d-AAAAAAAA", len(sessions))
		if err := os.Rename(filepath.Join(dir, session.Name()), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPagesOfAProcessThatEndedAreTakenOverOnce(t *testing.T) {
	dir := t.TempDir()
	leave(t, dir, spool.Config{}, [][]byte{line(0, 1), line(1, 1)}, [][]byte{line(2, 1)})
	leave(t, dir, spool.Config{}, [][]byte{line(3, 1)})

	living := openSpool(t, dir, spool.Config{})
	mine := appendAll(t, living, line(9, 1))
	if got := adopt(living); len(got) != 3 {
		t.Fatalf("took %d pages, want 3", len(got))
	}
	other := openSpool(t, dir, spool.Config{})
	if got := adopt(other); len(got) != 0 {
		t.Errorf("another process took %v too", got)
	}
	closeSpool(t, living) // without having sent anything

	pages := adopt(other)
	if len(pages) != 4 {
		t.Fatalf("took %d pages of the process that ended, want 4", len(pages))
	}
	lines, loaded := load(other, pages...)
	var want []string
	for _, i := range []int{0, 1, 2, 3, 9} {
		want = append(want, string(line(i, 1)))
	}
	if !slices.Equal(lines, want) || loaded.Err != nil || len(loaded.Pages) != 4 {
		t.Errorf("read %q, %v, want %q", lines, loaded.Err, want)
	}
	if p := mine.Page(); p != (spool.Page{Session: pages[3].Session, Name: pages[3].Name}) {
		t.Errorf("the last page is %v, want %v", pages[3], p)
	}
	other.Discard(pages)
	closeSpool(t, other)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 1 { // the empty session of the first is young
		t.Errorf("left %v, %v", entries, err)
	}
}

func TestPagesForAnotherTargetAreSaidAndLeft(t *testing.T) {
	dir := t.TempDir()
	leave(t, dir, spool.Config{Target: "http://other:4200/api"}, [][]byte{line(0, 1)})
	before := filesIn(t, dir)
	if err := os.WriteFile(before[0]+"0", []byte(`{"prefectlogs_spool":2,"target":"x"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	leave(t, dir, spool.Config{}, [][]byte{line(1, 1)})
	newer := filepath.Join(dir, "20990101T000000.000000-AAAAAAAA")
	if err := os.Mkdir(newer, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(newer, "00000001"), []byte(`{"prefectlogs_spool":2,"target":"x"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var words said
	s := openSpool(t, dir, spool.Config{Say: words.say})
	pages := adopt(s)
	if len(pages) != 1 {
		t.Fatalf("took %v, want the one page for this target", pages)
	}
	s.Discard(pages)
	closeSpool(t, s)
	all := words.soFar()
	slices.Sort(all)
	if len(all) != 2 || !strings.Contains(all[0], "2 pages") || !strings.Contains(all[0], "http://other:4200/api") || !strings.Contains(all[1], "version 2") {
		t.Errorf("said %q", all)
	}
	if _, err := os.Stat(before[0]); err != nil {
		t.Errorf("the page for another target: %v", err)
	}
	// That target's own program finds it.
	again := openSpool(t, dir, spool.Config{Target: "http://other:4200/api", Say: words.say})
	got := adopt(again)
	lines, loaded := load(again, got...)
	if len(got) != 2 || len(lines) != 1 || len(loaded.Pages) != 1 || loaded.Err == nil {
		t.Errorf("took %v, with %q, %v", got, lines, loaded.Err)
	}
}

func TestATornPageIsCutExactly(t *testing.T) {
	lines := [][]byte{line(0, 5), line(1, 300), line(2, 0)}
	var whole []byte
	ends := []int{}
	whole = append(whole, `{"prefectlogs_spool":1,"target":"`+target+"\"}\n"...)
	for _, l := range lines {
		whole = append(append(whole, l...), ",\n"...)
		ends = append(ends, len(whole))
	}
	dir := t.TempDir()
	session := filepath.Join(dir, "20260101T000000.000000-AAAAAAAA")
	if err := os.Mkdir(session, 0o700); err != nil {
		t.Fatal(err)
	}
	var words said
	s := openSpool(t, dir, spool.Config{Say: words.say})
	read := func(data []byte) (got []string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(session, "00000001"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, loaded := load(s, spool.Page{Session: filepath.Base(session), Name: "00000001"})
		if loaded.Err != nil || len(loaded.Pages) != 1 {
			t.Errorf("of %d bytes: %v", len(data), loaded.Err)
		}
		return got
	}
	for n := range len(whole) + 1 {
		want := 0
		for _, end := range ends {
			if end <= n {
				want++
			}
		}
		if got := read(whole[:n]); len(got) != want {
			t.Errorf("of the first %d bytes %d lines are read, want %d", n, len(got), want)
		}
		// A hole, as of a block that was never written, in and around the second line.
		if n > ends[0] && n <= ends[1] {
			hole := bytes.Clone(whole)
			clear(hole[ends[0]:n])
			if got, want := read(hole), []string{string(lines[0]), string(lines[2])}; !slices.Equal(got, want) {
				t.Errorf("with a hole up to byte %d %q is read, want %q", n, got, want)
			}
			torn := bytes.Clone(whole)
			clear(torn[n:ends[1]])
			if got, want := read(torn), []string{string(lines[0]), string(lines[2])}; n < ends[1]-1 && !slices.Equal(got, want) {
				t.Errorf("with a hole from byte %d %q is read, want %q", n, got, want)
			}
			glued := slices.Concat(whole[:n], whole[ends[1]:])
			if got, want := read(glued), string(lines[2]); n < ends[1] && got[len(got)-1] != want {
				t.Errorf("behind a write that was interrupted at byte %d %q is read last, want %q", n, got[len(got)-1], want)
			}
		}
	}
	closeSpool(t, s)
	if all := words.soFar(); len(all) == 0 || !strings.Contains(all[0], "are cut") {
		t.Errorf("said %q", all)
	}
}

func TestAFolderThatVanishesIsMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	var words said
	s := openSpool(t, dir, spool.Config{Say: words.say})
	old := appendAll(t, s, line(0, 1))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if s.NewFile().Append(line(1, 1)) {
		t.Error("a line is in a folder that is not there")
	}
	if old.Lines() != 0 {
		t.Error("the page that has vanished still counts")
	}
	closeSpool(t, s)
	if all := words.soFar(); len(all) != 1 || !strings.Contains(all[0], dir) || !strings.Contains(all[0], "memory alone") || s.Missed() != 1 {
		t.Errorf("said %q, %d missed", all, s.Missed())
	}
}

func TestAPageThatIsTooLargeIsLeft(t *testing.T) {
	dir := t.TempDir()
	leave(t, dir, spool.Config{}, [][]byte{line(0, 5000)}, [][]byte{line(1, 5)})
	s := openSpool(t, dir, spool.Config{MaxPage: 4000})
	lines, loaded := load(s, adopt(s)...)
	if len(lines) != 1 || len(loaded.Pages) != 1 || loaded.Err == nil || !strings.Contains(loaded.Err.Error(), "4000 bytes") {
		t.Errorf("read %q, %v", lines, loaded.Err)
	}
}

func TestAPageOfAnySizeIsReadWhereNoneIsTooLarge(t *testing.T) {
	dir := t.TempDir()
	leave(t, dir, spool.Config{}, [][]byte{line(0, 5000)})
	s := openSpool(t, dir, spool.Config{MaxPage: math.MaxInt64})
	if lines, loaded := load(s, adopt(s)...); len(lines) != 1 || loaded.Err != nil {
		t.Errorf("read %q, %v", lines, loaded.Err)
	}
}

// A process makes the folder of its session, and then the lock in it.
func TestASessionThatIsBeingMadeIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir, spool.Config{})
	session := filepath.Join(dir, time.Now().UTC().Format("20060102T150405.000000")+"-BEINGMADE")
	if err := os.Mkdir(session, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := adopt(s); len(got) != 0 {
		t.Errorf("took %v", got)
	}
	if entries, err := os.ReadDir(session); err != nil || len(entries) != 0 {
		t.Errorf("in it there are %v, %v", entries, err)
	}
}

// The files are closed in programs that the program starts.
func TestChildrenDoNotInheritTheFiles(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("needs /proc")
	}
	dir := t.TempDir()
	s := openSpool(t, dir, spool.Config{})
	appendAll(t, s, line(0, 1))
	ours, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	here := 0
	for _, fd := range ours {
		if path, err := os.Readlink(fd); err == nil && strings.HasPrefix(path, dir) {
			here++
		}
	}
	out, err := exec.CommandContext(t.Context(), "ls", "-l", "/proc/self/fd").Output()
	if err != nil {
		t.Fatal(err)
	}
	if here != 2 || strings.Contains(string(out), dir) { // the lock and the page
		t.Errorf("%d files of the spool are open here, and a child has\n%s", here, out)
	}
}
