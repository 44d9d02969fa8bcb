// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"strings"
	"testing"
)

// Each of these took quadratic time, or more memory than there is, in a
// reader written without care.
func TestAHostileDotEnvIsReadInNoTime(t *testing.T) {
	for name, unit := range map[string]string{
		"unclosed names":      "'\n",
		"unclosed values":     "A=\"\\\n",
		"tails":               "A='b' c\n",
		"open expansions":     "${a",
		"expansions in names": "${a:${a:-",
		"short lines":         "a\n",
	} {
		t.Run(name, func(t *testing.T) {
			text := "A=" + strings.Repeat(unit, maxFile/len(unit))
			if _, _, err := parseDotEnv(text, nil); err != nil {
				t.Error(err)
			}
			if _, _, err := parseDotEnv(text+"}", nil); err != nil {
				t.Error(err)
			}
		})
	}
	text := "A=0123456789\n" + strings.Repeat("A=${A}${A}\n", 100)
	_, _, err := parseDotEnv(text, nil)
	if want := ": ${NAME} makes its values larger than 16777216 bytes"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("a value that doubles 100 times: error %v, want %s", err, want)
	}
}
