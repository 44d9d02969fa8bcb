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

// The levels that Prefect's pages paint: they go by the first of two digits.
const (
	minLevel     = 10
	maxLevel     = 59
	defaultLevel = 20
)

// severityNames are the names under which logging libraries know their levels,
// and the severity number of each.
var severityNames = []struct {
	name     string
	severity int
}{
	{"INFO", 9}, {"DEBUG", 5}, {"WARN", 13}, {"WARNING", 13}, {"ERROR", 17}, {"TRACE", 1},
	{"CRITICAL", 21}, {"FATAL", 21}, {"NOTICE", 9}, {"ERR", 17}, {"CRIT", 21},
	{"PANIC", 21}, {"DPANIC", 21}, {"ALERT", 21}, {"EMERG", 21}, {"EMERGENCY", 21},
	{"VERBOSE", 5}, {"INFORMATION", 9}, {"INFORMATIONAL", 9},
}

// LevelOf returns the level, 10..59, of OpenTelemetry's severity number, or of
// the severity text where the number is 0. What neither tells is 20.
//
// A severity text is a name that a logging library uses, in any case ("INFO",
// "warning"), one with OpenTelemetry's digit ("ERROR3") or slog's distance
// ("WARN+2"), or a level of Python's logging as Python writes it ("Level 25", "25").
func LevelOf(severity int, text string) int {
	switch {
	case severity >= len(levels):
		return levels[len(levels)-1]
	case severity > 0:
		return levels[severity]
	}
	level, _ := levelOfText(text)
	return level
}

// levelOfText reports also whether text is known.
func levelOfText(text string) (level int, known bool) {
	const longest = 32
	text = strings.TrimSpace(text[:min(len(text), longest+1)])
	if text == "" || len(text) > longest {
		return defaultLevel, false
	}
	number := text
	if len(text) > len("level ") && strings.EqualFold(text[:len("level ")], "level ") {
		number = text[len("level "):]
	}
	if n, ok := atoi(number); ok {
		return min(max(n, minLevel), maxLevel), true
	}
	name, step := cutStep(text)
	for _, known := range severityNames {
		if strings.EqualFold(name, known.name) {
			return levels[min(max(known.severity+step, 1), len(levels)-1)], true
		}
	}
	return defaultLevel, false
}

// cutStep splits "ERROR3" and "ERROR+2" into the name and the steps above it, 2 for both.
func cutStep(text string) (name string, step int) {
	if last := text[len(text)-1]; last >= '1' && last <= '4' && len(text) > 1 && isLetter(text[len(text)-2]) {
		return text[:len(text)-1], int(last - '1')
	}
	if at := strings.LastIndexAny(text, "+-"); at > 0 {
		if n, ok := atoi(text[at:]); ok {
			return text[:at], min(max(n, -len(levels)), len(levels))
		}
	}
	return text, 0
}

// atoi reads a small number with or without a sign. It makes no error, which
// would be an allocation for each record.
func atoi(s string) (n int, ok bool) {
	digits := strings.TrimLeft(s, "+-")
	if digits == "" || len(digits) > 9 || len(s) > len(digits)+1 {
		return 0, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		n = n*10 + int(digits[i]-'0')
	}
	if s[0] == '-' {
		n = -n
	}
	return n, true
}

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// isLevelName reports whether a severity text says no more than the level does,
// first by the spellings that nearly every record has.
func isLevelName(text string) bool {
	switch text {
	case "INFO", "DEBUG", "WARN", "ERROR", "info", "debug", "warn", "error", "WARNING", "warning", "CRITICAL", "FATAL", "fatal":
		return true
	}
	_, known := levelOfText(text)
	return known
}
