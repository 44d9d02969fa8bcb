// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

var (
	errNotText  = errors.New("want a text")
	errNotInt   = errors.New("want a whole number")
	errNotFloat = errors.New("want a number")
	errNotBool  = errors.New("want true, t, 1, yes, y, on or false, f, 0, no, n, off, in any case")
)

// asText reads a text. Prefect 2 also makes one of a bare TOML number or word.
func asText(raw any, g Generation) (string, error) {
	if s, ok := raw.(string); ok {
		return s, nil
	}
	if g != Prefect2 {
		return "", errNotText
	}
	switch v := raw.(type) {
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if v == math.Trunc(v) && !strings.ContainsAny(s, ".eIN") {
			s += ".0"
		}
		return s, nil
	case bool:
		if v {
			return "True", nil
		}
		return "False", nil
	}
	return "", errNotText
}

// asBool reads the words that pydantic reads, in any case. Spaces and the
// empty text are refused, as there.
func asBool(raw any) (bool, error) {
	switch v := raw.(type) {
	case bool:
		return v, nil
	case int64:
		raw = strconv.FormatInt(v, 10)
	case float64:
		raw = strconv.FormatFloat(v, 'f', -1, 64)
	}
	s, _ := raw.(string)
	switch strings.ToLower(s) {
	case "1", "t", "true", "y", "yes", "on":
		return true, nil
	case "0", "f", "false", "n", "no", "off":
		return false, nil
	}
	return false, errNotBool
}

// asInt reads a whole number as pydantic does: spaces around, a sign and
// single underscores between digits are allowed, and in Prefect 3 a fraction
// of zeros. Of a TOML fraction Prefect 2 takes the whole part.
func asInt(raw any, g Generation) (int, error) {
	switch v := raw.(type) {
	case int64:
		if int64(int(v)) != v {
			return 0, errTooLarge
		}
		return int(v), nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case float64:
		switch whole := math.Trunc(v); {
		case math.IsNaN(v), math.IsInf(v, 0), g != Prefect2 && whole != v:
			return 0, errNotInt
		case math.Abs(whole) >= math.MaxInt:
			return 0, errTooLarge
		default:
			return int(whole), nil
		}
	case string:
		return parseInt(v, g)
	}
	return 0, errNotInt
}

var errTooLarge = fmt.Errorf("want a number of at most %d", math.MaxInt)

func parseInt(s string, g Generation) (int, error) {
	s = strings.TrimSpace(s)
	var ok bool
	if g == Prefect2 {
		s, ok = betweenDigits(s)
	} else {
		s, ok = pydanticInt(s)
	}
	if !ok {
		return 0, errNotInt
	}
	n, err := strconv.Atoi(s)
	if errors.Is(err, strconv.ErrRange) {
		return 0, errTooLarge
	}
	if err != nil {
		return 0, errNotInt
	}
	return n, nil
}

// betweenDigits takes out single underscores between two digits, as in a
// number of Python, and reports whether all were such.
func betweenDigits(s string) (string, bool) {
	for i := range len(s) {
		if s[i] == '_' && (i == 0 || i == len(s)-1 || !isDigit(s[i-1]) || !isDigit(s[i+1])) {
			return "", false
		}
	}
	return strings.ReplaceAll(s, "_", ""), true
}

// pydanticInt brings a whole number into plain form as pydantic's core does,
// its odd ways included: underscores within leading zeros do not count, and a
// minus may stand behind them.
func pydanticInt(s string) (string, bool) {
	if rest, ok := strings.CutPrefix(s, "+"); ok {
		if s = rest; strings.HasPrefix(s, "-") {
			return "", false
		}
	}
	if strings.HasPrefix(s, "0") {
		zeros := len(s) - len(strings.TrimLeft(s, "0_"))
		if zeros == len(s) || s[zeros] == '.' {
			zeros-- // keeps one zero
		}
		s = s[zeros:]
		if strings.HasPrefix(s, "-0") {
			return "", false
		}
	}
	if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-_") {
		return "", false
	}
	if whole, fraction, ok := strings.Cut(s, "."); ok && fraction != "" && strings.Trim(fraction, "0") == "" {
		s = whole
	}
	return withoutUnderscores(s)
}

// withoutUnderscores takes out single underscores that stand inside, and
// reports whether all were such: pydantic's way.
func withoutUnderscores(s string) (string, bool) {
	if strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return "", false
	}
	return strings.ReplaceAll(s, "_", ""), true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// asFloat reads a number as Python's float does, spaces around it or single
// underscores included; "inf" and "nan" are numbers there.
func asFloat(raw any, g Generation) (float64, error) {
	switch v := raw.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case string:
		return parseFloat(v, g)
	}
	return 0, errNotFloat
}

func parseFloat(given string, g Generation) (float64, error) {
	s, ok := strings.TrimSpace(given), true
	if strings.Contains(s, "_") {
		if g == Prefect2 {
			s, ok = betweenDigits(s)
		} else {
			s, ok = withoutUnderscores(given) // here spaces and underscores do not go together
		}
	}
	if !ok || strings.ContainsAny(s, "xXpP") { // Go reads 0x1p-2, Python does not
		return 0, errNotFloat
	}
	if len(s) == 4 && strings.ContainsAny(s[:1], "+-") && strings.EqualFold(s[1:], "nan") {
		return math.NaN(), nil // Go's NaN has no sign
	}
	f, err := strconv.ParseFloat(s, 64)
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

// parseJSON reads one JSON value, numbers as int64 or float64.
func parseJSON(s string) (any, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return plainNumbers(v), nil
}

func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64() // of an error the value is ±Inf, as in Python
		_ = err
		return f
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainNumbers(v[k])
		}
	}
	return v
}
