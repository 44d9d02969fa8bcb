// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// assignment is one "NAME=value" of a .env file. A name without "=" has no
// value, and counts as absent.
type assignment struct {
	name, text string
	hasValue   bool
	line       int // where the name stands, from 1
}

// parseDotEnv reads a .env file as python-dotenv does, which is what Prefect
// uses: "export", names in single quotes, values in either quote over several
// lines, escapes, comments. It also expands ${NAME} and ${NAME:-default},
// from the assignments above it and then from environ, in every kind of value.
// Statements that make no sense are left out, as there; their lines are
// returned. The error is for values that ${NAME} makes too large, and tells
// the line.
func parseDotEnv(text string, environ map[string]string) (found []assignment, senseless []int, err error) {
	text = strings.TrimPrefix(text, "\ufeff")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	r := dotEnvReader{text: text}
	above := make(map[string]string)
	line, counted := 1, 0 // the line of text[counted]
	room := maxExpanded
	for r.at < len(r.text) {
		r.skip(isSpace)
		if r.at == len(r.text) {
			break
		}
		line += strings.Count(r.text[counted:r.at], "\n")
		counted = r.at
		a, err := r.statement()
		a.line = line
		switch {
		case err != nil:
			senseless = append(senseless, a.line)
			r.skip(notNewline)
			r.skipOne('\n')
		case a.name != "":
			if a.text = expand(a.text, above, environ, room); len(a.text) > room {
				return nil, nil, fmt.Errorf("%d: ${NAME} makes its values larger than %d bytes", line, maxExpanded)
			}
			room -= len(a.text)
			above[a.name] = a.text
			found = append(found, a)
		}
	}
	return found, senseless, nil
}

// maxExpanded bounds the values of one .env file together, in bytes: a value
// that holds itself twice doubles with each line.
const maxExpanded = 4 * maxFile

var errSenseless = errors.New("not an assignment")

// dotEnvReader reads statements from the front of text[at:].
type dotEnvReader struct {
	text string
	at   int
}

// statement reads one assignment or comment, with its end of line. A comment
// gives the zero assignment.
func (r *dotEnvReader) statement() (assignment, error) {
	if rest, ok := strings.CutPrefix(r.text[r.at:], "export"); ok {
		if n := len(rest) - len(strings.TrimLeftFunc(rest, isBlank)); n > 0 {
			r.at += len("export") + n
		}
	}
	var a assignment
	var err error
	if a.name, err = r.name(); err != nil {
		return a, err
	}
	r.skip(isBlank)
	if r.skipOne('=') {
		a.hasValue = true
		if a.text, err = r.value(r.skip(isBlank) > 0); err != nil {
			return a, err
		}
	}
	r.skip(isBlank)
	if r.peek() == '#' {
		r.skip(notNewline)
	}
	r.skip(isBlank)
	if r.at < len(r.text) && !r.skipOne('\n') {
		return a, errSenseless
	}
	return a, nil
}

// name reads a name, in single quotes or bare; "" at a comment.
func (r *dotEnvReader) name() (string, error) {
	switch r.peek() {
	case '#':
		return "", nil
	case '\'':
		name, rest, ok := strings.Cut(r.text[r.at+1:], "'")
		if !ok || name == "" {
			return "", errSenseless
		}
		r.at = len(r.text) - len(rest)
		return name, nil
	}
	start := r.at
	r.skip(func(c rune) bool { return c != '=' && c != '#' && !isSpace(c) })
	if r.at == start {
		return "", errSenseless
	}
	return r.text[start:r.at], nil
}

// value reads what stands behind "=" and the blanks after it.
func (r *dotEnvReader) value(blanksBefore bool) (string, error) {
	switch c := r.peek(); {
	case c == '\'' || c == '"':
		return r.quoted(c)
	case c == '#' && blanksBefore:
		return "", nil
	}
	start := r.at
	r.skip(notNewline)
	text := r.text[start:r.at]
	blank := false
	for i, c := range text {
		if c == '#' && blank {
			text = text[:i]
			break
		}
		blank = isSpace(c)
	}
	return strings.TrimRightFunc(text, isSpace), nil
}

// quoted reads a value in quotes, with its escapes: a backslash always shields
// what follows it, but only some pairs become something else.
func (r *dotEnvReader) quoted(quote byte) (string, error) {
	escapes := map[byte]byte{'\\': '\\', '\'': '\''}
	if quote == '"' {
		escapes = map[byte]byte{'\\': '\\', '\'': '\'', '"': '"', 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}
	}
	var text strings.Builder
	for i := r.at + 1; i < len(r.text); i++ {
		c := r.text[i]
		switch {
		case c == quote:
			r.at = i + 1
			return text.String(), nil
		case c == '\\' && i+1 < len(r.text):
			i++
			if meant, ok := escapes[r.text[i]]; ok {
				text.WriteByte(meant)
			} else {
				text.WriteByte('\\')
				text.WriteByte(r.text[i])
			}
		default:
			text.WriteByte(c)
		}
	}
	return "", errSenseless
}

// peek returns the next byte, 0 at the end.
func (r *dotEnvReader) peek() byte {
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

// skip moves over the runes that fit, and says how many bytes that were.
func (r *dotEnvReader) skip(fits func(rune) bool) int {
	rest := strings.TrimLeftFunc(r.text[r.at:], fits)
	n := len(r.text) - len(rest) - r.at
	r.at += n
	return n
}

func (r *dotEnvReader) skipOne(c byte) bool {
	if r.peek() != c || r.at == len(r.text) {
		return false
	}
	r.at++
	return true
}

// isSpace is Python's idea of white space, which has four more than Go's.
func isSpace(c rune) bool { return unicode.IsSpace(c) || '\x1c' <= c && c <= '\x1f' }

// isBlank is white space within a line.
func isBlank(c rune) bool { return isSpace(c) && c != '\n' && c != '\r' }

func notNewline(c rune) bool { return c != '\n' }

// expand puts in the values of ${NAME} and ${NAME:-default}. An unknown name
// without a default gives nothing; anything else with a "$" stays as it is.
// It stops beyond limit bytes.
func expand(text string, above, environ map[string]string, limit int) string {
	var out strings.Builder
	for out.Len() <= limit {
		before, after, ok := strings.Cut(text, "${")
		end := strings.IndexAny(after, ":}")
		if !ok || end < 0 {
			break
		}
		name, fallback, rest := after[:end], "", after[end+1:]
		if after[end] == ':' {
			if !strings.HasPrefix(rest, "-") { // not of the form, so the search goes on inside
				out.WriteString(before + "${")
				text = after
				continue
			}
			if fallback, rest, ok = strings.Cut(rest[1:], "}"); !ok {
				break
			}
		}
		value, known := above[name]
		if !known {
			value, known = environ[name]
		}
		if !known {
			value = fallback
		}
		out.WriteString(before + value)
		text = rest
	}
	out.WriteString(text)
	return out.String()
}
