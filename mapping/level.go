// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import "strings"

// levels is the inverse of how OpenTelemetry's Python SDK numbers the levels of
// Python's logging. Severity 0 is not in it.
var levels = [25]int{
	1: 10, 10, 10, 10,
	5: 10, 11, 12, 13,
	9: 20, 21, 22, 23,
	13: 30, 31, 32, 33,
	17: 40, 41, 42, 43,
	21: 50, 51, 52, 53,
}

const defaultLevel = 20

// textLevels are the names under which logging libraries know their levels.
var textLevels = []struct {
	name  string
	level int
}{
	{"INFO", 20}, {"DEBUG", 10}, {"WARN", 30}, {"WARNING", 30}, {"ERROR", 40}, {"TRACE", 10},
	{"CRITICAL", 50}, {"FATAL", 50}, {"NOTICE", 20}, {"ERR", 40}, {"CRIT", 50},
	{"PANIC", 50}, {"DPANIC", 50}, {"ALERT", 50}, {"EMERG", 50}, {"EMERGENCY", 50},
	{"VERBOSE", 10}, {"INFORMATION", 20}, {"INFORMATIONAL", 20},
}

// LevelOf returns the level, 10..59, of OpenTelemetry's severity number, or of
// the severity text where the number is 0. What neither tells is 20.
func LevelOf(severity int, text string) int {
	if severity > 0 && severity < len(levels) {
		return levels[severity]
	}
	if severity >= len(levels) {
		return levels[len(levels)-1]
	}
	for _, known := range textLevels {
		if strings.EqualFold(text, known.name) {
			return known.level
		}
	}
	return defaultLevel
}
