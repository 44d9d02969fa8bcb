// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// parsed is what the oracle makes of one text.
type parsed struct {
	Value any
	Error string
}

// askParser has testdata/parse.py parse texts as a generation of Prefect does.
func askParser(t *testing.T, version servers.Version, texts [][2]string) []parsed {
	t.Helper()
	python := serverstest.Python(t, version)
	var in, stderr bytes.Buffer
	for _, text := range texts {
		line, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/parse.py", string(version[0]))
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "PYTHONUTF8=1"}
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the oracle of %v: %v\n%s", version, err, stderr.String())
	}
	var answers []parsed
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a parsed
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(texts) {
		t.Fatalf("the oracle answered %d of %d texts\n%s", len(answers), len(texts), stderr.String())
	}
	return answers
}

// randomText strings parts together at random.
func randomText(r *rand.Rand, most int, parts []string) string {
	var text strings.Builder
	for range r.IntN(most) + 1 {
		text.WriteString(parts[r.IntN(len(parts))])
	}
	return text.String()
}

func TestNumbersAndWordsAreReadAsPydanticReadsThem(t *testing.T) {
	parts := []string{"0", "1", "12", "00", "9", "_", ".", "-", "+", "e", "E", " ", "\t", "\u00a0", "x", "inf", "nan", "Infinity", "a", "\x1c", "1_000", ".0"}
	words := []string{"true", "True", "T", "f", "FALSE", "on", "OFF", "yes", "No", "y", "n", "1", "0", "", " ", "tru", "on "}
	for version, g := range map[servers.Version]Generation{servers.Prefect38: Prefect3, servers.Prefect220: Prefect2} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, 2))
			var texts [][2]string
			for range 10000 {
				texts = append(texts, [2]string{"int", randomText(r, 5, parts)}, [2]string{"float", randomText(r, 5, parts)})
			}
			for range 200 {
				texts = append(texts, [2]string{"bool", randomText(r, 2, words)})
			}
			good := 0
			for i, want := range askParser(t, version, texts) {
				got, err := parseAs(texts[i][0], texts[i][1], g)
				if (err != nil) != (want.Error != "") || err == nil && got != want.Value {
					t.Errorf("%s %q: Prefect %v %s, we %v %v", texts[i][0], texts[i][1], want.Value, want.Error, got, err)
				}
				if err == nil {
					good++
				}
			}
			if good < len(texts)/20 {
				t.Errorf("only %d of %d texts are good: they say too little", good, len(texts))
			}
		})
	}
}

// parseAs reads a text as one kind, and gives the value as JSON has it.
func parseAs(kind, text string, g Generation) (any, error) {
	switch kind {
	case "int":
		n, err := asInt(text, g)
		if errors.Is(err, errTooLarge) || n >= 1<<53 || n <= -1<<53 {
			return "large", nil
		}
		return float64(n), err
	case "float":
		f, err := asFloat(text, g)
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return strings.ToLower(strings.TrimPrefix(fmt.Sprint(f), "+")), err
		}
		return f, err
	}
	return asBool(text)
}

func TestDotEnvIsReadAsPythonDotenvReadsIt(t *testing.T) {
	parts := []string{
		"A", "B", "é", "=", "=", " ", "\t", "\n", "\n", "\r\n", "\r", "'", "'", "\"", "\"", "\\", "\\n", "\\'", "\\\"", "#", " #", "export ", "export",
		"${A}", "${B:-x}", "${OUTER}", "${", "}", "$", ":", "\u00a0", "\u2028", "\x1f", "\x0b", "\ufeff", "A=1\n", "B='", "x y",
	}
	r := rand.New(rand.NewPCG(3, 4))
	var texts [][2]string
	for range 20000 {
		texts = append(texts, [2]string{"dotenv", randomText(r, 12, parts)})
	}
	some := 0
	for i, want := range askParser(t, servers.Prefect38, texts) {
		found, _, err := parseDotEnv(texts[i][1], map[string]string{"OUTER": "o"})
		if err != nil {
			t.Fatal(err)
		}
		got := []any{}
		at := make(map[string]int)
		for _, a := range found {
			var text any
			if a.hasValue {
				text = a.text
			}
			if j, ok := at[a.name]; ok {
				got[j] = []any{a.name, text}
				continue
			}
			at[a.name] = len(got)
			got = append(got, []any{a.name, text})
		}
		if diff := cmp.Diff(want.Value, any(got)); diff != "" || want.Error != "" {
			t.Errorf("%q (-Python +Go) %s:\n%s", texts[i][1], want.Error, diff)
		}
		if len(got) > 0 {
			some++
		}
	}
	if some < len(texts)/3 {
		t.Errorf("only %d of %d texts hold an assignment: they say too little", some, len(texts))
	}
}
