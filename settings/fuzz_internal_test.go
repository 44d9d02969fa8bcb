// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDotEnv reads any text, and expects back any value that was written with
// quotes and escapes.
func FuzzDotEnv(f *testing.F) {
	f.Add("A=1\nexport B='x\ny' # c\nC=${A}${B:-d}\n", "v")
	f.Add("'A'=\"\\n\\\"\"\n= \nB", `\'"#`)
	f.Add("A=${A:-${B}}\r\n\ufeffB = # c", "$}{")
	f.Fuzz(func(t *testing.T, text, value string) {
		found, senseless, err := parseDotEnv(text, map[string]string{"OUTER": "o"})
		if err != nil {
			t.Fatal(err)
		}
		line := 0
		for _, a := range found {
			if a.name == "" || a.line < line {
				t.Errorf("assignment %+v after line %d", a, line)
			}
			line = a.line
		}
		for _, n := range senseless {
			if n < 1 || n > 1+strings.Count(text, "\n")+strings.Count(text, "\r") {
				t.Errorf("line %d of %q is called senseless", n, text)
			}
		}
		if strings.Contains(value, "${") || strings.Contains(value, "\r") || !utf8.ValidString(value) {
			return
		}
		quoted := "X='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
		got, senseless, err := parseDotEnv("A=1\n"+quoted+"\n", nil)
		if err != nil || len(got) != 2 || len(senseless) > 0 || got[1].text != value || got[1].line != 2 {
			t.Errorf("%q is read as %+v", quoted, got)
		}
	})
}

// FuzzTOML expects a line for every value of a document, and no text of it in
// an error.
func FuzzTOML(f *testing.F) {
	f.Add("[api]\nurl = 'u'\n[[x]]\ny = 1\n[x.z]\nlogging = {to_api = {a.b = 1}}\n")
	f.Add("a.'b c'.\"d\" = [1, {x = 2}]\nb = '''\n'''\n")
	f.Add("k = hunter2")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := parseTOML("f", []byte(text))
		if err != nil {
			if len(err.Error()) > 120 {
				t.Errorf("error %q is longer than its own words", err)
			}
			return
		}
		lines := 1 + strings.Count(text, "\n")
		var walk func(table map[string]any, keys []string)
		walk = func(table map[string]any, keys []string) {
			for key, v := range table {
				path := append(keys[:len(keys):len(keys)], key)
				if _, ok := file.at(path...); !ok {
					t.Errorf("nothing at %q", path)
				}
				switch v := v.(type) {
				case map[string]any:
					walk(v, path)
				case []any: // may be an array of tables, which has no one line
				default:
					if n := file.line(path...); n < 1 || n > lines {
						t.Errorf("%q is on line %d of %d", path, n, lines)
					}
				}
			}
		}
		walk(file.data, nil)
	})
}

// FuzzNumbers expects that what was read is read again the same.
func FuzzNumbers(f *testing.F) {
	for _, text := range []string{"1_000", " +2.0 ", "0-1", " 0-1", "+00-1", "1e400", "-nan", "inf", "0x1p-2", "yes", "9223372036854775808"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, g := range []Generation{Prefect3, Prefect2} {
			if n, err := asInt(text, g); err == nil {
				if again, err := asInt(strconv.Itoa(n), g); err != nil || again != n {
					t.Errorf("%q is %d, which is read as %d, %v", text, n, again, err)
				}
				// Pydantic takes underscores and a minus among the leading zeros of whole numbers alone.
				odd := strings.Contains(text, "_") || strings.HasPrefix(strings.TrimPrefix(strings.TrimSpace(text), "+"), "0")
				if x, err := asFloat(text, g); err != nil && !odd || err == nil && x != float64(n) {
					t.Errorf("%q is the whole number %d and the number %v, %v", text, n, x, err)
				}
			}
			if x, err := asFloat(text, g); err == nil && !math.IsNaN(x) {
				if again, err := asFloat(strconv.FormatFloat(x, 'g', -1, 64), g); err != nil || again != x {
					t.Errorf("%q is %v, which is read as %v, %v", text, x, again, err)
				}
				if d := seconds(x); x >= 0 && d < 0 {
					t.Errorf("%v seconds are %v", x, d)
				}
			}
		}
	})
}

// FuzzLoad takes any environment, and expects either settings within their
// bounds or an error, neither with the secret in it.
func FuzzLoad(f *testing.F) {
	f.Add("PREFECT_API_URL=http://h/api\nPREFECT_LOGGING_TO_API_BATCH_SIZE=10")
	f.Add("PREFECT_CLIENT_CUSTOM_HEADERS={\"A\": \"b\"}\nPREFECT_CLIENT_RETRY_EXTRA_CODES=[500]\nPREFECT_LOGGING={\"to_api\": {\"batch_size\": 1}}")
	f.Add("PREFECT_HOME=~\nPREFECT_LOGGING_SETTINGS_PATH=$PREFECT_HOME//.\nHOME=/h\nprefect_debug_mode=T")
	const secret = "hunter2canary"
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, secret) {
			return
		}
		environ := append(strings.Split(text, "\n"), "PREFECT_API_KEY="+secret, `PREFECT_API_AUTH_STRING=`+secret)
		for _, g := range []Generation{Prefect3, Prefect2} {
			e, err := Explain(WithoutFiles(), WithEnvironment(environ), WithGeneration(g))
			if strings.Contains(e.String(), secret) || err != nil && strings.Contains(err.Error(), secret) {
				t.Fatalf("the secret is shown: %v\n%v", err, e)
			}
			if len(e.Settings) != len(definitions) {
				t.Fatalf("%d settings are explained, want %d", len(e.Settings), len(definitions))
			}
			s, err := Load(WithoutFiles(), WithEnvironment(environ), WithGeneration(g))
			if err != nil {
				continue
			}
			if s.ToAPI.MaxLogSize < 1 || s.ToAPI.MaxLogSize > s.ToAPI.BatchSize || s.ToAPI.BatchInterval < 0 || s.RequestTimeout <= 0 ||
				s.Client.MaxRetries < 0 || !(s.Client.RetryJitterFactor >= 0) {
				t.Errorf("settings out of bounds: %+v", s)
			}
			if cleanPath(s.ConfigPath) != s.ConfigPath && s.ConfigPath != "" {
				t.Errorf("path %q is not clean", s.ConfigPath)
			}
		}
	})
}
