// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package serverstest

import (
	"os"
	"strings"
)

// WithoutSettings calls run where no setting of the person who runs the tests counts: no variable of Prefect's or
// OpenTelemetry's, and no file of a PREFECT_HOME. For a TestMain, since examples cannot do it for themselves.
func WithoutSettings(run func()) error {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "PREFECT_") || strings.HasPrefix(name, "OTEL_") {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	home, err := os.MkdirTemp("", "prefect-home-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	if err := os.Setenv("PREFECT_HOME", home); err != nil {
		return err
	}
	run()
	return nil
}
