// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import "strings"

// DefaultDeny returns the patterns of names that speak of secrets: [Config.Deny]
// where none is configured. "token" counts only at the end of a word, since
// names like max_tokens are harmless and common. The list is the caller's to change.
func DefaultDeny() []string {
	return []string{
		"*password*", "*passwd*", "*passphrase*", "*secret*", "*authorization*", "*cookie*", "*credential*",
		"*api_key*", "*apikey*", "*api-key*", "*private_key*", "*privatekey*", "*private-key*",
		"*token", "*token.*", "*token_*", "*token-*",
	}
}

// maxMatchedName bounds the part of a name that patterns are matched with, in
// bytes. A longer one counts as denied: it is no name.
const maxMatchedName = 4 << 10

func lowered(patterns []string) []string {
	var lower []string
	for _, pattern := range patterns {
		lower = append(lower, strings.ToLower(pattern))
	}
	return lower
}

// matchesAny reports whether a name matches one of the patterns, which are in lower case.
func matchesAny(patterns []string, name string) bool {
	if len(patterns) == 0 {
		return false
	}
	if len(name) > maxMatchedName {
		return true
	}
	name = strings.ToLower(name)
	for _, pattern := range patterns {
		if matches(pattern, name) {
			return true
		}
	}
	return false
}

// matches reports whether a pattern, in which * stands for any text, is all of a name.
func matches(pattern, name string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	name, ok := strings.CutPrefix(name, first)
	if !ok || !wild {
		return ok && name == ""
	}
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name, rest = name[at+len(part):], after
	}
}
