// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/filelock"
)

// disk is what a spool needs of its folder. All of it may block for as long as the
// disk does.
type disk interface {
	// begin makes a session and holds its lock until release.
	begin() (session string, release func(), err error)
	// sessions are all there are, the oldest first.
	sessions() ([]string, error)
	// take locks a session; filelock.ErrHeld is in the error where its process lives.
	take(session string) (release func(), err error)
	// pages are those of a session, the oldest first.
	pages(session string) ([]Page, error)
	// end removes a session without pages.
	end(session string)

	create(session, name string) (handle, error)
	open(session, name string) (handle, error) // for writing
	read(session, name string, most int64) ([]byte, error)
	remove(session, name string) error
	// syncFolder makes sure that the pages of a session are found after a loss of power.
	syncFolder(session string) error
}

// handle is an open page.
type handle interface {
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Page is a file of a session.
type Page struct {
	Session, Name string
	Size          int64 // bytes
}

// unfit are what people have to mend: the folder is not what a spool may be in.
type unfit struct{ error }

func (e unfit) Unwrap() error { return e.error }

const lockName = "lock"

// sessionTime begins the name of a session: when it began.
const sessionTime = "20060102T150405.000000"

// youngSession is how long a session without pages may be one that is being made.
const youngSession = time.Minute

// folder is the disk of a spool in production.
type folder struct {
	path string
}

// prepare makes the folder if it is missing, and checks that it is ours alone.
func (f folder) prepare() error {
	info, err := os.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(f.path, 0o700); err == nil {
			info, err = os.Lstat(f.path)
		}
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return unfit{err}
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return unfit{fmt.Errorf("%s is a symbolic link; name the folder itself", f.path)}
	case !info.IsDir():
		return unfit{fmt.Errorf("%s is no folder", f.path)}
	case runtime.GOOS == "windows": // access is that of the parent folder
		return nil
	case !ownedByUs(info):
		return unfit{fmt.Errorf("%s belongs to another user; name a folder of our own", f.path)}
	case info.Mode().Perm()&0o022 != 0: // sessions are 0700, so others may list their names
		return unfit{fmt.Errorf("%s can be written to by other users (%v); make it chmod 700, or name a folder in it that is not there yet", f.path, info.Mode().Perm())}
	}
	return nil
}

func (f folder) begin() (session string, release func(), err error) {
	if err := f.prepare(); err != nil {
		return "", nil, err
	}
	session = fmt.Sprintf("%s-%s", time.Now().UTC().Format(sessionTime), rand.Text()[:8])
	if err = os.Mkdir(filepath.Join(f.path, session), 0o700); err == nil {
		release, err = f.take(session)
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, filelock.ErrUnsupported) {
		err = unfit{err}
	}
	return session, release, err
}

func (f folder) sessions() (names []string, err error) {
	entries, err := os.ReadDir(f.path)
	for _, entry := range entries { // sorted by name
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, err
}

func (f folder) take(session string) (release func(), err error) {
	lock, err := filelock.Try(filepath.Join(f.path, session, lockName))
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Close() }, nil
}

func (f folder) pages(session string) (pages []Page, err error) {
	entries, err := os.ReadDir(filepath.Join(f.path, session))
	for _, entry := range entries {
		if strings.Trim(entry.Name(), "0123456789") != "" || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			continue // it has gone meanwhile
		}
		pages = append(pages, Page{Session: session, Name: entry.Name(), Size: info.Size()})
	}
	return pages, err
}

func (f folder) end(session string) {
	path := filepath.Join(f.path, session)
	entries, err := os.ReadDir(path)
	if err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() != lockName }) {
		return
	}
	// Nothing is lost if these fail: an empty session is left, which the next process removes.
	_ = os.Remove(filepath.Join(path, lockName))
	_ = os.Remove(path)
}

func (f folder) create(session, name string) (handle, error) {
	return opened(os.OpenFile(filepath.Join(f.path, session, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600))
}

func (f folder) open(session, name string) (handle, error) {
	return opened(os.OpenFile(filepath.Join(f.path, session, name), os.O_WRONLY, 0))
}

// opened keeps a nil file from becoming a handle that is not nil.
func opened(file *os.File, err error) (handle, error) {
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (f folder) read(session, name string, most int64) ([]byte, error) {
	file, err := os.Open(filepath.Join(f.path, session, name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, most))
}

func (f folder) remove(session, name string) error {
	return os.Remove(filepath.Join(f.path, session, name))
}

func (f folder) syncFolder(session string) error {
	for _, path := range []string{filepath.Join(f.path, session), f.path, filepath.Dir(f.path)} {
		folder, err := os.Open(path)
		if err != nil {
			return err
		}
		err = folder.Sync()
		_ = folder.Close()                           // it was only read
		if err != nil && runtime.GOOS != "windows" { // where folders cannot be synced
			return err
		}
	}
	return nil
}
