// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "os"

// peakMemory is not known here.
func peakMemory(*os.ProcessState) int64 { return 0 }
