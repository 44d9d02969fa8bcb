// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parseBool reads the words that pydantic reads, in any case. Spaces and the
// empty text are refused, as there.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "1", "t", "true", "y", "yes", "on":
		return true, nil
	case "0", "f", "false", "n", "no", "off":
		return false, nil
	}
	return false, errors.New("want true, t, 1, yes, y, on or false, f, 0, no, n, off, in any case")
}

// parseInt reads a whole number as pydantic does: spaces around, a sign and
// single underscores between digits are allowed, and in Prefect 3 a fraction of
// zeros.
func parseInt(text string, g Generation) (int, error) {
	text = strings.TrimSpace(text)
	if g != Prefect2 {
		if whole, zeros, ok := strings.Cut(text, "."); ok && zeros != "" && strings.Trim(zeros, "0") == "" {
			text = whole
		}
	}
	digits, err := plainDigits(text)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(digits)
	if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("want a number of at most %d", math.MaxInt)
	}
	if err != nil {
		return 0, errNotInt
	}
	return n, nil
}

var (
	errNotInt   = errors.New("not a whole number")
	errNotFloat = errors.New("not a number")
)

// plainDigits takes out single underscores that stand between two digits.
func plainDigits(text string) (string, error) {
	if !strings.Contains(text, "_") {
		return text, nil
	}
	for i := range len(text) {
		if text[i] != '_' {
			continue
		}
		if i == 0 || i == len(text)-1 || !isDigit(text[i-1]) || !isDigit(text[i+1]) {
			return "", errNotInt
		}
	}
	return strings.ReplaceAll(text, "_", ""), nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// parseFloat reads a number as Python's float does, spaces around it and
// single underscores included; "inf" and "nan" are numbers there.
func parseFloat(text string) (float64, error) {
	text, err := plainDigits(strings.TrimSpace(text))
	if err != nil || strings.ContainsAny(text, "xXpP") { // Go reads 0x1p-2, Python does not
		return 0, errNotFloat
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range is inf in Python
		return 0, errNotFloat
	}
	return f, nil
}

// seconds turns seconds into a duration; what is too long for one becomes the
// longest.
func seconds(f float64) time.Duration {
	if f >= math.MaxInt64/float64(time.Second) {
		return math.MaxInt64
	}
	return time.Duration(math.Round(f * float64(time.Second)))
}
