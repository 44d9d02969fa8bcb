// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"errors"
	"time"
)

var errSystem = errors.New("processor time and memory are measured on Linux alone")

func processorTime() (time.Duration, error) { return 0, errSystem }

func peakMemory() (float64, error) { return 0, errSystem }
