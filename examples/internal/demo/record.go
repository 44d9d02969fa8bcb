// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// record is what a program says on its console, as [slog.JSONHandler] writes it, of one record that it logs.
type record struct {
	time    time.Time
	level   slog.Level
	message string
	attrs   []attr
}

// attr is an attribute, those of groups too: "customer.id".
type attr struct{ key, value string }

// parse reads a line of the console.
func parse(line string) (r record, err error) {
	var head struct {
		Time  time.Time
		Level slog.Level
		Msg   string
	}
	if err := json.Unmarshal([]byte(line), &head); err != nil {
		return r, fmt.Errorf("a program prints what is no record: %w", err)
	}
	r.time, r.level, r.message = head.Time, head.Level, head.Msg
	tokens := json.NewDecoder(strings.NewReader(line))
	tokens.UseNumber()
	if _, err := tokens.Token(); err != nil {
		return r, err
	}
	r.attrs, err = attributes(tokens, "")
	r.attrs = r.attrs[min(3, len(r.attrs)):] // behind time, level and message
	return r, err
}

// attributes reads what an object holds, to its end.
func attributes(tokens *json.Decoder, prefix string) (attrs []attr, err error) {
	for {
		key, err := tokens.Token()
		if err != nil || key == json.Delim('}') {
			return attrs, err
		}
		value, err := tokens.Token()
		switch value := value.(type) {
		case json.Delim:
			if value != '{' {
				return attrs, errors.New("a program logs a list, which no example does")
			}
			within, err := attributes(tokens, fmt.Sprint(prefix, key, "."))
			if err != nil {
				return attrs, err
			}
			attrs = append(attrs, within...)
		default:
			attrs = append(attrs, attr{fmt.Sprint(prefix, key), fmt.Sprint(value)})
		}
		if err != nil {
			return attrs, err
		}
	}
}

func (r record) get(key string) string {
	for _, a := range r.attrs {
		if a.key == key {
			return a.value
		}
	}
	return ""
}

// prefectLevel is the level as Prefect has it.
func (r record) prefectLevel() int {
	switch {
	case r.level > slog.LevelError:
		return 50
	case r.level >= slog.LevelError:
		return 40
	case r.level >= slog.LevelWarn:
		return 30
	case r.level >= slog.LevelInfo:
		return 20
	}
	return 10
}

// text is the message as it stands on the page: with its attributes behind it, and an error with its stack below. Errors are those
// of errors.New.
func (r record) text() string {
	text, below := r.message, ""
	for _, a := range r.attrs {
		switch a.key {
		case "error":
			below += fmt.Sprintf("\n%T: %s", errors.New(""), a.value)
		case "exception.stacktrace":
			below += "\n" + strings.TrimSuffix(a.value, "\n")
		default:
			if strings.Contains(a.value, " ") {
				a.value = strconv.Quote(a.value)
			}
			text += " " + a.key + "=" + a.value
		}
	}
	if r.level < slog.LevelDebug {
		text += " severity=TRACE"
	}
	return text + below
}
