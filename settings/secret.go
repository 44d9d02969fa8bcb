// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// mask stands for a secret wherever one would be printed.
const mask = "********"

// Secret is a text that never prints itself: not by any verb of fmt, not as
// JSON or text, not through log/slog. The zero value is an unset secret. It is
// safe for concurrent use; compare secrets with [Secret.Equal], not with ==.
type Secret struct {
	// A pointer, because fmt prints an unexported field of an unexported field
	// without asking its methods, and of a pointer it prints only the address.
	text *string
}

// NewSecret hides text. An empty text gives an unset secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text itself, "" when unset. It is the only way to it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsSet reports whether there is anything to hide.
func (s Secret) IsSet() bool { return s.text != nil }

// Equal reports whether both hide the same text, in a time that does not
// depend on where they differ.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns eight asterisks, or "" when unset.
func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return mask
}

// GoString is String, quoted as a Go expression.
func (s Secret) GoString() string { return fmt.Sprintf("settings.Secret(%q)", s.String()) }

// Format prints the mask for every verb, with or without flags.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'v' && f.Flag('#') {
		text = s.GoString()
	}
	_, _ = io.WriteString(f, text) // fmt ignores what a Formatter could not write
}

// MarshalText gives the mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON gives the mask as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// LogValue gives the mask to log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// maskURL hides a password (or a token in its place) inside a URL. A URL that
// cannot be parsed is hidden up to the last "@" before its path.
func maskURL(raw string) string {
	if !strings.Contains(raw, "@") {
		return raw
	}
	if u, err := url.Parse(raw); err == nil && u.Host != "" {
		if u.User == nil {
			return raw
		}
		before, _, _ := strings.Cut(raw, "//")
		_, after, _ := strings.Cut(raw, "@")
		if strings.HasPrefix(after, u.Host) {
			return before + "//" + mask + "@" + after
		}
	}
	return mask + raw[strings.LastIndexByte(raw, '@'):]
}
