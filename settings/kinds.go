// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

func textKind(field func(*Settings) *string) kind {
	return kind{
		set: func(s *Settings, v value, g Generation) (err error) {
			if v.raw == nil && *field(s) == "" {
				return nil // JSON's null, in a group, for what has no default
			}
			*field(s), err = asText(v.raw, g)
			return err
		},
		show: func(s *Settings) string { return maskURL(*field(s)) },
	}
}

func secretKind(field func(*Settings) *Secret) kind {
	return kind{
		set: func(s *Settings, v value, g Generation) error {
			if v.raw == nil {
				return nil // JSON's null, in a group
			}
			text, err := asText(v.raw, g)
			*field(s) = NewSecret(text)
			return err
		},
		show:   func(s *Settings) string { return field(s).String() },
		secret: true,
	}
}

// pathKind is a path in Python's normal form. It is not made absolute.
func pathKind(field func(*Settings) *string) kind {
	return kind{
		set: func(s *Settings, v value, _ Generation) error {
			text, ok := v.raw.(string)
			if !ok {
				return errNotText
			}
			*field(s) = cleanPath(text)
			return nil
		},
		show: func(s *Settings) string { return *field(s) },
	}
}

func boolKind(field func(*Settings) *bool) kind {
	return kind{
		set: func(s *Settings, v value, _ Generation) (err error) {
			*field(s), err = asBool(v.raw)
			return err
		},
		show: func(s *Settings) string { return strconv.FormatBool(*field(s)) },
	}
}

// intKind is a whole number of at least least; unit is what it counts.
func intKind(field func(*Settings) *int, unit string, least int) kind {
	allowed := fmt.Errorf("want a whole number of %s, at least %d", unit, least)
	return kind{
		set: func(s *Settings, v value, g Generation) error {
			n, err := asInt(v.raw, g)
			if errors.Is(err, errNotInt) || err == nil && n < least {
				return allowed
			}
			*field(s) = n
			return err
		},
		show: func(s *Settings) string { return fmt.Sprintf("%d %s", *field(s), unit) },
	}
}

// secondsKind is a time given as a number of seconds. least is the shortest
// duration allowed, 0 or the first above it.
func secondsKind(field func(*Settings) *time.Duration, least time.Duration) kind {
	allowed := errors.New("want a number of seconds, 0 or more")
	if least > 0 {
		allowed = errors.New("want a number of seconds above 0")
	}
	return kind{
		set: func(s *Settings, v value, g Generation) error {
			f, err := asFloat(v.raw, g)
			if err != nil || math.IsNaN(f) || f < 0 || seconds(f) < least {
				return allowed
			}
			*field(s) = seconds(f)
			return nil
		},
		show: func(s *Settings) string { return field(s).String() },
	}
}

// factorKind is a number of 0 or more.
func factorKind(field func(*Settings) *float64) kind {
	return kind{
		set: func(s *Settings, v value, g Generation) error {
			f, err := asFloat(v.raw, g)
			if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
				return errors.New("want a number of 0 or more")
			}
			*field(s) = f
			return nil
		},
		show: func(s *Settings) string { return strconv.FormatFloat(*field(s), 'g', -1, 64) },
	}
}

func levelKind() kind {
	return kind{
		set: func(s *Settings, v value, g Generation) error {
			text, _ := v.raw.(string)
			level, err := parseLevel(text, g)
			s.LoggingLevel = level
			return err
		},
		show: func(s *Settings) string { return s.LoggingLevel.String() },
	}
}

func missingFlowKind() kind {
	return kind{
		set: func(s *Settings, v value, _ Generation) error {
			text, _ := v.raw.(string)
			switch m := MissingFlow(text); m {
			case MissingFlowWarn, MissingFlowError, MissingFlowIgnore:
				s.ToAPI.WhenMissingFlow = m
				return nil
			}
			return errors.New("want warn, error or ignore, in lower case")
		},
		show: func(s *Settings) string { return string(s.ToAPI.WhenMissingFlow) },
	}
}

// decodeList reads JSON in a variable of Prefect 3; a text that is none is the
// value itself, as it is elsewhere.
func decodeList(v value, g Generation) (any, error) {
	text, isText := v.raw.(string)
	if !isText || !v.json || g == Prefect2 {
		return v.raw, nil
	}
	decoded, err := parseJSON(text)
	if err != nil {
		return text, nil
	}
	return decoded, nil
}

// asList gives the elements of a list: a text has them between commas. What
// Python takes for false is an empty list.
func asList(raw any, g Generation) (list []any, ok bool) {
	if g == Prefect2 {
		text, err := asText(raw, g)
		return splitList(text), err == nil
	}
	switch raw := raw.(type) {
	case nil:
		return nil, true
	case string:
		return splitList(raw), true
	case []any:
		return raw, true
	case map[string]any:
		return nil, len(raw) == 0
	case bool:
		return []any{raw}[:btoi(raw)], true
	case int64:
		return []any{raw}[:btoi(raw != 0)], true
	case float64:
		return []any{raw}[:btoi(raw != 0)], true
	}
	return nil, false
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func splitList(s string) []any {
	if s == "" {
		return nil
	}
	var list []any
	for part := range strings.SplitSeq(s, ",") {
		list = append(list, strings.TrimFunc(part, isSpace))
	}
	return list
}

// codesKind is the set of status codes to retry on besides Prefect's own.
func codesKind() kind {
	allowed := errors.New("want status codes from 100 to 599, with commas between")
	return kind{
		decode: decodeList,
		set: func(s *Settings, v value, g Generation) error {
			list, ok := asList(v.raw, g)
			if !ok {
				return allowed
			}
			codes := make(map[int]bool)
			for _, item := range list {
				if text, isText := item.(string); isText && g == Prefect2 && strings.Trim(text, "0123456789") != "" {
					return allowed
				}
				code, err := asInt(item, g)
				if err != nil || code < 100 || code > 599 {
					return allowed
				}
				codes[code] = true
			}
			s.Client.RetryExtraCodes = slices.Sorted(maps.Keys(codes))
			return nil
		},
		show: func(s *Settings) string {
			var list []string
			for _, code := range s.Client.RetryExtraCodes {
				list = append(list, strconv.Itoa(code))
			}
			return strings.Join(list, ",")
		},
		lazy: true,
	}
}

// loggersKind is a list of logger names, each once, in the order written.
func loggersKind() kind {
	allowed := errors.New("want names of loggers, with commas between")
	return kind{
		decode: decodeList,
		set: func(s *Settings, v value, g Generation) error {
			list, ok := asList(v.raw, g)
			var loggers []string
			for _, item := range list {
				name, isText := item.(string)
				ok = ok && isText
				if !slices.Contains(loggers, name) {
					loggers = append(loggers, name)
				}
			}
			if !ok {
				return allowed
			}
			s.ExtraLoggers = loggers
			return nil
		},
		show: func(s *Settings) string { return strings.Join(s.ExtraLoggers, ",") },
	}
}

// headersKind is a JSON object of texts, or in the TOML files a table of them.
// The values are secrets, as they may hold any token.
func headersKind() kind {
	allowed := errors.New(`want a JSON object of texts, as {"X-Name": "value"}`)
	return kind{
		decode: func(v value, _ Generation) (any, error) {
			text, isText := v.raw.(string)
			if !isText {
				if v.source.Kind == FromProfile {
					return nil, allowed
				}
				return v.raw, nil
			}
			decoded, err := parseJSON(text)
			if err != nil {
				return nil, allowed
			}
			return decoded, nil
		},
		set: func(s *Settings, v value, _ Generation) error {
			raw := v.raw
			if text, isText := raw.(string); isText { // JSON within JSON
				var err error
				if raw, err = parseJSON(text); err != nil {
					return allowed
				}
			}
			table, ok := raw.(map[string]any)
			if !ok {
				return allowed
			}
			headers := make(map[string]Secret, len(table))
			for name, item := range table {
				text, ok := item.(string)
				if !ok {
					return allowed
				}
				if !isHeaderName(name) || strings.ContainsAny(text, "\r\n\x00") {
					return errors.New("holds what cannot be an HTTP header: a name that is no token, or a line break in a value")
				}
				headers[name] = NewSecret(text)
			}
			s.Client.CustomHeaders = headers
			return nil
		},
		show: func(s *Settings) string {
			var list []string
			for _, name := range slices.Sorted(maps.Keys(s.Client.CustomHeaders)) {
				list = append(list, name+": "+mask)
			}
			return strings.Join(list, ", ")
		},
		secret: true,
		table:  true,
	}
}

// isHeaderName reports whether name is a token of RFC 9110.
func isHeaderName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return name != ""
}
