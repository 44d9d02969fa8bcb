// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package serverstest

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/internal/servers"
)

func TestMain(m *testing.M) { Main(m) }

// askVariable makes TestAsk, in a process of its own, ask for what the test that started it is about.
const askVariable = "PREFECTLOGS_TEST_ASK"

// TestAsk is no test but what the test below runs.
func TestAsk(t *testing.T) {
	switch os.Getenv(askVariable) {
	case "Get":
		Get(t, servers.Prefect38SQLite)
	case "Each":
		Each(t, func(t *testing.T, s *servers.Server) {})
	case "New":
		New(t, servers.Prefect38SQLite)
	case "Python":
		Python(t, servers.Prefect38)
	}
}

func TestWithoutPythonTestsSkipOrFailAndSayWhatIsMissing(t *testing.T) {
	const sentence = "prefect 3.8.8 needs Python 3.11 to 3.14, which is missing here: install it"
	tests := []struct {
		name, setting, want string
		args                []string
	}{
		{"skip by default", "", "--- SKIP", nil},
		{"fail with CI=true", "CI=true", "--- FAIL", nil},
		{"fail when servers are required", servers.RequireVariable + "=1", "--- FAIL", nil},
		{"skip with -short even then", "CI=true", "needs Prefect; run without -short", []string{"-test.short"}},
	}
	for _, test := range tests {
		for _, ask := range []string{"Get", "Each", "New", "Python"} {
			t.Run(test.name+", asked by "+ask, func(t *testing.T) {
				args := append([]string{"-test.run=^TestAsk$", "-test.v"}, test.args...)
				cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
				cmd.Env = []string{"PATH=" + t.TempDir(), askVariable + "=" + ask, test.setting}
				out, err := cmd.CombinedOutput()
				if fails := test.want == "--- FAIL"; fails != (err != nil) {
					t.Errorf("the tests ended with %v", err)
				}
				want := []string{test.want}
				if test.args == nil {
					want = append(want, sentence)
				}
				for _, want := range want {
					if !strings.Contains(string(out), want) {
						t.Errorf("the output does not say %q:\n%s", want, out)
					}
				}
			})
		}
	}
}

func TestGetGivesEveryTestTheSameServer(t *testing.T) {
	if Get(t, servers.Prefect38SQLite) != Get(t, servers.Prefect38SQLite) {
		t.Error("two servers for one row")
	}
}
