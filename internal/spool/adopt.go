// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/internal/filelock"
)

// Loaded is what was read back.
type Loaded struct {
	Lines *payload.Page // nil: none
	Pages []Page        // those that they come from, to be removed when all of them are settled
	Err   error         // why other pages could not be read; they stay where they are
	Later bool          // it is the disk, or the system, that failed to read some: they may be read another time
}

// Adopt takes over the sessions of processes that have ended, if they are for the same
// target, and hands their pages to then, the oldest first. What is for another target is
// said, and left. then is called by the spool's goroutine; it must not block.
func (s *Spool) Adopt(then func([]Page)) {
	s.do(func(k *keeper) {
		pages, problems := k.adopt(s.config.Target)
		for _, problem := range problems {
			s.say(fmt.Errorf("the spool %s: %w", s.config.Dir, problem))
		}
		then(pages)
	})
}

// Load reads the lines of pages back. then is called by the spool's goroutine; it must
// not block.
func (s *Spool) Load(pages []Page, then func(Loaded)) {
	s.do(func(k *keeper) {
		loaded, cut := k.load(s.config.Target, pages)
		if cut > 0 {
			s.say(fmt.Errorf("the spool %s: %d bytes of the pages of a process that ended were no whole log record and are cut", s.config.Dir, cut))
		}
		then(loaded)
	})
}

// Discard removes pages that were taken over.
func (s *Spool) Discard(pages []Page) { s.do(func(k *keeper) { k.discard(pages) }) }

func (k *keeper) adopt(target string) (all []Page, problems []error) {
	sessions, err := k.disk.sessions()
	if err != nil {
		problems = append(problems, err)
	}
	for _, session := range sessions {
		if session == k.session || k.adopted[session] != nil {
			continue
		}
		if young(session) {
			if pages, err := k.disk.pages(session); err == nil && len(pages) == 0 {
				continue // whose process may be about to lock it
			}
		}
		release, err := k.disk.take(session)
		if err != nil {
			if !errors.Is(err, filelock.ErrHeld) && !errors.Is(err, fs.ErrNotExist) { // it is in use, or has gone meanwhile
				problems = append(problems, err)
			}
			continue
		}
		pages, err := k.disk.pages(session)
		if err == nil {
			err = k.checkTarget(session, pages, target)
		}
		if err != nil {
			problems = append(problems, err)
		}
		if err != nil || len(pages) == 0 {
			release()
			if err == nil {
				k.disk.end(session)
			}
			continue
		}
		k.adopted[session] = &adoptedSession{release: release, pages: len(pages)}
		all = append(all, pages...)
	}
	return all, problems
}

// young reports whether a session may be one that a process is about to lock.
func young(session string) bool {
	stamp, _, _ := strings.Cut(session, "-")
	began, err := time.Parse(sessionTime, stamp)
	return err != nil || time.Since(began) < youngSession
}

// checkTarget tells whose pages they are, where they are not ours.
func (k *keeper) checkTarget(session string, pages []Page, target string) error {
	for _, page := range pages {
		start, err := k.disk.read(session, page.Name, maxHeader)
		if err != nil {
			return err
		}
		h, _, err := readHeader(start)
		switch {
		case errors.Is(err, errTorn):
			continue
		case err != nil:
			return fmt.Errorf("the pages of %s are left where they are: %w", session, err)
		case h.Target != target:
			return fmt.Errorf("%d pages of %s are left where they are, since they are for %s: start a program with that API URL to send them, or remove them", len(pages), session, h.Target)
		}
		return nil
	}
	return nil
}

func (k *keeper) load(target string, pages []Page) (loaded Loaded, cut int) {
	var lines [][]byte
	size := 0
	for _, page := range pages {
		body, err := k.readPage(target, page)
		if err != nil {
			_, failed := errors.AsType[*fs.PathError](err)
			loaded.Later = loaded.Later || failed && !errors.Is(err, fs.ErrNotExist)
			loaded.Err = errors.Join(loaded.Err, fmt.Errorf("page %s of %s: %w", page.Name, page.Session, err))
			continue
		}
		loaded.Pages = append(loaded.Pages, page)
		cut += readBody(body, func(line []byte) {
			lines = append(lines, line)
			size += len(line) + len(ending)
		})
	}
	if len(lines) == 0 {
		return loaded, cut
	}
	loaded.Lines = payload.NewPage(size - len(ending)) // none stands before the first
	for _, line := range lines {
		loaded.Lines.Append(line)
	}
	return loaded, cut
}

// readPage returns what follows the header of a page; nothing for one that has none.
func (k *keeper) readPage(target string, page Page) ([]byte, error) {
	data, err := k.disk.read(page.Session, page.Name, k.maxPage+1)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > k.maxPage {
		return nil, fmt.Errorf("it has more than %d bytes, which is none that a spool makes", k.maxPage)
	}
	h, body, err := readHeader(data)
	if errors.Is(err, errTorn) {
		return nil, nil
	}
	if err == nil && h.Target != target {
		err = fmt.Errorf("it is for %s", h.Target)
	}
	return body, err
}

func (k *keeper) discard(pages []Page) {
	for _, page := range pages {
		k.removePage(page.Session, page.Name)
		a := k.adopted[page.Session]
		if a == nil {
			continue
		}
		if a.pages--; a.pages == 0 {
			a.release()
			delete(k.adopted, page.Session)
			k.disk.end(page.Session)
		}
	}
}
