// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package spool

import "io/fs"

func ownedByUs(fs.FileInfo) bool { return true }
