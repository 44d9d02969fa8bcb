// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"strconv"
	"strings"
)

// Level is a level of Python's logging: 10, 20, 30, 40 and 50 have names, the
// numbers between are allowed.
type Level int

// The named levels, with Python's numbers.
const (
	LevelNotSet   Level = 0
	LevelDebug    Level = 10
	LevelInfo     Level = 20
	LevelWarning  Level = 30
	LevelError    Level = 40
	LevelCritical Level = 50
)

// String returns Python's name of the level, or "Level 25" for a number
// without one.
func (l Level) String() string {
	switch l {
	case LevelNotSet:
		return "NOTSET"
	case LevelDebug:
		return "DEBUG"
	case LevelInfo:
		return "INFO"
	case LevelWarning:
		return "WARNING"
	case LevelError:
		return "ERROR"
	case LevelCritical:
		return "CRITICAL"
	}
	return "Level " + strconv.Itoa(int(l))
}

// MarshalText writes the level as String does.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

const (
	levels3 = "DEBUG, INFO, WARNING, ERROR or CRITICAL"
	levels2 = "DEBUG, INFO, WARN, WARNING, ERROR, FATAL, CRITICAL or NOTSET"
)

// parseLevel reads a name in any case. Prefect 3 takes five names; Prefect 2
// takes all that Python's logging knows. Neither takes a number.
func parseLevel(text string, g Generation) (Level, error) {
	name := strings.ToUpper(text)
	for _, l := range []Level{LevelDebug, LevelInfo, LevelWarning, LevelError, LevelCritical} {
		if name == l.String() {
			return l, nil
		}
	}
	if g != Prefect2 {
		return 0, fmt.Errorf("want %s, in any case", levels3)
	}
	switch name {
	case "NOTSET":
		return LevelNotSet, nil
	case "WARN":
		return LevelWarning, nil
	case "FATAL":
		return LevelCritical, nil
	}
	return 0, fmt.Errorf("want %s, in any case", levels2)
}
