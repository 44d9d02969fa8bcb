// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/run"
)

const dashed = "11111111-2222-3333-4444-5555aaaaffff"

// handmadeIDs are texts at the edges of what uuid.UUID takes.
func handmadeIDs() []string {
	ones := func(n int) string { return strings.Repeat("1", n) }
	return []string{
		"", dashed, strings.ToUpper(dashed), "{" + dashed + "}", "urn:uuid:" + dashed, "{urn:uuid:" + dashed + "}", "URN:UUID:" + dashed,
		strings.ReplaceAll(dashed, "-", ""), dashed[:35], dashed + "0", dashed + "-", "-" + dashed, strings.Repeat("-", 500) + dashed, strings.ReplaceAll(dashed, "1", "g"),
		"}{" + ones(32) + "}}{", ones(31), ones(33), "uuid:" + ones(32), "uurn:uid:" + ones(32), "urn:" + ones(16) + "urn:" + ones(16),
		"0x" + ones(30), "0X_" + ones(29), "0x__" + ones(28), "0x" + strings.Repeat("_", 30), "0_x" + ones(29), "+" + ones(31), "++" + ones(30), "+0x" + ones(29), "0x+" + ones(29),
		"   " + ones(29), ones(29) + "\t\n ", " +0x_" + ones(26) + " ", "0x " + ones(29), ones(31) + "\x1c", ones(31) + "\x00", ones(31) + "\u00a0", "\u0085" + ones(31), "\u3000" + ones(31), "\u200b" + ones(31),
		strings.Repeat("1_", 15) + "11", "_" + ones(31), ones(31) + "_", "1__1" + ones(28),
		strings.Repeat("１", 32), strings.Repeat("٣", 32), strings.Repeat("𝟡", 32), "Ａ" + ones(31), "²" + ones(31), "é" + ones(31), "\x7f" + ones(31), ones(16) + "\x7f" + "１" + ones(14),
		strings.Repeat(" ", 32), strings.Repeat("0", 32), strings.Repeat("f", 32), "<unknown>", "None", "nope",
	}
}

// TestParseIDTakesWhatPythonTakes holds ParseID against uuid.UUID.
func TestParseIDTakesWhatPythonTakes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"0", "1", "9", "a", "F", "-", "{", "}", "urn:", "uuid:", "0x", "_", "+", " ", "\n", "１", "٣", "g", "11111111", "2222-3333", "\u00a0", dashed[:20], dashed[20:]}
	texts := handmadeIDs()
	for range 20_000 {
		var b strings.Builder
		for range 1 + random.IntN(40) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		texts = append(texts, b.String())
	}
	for range 20_000 { // near a UUID
		text := []rune([]string{dashed, strings.ReplaceAll(dashed, "-", ""), "{" + dashed + "}"}[random.IntN(3)])
		for range random.IntN(3) {
			text[random.IntN(len(text))] = []rune(pieces[random.IntN(len(pieces))])[0]
		}
		texts = append(texts, string(text))
	}
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), serverstest.Python(t, servers.Prefect38), "testdata/uuids.py")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []*string
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(texts) {
		t.Fatalf("%d answers to %d texts, %v", len(answers), len(texts), err)
	}
	taken := 0
	for i, want := range answers {
		id, err := run.ParseID(texts[i])
		switch {
		case want == nil && err == nil:
			t.Errorf("%q is %v; Python refuses it", texts[i], id)
		case want != nil && err != nil:
			t.Errorf("%q is refused; Python takes it for %s", texts[i], *want)
		case want != nil && id.String() != *want:
			t.Errorf("%q is %v; Python takes it for %s", texts[i], id, *want)
		}
		if want != nil {
			taken++
		}
	}
	t.Logf("Python takes %d of %d texts", taken, len(texts))
	if taken < 1000 || taken > len(texts)-1000 {
		t.Error("the texts say too little")
	}
}

func TestAnEndlessTextIsNoID(t *testing.T) {
	if _, err := run.ParseID(strings.Repeat("-", 10_000_000) + dashed); err == nil {
		t.Error("taken")
	}
}

func FuzzParseID(f *testing.F) {
	for _, text := range handmadeIDs() {
		f.Add(text)
	}
	_, refusal := run.ParseID("") // the error is one for all
	f.Fuzz(func(t *testing.T, text string) {
		id, err := run.ParseID(text)
		if err != nil {
			if err.Error() != refusal.Error() {
				t.Errorf("the error for %q tells something of it: %v", text, err)
			}
			if id != (run.ID{}) {
				t.Errorf("%q is refused, with the id %v", text, id)
			}
			return
		}
		again, err := run.ParseID(id.String())
		if err != nil || again != id || len(id.String()) != 36 {
			t.Errorf("%q is %v, which is %v, %v", text, id, again, err)
		}
	})
}

func TestMain(m *testing.M) { serverstest.Main(m) }
