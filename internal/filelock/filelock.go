// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package filelock

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// The states in which [Try] takes no lock.
var (
	ErrHeld        = errors.New("it is locked by another process")
	ErrUnsupported = errors.New("this system has no file locks that end with their process, which a spool and a dead letter need")
)

// Try opens the file, which it makes if it is missing, and locks it without
// waiting. The lock ends when the file is closed. [ErrHeld] is in the error where
// somebody else has it.
func Try(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(file); err != nil {
		_ = file.Close() // nothing was written
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return file, nil
}

// Wait is Try that waits for the lock, up to a time.
func Wait(path string, upTo time.Duration) (*os.File, error) {
	for end := time.Now().Add(upTo); ; {
		file, err := Try(path)
		if err == nil || !errors.Is(err, ErrHeld) || time.Now().After(end) {
			return file, err
		}
		<-time.After(lookEvery)
	}
}

// lookEvery is how often a lock is tried that is held for a few writes.
const lookEvery = 5 * time.Millisecond
