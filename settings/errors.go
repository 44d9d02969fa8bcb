// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Error is one thing that is wrong with one setting. [Load] joins them.
type Error struct {
	// Name is the setting as written in its source: PREFECT_API_URL,
	// tool.prefect.logging.to_api.batch_size.
	Name string
	// Source is where the value was found.
	Source Source
	// Value is the value found, quoted, cut when long, masked when secret.
	Value string
	// Err says what is allowed.
	Err error
}

// Error returns, in one line, name, value, source and what is allowed.
func (e *Error) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s (%s): %v", e.Name, e.Source, e.Err)
	}
	return fmt.Sprintf("%s = %s (%s): %v", e.Name, e.Value, e.Source, e.Err)
}

// Unwrap returns what is allowed.
func (e *Error) Unwrap() error { return e.Err }

// maxShown bounds how much of a value an error repeats, in bytes.
const maxShown = 120

// shown quotes a value for a message.
func shown(raw any) string {
	switch v := raw.(type) {
	case nil:
		return "null"
	case string:
		return strconv.Quote(cut(maskURL(v)))
	case []any: // which may hold a URL with a password
		return "a list"
	case map[string]any:
		return "a table"
	}
	return cut(fmt.Sprint(raw))
}

// cut shortens text at a rune border.
func cut(text string) string {
	if len(text) <= maxShown {
		return text
	}
	n := maxShown
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}
