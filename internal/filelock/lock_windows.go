// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package filelock

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

// What LockFileEx takes and answers, as its documentation has it.
const (
	failImmediately = 1
	exclusive       = 2
	wholeFile       = ^uintptr(0)

	errorLockViolation syscall.Errno = 33
)

func lock(file *os.File) error {
	var overlapped syscall.Overlapped
	ok, _, err := lockFileEx.Call(file.Fd(), failImmediately|exclusive, 0, wholeFile, wholeFile, uintptr(unsafe.Pointer(&overlapped)))
	if ok != 0 {
		return nil
	}
	if errors.Is(err, errorLockViolation) {
		return ErrHeld
	}
	return err
}
