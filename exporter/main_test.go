// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

func TestMain(m *testing.M) {
	if err := serverstest.WithoutSettings(func() { m.Run() }); err != nil { // m.Run hands its exit code on by itself
		fmt.Println(err)
		os.Exit(1)
	}
}
