// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package filelock answers whether another process uses a file: a lock that the
// system gives back when its process ends, however it ends.
//
// The entry point is [Try]. Two openings of a file exclude each other even within
// one process.
//
//	system               lock
//	Linux, macOS, BSD    flock(2)
//	Windows              LockFileEx
//	others               none: [ErrUnsupported]
package filelock
